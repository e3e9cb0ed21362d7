/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "front/static.h"

static const uint8_t page_bytes[] = "<!doctype html>";
const struct asset assets[] = {
	{ "index.html", "text/html", "no-store", "\"1\"", page_bytes,
		page_bytes + sizeof page_bytes - 1, NULL, NULL },
};
const unsigned asset_count = 1;
const char asset_policy[] = "default-src 'none'; script-src 'self'";

#define QUIET_TURNS 60 /* of nothing, after which nothing is expected */

static int memory_file(const char *name, BIO *pem)
{
	char *bytes;
	long len = BIO_get_mem_data(pem, &bytes);
	int fd = memfd_create(name, MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, (size_t)len), len);
	BIO_free(pem);
	return fd;
}

void gateway_identity(int *ret_certificate, int *ret_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIO *certificate_pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_mem());
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_sign(certificate, key, EVP_sha256());
	PEM_write_bio_X509(certificate_pem, certificate);
	PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL);
	*ret_certificate = memory_file("certificate", certificate_pem);
	*ret_key = memory_file("key", key_pem);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void on_enough(void *context)
{
	loop_stop(context);
}

void gateway_turn(struct gateway *gateway)
{
	struct timer *timer;
	assert_int_equal(loop_after(gateway->loop, 2, on_enough, gateway->loop, &timer), 0);
	loop_run(gateway->loop);
}

static void write_parameters(struct gateway *gateway, const struct message *message)
{
	const uint8_t *at = message->tail, *end = at + message->tail_len;
	struct param param;
	size_t len = 0;
	gateway->parameters[0] = '\0';
	while (params_next(&at, end, &param) == 1 && len < sizeof gateway->parameters - 300)
		len += (size_t)snprintf(gateway->parameters + len, sizeof gateway->parameters - len,
			"%d:%.*s=%.*s;", param.place, (int)param.name_len, param.name,
			(int)MIN(param.value_len, 256u), param.value);
}

static void send_part(struct gateway *gateway, uint32_t serial, const char *body, bool more)
{
	struct msg_api_reply reply;
	memset(&reply, 0, sizeof reply);
	reply.status = 200;
	reply.more = more;
	text_copy(reply.content_type, sizeof reply.content_type, "application/json");
	text_copy(reply.header, sizeof reply.header, "X-From-Broker: yes\r\n");
	channel_send(gateway->broker, MSG_API_REPLY, serial, &reply, body, strlen(body), NULL, 0);
}

/* Large enough that a client who does not read fills the socket with a few. */
void gateway_page(struct gateway *gateway, uint32_t serial)
{
	static char page[32768];
	struct msg_api_reply reply = { .status = 200 };
	memset(page, 'p', sizeof page);
	text_copy(reply.content_type, sizeof reply.content_type, "application/json");
	gateway->pages--;
	reply.more = gateway->pages > 0 ? REPLY_ASKS : gateway->breaks ? REPLY_BROKEN : REPLY_LAST;
	channel_send(gateway->broker, MSG_API_REPLY, serial, &reply, page, sizeof page, NULL, 0);
}

static void answer_more(struct gateway *gateway, const struct message *message)
{
	const struct msg_result *more = message->payload;
	if (more->result < 0) {
		gateway->stopped++;
		return;
	}
	gateway->asked++;
	if (gateway->manner == IN_PAGES)
		gateway_page(gateway, message->serial);
}

void gateway_reply(struct gateway *gateway, uint32_t serial, const char *body)
{
	send_part(gateway, serial, body, false);
}

static void answer_call(struct gateway *gateway, struct message *message)
{
	char body[2048];
	memcpy(&gateway->call, message->payload, sizeof gateway->call);
	write_parameters(gateway, message);
	snprintf(body, sizeof body, "<%u %s %s>", gateway->calls, gateway->call.path,
		gateway->parameters);
	if (gateway->manner == HOLDS)
		gateway->held = message->serial;
	else if (gateway->manner == IN_PAGES)
		gateway_page(gateway, message->serial);
	else if (gateway->manner != IN_PARTS)
		gateway_reply(gateway, message->serial, body);
	else {
		send_part(gateway, message->serial, "one,", true);
		send_part(gateway, message->serial, "two,", true);
		send_part(gateway, message->serial, "three", false);
	}
}

