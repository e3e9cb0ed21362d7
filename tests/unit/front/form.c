/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "front/form.c"

#include "read_form.h"

static struct form form;

static int read_query(const char *text)
{
	char *held = copy_of(text, strlen(text));
	form_begin(&form);
	int r = form_urlencoded(&form, PLACE_QUERY, held, strlen(text));
	free(held);
	return r;
}

static void test_pairs(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "" },
		{ "a=b", "1:1:a=b;" },
		{ "a=b&c=d", "1:1:a=b;1:1:c=d;" },
		{ "a", "1:1:a=;" },
		{ "a=", "1:1:a=;" },
		{ "a=b=c", "1:1:a=b=c;" },
		{ "&a=b&&", "1:1:a=b;" },
		{ "a+b=c+d", "1:1:a b=c d;" },
		{ "%61=%62%26%3d", "1:1:a=b&=;" },
		{ "a=%C3%A9", "1:1:a=\xc3\xa9;" },
		{ "devices[0]=x", "1:1:devices[0]=x;" },
		{ "oauth_signature=a%2Fb%3D", "1:1:oauth_signature=a/b=;" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_query(rows[i].text), 0);
		assert_string_equal(form_text(&form), rows[i].expected);
	}
}

static void test_pairs_refused(void **state)
{
	static const char *const rows[] = { "=b", "%=b", "a=%", "a=%1", "a=%zz", "a=%00", "%00=b",
		"a=%ff", "a=%c0%80", "a=%ed%a0%80", "a%0a=b", "a%7f=b", "a\xff=b" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (read_query(rows[i]) != -ERR_MALFORMED)
			fail_msg("%s was taken", rows[i]);
}

static void test_twice(void **state)
{
	assert_int_equal(read_query("a=b&a=b"), -ERR_PARAMETER_TWICE);
	assert_int_equal(read_query("a=b&a=c"), -ERR_PARAMETER_TWICE);
	assert_int_equal(read_query("user=b&USER=b"), -ERR_PARAMETER_TWICE);
	assert_int_equal(read_query("a=b&%61=b"), -ERR_PARAMETER_TWICE);
	assert_int_equal(read_query("a&a"), -ERR_PARAMETER_TWICE);
}

static void test_two_places(void **state)
{
	assert_int_equal(read_query("user=ana"), 0);
	assert_int_equal(form_urlencoded(&form, PLACE_FORM, "USER=ana&b=c", 12), 0);
	assert_string_equal(form_text(&form), "1:1:user=ana;2:1:USER=ana;2:1:b=c;");
	assert_int_equal(read_query("user=ana"), 0);
	assert_int_equal(form_urlencoded(&form, PLACE_FORM, "user=rui", 8), -ERR_PARAMETER_TWICE);
	assert_int_equal(read_query("port=22"), 0);
	assert_int_equal(form_json(&form, "{\"port\":22}", 11), 0);
	assert_int_equal(read_query("port=22"), 0);
	assert_int_equal(form_json(&form, "{\"port\":23}", 11), -ERR_PARAMETER_TWICE);
}

static void test_ceilings(void **state)
{
	static char text[PARAM_VALUE_MAX + 16];
	size_t len = 0;
	for (int i = 0; i < PARAMS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "p%d=1&", i);
	assert_int_equal(read_query(text), 0);
	assert_int_equal(form.count, PARAMS_MAX);
	snprintf(text + len, sizeof text - len, "last=1");
	assert_int_equal(read_query(text), -ERR_MALFORMED);
	memset(text, 'a', sizeof text);
	text[PARAM_NAME_MAX] = '\0';
	assert_int_equal(read_query(text), 0);
	text[PARAM_NAME_MAX] = 'a';
	text[PARAM_NAME_MAX + 1] = '\0';
	assert_int_equal(read_query(text), -ERR_MALFORMED);
	memset(text, 'a', sizeof text);
	memcpy(text, "v=", 2);
	text[PARAM_VALUE_MAX + 2] = '\0';
	assert_int_equal(read_query(text), 0);
	text[PARAM_VALUE_MAX + 2] = 'a';
	text[PARAM_VALUE_MAX + 3] = '\0';
	assert_int_equal(read_query(text), -ERR_MALFORMED);
}

/* Which reader a body gets, and whether it takes part in an OAuth 1.0 signature. */
static void test_kinds(void **state)
{
	static const struct {
		const char *type, *body, *expected; /* NULL: refused */
		bool is_signed;
	} rows[] = {
		{ "application/json", "{\"a\":1}", "3:2:a=1;", false },
		{ "Application/JSON; charset=utf-8", " \r\n\t{\"a\":1}", "3:2:a=1;", false },
		{ "application/json", "a=1", "2:1:a=1;", false }, /* a form called JSON */
		{ "application/x-www-form-urlencoded", "a=1", "2:1:a=1;", true },
		{ "application/x-www-form-urlencoded; charset=UTF-8", "a=1", "2:1:a=1;", true },
		{ "application/x-www-form-urlencoded", "{\"a\":1}", "3:2:a=1;",
			false }, /* and the reverse */
		{ NULL, "a=1", "2:1:a=1;", false },
		{ NULL, "{\"a\":1}", "3:2:a=1;", false },
		{ "text/plain", "{\"a\":1}", "3:2:a=1;", false },
		{ "text/plain", "a=1", NULL, false },
		{ "application/xml", "<a/>", NULL, false },
		{ "application/json", "{\"a\":1", NULL, false },
		{ "application/json", "", "", false },
		{ "multipart/form-data; boundary=x",
			"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n",
			"2:1:a=1;", false },
		{ "multipart/form-data", "{\"a\":1}", NULL, false },
		{ "multipart/mixed; boundary=x", "--x--", NULL, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_signed = true;
		form_begin(&form);
		char *held = copy_of(rows[i].body, strlen(rows[i].body));
		int r = form_body(
			&form, slice_of(rows[i].type), held, strlen(rows[i].body), &is_signed);
		free(held);
		if (r != (rows[i].expected ? 0 : -ERR_MALFORMED))
			fail_msg("%s: %d", rows[i].body, r);
		if (!rows[i].expected)
			continue;
		assert_string_equal(form_text(&form), rows[i].expected);
		assert_int_equal(is_signed, rows[i].is_signed);
	}
}

static int teardown(void **state)
{
	form_finish(&form);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_pairs_refused),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_two_places),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
