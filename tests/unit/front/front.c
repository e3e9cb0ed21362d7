/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.c"

#include <stdio.h>

#include "page.h"

static void test_crowd(void **state)
{
	struct gateway *gateway = *state;
	struct client clients[10];
	unsigned open = 0;
	for (unsigned i = 0; i < ARRAY_LEN(clients); i++)
		open += client_open(gateway, &clients[i]);
	assert_int_equal(open, 16 / ADDRESS_PART + 1);
	for (unsigned i = 0; i < open; i++)
		client_close(&clients[i]);
	gateway_empty(gateway);
}

/* STOP: pages are told to come back. */
static void test_stop(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[256];
	page_attach(gateway, &client);
	front_stop(gateway->front);
	client_read(gateway, &client, text, sizeof text, "\x88\x02\x03\xe9");
	assert_memory_equal(text, "\x88\x02\x03\xe9", 4);
	client_close(&client);
}

/* Another front accepts: every connection here gets its answers, the last of which closes it. */
static void test_retire(void **state)
{
	struct gateway *gateway = *state;
	struct client idle, waiting;
	char text[4096];
	assert_true(client_open(gateway, &idle));
	client_get(gateway, &idle, "/api/1");
	client_read(gateway, &idle, text, sizeof text, ">");
	client_held(gateway, &waiting, "/api/2");
	front_retire(gateway->front);
	front_retire(gateway->front);
	assert_int_equal(gateway->front->listener_count, 1);
	assert_int_equal(gateway->front->listeners[0].fd, -1); /* the supervisor has it still */
	gateway_reply(gateway, gateway->held, "<two>");
	client_read(gateway, &waiting, text, sizeof text, NULL);
	ASSERT_HOLDS(text, "\r\nConnection: close\r\n");
	ASSERT_HOLDS(text, "<two>");
	assert_true(waiting.ended);
	gateway->manner = ANSWERS;
	client_get(gateway, &idle, "/api/3");
	client_read(gateway, &idle, text, sizeof text, NULL);
	ASSERT_HOLDS(text, "\r\nConnection: close\r\n");
	ASSERT_HOLDS(text, "/api/3");
	assert_true(idle.ended);
	client_close(&waiting);
	client_close(&idle);
}

static void test_retire_tells_pages(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[256];
	page_attach(gateway, &client);
	front_retire(gateway->front);
	client_read(gateway, &client, text, sizeof text, "\x88\x02\x03\xf4");
	assert_memory_equal(text, "\x88\x02\x03\xf4", 4); /* 1012 */
	recorder_hears_farewell(gateway, gateway->recorder, GAP_RENEWED);
	client_close(&client);
}

/* An attachment that is being granted just then: the recorder hears why nobody came. */
static void test_retire_refuses_attaching(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	page_upgrade(gateway, &client, text, sizeof text, CHALLENGE);
	page_prove(gateway, &client);
	assert_true(gateway->recorder >= 0);
	struct client late;
	page_upgrade(gateway, &late, text, sizeof text, CHALLENGE);
	front_retire(gateway->front);
	recorder_hears_farewell(gateway, gateway->recorder, GAP_RENEWED);
	client_read(gateway, &late, text, sizeof text, "\x88\x02\x03\xf4");
	assert_memory_equal(text, "\x88\x02\x03\xf4", 4);
	client_close(&client);
	client_close(&late);
}

/* STOP does not wait for what retiring lets go on. */
static void test_stop_while_retiring(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, "GET /api/1 HTTP/1.1\r\n" HOST "\r\n", 43);
	client_read(gateway, &client, text, sizeof text, ">");
	front_retire(gateway->front);
	gateway_turn(gateway);
	assert_false(client.ended);
	front_stop(gateway->front);
	client_read(gateway, &client, text, sizeof text, NULL);
	assert_true(client.ended);
	client_close(&client);
}

static void test_origin(void **state)
{
	static const struct {
		const char *url, *origin;
	} rows[] = {
		{ "https://pam.example", "https://pam.example" },
		{ "https://PAM.example/", "https://pam.example" },
		{ "https://pam.example:443", "https://pam.example" },
		{ "https://pam.example:8443/x?y", "https://pam.example:8443" },
		{ "https://[2001:db8::1]:443", "https://[2001:db8::1]" },
		{ "http://pam.example", "" },
		{ "", "" },
	};
	struct gateway *gateway = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		text_copy(gateway->settings.gateway_public_url, URL_SIZE, rows[i].url);
		gateway->front->origin[0] = '\0';
		set_origin(gateway->front);
		assert_string_equal(gateway->front->origin, rows[i].origin);
	}
}

static void test_trace(void **state)
{
	struct gateway *gateway = *state;
	char one[TRACE_SIZE], two[TRACE_SIZE];
	front_trace(gateway->front, one);
	front_trace(gateway->front, two);
	assert_int_equal(strspn(one, "0123456789abcdef"), TRACE_SIZE - 1);
	assert_string_not_equal(one, two);
}

/* What is overdue is noticed by the sweep itself. */
static void test_sweep(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[64];
	assert_true(client_open(gateway, &client));
	gateway_turn(gateway);
	assert_int_equal(gateway->front->connection_count, 1);
	gateway_newest(gateway)->deadline = 1;
	timer_cancel(gateway->front->sweep);
	on_sweep(gateway->front);
	assert_int_equal(client_read(gateway, &client, text, sizeof text, NULL), 0);
	assert_true(client.ended);
	gateway_empty(gateway);
	client_close(&client);
}

/* When connections get scarce, who only keeps one open loses it first; who is new does not. */
static void test_crowded(void **state)
{
	struct gateway *gateway = *state;
	struct client idle, fresh;
	char text[4096];
	assert_true(client_open(gateway, &idle));
	client_send(gateway, &idle, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", 45);
	client_read(gateway, &idle, text, sizeof text, "ok\n");
	gateway_newest(gateway)->deadline -= IDLE_CROWDED_MS;
	assert_true(client_open(gateway, &fresh));
	timer_cancel(gateway->front->sweep);
	on_sweep(gateway->front);
	assert_int_equal(gateway->front->connection_count, 2);
	gateway->front->connection_most = 1;
	timer_cancel(gateway->front->sweep);
	on_sweep(gateway->front);
	assert_int_equal(gateway->front->connection_count, 1);
	client_read(gateway, &idle, text, sizeof text, NULL);
	assert_true(idle.ended);
	client_close(&idle);
	client_close(&fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_crowd),
		TEST(test_stop),
		TEST(test_retire),
		TEST(test_retire_tells_pages),
		TEST(test_retire_refuses_attaching),
		TEST(test_stop_while_retiring),
		TEST(test_origin),
		TEST(test_trace),
		TEST(test_sweep),
		TEST(test_crowded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
