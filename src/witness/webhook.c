/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/webhook.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/version.h"

#define PORT_HTTPS 443

/* ---- what is signed ---- */

static void context_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

int webhook_sign(const struct secret *secret, int64_t at, const void *body, size_t len,
	char out[WEBHOOK_SIGNATURE_SIZE])
{
	CLEANUP(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	CLEANUP(key_freep)
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_HMAC, NULL, (const uint8_t *)secret_reveal(secret), secret_len(secret));
	uint8_t digest[32];
	size_t digest_len = sizeof digest;
	char time[24];

	snprintf(time, sizeof time, "%" PRId64 ".", at);
	if (context == NULL || key == NULL ||
		EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSignUpdate(context, time, strlen(time)) != 1 ||
		EVP_DigestSignUpdate(context, body, len) != 1 ||
		EVP_DigestSignFinal(context, digest, &digest_len) != 1)
		return -ERR_CRYPTO;
	memcpy(out, "v1=", 3);
	hex_encode(out + 3, digest, sizeof digest);
	return 0;
}

/* ---- curl and the loop ---- */

static void look_for_end(struct webhook *webhook);

static void on_socket(void *context, uint32_t events)
{
	struct webhook_socket *slot = context;
	struct webhook *webhook = slot->webhook;
	int running, what = ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
			    ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
			    ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);

	curl_multi_socket_action(webhook->multi, slot->fd, what, &running);
	look_for_end(webhook);
}

static struct webhook_socket *slot_of(struct webhook *webhook, curl_socket_t fd)
{
	for (unsigned i = 0; i < WEBHOOK_SOCKETS; i++)
		if (webhook->sockets[i].watch != NULL && webhook->sockets[i].fd == fd)
			return &webhook->sockets[i];
	return NULL;
}

static struct webhook_socket *free_slot(struct webhook *webhook)
{
	for (unsigned i = 0; i < WEBHOOK_SOCKETS; i++)
		if (webhook->sockets[i].watch == NULL)
			return &webhook->sockets[i];
	return NULL;
}

/* A socket that cannot be watched is not served: the transfer runs into its time. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *slot_context)
{
	struct webhook *webhook = context;
	struct webhook_socket *slot = slot_of(webhook, fd);
	uint32_t events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0) |
			  ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0);

	if (what == CURL_POLL_REMOVE) {
		if (slot != NULL)
			watch_remove(STEAL(slot->watch));
		return 0;
	}
	if (slot != NULL) {
		watch_set(slot->watch, events);
		return 0;
	}
	slot = free_slot(webhook);
	if (slot == NULL)
		return 0;
	slot->webhook = webhook;
	slot->fd = fd;
	if (loop_watch(webhook->outlet->host->loop, fd, events, on_socket, slot, &slot->watch) < 0)
		slot->watch = NULL;
	return 0;
}

static void on_timer(void *context)
{
	struct webhook *webhook = context;
	int running;

	webhook->timer = NULL;
	curl_multi_socket_action(webhook->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look_for_end(webhook);
}

static int set_timer(CURLM *multi, long ms, void *context)
{
	struct webhook *webhook = context;

	timer_cancel(STEAL(webhook->timer));
	if (ms >= 0 && loop_after(webhook->outlet->host->loop, (uint64_t)ms, on_timer, webhook,
			       &webhook->timer) < 0)
		webhook->timer = NULL;
	return 0;
}

/* What a receiver says besides its status is of no interest, and has an end. */
static size_t drop_answer(char *bytes, size_t size, size_t count, void *context)
{
	size_t *seen = context;

	(void)bytes;
	*seen += size * count;
	return *seen > 65536 ? 0 : size * count;
}

/* ---- one delivery ---- */

static void end_transfer(struct webhook *webhook)
{
	curl_multi_remove_handle(webhook->multi, webhook->easy);
	timer_cancel(STEAL(webhook->timer));
	webhook->running = false;
}

