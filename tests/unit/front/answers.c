/* SPDX-License-Identifier: Apache-2.0 */
#include "front/answers.c"

#include "gateway.h"

static void test_parts(void **state)
{
	struct gateway *gateway = *state;
	gateway->manner = IN_PARTS;
	const char *text = exchange(gateway, "GET /api/1 HTTP/1.1\r\n" HOST LAST);
	ASSERT_HOLDS(text, "\r\nTransfer-Encoding: chunked\r\n");
	ASSERT_HOLDS(text, "\r\n\r\n4\r\none,\r\n4\r\ntwo,\r\n5\r\nthree\r\n0\r\n\r\n");
	text = exchange(gateway, "GET /api/1 HTTP/1.0\r\n\r\n");
	assert_null(strstr(text, "Transfer-Encoding"));
	assert_null(strstr(text, "Content-Length"));
	ASSERT_HOLDS(text, "\r\n\r\none,two,three");
	text = exchange(gateway, "HEAD /api/1 HTTP/1.1\r\n" HOST LAST);
	assert_null(strstr(text, "one,"));
}

/* An answer reaches even a client that is still busy sending what nobody wants. */
static void test_refusal_arrives(void **state)
{
	struct gateway *gateway = *state;
	static char request[128 * 1024];
	struct client client;
	char text[4096];
	int len = snprintf(request, sizeof request,
		"POST /api/1 HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
	memset(request + len, 'x', sizeof request - (size_t)len);
	assert_true(client_open(gateway, &client));
	client_send(gateway, &client, request, sizeof request);
	client_read(gateway, &client, text, sizeof text, NULL);
	ASSERT_STARTS(text, "HTTP/1.1 413 ");
	assert_true(client.ended);
	client_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_parts),
		TEST(test_refusal_arrives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