static void answer_redeem(struct gateway *gateway, struct message *message)
{
	struct msg_redeemed redeemed;
	memcpy(&gateway->redeem, message->payload, sizeof gateway->redeem);
	memset(&redeemed, 0, sizeof redeemed);
	redeemed.result = gateway->manner == REFUSES ? -ERR_TICKET_REFUSED : 0;
	memset(redeemed.session, 'a', sizeof redeemed.session - 1);
	memset(redeemed.cookie, 'c', sizeof redeemed.cookie - 1);
	text_copy(redeemed.user, sizeof redeemed.user, "ana \"x\"");
	channel_send(
		gateway->broker, MSG_TICKET_REDEEMED, message->serial, &redeemed, NULL, 0, NULL, 0);
}

static void refuse(struct gateway *gateway, uint32_t serial)
{
	struct msg_result result = { -ERR_ATTACH_REFUSED };
	channel_send(gateway->broker, MSG_ATTACH_REFUSED, serial, &result, NULL, 0, NULL, 0);
}

static void answer_prove(struct gateway *gateway, struct message *message)
{
	struct msg_result result = { 0 };
	int pair[2];
	memcpy(&gateway->prove, message->payload, sizeof gateway->prove);
	if (gateway->manner == REFUSES_PROOF) {
		refuse(gateway, message->serial);
		return;
	}
	if (gateway->manner == HOLDS)
		return;
	assert_int_equal(wire_pair(SOCK_STREAM, pair), 0);
	channel_send(gateway->broker, MSG_ATTACH_GRANTED, message->serial, &result, NULL, 0,
		&pair[0], 1);
	close(pair[0]);
	fd_closep(&gateway->recorder);
	gateway->recorder = pair[1];
}

static int on_question(void *context, struct channel *channel, struct message *message)
{
	struct gateway *gateway = context;
	struct msg_challenge challenge;
	if (message->type == MSG_API_MORE) {
		answer_more(gateway, message);
		return 0;
	}
	gateway->calls++;
	memset(&challenge, 7, sizeof challenge);
	if (message->type == MSG_API_CALL)
		answer_call(gateway, message);
	else if (message->type == MSG_TICKET_REDEEM)
		answer_redeem(gateway, message);
	else if (message->type == MSG_ATTACH_PROVE)
		answer_prove(gateway, message);
	else if (gateway->manner == REFUSES)
		refuse(gateway, message->serial);
	else
		channel_send(channel, MSG_ATTACH_CHALLENGE, message->serial, &challenge, NULL, 0,
			NULL, 0);
	return 0;
}

static void on_gone(void *context, struct channel *channel)
{
	struct gateway *gateway = context;
	if (gateway->owes)
		return;
	if (channel == gateway->broker)
		gateway->broker = NULL;
	channel_destroy(channel);
}

void gateway_lose_broker(struct gateway *gateway)
{
	channel_destroy(STEAL(gateway->broker));
	gateway_turn(gateway);
}

int gateway_broker_end(struct gateway *gateway)
{
	int pair[2];
	channel_destroy(STEAL(gateway->broker));
	assert_int_equal(wire_pair(SOCK_SEQPACKET, pair), 0);
	assert_int_equal(channel_create(gateway->loop, pair[0], PARTY_BROKER, PARTY_FRONT,
				 on_question, on_gone, gateway, &gateway->broker),
		0);
	return pair[1];
}

void gateway_broker(struct gateway *gateway)
{
	front_broker(gateway->front, gateway_broker_end(gateway), 1);
}

int gateway_listener(struct gateway *gateway)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 64), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	gateway->port = ntohs(address.sin_port);
	return fd;
}

void gateway_begin(struct gateway *gateway)
{
	signal(SIGPIPE, SIG_IGN);
	log_open("test", LOG_LEVEL_ERROR);
	memset(gateway, 0, sizeof *gateway);
	gateway->recorder = -1;
	gateway->client = SSL_CTX_new(TLS_client_method());
	settings_defaults(&gateway->settings);
	assert_int_equal(loop_create(&gateway->loop), 0);
}

void gateway_start(struct gateway *gateway, const char *setting, const char *value)
{
	char complaint[REASON_SIZE];
	int certificate, key;
	gateway_begin(gateway);
	if (setting)
		assert_int_equal(settings_set(&gateway->settings, setting, value, complaint), 0);
	gateway_identity(&certificate, &key);
	assert_int_equal(tls_context_create(certificate, key, &gateway->server), 0);
	tls_ask_certificate(gateway->server, gateway->settings.api_client_certificates);
	close(certificate);
	close(key);
	gateway->front = malloc(sizeof *gateway->front);
	assert_int_equal(
		front_init(gateway->front, gateway->loop, &gateway->settings, gateway->server, 16),
		0);
	assert_int_equal(front_listen(gateway->front, gateway_listener(gateway)), 0);
	gateway_broker(gateway);
}

