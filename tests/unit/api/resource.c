/* SPDX-License-Identifier: Apache-2.0 */
#include "api/resource.c"

#include "../store/fixture.h"

static void lists_become_bits(void **state)
{
	uint32_t reads = 0, writes = 0;
	char text[RESOURCES_SIZE];
	assert_int_equal(
		resources_parse("web-proxy-session:rw, PAM-Core:r,users", &reads, &writes), 0);
	assert_int_equal(reads, RESOURCE_WEB_PROXY_SESSION | RESOURCE_PAM_CORE | RESOURCE_USERS);
	assert_int_equal(writes, RESOURCE_WEB_PROXY_SESSION);
	assert_string_equal(
		resources_format(reads, writes, text), "pam-core:r,users:r,web-proxy-session:rw");
	assert_string_equal(resources_format(0, 0, text), "");
	assert_true(strlen(resources_format(UINT32_MAX, UINT32_MAX, text)) < RESOURCES_SIZE - 1);
}

static void what_is_formatted_can_be_read(void **state)
{
	for (uint32_t writes = 0; writes < 256; writes++) {
		uint32_t reads_back, writes_back;
		char text[RESOURCES_SIZE];
		resources_format(255, writes, text);
		assert_int_equal(resources_parse(text, &reads_back, &writes_back), 0);
		assert_int_equal(reads_back, 255);
		assert_int_equal(writes_back, writes);
	}
}

static void everything_else_is_refused(void **state)
{
	static const char *const bad[] = { "", ",", "web", "users:w", "users:", "users:rwx", ":rw",
		"users,nothing:r", "users:rw:r",
		"users,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t reads = 77, writes = 77;
		assert_int_equal(resources_parse(bad[i], &reads, &writes), -ERR_RESOURCE_UNKNOWN);
		assert_int_equal(reads, 77);
		assert_int_equal(writes, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_become_bits),
		cmocka_unit_test(what_is_formatted_can_be_read),
		cmocka_unit_test(everything_else_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
