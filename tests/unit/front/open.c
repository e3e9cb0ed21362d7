/* SPDX-License-Identifier: Apache-2.0 */
#include "front/open.c"

#include "gateway.h"

#define ORIGIN "Origin: https://gateway:8443\r\n"

/* Opening. */
static const char *redeem(struct gateway *gateway, const char *origin, const char *fields)
{
	char key[BASE64_SIZE(65)], request[1024], body[512];
	uint8_t point[65] = { 4, 1, 2, 3 };
	base64_encode(key, point, sizeof point);
	int len = snprintf(body, sizeof body,
		"{\"sr\":\"cmJzOi8v\",\"key\":\"%s\",\"columns\":80,\"rows\":24%s}", key, fields);
	snprintf(request, sizeof request,
		"POST /modulos/auth HTTP/1.1\r\n" HOST
		"%sContent-Type: application/json\r\nContent-Length: %d\r\n" LAST "%s",
		origin, len, body);
	return exchange(gateway, request);
}

static void test_redeem(void **state)
{
	struct gateway *gateway = *state;
	const char *text = redeem(gateway, ORIGIN "Sec-Fetch-Site: same-origin\r\n", "");
	ASSERT_STARTS(text, "HTTP/1.1 200 OK\r\n");
	ASSERT_HOLDS(text, "\r\nSet-Cookie: __Host-sallyport-aaaaaaaaaaaaaaaa="
			   "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc; "
			   "Secure; HttpOnly; SameSite=Strict; Path=/\r\n");
	ASSERT_HOLDS(text, "{\"session\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"user\":"
			   "\"ana \\\"x\\\"\",");
	ASSERT_HOLDS(text, "\"click\":false,\"recorded\":false}");
	assert_string_equal(gateway->redeem.value, "cmJzOi8v");
	assert_int_equal(gateway->redeem.public_key[3], 3);
	assert_int_equal(gateway->redeem.columns, 80);
	assert_int_equal(gateway->redeem.rows, 24);
}

static void test_redeem_refused(void **state)
{
	struct gateway *gateway = *state;
	gateway->manner = REFUSES;
	const char *text = redeem(gateway, ORIGIN, "");
	ASSERT_STARTS(text, "HTTP/1.1 410 Gone\r\n");
	ASSERT_HOLDS(text, "{\"error\":\"TICKET_REFUSED\",\"message\":");
	assert_null(strstr(text, "Set-Cookie"));
}

static void test_redeem_foreign(void **state)
{
	struct gateway *gateway = *state;
	ASSERT_STARTS(redeem(gateway, "", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(redeem(gateway, "Origin: null\r\n", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(redeem(gateway, "Origin: https://evil\r\n", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(
		redeem(gateway, ORIGIN "Sec-Fetch-Site: cross-site\r\n", ""), "HTTP/1.1 403 ");
	ASSERT_STARTS(redeem(gateway, ORIGIN, ",\"width\":\"x\""), "HTTP/1.1 400 ");
	ASSERT_STARTS(redeem(gateway, ORIGIN, ",\"width\":70000"), "HTTP/1.1 400 ");
	ASSERT_STARTS(redeem(gateway, ORIGIN, ",\"key\":\"AAAA\""), "HTTP/1.1 400 ");
	ASSERT_STARTS(
		exchange(gateway, "POST /modulos/auth HTTP/1.1\r\n" HOST ORIGIN
				  "Content-Type: text/plain\r\nContent-Length: 2\r\n" LAST "{}"),
		"HTTP/1.1 400 ");
	assert_int_equal(gateway->calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_redeem),
		TEST(test_redeem_refused),
		TEST(test_redeem_foreign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
