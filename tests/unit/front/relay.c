/* SPDX-License-Identifier: Apache-2.0 */
#include "front/relay.c"

#include <stdio.h>

#include "page.h"

static void test_ping_and_close(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[256];
	page_attach(gateway, &client);
	page_send(gateway, &client, WEBSOCKET_PING, "abc", 3);
	client_read(gateway, &client, text, sizeof text, "abc");
	assert_memory_equal(text,
		"\x8a\x03"
		"abc",
		5);
	page_send(gateway, &client, WEBSOCKET_PONG, "abc", 3);
	page_send(gateway, &client, WEBSOCKET_CLOSE, "\x0b\xb8why", 5);
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
	page_attach(gateway, &client);
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
	page_attach(gateway, &live);
	int recorder = STEAL_FD(gateway->recorder);
	gateway->manner = HOLDS;
	page_upgrade(gateway, &waiting, text, sizeof text, CHALLENGE);
	page_prove(gateway, &waiting);
	gateway_lose_broker(gateway);
	client_read(gateway, &waiting, text, sizeof text, "\x88\x02\x03\xe9");
	assert_memory_equal(text, "\x88\x02\x03\xe9", 4);
	page_send(gateway, &live, WEBSOCKET_BINARY, "still", 5);
	assert_int_equal(recorder_read(gateway, recorder, got, sizeof got), 5);
	client_close(&live);
	client_close(&waiting);
	fd_closep(&recorder);
}

/* A page that does not read stops the recorder; nothing grows here, nothing is lost. */
static void test_slow_page(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	static uint8_t bytes[65536];
	static char text[262144];
	size_t sent = 0, got = 0, most = 0;
	page_attach(gateway, &client);
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
	page_send(gateway, &client, WEBSOCKET_BINARY, "^C", 2); /* the other way stays open */
	assert_int_equal(recorder_read(gateway, gateway->recorder, bytes, sizeof bytes), 2);
	page_send(gateway, &client, WEBSOCKET_PING, "one", 3);
	page_send(gateway, &client, WEBSOCKET_PING, "two", 3);
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
	page_attach(gateway, &client);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ping_and_close),
		TEST(test_recorder_ends),
		TEST(test_broker_restarts),
		TEST(test_slow_page),
		TEST(test_slow_recorder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
