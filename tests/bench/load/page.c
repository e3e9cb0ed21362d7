/* SPDX-License-Identifier: Apache-2.0 */
/* The page's part, without a page: contract section 4 and src/wire/view.h. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TEXT = 0x02,
	ENDED = 0x05,
	KEYFRAME = 0x08,
	KEYS = 0x40,
	CHALLENGE = 0x80,
	PROOF,
	WELCOME,
	ACK,
	REFUSED = 0x86,
	SKIPPED = 0x87
};
enum step { GREETING, POSTED, GREETING_AGAIN, UPGRADING, OPEN };

#define HEADER 8
#define SESSION_LEN 40
#define KEYFRAME_HEAD 8 /* of its payload, before the bytes */
#define KEPT_MAX 1024   /* of frames other than TEXT, and of HTTP answers */

struct page {
	enum step step;
	uint16_t port;
	const char *host, *sr;
	EVP_PKEY *key;
	SSL *tls;
	SSL_SESSION *resume;
	char session[SESSION_LEN + 1], cookie[128];
	char answer[KEPT_MAX * 4];
	size_t answer_len;
	uint8_t frame[14]; /* header of a WebSocket frame */
	size_t frame_len;
	uint64_t frame_left;
	uint8_t head[HEADER], kept[KEPT_MAX]; /* of a view frame */
	size_t head_len, kept_len;
	uint32_t left;
	uint64_t offset, acknowledged, acknowledged_us;
	bool welcome;
	bool lost;      /* the next keyframe is for this page */
	unsigned skips; /* in a sequence within it: after ESC, ESC [, ESC ( */
};

struct page *page_create(char **fields)
{
	struct page *page = calloc(1, sizeof *page);

	if (page == NULL)
		die("out of memory");
	page->port = (uint16_t)strtoul(fields[1], NULL, 10);
	page->host = fields[2];
	page->sr = fields[3];
	return page;
}

void page_destroy(struct page *page)
{
	if (page->tls != NULL) {
		close(SSL_get_fd(page->tls));
		SSL_free(page->tls);
	}
	SSL_SESSION_free(page->resume);
	EVP_PKEY_free(page->key);
	free(page);
}

static void dial(struct terminal *terminal, enum step step)
{
	struct page *page = terminal->page;

	page->tls = tls_dial(page->port, page->resume);
	terminal->fd = SSL_get_fd(page->tls);
	terminal->dials++;
	fcntl(terminal->fd, F_SETFL, O_NONBLOCK);
	page->step = step;
}

void page_begin(struct terminal *terminal)
{
	terminal->page->key = EVP_EC_gen("P-256");
	if (terminal->page->key == NULL)
		die("no key");
	dial(terminal, GREETING);
	/* On a busy machine the answers may already be there: nothing would announce the next step.
	 */
	while (page_read(terminal, READ_PIECE) > 0)
		;
}

/* The clock of opening starts here: with the POST, on the connection that the page came on. */
static void post(struct terminal *terminal)
{
	struct page *page = terminal->page;
	uint8_t point[65];
	char key[96], body[512], request[1024];
	size_t len;
	int n;

	if (EVP_PKEY_get_octet_string_param(page->key, "pub", point, sizeof point, &len) != 1)
		die("no public key");
	EVP_EncodeBlock((unsigned char *)key, point, (int)len);
	n = snprintf(body, sizeof body,
		"{\"sr\":\"%s\",\"key\":\"%s\",\"columns\":160,\"rows\":48,\"width\":1280,"
		"\"height\":768}",
		page->sr, key);
	n = snprintf(request, sizeof request,
		"POST /modulos/auth HTTP/1.1\r\nHost: %s\r\nOrigin: https://%s\r\n"
		"Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%s",
		page->host, page->host, n, body);
	terminal->began_us = now_us();
	tls_say(page->tls, request, (size_t)n);
	page->step = POSTED;
}

