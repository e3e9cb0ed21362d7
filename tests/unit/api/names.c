/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.c"

#include "../store/fixture.h"

static void names_are_visible_text(void **state)
{
	static const char *const good[] = { "ana", "Ana Sousa", "d'Ávila", "山田", "a@b", "x/y:z" };
	static const char *const bad[] = { "", " ana", "ana ", "a\nb", "a\tb", "\x1b[31m", "a\x7f",
		"a\xc2\x9bz",
		"a\xe2\x80\xae"
		"b",
		"a\xe2\x81\xa6"
		"b",
		"\xff", "a\xc0\x80",
		"a\xe2\x80\xa8"
		"b",
		"a\xe2\x80\x8b"
		"b" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(name_fits(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (name_fits(bad[i]))
			fail_msg("name %zu of the bad ones fits", i);
	}
}

static void host_names(void **state)
{
	static const char *const good[] = { "db1", "DB1.example.com", "10.0.0.1", "a_b-c" };
	static const char *const bad[] = { "", "-x", ".x", "a b", "a/b", "a@b", "a:22", "é",
		"a\n" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(hostname_fits(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(hostname_fits(bad[i]));
	char long_name[HOSTNAME_SIZE + 1];
	memset(long_name, 'a', sizeof long_name);
	long_name[HOSTNAME_SIZE] = '\0';
	assert_false(hostname_fits(long_name));
	long_name[HOSTNAME_SIZE - 1] = '\0';
	assert_true(hostname_fits(long_name));
}

static void accounts_divide_at_the_last_at(void **state)
{
	char username[USERNAME_SIZE], hostname[HOSTNAME_SIZE], large[300];
	assert_int_equal(account_split("root@db1", username, hostname), 0);
	assert_string_equal(username, "root");
	assert_string_equal(hostname, "db1");
	assert_int_equal(account_split("ana@corp.example@db1", username, hostname), 0);
	assert_string_equal(username, "ana@corp.example");
	assert_int_equal(account_split("root", username, hostname), -ERR_MALFORMED);
	assert_int_equal(account_split("@db1", username, hostname), -ERR_MALFORMED);
	assert_int_equal(account_split("root@", username, hostname), -ERR_MALFORMED);
	memset(large, 'a', sizeof large);
	memcpy(large + sizeof large - 3, "@h", 3);
	assert_int_equal(account_split(large, username, hostname), -ERR_MALFORMED);
}

static void session_ids(void **state)
{
	assert_true(session_id_fits("0123456789abcdef0123456789abcdef01234567"));
	assert_false(session_id_fits("0123456789abcdef0123456789abcdef0123456"));
	assert_false(session_id_fits("0123456789ABCDEF0123456789abcdef01234567"));
	assert_false(session_id_fits("../3456789abcdef0123456789abcdef01234567"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_visible_text),
		cmocka_unit_test(host_names),
		cmocka_unit_test(accounts_divide_at_the_last_at),
		cmocka_unit_test(session_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
