/* SPDX-License-Identifier: Apache-2.0 */
#include "front/question.c"

#include "gateway.h"

static void test_broker_restarts(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	gateway->manner = HOLDS;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, "GET /api/1 HTTP/1.1\r\n" HOST "\r\n", 43);
	gateway_turn(gateway);
	assert_int_equal(gateway->calls, 1);
	gateway_lose_broker(gateway);
	client_read(gateway, &client, text, sizeof text, "}}");
	ASSERT_STARTS(text, "HTTP/1.1 503 Service Unavailable\r\n");
	ASSERT_HOLDS(text, "\r\nRetry-After: 1\r\n");
	ASSERT_STARTS(exchange(gateway, "GET /api/2 HTTP/1.1\r\n" HOST LAST), "HTTP/1.1 503 ");
	gateway->manner = ANSWERS;
	gateway_broker(gateway);
	client_send(gateway, &client, "GET /api/3 HTTP/1.1\r\n" HOST "\r\n", 43);
	client_read(gateway, &client, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<2 /api/3 >"); /* on the same connection */
	client_close(&client);
}

static void test_broker_silent(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	gateway->manner = HOLDS;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, "GET /api/1 HTTP/1.1\r\n" HOST "\r\n", 43);
	gateway_turn(gateway);
	let_time_pass(gateway);
	client_read(gateway, &client, text, sizeof text, "}}");
	ASSERT_STARTS(text, "HTTP/1.1 504 Gateway Timeout\r\n");
	ASSERT_HOLDS(text, "\"message\":\"Request timed out.\"");
	gateway_reply(gateway, gateway->held, "late"); /* and is not mistaken for the next answer */
	gateway->manner = ANSWERS;
	client_send(gateway, &client, "GET /api/2 HTTP/1.1\r\n" HOST "\r\n", 43);
	client_read(gateway, &client, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<2 /api/2 >");
	assert_null(strstr(text, "late"));
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_broker_restarts),
		TEST(test_broker_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