/* Of a certificate that is not right curl tells what the library said last, not what is wrong. */
static const char *why(const struct webhook *webhook, CURLcode code, long verified)
{
	if (verified != X509_V_OK && verified != X509_V_ERR_UNSPECIFIED)
		return X509_verify_cert_error_string(verified);
	return webhook->why[0] != '\0' ? webhook->why : curl_easy_strerror(code);
}

static void ended(struct webhook *webhook, CURLcode code)
{
	struct outlet *outlet = webhook->outlet;
	long status = 0, verified = 0;

	curl_easy_getinfo(webhook->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(webhook->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
	end_transfer(webhook);
	if (code == CURLE_OK && status >= 200 && status < 300)
		outlet_took(outlet);
	else if (code == CURLE_OK)
		outlet_failed(outlet, "%s: status %ld", webhook->lookup.host, status);
	else
		outlet_failed(outlet, "%s: %s", webhook->lookup.host, why(webhook, code, verified));
}

static void look_for_end(struct webhook *webhook)
{
	int left;

	for (CURLMsg *news; (news = curl_multi_info_read(webhook->multi, &left)) != NULL;) {
		if (news->msg == CURLMSG_DONE) {
			ended(webhook, news->data.result); /* another may have begun by now */
			return;
		}
	}
}

static int set_fields(struct webhook *webhook, const struct outlet *outlet)
{
	char signature[WEBHOOK_SIGNATURE_SIZE], time[64], signed_by[128];
	struct curl_slist *fields = NULL;
	int64_t at = clock_wall_ms();

	if (webhook_sign(webhook->key, at, outlet->batch.data, outlet->batch.len, signature) < 0)
		return -ERR_CRYPTO;
	snprintf(time, sizeof time, "Sallyport-Time: %" PRId64, at);
	snprintf(signed_by, sizeof signed_by, "Sallyport-Signature: %s", signature);
	/* The last: nobody is asked before a body is sent. */
	const char *const texts[] = { "Content-Type: application/x-ndjson", time, signed_by,
		"Expect:" };
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		struct curl_slist *more = curl_slist_append(fields, texts[i]);
		if (more == NULL) {
			curl_slist_free_all(fields);
			return -ERR_SYSTEM;
		}
		fields = more;
	}
	curl_slist_free_all(webhook->fields);
	webhook->fields = fields;
	return curl_easy_setopt(webhook->easy, CURLOPT_HTTPHEADER, fields) == CURLE_OK
		       ? 0
		       : -ERR_SYSTEM;
}

static void webhook_send(struct outlet *outlet)
{
	struct webhook *webhook = outlet->self;
	int running;

	webhook->outlet = outlet;
	webhook->why[0] = '\0';
	webhook->seen = 0;
	if (webhook->lookup.count == 0) {
		outlet_failed(outlet, "%s: no address", webhook->lookup.host);
		return;
	}
	if (set_fields(webhook, outlet) < 0 ||
		curl_easy_setopt(webhook->easy, CURLOPT_WRITEDATA, &webhook->seen) != CURLE_OK ||
		curl_easy_setopt(webhook->easy, CURLOPT_POSTFIELDS, outlet->batch.data) !=
			CURLE_OK ||
		curl_easy_setopt(webhook->easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)outlet->batch.len) != CURLE_OK ||
		curl_multi_add_handle(webhook->multi, webhook->easy) != CURLM_OK) {
		outlet_failed(outlet, "the delivery cannot be begun");
		return;
	}
	webhook->running = true;
	curl_multi_socket_action(webhook->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look_for_end(webhook);
}

/* ---- the beginning and the end ---- */

/* "gate.example:443:192.0.2.1,192.0.2.2": curl looks nothing up by itself. */
static int set_resolve(struct webhook *webhook)
{
	CLEANUP(buf_finish) struct buf text = BUF(1024);
	char words[ADDRESS_SIZE];
	struct address address;
	const struct lookup *lookup = &webhook->lookup;
	int r = buf_append_format(&text, "%s:%u:", lookup->host, lookup->port);

	for (unsigned i = 0; i < lookup->count && r == 0; i++) {
		r = address_from_sockaddr(&address, (const struct sockaddr *)&lookup->addresses[i]);
		if (r == 0)
			r = buf_append_format(&text, address.family == 6 ? "%s[%s]" : "%s%s",
				i > 0 ? "," : "", address_format(&address, words));
	}
	if (r == 0)
		r = buf_append(&text, "", 1);
	if (r == 0 && !lookup->literal)
		webhook->resolve = curl_slist_append(NULL, (char *)text.data);
	return r < 0 || (!lookup->literal && webhook->resolve == NULL) ? -ERR_SYSTEM : 0;
}

/* curl copies the text. */
static bool set_agent(struct webhook *webhook)
{
	char agent[sizeof "sallyport/" + VERSION_SIZE];

	snprintf(agent, sizeof agent, "sallyport/%s", gateway_version);
	return curl_easy_setopt(webhook->easy, CURLOPT_USERAGENT, agent) == CURLE_OK;
}

#define SET(option, value) (curl_easy_setopt(webhook->easy, CURLOPT_##option, value) == CURLE_OK)

static bool set_options(struct webhook *webhook)
{
	struct curl_blob authorities = { webhook->authorities, strlen(webhook->authorities),
		CURL_BLOB_NOCOPY };

	return SET(URL, webhook->url) && SET(POST, 1L) && SET(CAINFO_BLOB, &authorities) &&
	       SET(CAPATH, (char *)NULL) && SET(SSL_VERIFYPEER, 1L) && SET(SSL_VERIFYHOST, 2L) &&
	       SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) && SET(PROTOCOLS_STR, "https") &&
	       SET(FOLLOWLOCATION, 0L) && SET(PROXY, "") && SET(NOSIGNAL, 1L) &&
	       SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(RESOLVE, webhook->resolve) &&
	       SET(CONNECTTIMEOUT_MS, (long)WEBHOOK_CONNECT_MS) &&
	       SET(TIMEOUT_MS, (long)WEBHOOK_ANSWER_MS) && SET(WRITEFUNCTION, drop_answer) &&
	       SET(ERRORBUFFER, webhook->why) && set_agent(webhook);
}

