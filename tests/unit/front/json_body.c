/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "front/json_body.c"

#include "read_form.h"

static struct form form;

static int read_len(const char *text, size_t len)
{
	char *held = copy_of(text, len);
	form_begin(&form);
	int r = form_json(&form, held, len);
	free(held);
	return r;
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "{}", "" },
		{ "{\"a\":\"b\"}", "3:1:a=b;" },
		{ "{\"a\":22,\"b\":-1}", "3:2:a=22;3:2:b=-1;" },
		{ "{\"a\":9223372036854775807}", "3:2:a=9223372036854775807;" },
		{ "{\"a\":true,\"b\":false,\"c\":null}", "3:3:a=true;3:3:b=false;3:4:c=;" },
		{ "{\"a\":1.5}", "3:5:a=1.5;" },
		{ "{\"a\":{\"b\":{\"c\":\"d\"}}}", "3:1:a.b.c=d;" },
		{ "{\"devices\":[{\"hostname\":\"x\"},{\"hostname\":\"y\"}]}",
			"3:1:devices.0.hostname=x;3:1:devices.1.hostname=y;" },
		{ "{\"a\":[],\"b\":{}}", "" },
		{ "{\"a\":\"\"}", "3:1:a=;" },
		{ "{\"a\":\"\\u00e9\\ud83d\\ude00\\n\"}", "3:1:a=\xc3\xa9\xf0\x9f\x98\x80\n;" },
		{ "{\"session_settings\":{\"SQL Server\":true}}",
			"3:3:session_settings.SQL Server=true;" },
		{ "{\"a\":\"b, {c} [d] \\\" : e\"}", "3:1:a=b, {c} [d] \" : e;" },
		{ "\t {\"a\" : 1 }\r\n", "3:2:a=1;" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (read_len(rows[i].text, strlen(rows[i].text)) != 0)
			fail_msg("%s was refused", rows[i].text);
		assert_string_equal(form_text(&form), rows[i].expected);
	}
}

static void test_refused(void **state)
{
	static const char *const rows[] = { "{", "}", "[]", "[1]", "1", "\"a\"", "null", "{\"a\"}",
		"{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\":1}{", "{\"a\":1} x",
		"{a:1}", "{'a':1}", "{\"a\":'b'}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}",
		"{\"a\":1.}", "{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":1e400}",
		"{\"a\":99999999999999999999}", "{\"a\":tru}", "{\"a\":True}",
		"{\"a\":\"\\u0000\"}", "{\"a\\u0000b\":1}", "{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\x41\"}",
		"{\"a\":\"\\u12\"}", "{\"a\":\"\n\"}", "{\"a\":\"\t\"}", "{\"a\":\"\xff\"}",
		"{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}",
		"{\"a\":\"b}", "{\"a\":[1,2}", "{\"a\":{]}", "{\"\":1}", "{\"a\":{\"\":1}}",
		"\xef\xbb\xbf{\"a\":1}", "{\"a\":1/*c*/}", "{\"a\":1}//c", "{\"a\":[1,]}" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (read_len(rows[i], strlen(rows[i])) != -ERR_MALFORMED)
			fail_msg("%s was taken: %s", rows[i], form_text(&form));
	assert_int_equal(read_len("{\"a\":\"\0\"}", 9), -ERR_MALFORMED);
	assert_int_equal(read_len("{\"a\":1}\0", 8), -ERR_MALFORMED);
}

static void test_twice(void **state)
{
	static const char *const rows[] = { "{\"a\":1,\"a\":1}", "{\"a\":1,\"A\":1}",
		"{\"a\":{\"b\":1,\"b\":2}}", "{\"a.b\":1,\"a\":{\"b\":2}}", "{\"a\":[1],\"a.0\":1}",
		"{\"a\":1,\"\\u0061\":2}" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (read_len(rows[i], strlen(rows[i])) != -ERR_PARAMETER_TWICE)
			fail_msg("%s was taken", rows[i]);
}

static void test_every_cut_is_refused(void **state)
{
	static const char text[] = "{\"user\":\"ana\",\"port\":22,\"a\":[true,null,{\"b\":1.5}]}";
	assert_int_equal(read_len(text, sizeof text - 1), 0);
	for (size_t len = 0; len < sizeof text - 1; len++)
		assert_int_equal(read_len(text, len), -ERR_MALFORMED);
}

/* Nested so deep: {"a":{"a":...1}} */
static int read_deep(unsigned depth)
{
	char text[1024] = "";
	size_t len = 0;
	for (unsigned i = 0; i < depth; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "{\"a\":");
	text[len++] = '1';
	memset(text + len, '}', depth);
	return read_len(text, len + depth);
}

static int read_keys(unsigned keys)
{
	static char text[65536];
	size_t len = 1;
	text[0] = '{';
	for (unsigned i = 0; i < keys; i++)
		len += (size_t)snprintf(
			text + len, sizeof text - len, "%s\"k%u\":1", i ? "," : "", i);
	text[len++] = '}';
	return read_len(text, len);
}

static int read_array(unsigned count)
{
	static char text[65536];
	size_t len = (size_t)snprintf(text, sizeof text, "{\"a\":[1");
	for (unsigned i = 1; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, ",1");
	len += (size_t)snprintf(text + len, sizeof text - len, "]}");
	return read_len(text, len);
}

static void test_ceilings(void **state)
{
	assert_int_equal(read_deep(JSON_DEPTH_MAX), 0);
	assert_int_equal(read_deep(JSON_DEPTH_MAX + 1), -ERR_MALFORMED);
	assert_int_equal(read_keys(PARAMS_MAX), 0);
	assert_int_equal(read_keys(PARAMS_MAX + 1), -ERR_MALFORMED);
	assert_int_equal(read_array(PARAMS_MAX), 0);
	assert_int_equal(read_array(PARAMS_MAX + 1), -ERR_MALFORMED);
	assert_int_equal(read_array(20000), -ERR_MALFORMED);
	char text[256] = "{\"";
	memset(text + 2, 'k', PARAM_NAME_MAX);
	memcpy(text + 2 + PARAM_NAME_MAX, "\":1}", 5);
	assert_int_equal(read_len(text, strlen(text)), 0);
	memcpy(text + 2 + PARAM_NAME_MAX, "k\":1}", 6);
	assert_int_equal(read_len(text, strlen(text)), -ERR_MALFORMED);
}

static int teardown(void **state)
{
	form_finish(&form);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_ceilings),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
