/* SPDX-License-Identifier: Apache-2.0 */
#include "front/envelope.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void expect(const char *key, int error, const char *detail, const char *expected)
{
	CLEANUP(buf_finish) struct buf out = BUF(4096);
	struct settings settings;
	settings_defaults(&settings);
	text_copy(settings.gateway_tenant, sizeof settings.gateway_tenant, "Acme \"1\"");
	text_copy(settings.api_message_key, sizeof settings.api_message_key, key);
	assert_int_equal(envelope_write(&out, &settings, error, detail), 0);
	assert_int_equal(out.len, strlen(expected));
	assert_memory_equal(out.data, expected, out.len);
}

/* Keys and their order are the contract's, section 2. */
static void test_envelope(void **state)
{
	expect("mensagem", -ERR_ROUTE_UNKNOWN, "",
		"{\"code\":404,\"response\":{\"status\":404,\"message\":\"Resource sub not "
		"found\",\"error\":true,"
		"\"error_code\":1,\"detail\":\"\",\"mensagem\":\"Resource sub not "
		"found\",\"erro\":true,"
		"\"cod_erro\":1},\"tenant\":\"Acme \\\"1\\\"\"}");
	expect("Message", ERR_SYSTEM, "0123456789abcdef",
		"{\"code\":500,\"response\":{\"status\":500,\"message\":\"Unexpected "
		"error.\",\"error\":true,"
		"\"error_code\":1,\"detail\":\"0123456789abcdef\",\"Message\":\"Unexpected "
		"error.\",\"erro\":true,"
		"\"cod_erro\":1},\"tenant\":\"Acme \\\"1\\\"\"}");
}

static void test_refusal(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(4096);
	static const char expected[] =
		"{\"error\":\"TICKET_REFUSED\",\"message\":\"This session link is no longer "
		"valid. Please ask for a new one.\"}";
	assert_int_equal(refusal_write(&out, -ERR_TICKET_REFUSED), 0);
	assert_int_equal(out.len, sizeof expected - 1);
	assert_memory_equal(out.data, expected, out.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_refusal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