static void upgrade(struct terminal *terminal)
{
	struct page *page = terminal->page;
	char request[1024];
	int n = snprintf(request, sizeof request,
		"GET /session/%s/attach HTTP/1.1\r\nHost: %s\r\nOrigin: https://%s\r\nCookie: "
		"%s\r\n"
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: c2FsbHlwb3J0IGJlbmNobQ==\r\nSec-WebSocket-Protocol: "
		"sallyport.1\r\n\r\n",
		page->session, page->host, page->host, page->cookie);

	tls_say(page->tls, request, (size_t)n);
	page->answer_len = 0;
	page->step = UPGRADING;
}

static void say_frame(struct page *page, uint8_t type, const void *payload, size_t len)
{
	uint8_t out[512] = { 0x82 };
	size_t all = HEADER + len, at = 2;

	if (all > 400)
		die("a frame of %zu bytes is not sent", all);
	out[1] = (uint8_t)(0x80 | (all < 126 ? all : 126));
	if (all >= 126) {
		out[at++] = (uint8_t)(all >> 8);
		out[at++] = (uint8_t)all;
	}
	at += 4; /* a mask of zeros */
	out[at] = type;
	out[at + 4] = (uint8_t)len;
	out[at + 5] = (uint8_t)(len >> 8);
	memcpy(out + at + HEADER, payload, len);
	tls_say(page->tls, out, at + all);
}

static void put_little(uint8_t *out, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_little(const uint8_t *in, int bytes)
{
	uint64_t value = 0;

	for (int i = bytes; i-- > 0;)
		value = value << 8 | in[i];
	return value;
}

/* r and s from DER, 32 bytes each. */
static void sign(struct page *page, const uint8_t *message, size_t len, uint8_t out[64])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t der_len = sizeof der;
	ECDSA_SIG *signature;

	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, page->key) != 1 ||
		EVP_DigestSign(context, der, &der_len, message, len) != 1)
		die("cannot sign");
	signature = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(context);
}

static void prove(struct page *page)
{
	static const char words[] = "sallyport attach 1"; /* with its NUL */
	uint8_t message[sizeof words + SESSION_LEN + 32], proof[76];

	memcpy(message, words, sizeof words);
	memcpy(message + sizeof words, page->session, SESSION_LEN);
	memcpy(message + sizeof words + SESSION_LEN, page->kept, 32);
	put_little(proof, UINT64_MAX, 8); /* from the start */
	put_little(proof + 8, 160, 2);
	put_little(proof + 10, 48, 2);
	sign(page, message, sizeof message, proof + 12);
	say_frame(page, PROOF, proof, sizeof proof);
}

static bool in_sequence(struct page *page, uint8_t byte)
{
	unsigned before = page->skips;

	if (byte == 0x1b)
		page->skips = 1;
	else if (before == 1)
		page->skips = byte == '[' ? 2 : byte == '(' ? 3 : 0;
	else if (before == 3 || byte >= '@')
		page->skips = 0;
	return before != 0 || byte == 0x1b;
}

/* The words of a keyframe without its sequences; the cursor stands behind the last of them. */
static void show_keyframe(struct terminal *terminal, const uint8_t *bytes, size_t len)
{
	static uint8_t text[READ_PIECE];
	size_t used = 0;

	for (size_t i = 0; i < len; i++)
		if (!in_sequence(terminal->page, bytes[i]))
			text[used++] = bytes[i];
	terminal_text(terminal, text, used);
	while (terminal->tail_len > 1 && terminal->tail[terminal->tail_len - 1] == ' ' &&
		terminal->tail[terminal->tail_len - 2] == ' ')
		terminal->tail_len--;
}

static void skipped(struct page *page)
{
	page->offset = page->acknowledged = get_little(page->kept, 8);
	page->lost = true;
}

