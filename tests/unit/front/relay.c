/* SPDX-License-Identifier: Apache-2.0 */
#include "front/relay.c"

#include <stdio.h>

#include "base/clock.h"
#include "front/static.h"
#include "gateway.h"

const struct asset assets[1] = { { 0 } };
const unsigned asset_count = 0;
const char asset_policy[] = "";

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COOKIE                                                                                     \
	"__Host-sallyport-aaaaaaaaaaaaaaaa="                                                       \
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define UPGRADE(cookie)                                                                            \
	"GET /session/" ID                                                                         \
	"/attach HTTP/1.1\r\nHost: gateway\r\nOrigin: https://gateway\r\nUpgrade: websocket\r\n"   \
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "                  \
	"dGhlIHNhbXBsZSBub25jZQ==\r\n"                                                             \
	"Sec-WebSocket-Protocol: sallyport.1\r\n" cookie "\r\n"
#define OURS "Cookie: a=b; " COOKIE "\r\n"

static int setup(void **state)
{
	static struct gateway gateway;
	gateway_start(&gateway, NULL, NULL);
	*state = &gateway;
	return 0;
}

static int teardown(void **state)
{
	gateway_finish(*state);
	return 0;
}

/* One masked frame of the page. */
static void send_frame(struct gateway *gateway, struct client *client, uint8_t opcode,
	const void *payload, size_t len)
{
	static uint8_t frame[70000];
	size_t at = websocket_header(frame, (enum websocket_opcode)opcode, len);
	frame[1] |= 0x80;
	memcpy(frame + at, "\x01\x02\x03\x04", 4);
	at += 4;
	for (size_t i = 0; i < len; i++)
		frame[at + i] = (uint8_t)(((const uint8_t *)payload)[i] ^ (i % 4 + 1));
	client_send(gateway, client, frame, at + len);
}

