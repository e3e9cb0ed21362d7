/* SPDX-License-Identifier: Apache-2.0 */
#include "front/question.c"

#include "gateway.h"

#define MANY 400 /* pages: more than sockets hold */

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

static void receive_at_most(const struct client *client, int size)
{
	assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
}

static void begin_pages(struct gateway *gateway, struct client *client, unsigned pages)
{
	gateway->manner = IN_PAGES;
	gateway->pages = pages;
	gateway->asked = gateway->stopped = 0;
	assert_true(client_open(gateway, client));
	receive_at_most(client, 16384); /* most of what is sent waits at our side */
	client_get(gateway, client, "/api/list");
}

static char everything[16 * 1024 * 1024];

/* Everything, to the last chunk or the end of the connection. */
static size_t read_all(struct gateway *gateway, struct client *client)
{
	size_t len = 0;
	receive_at_most(client, 4 * 1024 * 1024);
	for (int i = 0; i < 200 && !client->ended; i++) {
		len += client_read(
			gateway, client, everything + len, sizeof everything - len, NULL);
		if (len > 5 && memcmp(everything + len - 5, "0\r\n\r\n", 5) == 0)
			break;
	}
	return len;
}

/* A list comes at the pace of its reader: what nobody takes is not asked for. */
static void test_pages(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	begin_pages(gateway, &client, MANY);
	for (int i = 0; i < 200; i++)
		gateway_turn(gateway);
	assert_in_range(gateway->asked, 1, MANY - 2); /* the socket holds some */
	assert_true(gateway_newest(gateway)->out.len <= 2 * 32768);
	assert_int_equal(gateway_newest(gateway)->deadline, 0); /* but not for ever: */
	assert_true(gateway_newest(gateway)->write_deadline > 0);
	size_t len = read_all(gateway, &client);
	assert_true(len > MANY * 32768);
	assert_memory_equal(everything + len - 5, "0\r\n\r\n", 5);
	assert_int_equal(gateway->asked, MANY - 1);
	assert_int_equal(gateway->stopped, 0);
	gateway->manner = ANSWERS;
	client_get(gateway, &client, "/api/3");
	client_read(gateway, &client, everything, 4096, ">");
	ASSERT_HOLDS(everything, "<2 /api/3 >"); /* on the same connection */
	client_close(&client);
}

static void test_pages_given_up(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	begin_pages(gateway, &client, MANY);
	for (int i = 0; i < 200; i++)
		gateway_turn(gateway);
	client_close(&client); /* in the middle */
	for (int i = 0; i < 1000 && gateway->stopped == 0; i++)
		gateway_turn(gateway);
	assert_int_equal(gateway->stopped, 1);
	/* and when the first page comes to nobody */
	uint32_t held = client_held(gateway, &client, "/api/list");
	client_close(&client);
	for (int i = 0; i < 50; i++)
		gateway_turn(gateway);
	gateway->pages = 2;
	gateway->stopped = 0;
	gateway_page(gateway, held);
	for (int i = 0; i < 1000 && gateway->stopped == 0; i++)
		gateway_turn(gateway);
	assert_int_equal(gateway->stopped, 1);
}

/* What is not whole does not end as if it were. */
static void test_pages_broken(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	gateway->breaks = true;
	begin_pages(gateway, &client, 3);
	size_t len = read_all(gateway, &client);
	assert_true(len > 5 && client.ended);
	assert_memory_not_equal(everything + len - 5, "0\r\n\r\n", 5);
	client_close(&client);
	gateway->breaks = false;
	begin_pages(gateway, &client, MANY);
	for (int i = 0; i < 200; i++)
		gateway_turn(gateway);
	gateway_lose_broker(gateway);
	len = read_all(gateway, &client);
	assert_memory_not_equal(everything + len - 5, "0\r\n\r\n", 5);
	assert_true(client.ended);
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
		TEST(test_pages),
		TEST(test_pages_given_up),
		TEST(test_pages_broken),
		TEST(test_replaced_broker_dies),
		TEST(test_broker_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