static void take_frame(struct terminal *terminal)
{
	struct page *page = terminal->page;

	switch (page->head[0]) {
	case CHALLENGE:
		prove(page);
		break;
	case WELCOME:
		page->offset = page->acknowledged = get_little(page->kept, 8);
		page->welcome = true;
		break;
	case SKIPPED:
		skipped(page);
		break;
	case KEYFRAME:
		if (page->kept[4] + 1 == page->kept[5])
			page->lost = false;
		break;
	case REFUSED:
		fprintf(stderr, "load: refused: %.*s\n", (int)page->kept_len - 4, page->kept + 4);
		terminal->ended = true;
		break;
	case ENDED:
		fprintf(stderr, "load: ended: %.*s\n", (int)page->kept_len - 8, page->kept + 8);
		terminal->ended = true;
		break;
	}
	page->head_len = 0;
}

static void take_view(struct terminal *terminal, const uint8_t *bytes, size_t len)
{
	struct page *page = terminal->page;

	while (len > 0 || (page->head_len == HEADER && page->left == 0)) {
		if (page->head_len < HEADER) {
			page->head[page->head_len++] = *bytes++;
			len--;
			if (page->head_len < HEADER)
				continue;
			page->left = (uint32_t)get_little(page->head + 4, 4);
			page->kept_len = 0;
			if (page->head[0] < 0x40)
				page->offset += HEADER;
		}
		size_t take = page->left < len ? page->left : len;
		bool words = page->head[0] == KEYFRAME && page->kept_len == KEYFRAME_HEAD;
		if (page->head[0] == KEYFRAME && !words && take > KEYFRAME_HEAD - page->kept_len)
			take = KEYFRAME_HEAD - page->kept_len;
		if (page->head[0] == TEXT)
			terminal_text(terminal, bytes, take);
		else if (words && page->lost)
			show_keyframe(terminal, bytes, take);
		else if (words)
			; /* everything before it was shown */
		else if (page->kept_len + take <= sizeof page->kept) {
			memcpy(page->kept + page->kept_len, bytes, take);
			page->kept_len += take;
		}
		if (page->head[0] < 0x40)
			page->offset += take;
		bytes += take;
		len -= take;
		page->left -= (uint32_t)take;
		if (page->left == 0)
			take_frame(terminal);
	}
}

static size_t frame_header(const struct page *page)
{
	uint8_t length = page->frame[1] & 0x7f;

	return length == 126 ? 4 : length == 127 ? 10 : 2;
}

static uint64_t frame_length(const struct page *page)
{
	uint64_t length = page->frame[1] & 0x7f;
	size_t header = frame_header(page);

	for (size_t i = 2; i < header; i++)
		length = (i == 2 ? 0 : length << 8) | page->frame[i];
	return length;
}

static void take_frames(struct terminal *terminal, const uint8_t *bytes, size_t len)
{
	struct page *page = terminal->page;

	while (len > 0) {
		if (page->frame_left == 0) {
			page->frame[page->frame_len++] = *bytes++;
			len--;
			if (page->frame_len < 2 || page->frame_len < frame_header(page))
				continue;
			page->frame_len = 0;
			page->frame_left = frame_length(page);
			if ((page->frame[0] & 0x0f) == 8)
				terminal->ended = true;
			continue;
		}
		size_t take = page->frame_left < len ? (size_t)page->frame_left : len;
		if ((page->frame[0] & 0x0f) <= 2)
			take_view(terminal, bytes, take);
		page->frame_left -= take;
		bytes += take;
		len -= take;
	}
}

static void acknowledge(struct page *page)
{
	uint64_t unsaid = page->offset - page->acknowledged, now;
	uint8_t payload[8];

	if (!page->welcome || unsaid == 0)
		return;
	now = now_us();
	uint64_t silent = now - page->acknowledged_us;
	if (unsaid < ACK_BYTES && (unsaid < ACK_SOME_BYTES || silent < ACK_SOME_US) &&
		(unsaid < ACK_SOON_BYTES || silent < ACK_SOON_US) && silent < ACK_LATER_US)
		return;
	put_little(payload, page->offset, 8);
	say_frame(page, ACK, payload, sizeof payload);
	page->acknowledged = page->offset;
	page->acknowledged_us = now;
}