/* What the recorder got; 0 at the end, -1 when nothing comes. */
static ssize_t recorder_read(struct gateway *gateway, int recorder, void *bytes, size_t size)
{
	for (int quiet = 0; quiet < 60; quiet++) {
		ssize_t n = recv(recorder, bytes, size, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		gateway_turn(gateway);
	}
	return -1;
}

static void upgrade(
	struct gateway *gateway, struct client *client, char *text, size_t size, const char *until)
{
	assert_true(client_open(gateway, client));
	client_send(gateway, client, UPGRADE(OURS), sizeof UPGRADE(OURS) - 1);
	client_read(gateway, client, text, size, until);
}

static void send_proof(struct gateway *gateway, struct client *client)
{
	uint8_t proof[PROOF_LEN] = { VIEW_PROOF, 0, 0, 0, 76 };
	put64(proof + 8, 4711);
	put16(proof + 16, 120);
	put16(proof + 18, 40);
	memset(proof + 20, 's', 64);
	unsigned calls = gateway->calls;
	send_frame(gateway, client, WEBSOCKET_BINARY, proof, sizeof proof);
	for (int quiet = 0; quiet < 60 && gateway->calls == calls; quiet++)
		gateway_turn(gateway);
	gateway_turn(gateway);
}

#define CHALLENGE "\x82\x28\x80" /* a frame of 40 bytes; its payload begins with type CHALLENGE */

static void attach(struct gateway *gateway, struct client *client)
{
	char text[4096];
	upgrade(gateway, client, text, sizeof text, CHALLENGE);
	send_proof(gateway, client);
	for (int quiet = 0; quiet < 60 && gateway_newest(gateway)->state != CONNECTION_RELAY;
		quiet++)
		gateway_turn(gateway);
	assert_true(gateway->recorder >= 0);
	assert_int_equal(gateway_newest(gateway)->state, CONNECTION_RELAY);
}

static void test_attach(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096], got[64];
	upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	assert_memory_equal(text, "HTTP/1.1 101 Switching Protocols\r\n", 34);
	assert_non_null(strstr(text, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_non_null(strstr(text, "\r\nSec-WebSocket-Protocol: sallyport.1\r\n"));
	send_proof(gateway, &client);
	assert_string_equal(gateway->prove.session, ID);
	assert_int_equal(gateway->prove.challenge[31], 7);
	assert_int_equal(gateway->prove.signature[63], 's');
	assert_int_equal(gateway->prove.offset, 4711);
	assert_int_equal(gateway->prove.columns, 120);
	assert_int_equal(gateway->prove.rows, 40);
	send_frame(gateway, &client, WEBSOCKET_BINARY, "keys", 4);
	assert_int_equal(recorder_read(gateway, gateway->recorder, got, sizeof got), 4);
	assert_memory_equal(got, "keys", 4);
	assert_int_equal(send(gateway->recorder, "shown", 5, 0), 5);
	client_read(gateway, &client, text, sizeof text, "shown");
	assert_memory_equal(text, "\x82\x05shown", 7);
	client_close(&client);
	gateway_turn(gateway);
	assert_int_equal(recorder_read(gateway, gateway->recorder, got, sizeof got),
		0); /* the recorder knows */
	assert_int_equal(gateway->front->connection_count, 0);
}

static void test_handshake_refused(void **state)
{
	struct gateway *gateway = *state;
	assert_memory_equal(
		exchange(gateway, UPGRADE("Connection: close\r\n")), "HTTP/1.1 403 ", 13);
	assert_memory_equal(exchange(gateway, UPGRADE("Connection: close\r\nCookie: "
						      "__Host-sallyport-bbbbbbbbbbbbbbbb=cc\r\n")),
		"HTTP/1.1 403 ", 13);
	assert_memory_equal(exchange(gateway, UPGRADE("Connection: close\r\nCookie: " COOKIE
						      "; " COOKIE "\r\n")),
		"HTTP/1.1 403 ", 13);
	assert_memory_equal(
		exchange(gateway, UPGRADE("Connection: close\r\nCookie: " COOKIE "0\r\n")),
		"HTTP/1.1 403 ", 13);
	assert_int_equal(gateway->calls, 0);
}

/* REFUSED is the last frame but for the close. */
static void expect_refused(struct gateway *gateway, struct client *client, char *text, size_t size)
{
	size_t len = client_read(gateway, client, text, size, "\x88\x02\x03\xf0");
	assert_true(len > 4 && memmem(text, len, "\x86\0\0\0", 4));
	assert_true(memmem(text, len, "cannot be opened from here", 26));
	assert_memory_equal(text + len - 4, "\x88\x02\x03\xf0", 4); /* 1008 */
	send_frame(gateway, client, WEBSOCKET_CLOSE, "\x03\xf0", 2);
	client_read(gateway, client, text, size, NULL);
	assert_true(client->ended);
	client_close(client);
}

static void test_refused(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	gateway->manner = REFUSES;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, UPGRADE(OURS), sizeof UPGRADE(OURS) - 1);
	expect_refused(gateway, &client, text, sizeof text);
	gateway->manner = REFUSES_PROOF;
	upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	send_proof(gateway, &client);
	expect_refused(gateway, &client, text, sizeof text);
}

/* What the page does wrong, and the code it is closed with. */
static void test_faults(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		const char *close;
		bool attached;
	} rows[] = {
		{ "other frame than the proof", "\x82\x88\0\0\0\0\x40\0\0\0\x01\0\0\0", 14,
			"\x88\x02\x03\xf0", false },
		{ "proof of another length", "\x82\x88\0\0\0\0\x81\0\0\0\x01\0\0\0", 14,
			"\x88\x02\x03\xf0", false },
		{ "text", "\x81\x81\0\0\0\0x", 7, "\x88\x02\x03\xeb", true },
		{ "unmasked", "\x82\x01x", 3, "\x88\x02\x03\xea", true },
		{ "reserved bit", "\xc2\x80\0\0\0\0", 6, "\x88\x02\x03\xea", true },
		{ "too big", "\x82\xff\0\0\0\0\0\x02\0\x01\0\0\0\0", 14, "\x88\x02\x03\xf1", true },
	};
	struct gateway *gateway = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client client;
		char text[4096];
		if (rows[i].attached)
			attach(gateway, &client);
		else
			upgrade(gateway, &client, text, sizeof text, CHALLENGE);
		client_send(gateway, &client, rows[i].bytes, rows[i].len);
		size_t len = client_read(gateway, &client, text, sizeof text, rows[i].close);
		if (len < 4 || memcmp(text + len - 4, rows[i].close, 4) != 0)
			fail_msg("%s", rows[i].name);
		client_close(&client);
		gateway_turn(gateway);
		assert_int_equal(gateway->front->connection_count, 0);
	}
}

