/* SPDX-License-Identifier: Apache-2.0 */
#include "front/question.c"

#include "gateway.h"

static void test_broker_restarts(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	client_held(gateway, &client, "/api/1");
	assert_int_equal(gateway->calls, 1);
	gateway_lose_broker(gateway);
	client_read(gateway, &client, text, sizeof text, "}}");
	ASSERT_STARTS(text, "HTTP/1.1 503 Service Unavailable\r\n");
	ASSERT_HOLDS(text, "\r\nRetry-After: 1\r\n");
	ASSERT_STARTS(exchange(gateway, "GET /api/2 HTTP/1.1\r\n" HOST LAST), "HTTP/1.1 503 ");
	gateway->manner = ANSWERS;
	gateway_broker(gateway);
	client_get(gateway, &client, "/api/3");
	client_read(gateway, &client, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<2 /api/3 >"); /* on the same connection */
	client_close(&client);
}

/* A broker that is replaced in order still owes its answers; what is asked now goes to the next. */
static void test_broker_replaced(void **state)
{
	struct gateway *gateway = *state;
	struct client before, after;
	char text[4096];
	uint32_t held = client_held(gateway, &before, "/api/1");
	struct channel *old = STEAL(gateway->broker);
	gateway->owes = true;
	gateway_broker(gateway);
	gateway->manner = ANSWERS;
	assert_true(client_open(gateway, &after));
	client_get(gateway, &after, "/api/2");
	client_read(gateway, &after, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<2 /api/2 >");
	struct channel *fresh = gateway->broker;
	gateway->broker = old;
	gateway_reply(gateway, held, "<the first>");
	gateway->broker = fresh;
	client_read(gateway, &before, text, sizeof text, ">");
	ASSERT_STARTS(text, "HTTP/1.1 200 ");
	ASSERT_HOLDS(text, "<the first>");
	client_get(gateway, &before, "/api/3");
	client_read(gateway, &before, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<3 /api/3 >"); /* on the same connection, by the next */
	assert_non_null(gateway->front->earlier[0]);
	channel_destroy(old);
	gateway_turn(gateway);
	assert_null(gateway->front->earlier[0]);
	client_close(&before);
	client_close(&after);
}

/* It dies instead: only those whom it owed something are told. */
static void test_replaced_broker_dies(void **state)
{
	struct gateway *gateway = *state;
	struct client before, after;
	char text[4096];
	client_held(gateway, &before, "/api/1");
	gateway->broker = NULL; /* it sees that nothing more comes, and ends: on_gone() */
	gateway_broker(gateway);
	uint32_t held = client_held(gateway, &after, "/api/2");
	assert_int_equal(gateway->calls, 2);
	client_read(gateway, &before, text, sizeof text, "}}");
	ASSERT_STARTS(text, "HTTP/1.1 503 ");
	gateway_reply(gateway, held, "<the second>");
	client_read(gateway, &after, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<the second>");
	client_close(&before);
	client_close(&after);
}

static void test_broker_silent(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	client_held(gateway, &client, "/api/1");
	let_time_pass(gateway);
	client_read(gateway, &client, text, sizeof text, "}}");
	ASSERT_STARTS(text, "HTTP/1.1 504 Gateway Timeout\r\n");
	ASSERT_HOLDS(text, "\"message\":\"Request timed out.\"");
	gateway_reply(gateway, gateway->held, "late"); /* and is not mistaken for the next answer */
	gateway->manner = ANSWERS;
	client_get(gateway, &client, "/api/2");
	client_read(gateway, &client, text, sizeof text, ">");
	ASSERT_HOLDS(text, "<2 /api/2 >");
	assert_null(strstr(text, "late"));
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_broker_restarts),
		TEST(test_broker_replaced),
		TEST(test_replaced_broker_dies),
		TEST(test_broker_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
