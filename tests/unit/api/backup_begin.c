/* SPDX-License-Identifier: Apache-2.0 */
#include "api/backup_begin.c"

#include "fake.h"

static void says_what_leaves(void **state)
{
	struct broker broker = fake_broker(state);

	assert_int_equal(
		fake_call(&broker, &control_backup_begin, "id", "00ff", "recordings", "true", NULL),
		0);
	assert_string_equal(fake_at("store"), "sqlite");
	assert_string_equal(fake_object(), "backup:00ff");
	assert_string_equal(fake_audit_at("recordings"), "true");
	assert_int_equal(fake_call(&broker, &control_backup_begin, "id", "00ff", NULL), 0);
	assert_string_equal(fake_audit_at("recordings"), "false");
	assert_int_equal(fake_call(&broker, &control_backup_begin, NULL), -ERR_PARAMETER_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(says_what_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