static void test_ping_and_close(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[256];
	attach(gateway, &client);
	send_frame(gateway, &client, WEBSOCKET_PING, "abc", 3);
	client_read(gateway, &client, text, sizeof text, "abc");
	assert_memory_equal(text,
		"\x8a\x03"
		"abc",
		5);
	send_frame(gateway, &client, WEBSOCKET_PONG, "abc", 3);
	send_frame(gateway, &client, WEBSOCKET_CLOSE, "\x0b\xb8why", 5);
	client_read(gateway, &client, text, sizeof text, NULL);
	assert_memory_equal(text, "\x88\x02\x0b\xb8", 4);
	assert_true(client.ended);
	client_close(&client);
}

/* The recorder's end: what it said is shown, then 1001, so that the page comes back. */
static void test_recorder_ends(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[256];
	attach(gateway, &client);
	assert_int_equal(send(gateway->recorder, "last", 4, 0), 4);
	fd_closep(&gateway->recorder);
	client_read(gateway, &client, text, sizeof text, "\x88\x02\x03\xe9");
	assert_memory_equal(text, "\x82\x04last\x88\x02\x03\xe9", 10);
	client_close(&client);
}

/* Established relays do not need the broker; a proof that waits for it comes back. */
static void test_broker_restarts(void **state)
{
	struct gateway *gateway = *state;
	struct client live, waiting;
	char text[4096], got[16];
	attach(gateway, &live);
	int recorder = STEAL_FD(gateway->recorder);
	gateway->manner = HOLDS;
	upgrade(gateway, &waiting, text, sizeof text, CHALLENGE);
	send_proof(gateway, &waiting);
	gateway_lose_broker(gateway);
	client_read(gateway, &waiting, text, sizeof text, "\x88\x02\x03\xe9");
	assert_memory_equal(text, "\x88\x02\x03\xe9", 4);
	send_frame(gateway, &live, WEBSOCKET_BINARY, "still", 5);
	assert_int_equal(recorder_read(gateway, recorder, got, sizeof got), 5);
	client_close(&live);
	client_close(&waiting);
	fd_closep(&recorder);
}

/* Bytes the page sends with its proof wait for the grant. */
static void test_early_bytes(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096], got[16];
	uint8_t frames[2 + 4 + PROOF_LEN + 6 + 5] = { 0x82, 0x80 | PROOF_LEN, 0, 0, 0, 0,
		VIEW_PROOF, 0, 0, 0, 76 };
	memcpy(frames + 6 + PROOF_LEN, "\x82\x85\0\0\0\0early", 11);
	upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	client_send(gateway, &client, frames, sizeof frames);
	gateway_turn(gateway);
	gateway_turn(gateway);
	assert_int_equal(recorder_read(gateway, gateway->recorder, got, sizeof got), 5);
	assert_memory_equal(got, "early", 5);
	client_close(&client);
}