/* What stands behind `name` up to `end`, in the answer's text. */
static void find(const char *text, const char *name, const char *end, char *out, size_t size)
{
	const char *at = strstr(text, name);
	size_t len = at == NULL ? 0 : strcspn(at + strlen(name), end);

	if (at == NULL || len >= size)
		die("not in the answer: %s\n%s", name, text);
	memcpy(out, at + strlen(name), len);
	out[len] = '\0';
}

/* 1: the head of the answer, and its body where there is one, is complete. */
static bool answer_complete(struct page *page, const uint8_t *bytes, size_t len, size_t *ret_used)
{
	size_t take = sizeof page->answer - 1 - page->answer_len, before = page->answer_len;
	const char *end, *length;

	take = len < take ? len : take;
	memcpy(page->answer + before, bytes, take);
	page->answer_len += take;
	page->answer[page->answer_len] = '\0';
	end = strstr(page->answer, "\r\n\r\n");
	if (end == NULL)
		return false;
	end += 4;
	length = strcasestr(page->answer, "content-length:");
	if (length != NULL && length < end)
		end += strtoul(length + 15, NULL, 10);
	if (page->answer + page->answer_len < end)
		return false;
	*ret_used = (size_t)(end - page->answer) - before;
	return true;
}

static void redeemed(struct terminal *terminal)
{
	struct page *page = terminal->page;

	if (strncmp(page->answer, "HTTP/1.1 200", 12) != 0)
		die("the URL was not opened: %s", page->answer);
	find(page->answer, "\"session\":\"", "\"", page->session, sizeof page->session);
	find(page->answer, "Set-Cookie: ", ";\r", page->cookie, sizeof page->cookie);
	page->resume = SSL_get1_session(page->tls);
	close(terminal->fd);
	SSL_free(page->tls);
	dial(terminal, GREETING_AGAIN);
}

static void take(struct terminal *terminal, const uint8_t *bytes, size_t len)
{
	struct page *page = terminal->page;
	size_t used = 0;

	if (page->step == OPEN) {
		take_frames(terminal, bytes, len);
		return;
	}
	if (!answer_complete(page, bytes, len, &used))
		return;
	if (page->step == POSTED) {
		redeemed(terminal);
		return;
	}
	if (strncmp(page->answer, "HTTP/1.1 101", 12) != 0)
		die("not attached: %s", page->answer);
	page->step = OPEN;
	take_frames(terminal, bytes + used, len - used);
}

/* True when the handshake is done and the next words were said. */
static bool greet(struct terminal *terminal)
{
	int r = SSL_connect(terminal->page->tls);

	if (r != 1) {
		if (SSL_get_error(terminal->page->tls, r) != SSL_ERROR_WANT_READ)
			die("no TLS with the gateway: %s", ERR_error_string(ERR_get_error(), NULL));
		return false;
	}
	if (terminal->page->step == GREETING)
		post(terminal);
	else
		upgrade(terminal);
	return true;
}

size_t page_read(struct terminal *terminal, size_t most)
{
	static uint8_t bytes[READ_PIECE];
	struct page *page = terminal->page;

	if (terminal->ended)
		return 0;
	while (page->step == GREETING || page->step == GREETING_AGAIN)
		if (!greet(terminal))
			return 0;
	ERR_clear_error();
	int got = SSL_read(page->tls, bytes, (int)(most < sizeof bytes ? most : sizeof bytes));
	if (got <= 0) {
		if (SSL_get_error(page->tls, got) != SSL_ERROR_WANT_READ)
			terminal->ended = true;
		else if (page->step == OPEN)
			acknowledge(page);
		return 0;
	}
	take(terminal, bytes, (size_t)got);
	if (page->step == OPEN && page->offset - page->acknowledged >= ACK_SOME_BYTES)
		acknowledge(page);
	return (size_t)got;
}

void page_type(struct terminal *terminal, const void *bytes, size_t len)
{
	say_frame(terminal->page, KEYS, bytes, len);
}
