/* SPDX-License-Identifier: Apache-2.0 */
#include "front/route.c"

#include "gateway.h"

static void test_refusals(void **state)
{
	static const struct {
		const char *request, *status;
	} rows[] = {
		{ "POST /api/1 HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", "413" },
		{ "GET /api//1 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "GET /api/%2e%2e/1 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "GET /api/1?a=1&a=2 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "GET /api/1?a=%00 HTTP/1.1\r\n" HOST LAST, "400" },
		{ "POST /api/1 HTTP/1.1\r\n" HOST
		  "Content-Type: application/json\r\nContent-Length: 1\r\n" LAST "{",
			"400" },
		{ "GET /nothing HTTP/1.1\r\n" HOST LAST, "404" },
		{ "GET /index.html HTTP/1.1\r\n" HOST LAST, "404" },
		{ "GET /session/xyz HTTP/1.1\r\n" HOST LAST, "404" },
		{ "PUT /modulos/auth HTTP/1.1\r\n" HOST LAST, "405" },
		{ "POST /healthz HTTP/1.1\r\n" HOST LAST, "405" },
		{ "GET /session/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/attach HTTP/1.1\r\n" HOST
				LAST,
			"400" },
	};
	struct gateway *gateway = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = exchange(gateway, rows[i].request);
		if (strncmp(text, "HTTP/1.1 ", 9) != 0 || strncmp(text + 9, rows[i].status, 3) != 0)
			fail_msg("%s: %s", rows[i].request, text);
		ASSERT_HOLDS(text, "\r\nStrict-Transport-Security: ");
		ASSERT_HOLDS(text, "{\"code\":");
	}
	assert_int_equal(gateway->calls, 0);
}

static void test_page(void **state)
{
	struct gateway *gateway = *state;
	static const char *const targets[] = { "/modulos/auth?_sr=x", "/Modulos/Auth/",
		"/session/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		char request[256];
		snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST LAST, targets[i]);
		const char *text = exchange(gateway, request);
		ASSERT_STARTS(text, "HTTP/1.1 200 OK\r\n");
		ASSERT_HOLDS(text, "\r\nCache-Control: no-store\r\n");
		ASSERT_HOLDS(text,
			"\r\nContent-Security-Policy: default-src 'none'; script-src 'self'\r\n");
		ASSERT_HOLDS(text, "\r\n\r\n<!doctype html>");
	}
	const char *text = exchange(gateway, "HEAD /modulos/auth HTTP/1.1\r\n" HOST LAST);
	ASSERT_HOLDS(text, "\r\nContent-Length: 15\r\n");
	assert_null(strstr(text, "doctype"));
	assert_int_equal(gateway->calls, 0); /* looking has no effect */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refusals),
		TEST(test_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