void gateway_end(struct gateway *gateway)
{
	channel_destroy(gateway->broker);
	fd_closep(&gateway->recorder);
	loop_destroy(gateway->loop);
	SSL_CTX_free(gateway->server);
	SSL_CTX_free(gateway->client);
}

void gateway_finish(struct gateway *gateway)
{
	front_finish(gateway->front);
	free(gateway->front);
	gateway_end(gateway);
}

struct connection *gateway_newest(struct gateway *gateway)
{
	return gateway->front->connections;
}

bool client_open(struct gateway *gateway, struct client *client)
{
	return client_open_again(gateway, client, NULL);
}

bool client_open_again(struct gateway *gateway, struct client *client, SSL_SESSION *session)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(gateway->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	client->ended = false;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0)
		assert_int_equal(errno, EINPROGRESS);
	client->tls = SSL_new(gateway->client);
	SSL_set_fd(client->tls, client->fd);
	SSL_set_session(client->tls, session);
	if (gateway->name)
		SSL_set_tlsext_host_name(client->tls, gateway->name);
	SSL_set_mode(
		client->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	for (int i = 0; i < QUIET_TURNS; i++) {
		int r = SSL_connect(client->tls);
		if (r == 1)
			return true;
		int error = SSL_get_error(client->tls, r);
		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			break;
		gateway_turn(gateway);
	}
	client_close(client);
	return false;
}

void client_close(struct client *client)
{
	SSL_free(STEAL(client->tls));
	fd_closep(&client->fd);
}

void client_send(struct gateway *gateway, struct client *client, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	for (int quiet = 0; len > 0 && quiet < QUIET_TURNS; quiet++) {
		int n = SSL_write(client->tls, at, (int)len);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			quiet = 0;
		} else {
			gateway_turn(gateway);
		}
	}
	gateway_turn(gateway);
}

void client_get(struct gateway *gateway, struct client *client, const char *path)
{
	char request[256];
	int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
	client_send(gateway, client, request, (size_t)len);
}

uint32_t client_held(struct gateway *gateway, struct client *client, const char *path)
{
	unsigned calls = gateway->calls;
	gateway->manner = HOLDS;
	assert_true(client_open(gateway, client));
	client_get(gateway, client, path);
	for (int i = 0; i < 1000 && gateway->calls == calls; i++)
		gateway_turn(gateway);
	assert_int_equal(gateway->calls, calls + 1);
	return gateway->held;
}

size_t client_read(
	struct gateway *gateway, struct client *client, char *text, size_t size, const char *until)
{
	size_t len = 0;
	text[0] = '\0';
	for (int quiet = 0; len + 1 < size && quiet < QUIET_TURNS; quiet++) {
		int n = SSL_read(client->tls, text + len, (int)(size - 1 - len));
		if (n > 0) {
			len += (size_t)n;
			text[len] = '\0';
			quiet = 0;
			if (until && memmem(text, len, until, strlen(until)))
				break;
			continue;
		}
		if (SSL_get_error(client->tls, n) != SSL_ERROR_WANT_READ) {
			client->ended = true;
			break;
		}
		gateway_turn(gateway);
	}
	return len;
}

const char *exchange(struct gateway *gateway, const char *bytes)
{
	static char text[65536];
	struct client client;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, bytes, strlen(bytes));
	client_read(gateway, &client, text, sizeof text, NULL);
	client_close(&client);
	gateway_turn(gateway);
	return text;
}

int gateway_setup(void **state)
{
	static struct gateway gateway;
	gateway_start(&gateway, NULL, NULL);
	*state = &gateway;
	return 0;
}

int gateway_teardown(void **state)
{
	gateway_finish(*state);
	return 0;
}

void gateway_empty(struct gateway *gateway)
{
	for (int i = 0; i < 1000 && gateway->front->connection_count > 0; i++)
		gateway_turn(gateway);
	assert_int_equal(gateway->front->connection_count, 0);
}

void let_time_pass(struct gateway *gateway)
{
	assert_non_null(gateway_newest(gateway));
	connection_timeout(gateway_newest(gateway));
	gateway_turn(gateway);
}

unsigned count_text(const char *text, const char *word)
{
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, word)); at++)
		count++;
	return count;
}