/* A page that does not read stops the recorder; nothing grows here, nothing is lost. */
static void test_slow_page(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	static uint8_t bytes[65536];
	static char text[262144];
	size_t sent = 0, got = 0, most = 0;
	attach(gateway, &client);
	struct connection *connection = gateway_newest(gateway);
	for (int quiet = 0; quiet < 20; quiet++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)((sent + i) % 251);
		ssize_t n = send(gateway->recorder, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n > 0)
			sent += (size_t)n, quiet = 0;
		gateway_turn(gateway);
		most = MAX(most, connection->out.len);
	}
	assert_true(sent < 8 * 1024 * 1024);
	assert_true(most > 0 && most <= RELAY_CHUNK_MAX + WEBSOCKET_HEADER_MAX);
	send_frame(gateway, &client, WEBSOCKET_BINARY, "^C", 2); /* the other way stays open */
	assert_int_equal(recorder_read(gateway, gateway->recorder, bytes, sizeof bytes), 2);
	send_frame(gateway, &client, WEBSOCKET_PING, "one", 3);
	send_frame(gateway, &client, WEBSOCKET_PING, "two", 3);
	fd_closep(&gateway->recorder);
	size_t len, left = 0;
	bool pong = false;
	while ((len = client_read(gateway, &client, text, sizeof text, NULL)) > 0)
		for (size_t at = 0; at < len; at++) {
			if (left > 0) {
				assert_int_equal((uint8_t)text[at], got % 251);
				got++, left--;
				continue;
			}
			if ((uint8_t)text[at] == 0x8a) {
				assert_memory_equal(text + at, "\x8a\x03two", 5);
				pong = true;
				at += 4;
				continue;
			}
			if ((uint8_t)text[at] == 0x88) {
				assert_int_equal(at + 4, len);
				break;
			}
			uint8_t length = (uint8_t)text[at + 1];
			size_t header = length < 126 ? 2 : length == 126 ? 4 : 10;
			left = length;
			for (size_t i = 2, value = 0; i < header; i++)
				left = value = value << 8 | (uint8_t)text[at + i];
			at += header - 1;
		}
	assert_int_equal(got, sent);
	assert_true(pong);
	client_close(&client);
}

/* A recorder that does not read stops the page. */
static void test_slow_recorder(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	static uint8_t bytes[65536];
	size_t sent = 0, got = 0, most = 0;
	attach(gateway, &client);
	struct connection *connection = gateway_newest(gateway);
	setsockopt(client.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 65536 }, sizeof(int));
	uint8_t frame[8 + 1024] = { 0x82, 0xfe, 4, 0, 0, 0, 0, 0 };
	for (int quiet = 0; quiet < 20; quiet++) {
		for (size_t i = 0; i < 1024; i++)
			frame[8 + i] = (uint8_t)((sent + i) % 251);
		int n = SSL_write(client.tls, frame, sizeof frame);
		if (n > 0)
			sent += 1024, quiet = 0;
		else
			gateway_turn(gateway);
		most = MAX(most, connection->relay->inward.len);
	}
	assert_true(sent < 16 * 1024 * 1024);
	assert_true(most > 0 && most <= RELAY_INWARD_MAX);
	for (int quiet = 0; quiet < 20; quiet++) {
		ssize_t n = recv(gateway->recorder, bytes, sizeof bytes, MSG_DONTWAIT);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], (got + (size_t)i) % 251);
		if (n > 0)
			got += (size_t)n, quiet = 0;
		else
			gateway_turn(gateway);
	}
	assert_true(got >= sent - 1024); /* the last frame may wait in the client */
	client_close(&client);
}

static void test_no_proof(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	connection_timeout(gateway_newest(gateway));
	client_read(gateway, &client, text, sizeof text, "\x88\x02\x03\xf0");
	assert_memory_equal(text, "\x88\x02\x03\xf0", 4);
	connection_timeout(gateway_newest(gateway)); /* and says no farewell either */
	gateway_turn(gateway);
	assert_int_equal(gateway->front->connection_count, 0);
	client_close(&client);
}

/* STOP: pages are told to come back. */
static void test_stop(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[256];
	attach(gateway, &client);
	front_stop(gateway->front);
	client_read(gateway, &client, text, sizeof text, "\x88\x02\x03\xe9");
	assert_memory_equal(text, "\x88\x02\x03\xe9", 4);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_attach),
		TEST(test_handshake_refused),
		TEST(test_refused),
		TEST(test_faults),
		TEST(test_ping_and_close),
		TEST(test_recorder_ends),
		TEST(test_broker_restarts),
		TEST(test_early_bytes),
		TEST(test_slow_page),
		TEST(test_slow_recorder),
		TEST(test_no_proof),
		TEST(test_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
