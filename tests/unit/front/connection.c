/* SPDX-License-Identifier: Apache-2.0 */
#include "front/connection.c"

#include "gateway.h"

static void test_slow(void **state)
{
	struct gateway *gateway = *state;
	static const char *const starts[] = { "GET /api/1 HT",
		"POST /api/1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\na" };
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct client client;
		char text[4096];
		assert_true(client_open(gateway, &client));
		client_send(gateway, &client, starts[i], strlen(starts[i]));
		let_time_pass(gateway);
		client_read(gateway, &client, text, sizeof text, NULL);
		ASSERT_STARTS(text, "HTTP/1.1 408 Request Timeout\r\n");
		assert_true(client.ended);
		client_close(&client);
	}
}

static void test_idle(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	assert_true(client_open(gateway, &client));
	gateway_turn(gateway);
	let_time_pass(gateway);
	assert_int_equal(client_read(gateway, &client, text, sizeof text, NULL), 0);
	assert_true(client.ended);
	client_close(&client);
}

/* All unfinished requests together have a ceiling, and leave nothing behind in the count. */
static void test_held(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	static const char start[] = "POST /api/1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\na";
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, start, sizeof start - 1);
	assert_true(gateway->front->held >= sizeof start - 1);
	client_close(&client);
	gateway_empty(gateway);
	assert_int_equal(gateway->front->held, 0);
	gateway->front->held = HELD_MAX + 1;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, start, sizeof start - 1);
	client_read(gateway, &client, text, sizeof text, NULL);
	ASSERT_STARTS(text, "HTTP/1.1 503 ");
	client_close(&client);
	gateway_empty(gateway);
	assert_int_equal(gateway->front->held, HELD_MAX + 1);
}

/* A client that says goodbye behind its request still gets its answer. */
static void test_half_closed(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	gateway->manner = HOLDS;
	assert_true(client_open(gateway, &client));
	client_get(gateway, &client, "/api/1");
	SSL_shutdown(client.tls);
	for (int i = 0; i < 500 && !gateway_newest(gateway)->half_closed; i++)
		gateway_turn(gateway);
	gateway_reply(gateway, gateway->held, "answer");
	client_read(gateway, &client, text, sizeof text, NULL);
	ASSERT_HOLDS(text, "\r\nConnection: close\r\n");
	ASSERT_HOLDS(text, "answer");
	assert_true(client.ended);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slow),
		TEST(test_idle),
		TEST(test_held),
		TEST(test_half_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
