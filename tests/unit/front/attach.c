/* SPDX-License-Identifier: Apache-2.0 */
#include "front/attach.c"

#include <stdio.h>

#include "page.h"

static void test_attach(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096], got[64];
	page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	assert_memory_equal(text, "HTTP/1.1 101 Switching Protocols\r\n", 34);
	assert_non_null(strstr(text, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	assert_non_null(strstr(text, "\r\nSec-WebSocket-Protocol: sallyport.1\r\n"));
	page_prove(gateway, &client);
	assert_string_equal(gateway->prove.session, ID);
	assert_int_equal(gateway->prove.challenge[31], 7);
	assert_int_equal(gateway->prove.signature[63], 's');
	assert_int_equal(gateway->prove.offset, 4711);
	assert_int_equal(gateway->prove.columns, 120);
	assert_int_equal(gateway->prove.rows, 40);
	assert_int_equal(gateway->prove.page, PAGE_NUMBER);
	page_send(gateway, &client, WEBSOCKET_BINARY, "\x40\0\0\0\4\0\0\0keys", 12);
	assert_int_equal(recorder_read(gateway, gateway->recorder, got, sizeof got), 12);
	assert_memory_equal(got, "\x40\0\0\0\4\0\0\0keys", 12);
	assert_int_equal(send(gateway->recorder, "shown", 5, 0), 5);
	client_read(gateway, &client, text, sizeof text, "shown");
	assert_memory_equal(text, "\x82\x05shown", 7);
	client_close(&client);
	gateway_turn(gateway);
	recorder_hears_farewell(gateway, gateway->recorder, GAP_LOST);
	gateway_empty(gateway);
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
	page_send(gateway, client, WEBSOCKET_CLOSE, "\x03\xf0", 2);
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
	page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	page_prove(gateway, &client);
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
			page_attach(gateway, &client);
		else
			page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
		client_send(gateway, &client, rows[i].bytes, rows[i].len);
		size_t len = client_read(gateway, &client, text, sizeof text, rows[i].close);
		if (len < 4 || memcmp(text + len - 4, rows[i].close, 4) != 0)
			fail_msg("%s", rows[i].name);
		client_close(&client);
		gateway_empty(gateway);
	}
}

/* Bytes the page sends with its proof wait for the grant. */
static void test_early_bytes(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096], got[16];
	uint8_t frames[2 + 4 + PROOF_LEN + 6 + 5] = { 0x82, 0x80 | PROOF_LEN, 0, 0, 0, 0,
		VIEW_PROOF, 0, 0, 0, 84 };
	memcpy(frames + 6 + PROOF_LEN, "\x82\x85\0\0\0\0early", 11);
	page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	client_send(gateway, &client, frames, sizeof frames);
	gateway_turn(gateway);
	gateway_turn(gateway);
	assert_int_equal(recorder_read(gateway, gateway->recorder, got, sizeof got), 5);
	assert_memory_equal(got, "early", 5);
	client_close(&client);
}

/* A page of before has no number; what follows its proof is the recorder's all the same. */
static void test_page_without_number(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096], got[16];
	uint8_t frames[2 + 4 + 84 + 5] = { 0x82, 0x80 | 89, 0, 0, 0, 0, VIEW_PROOF, 0, 0, 0, 76 };
	memcpy(frames + 6 + 84, "early", 5);
	page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	client_send(gateway, &client, frames, sizeof frames);
	gateway_turn(gateway);
	gateway_turn(gateway);
	assert_int_equal(gateway->prove.page, 0);
	assert_int_equal(recorder_read(gateway, gateway->recorder, got, sizeof got), 5);
	assert_memory_equal(got, "early", 5);
	client_close(&client);
}

/* How it left decides what the recorder hears. */
static void test_farewells(void **state)
{
	static const struct {
		const char *close;
		uint8_t why;
	} rows[] = { { "\x03\xe8", GAP_CLOSED }, { "\x03\xe9", GAP_CLOSED },
		{ "\x0f\xa0", GAP_LOST }, { "", GAP_LOST } };
	struct gateway *gateway = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct client client;
		page_attach(gateway, &client);
		page_send(gateway, &client, WEBSOCKET_CLOSE, rows[i].close, strlen(rows[i].close));
		recorder_hears_farewell(gateway, gateway->recorder, rows[i].why);
		client_close(&client);
		gateway_empty(gateway);
		fd_closep(&gateway->recorder);
	}
}

/* A frame of the page that was cut is not made whole by the front's last word. */
static void test_no_word_within_a_frame(void **state)
{
	static const uint8_t keys[] = { VIEW_KEYS, 0, 0, 0, 9, 0, 0, 0, 'n', 'i', 'n', 'e', ' ',
		'k', 'e', 'y', 's' };
	struct gateway *gateway = *state;
	for (size_t len = 1; len <= sizeof keys; len++) {
		struct client client;
		uint8_t got[64];
		page_attach(gateway, &client);
		page_send(gateway, &client, WEBSOCKET_BINARY, keys, len);
		assert_int_equal(recorder_read(gateway, gateway->recorder, got, sizeof got), len);
		page_send(gateway, &client, WEBSOCKET_CLOSE, "\x03\xe8", 2);
		if (len == sizeof keys)
			recorder_hears_farewell(gateway, gateway->recorder, GAP_CLOSED);
		else
			assert_int_equal(
				recorder_read(gateway, gateway->recorder, got, sizeof got), 0);
		client_close(&client);
		gateway_empty(gateway);
		fd_closep(&gateway->recorder);
	}
}

/* A challenge is good with the broker that made it: with another one the page comes again. */
static void test_challenge_of_another_broker(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	gateway_broker(gateway); /* in the place of the first */
	unsigned calls = gateway->calls;
	uint8_t proof[PROOF_LEN] = { VIEW_PROOF, 0, 0, 0, 84 };
	page_send(gateway, &client, WEBSOCKET_BINARY, proof, sizeof proof);
	size_t len = client_read(gateway, &client, text, sizeof text, "\x88\x02\x03\xf0");
	assert_non_null(memmem(text, len, "is being restarted", 18));
	assert_int_equal(gateway->calls, calls);
	client_close(&client);
}

static void test_no_proof(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	connection_timeout(gateway_newest(gateway));
	client_read(gateway, &client, text, sizeof text, "\x88\x02\x03\xf0");
	assert_memory_equal(text, "\x88\x02\x03\xf0", 4);
	connection_timeout(gateway_newest(gateway)); /* and says no farewell either */
	gateway_empty(gateway);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attach),
		TEST(test_handshake_refused),
		TEST(test_refused),
		TEST(test_faults),
		TEST(test_early_bytes),
		TEST(test_page_without_number),
		TEST(test_farewells),
		TEST(test_no_word_within_a_frame),
		TEST(test_challenge_of_another_broker),
		TEST(test_no_proof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
