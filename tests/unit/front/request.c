/* SPDX-License-Identifier: Apache-2.0 */
#include "front/request.c"

#include <stdio.h>

#include "gateway.h"

static void test_pipelined(void **state)
{
	struct gateway *gateway = *state;
	const char *text = exchange(gateway,
		"GET /api/1 HTTP/1.1\r\n" HOST "\r\n"
		"GET /healthz HTTP/1.1\r\n" HOST "\r\n"
		"POST /api/2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		"3\r\na=b\r\n0\r\n\r\n"
		"GET /api/3 HTTP/1.1\r\n" HOST LAST);
	const char *one = strstr(text, "<1 /api/1 >"), *two = strstr(text, "<2 /api/2 2:a=b;>"),
		   *three = strstr(text, "<3 /api/3 >"), *ok = strstr(text, "\r\n\r\nok\n");
	assert_true(one && ok && two && three && one < ok && ok < two && two < three);
	assert_int_equal(count_text(text, "HTTP/1.1 200 OK"), 4);
}

/* In any pieces the same: one byte per TLS record. */
static void test_dribbled(void **state)
{
	struct gateway *gateway = *state;
	static const char text[] = "POST /api/1 HTTP/1.1\r\n" HOST
				   "Content-Length: 3\r\n\r\na=bGET /api/2 HTTP/1.1\r\n" HOST LAST;
	struct client client;
	char answer[8192];
	assert_true(client_open(gateway, &client));
	for (size_t i = 0; i < sizeof text - 1; i++)
		client_send(gateway, &client, text + i, 1);
	client_read(gateway, &client, answer, sizeof answer, NULL);
	client_close(&client);
	ASSERT_HOLDS(answer, "<1 /api/1 2:a=b;>");
	ASSERT_HOLDS(answer, "<2 /api/2 >");
}

/* What follows a request that cannot be understood is never read. */
static void test_malformed(void **state)
{
	struct gateway *gateway = *state;
	const char *text =
		exchange(gateway, "POST /api/1 HTTP/1.1\r\n" HOST
				  "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
				  "GET /api/2 HTTP/1.1\r\n" HOST "\r\n");
	ASSERT_STARTS(text, "HTTP/1.1 400 Bad Request\r\n");
	ASSERT_HOLDS(text, "\r\nConnection: close\r\n");
	ASSERT_HOLDS(text,
		"{\"code\":400,\"response\":{\"status\":400,\"message\":\"Malformed request\",");
	assert_int_equal(count_text(text, "HTTP/1.1 "), 1);
	assert_int_equal(gateway->calls, 0);
	gateway_empty(gateway);
}

static void test_continue(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	static const char head[] = "POST /api/1 HTTP/1.1\r\n" HOST
				   "Expect: 100-continue\r\nContent-Length: 3\r\n" LAST;
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, head, sizeof head - 1);
	client_read(gateway, &client, text, sizeof text, "\r\n\r\n");
	assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
	client_send(gateway, &client, "a=b", 3);
	client_read(gateway, &client, text, sizeof text, NULL);
	ASSERT_HOLDS(text, "<1 /api/1 2:a=b;>");
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pipelined),
		TEST(test_dribbled),
		TEST(test_malformed),
		TEST(test_continue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