static bool set_multi(struct webhook *webhook)
{
	CURLM *multi = webhook->multi;

	return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, webhook) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_TIMERDATA, webhook) == CURLM_OK;
}

int webhook_init(struct webhook *webhook, const char *url, struct secret *key, char *authorities)
{
	*webhook = (struct webhook){ .key = key, .authorities = authorities };
	if (text_copy(webhook->url, sizeof webhook->url, url) < 0 || key == NULL ||
		secret_len(key) < WEBHOOK_KEY_LEAST)
		return -ERR_MALFORMED;
	return lookup_parse(url, "https://", PORT_HTTPS, &webhook->lookup);
}

int webhook_open(struct webhook *webhook)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || set_resolve(webhook) < 0)
		return -ERR_SYSTEM;
	webhook->easy = curl_easy_init();
	webhook->multi = curl_multi_init();
	if (webhook->easy == NULL || webhook->multi == NULL || !set_options(webhook) ||
		!set_multi(webhook))
		return -ERR_SYSTEM;
	return 0;
}

static void webhook_look(struct outlet *outlet)
{
	(void)outlet; /* curl keeps the time */
}

static void webhook_close(struct outlet *outlet)
{
	struct webhook *webhook = outlet->self;

	webhook->outlet = outlet;
	if (webhook->running)
		end_transfer(webhook);
	curl_easy_cleanup(STEAL(webhook->easy));
	curl_multi_cleanup(STEAL(webhook->multi));
	curl_slist_free_all(STEAL(webhook->fields));
	curl_slist_free_all(STEAL(webhook->resolve));
	secret_destroy(STEAL(webhook->key));
	free(STEAL(webhook->authorities));
}

static int webhook_write(struct outlet *outlet, const struct line *line, struct buf *out)
{
	return line_write(out, line);
}

const struct outlet_kind webhook_kind = {
	.send = webhook_send,
	.look = webhook_look,
	.close = webhook_close,
	.write = webhook_write,
};
