/* SPDX-License-Identifier: Apache-2.0 */
#include "api/policy.c"
#include "api/policy_add.c"

#include "fake.h"

static void a_policy_is_found_by_name(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_policy_edit, "name", "office", NULL),
		-ERR_POLICY_NOT_FOUND);
	assert_string_equal(fake_object(), "policy:office");
}

static void it_is_shown_as_it_was_read(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(
		fake_call(&broker, &control_policy_add, "name", "nights", "days", "fri-sun",
			"hours", "22:00-06:00", "zone", "Etc/GMT-2", "zone_rule", "<+02>-2",
			"username_mask", "adm*", "simultaneous_viewing", "true", NULL),
		0);
	assert_string_equal(fake_at("days"), "fri,sat,sun");
	assert_string_equal(fake_at("hours"), "22:00-06:00");
	assert_string_equal(fake_at("zone"), "Etc/GMT-2");
	assert_string_equal(fake_at("username_mask"), "adm*");
	assert_string_equal(fake_at("simultaneous_viewing"), "true");
	assert_string_equal(fake_at("device_mask"), "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(a_policy_is_found_by_name),
		API_CASE(it_is_shown_as_it_was_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
