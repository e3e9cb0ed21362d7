/* SPDX-License-Identifier: Apache-2.0 */
#include "front/path.c"

#include <setjmp.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int canonical(const char *raw, size_t len, char out[64])
{
	char *held = malloc(len ? len : 1); /* a read past the end is caught */
	memcpy(held, raw, len);
	int r = path_canonical(out, 64, held, len);
	free(held);
	return r;
}

static void test_canonical(void **state)
{
	static const struct {
		const char *raw, *expected;
	} rows[] = {
		{ "/", "/" }, { "/api/pam/remote/session", "/api/pam/remote/session" },
		{ "/API/Pam/REMOTE/session", "/api/pam/remote/session" },
		{ "/api/pam/", "/api/pam" }, { "/%61pi/%50am", "/api/pam" }, { "/a%20b", "/a b" },
		{ "/a+b", "/a+b" }, { "/root@db1", "/root@db1" }, { "/%c3%a9", "/\xc3\xa9" },
		{ "/...", "/..." }, { "/.a", "/.a" }, { "/a..b", "/a..b" },
		{ "/a%2525", "/a%25" }, /* once */
	};
	char out[64];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int r = canonical(rows[i].raw, strlen(rows[i].raw), out);
		assert_int_equal(r, strlen(rows[i].expected));
		assert_string_equal(out, rows[i].expected);
	}
}

static void test_letter_case(void **state)
{
	char out[64];
	assert_int_equal(path_decoded(out, sizeof out, "/API/%52oot@DB1/", 16), 13);
	assert_string_equal(out, "/API/Root@DB1");
	assert_int_equal(path_decoded(out, sizeof out, "/a//b", 5), -ERR_MALFORMED);
}

static void test_refused(void **state)
{
	static const char *const rows[] = { "", "a", "a/b", "//", "/a//b", "/a//", "//a", "/.",
		"/..", "/a/.", "/a/..", "/./a", "/../a", "/a/./b", "/a/../b", "/a/%2e/b",
		"/a/%2E%2e/b", "/a/.%2e", "/a%2fb", "/a%2Fb", "/%2f", "/a%5cb", "/%00", "/a%00b",
		"/%0a", "/%0d%0aX", "/%1f", "/%7f", "/%", "/%1", "/a%", "/%zz", "/%1g", "/%%31",
		"/%c3", "/%ff", "/%c0%af", "/%ed%a0%80", "/%u0041", "/..%2f", "/a/%2e%2e", "/%2e" };
	char out[64];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (canonical(rows[i], strlen(rows[i]), out) != -ERR_MALFORMED)
			fail_msg("%s was taken as %s", rows[i], out);
	assert_int_equal(canonical("/a\0b", 4, out), -ERR_MALFORMED);
}

static void test_size(void **state)
{
	char raw[128], out[64];
	memset(raw, 'a', sizeof raw);
	raw[0] = '/';
	assert_int_equal(canonical(raw, 63, out), 63);
	assert_int_equal(canonical(raw, 64, out), -ERR_TOO_LARGE);
}

#define ID "0123456789abcdef0123456789abcdef01234567"

static void test_session(void **state)
{
	char id[SESSION_ID_SIZE];
	assert_true(path_session("/session/" ID, "", id));
	assert_string_equal(id, ID);
	assert_true(path_session("/session/" ID "/attach", "/attach", id));
	assert_false(path_session("/session/" ID "/attach", "", id));
	assert_false(path_session("/session/" ID "0", "", id));
	assert_false(path_session("/session/0123", "", id));
	assert_false(path_session("/session/g123456789abcdef0123456789abcdef01234567", "", id));
	assert_false(path_session("/sessions/" ID, "", id));
	assert_false(path_session("/", "", id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_letter_case),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
