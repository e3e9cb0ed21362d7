/* SPDX-License-Identifier: Apache-2.0 */
#include "front/call.c"

#include <stdio.h>

#include "gateway.h"

static void test_call(void **state)
{
	struct gateway *gateway = *state;
	const char *text =
		exchange(gateway, "POST /API/pam/Remote/session/?a=1 HTTP/1.1\r\nHost: "
				  "Gateway:8443\r\nAuthorization: Bearer x\r\n"
				  "Content-Type: application/json\r\nUser-Agent: t\r\nReferer: "
				  "r\r\nContent-Length: 14\r\n" LAST "{\"user\":\"ana\"}");
	ASSERT_STARTS(text, "HTTP/1.1 200 OK\r\n");
	ASSERT_HOLDS(text, "\r\nX-From-Broker: yes\r\n");
	ASSERT_HOLDS(text, "\r\n\r\n<1 /API/pam/Remote/session 1:a=1;3:user=ana;>");
	assert_string_equal(gateway->call.method, "POST");
	assert_string_equal(gateway->call.raw_path, "/API/pam/Remote/session/");
	assert_string_equal(gateway->call.host, "gateway:8443");
	assert_string_equal(gateway->call.scheme, "https");
	assert_string_equal(gateway->call.authorization, "Bearer x");
	assert_string_equal(gateway->call.referer, "r");
	assert_string_equal(gateway->call.user_agent, "t");
	assert_int_equal(gateway->call.peer.family, 4);
	assert_int_equal(strlen(gateway->call.trace), TRACE_SIZE - 1);
	assert_int_equal(gateway->call.body_is_form, 0);
}

/* OAuth 1.0: which hashes, and which bodies are signed. */
static void test_call_hashes(void **state)
{
	struct gateway *gateway = *state;
	static const uint8_t sha1[20] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba,
		0x3e, 0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
	exchange(gateway,
		"POST /iso/x HTTP/1.1\r\n" HOST
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n" LAST
		"abc");
	assert_memory_equal(gateway->call.body_hash_sha1, sha1, sizeof sha1);
	assert_int_equal(gateway->call.body_hash_sha256[0], 0xba);
	assert_int_equal(gateway->call.body_is_form, 1);
}

static void test_forwarded(void **state)
{
	struct gateway *gateway = *state;
	char shown[ADDRESS_SIZE];
	exchange(gateway, "GET /api/1 HTTP/1.1\r\n" HOST "X-Forwarded-For: 198.51.100.7\r\n" LAST);
	assert_string_equal(address_format(&gateway->call.peer, shown), "127.0.0.1");
	gateway_finish(gateway);
	gateway_start(gateway, "api.trusted_proxies", "127.0.0.0/8");
	exchange(gateway, "GET /api/1 HTTP/1.1\r\n" HOST "X-Forwarded-For: 198.51.100.7\r\n" LAST);
	assert_string_equal(address_format(&gateway->call.peer, shown), "198.51.100.7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_call),
		TEST(test_call_hashes),
		TEST(test_forwarded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
