/* SPDX-License-Identifier: Apache-2.0 */
#include "api/policy_add.c"

#include "fake.h"

static void a_policy_is_added_and_edited(void **state)
{
	struct broker broker = fake_broker(state);
	struct policy_row policy;
	assert_int_equal(fake_call(&broker, &control_policy_add, "name", "office", NULL), 0);
	assert_string_equal(fake_object(), "policy:office");
	assert_string_equal(fake_at("simultaneous_sessions"), "true");
	assert_string_equal(fake_at("simultaneous_viewing"), "false");
	assert_string_equal(fake_at("days"), "all");
	assert_string_equal(fake_at("zone"), "UTC");
	assert_string_equal(fake_at("username_mask"), "null");
	assert_int_equal(
		fake_call(&broker, &control_policy_edit, "name", "office", "days", "mon-fri",
			"hours", "08:00-18:00", "simultaneous_sessions", "false", "priority", "7",
			"view_expiry", "30", "zone", "Europe/Berlin", "zone_rule",
			"CET-1CEST,M3.5.0,M10.5.0/3", "device_mask", "db*", NULL),
		0);
	assert_int_equal(store_policy_find(broker.fixture->store, "office", &policy), 0);
	assert_false(policy.simultaneous_sessions);
	assert_int_equal(policy.priority, 7);
	assert_int_equal(policy.view_expiry, 30);
	assert_int_equal(policy.hours.days, 0x1f);
	assert_int_equal(policy.hours.from, 480);
	assert_string_equal(policy.hours.rule, "CET-1CEST,M3.5.0,M10.5.0/3");
	assert_string_equal(policy.device_mask, "db*");
	/* what is not named stays; an empty mask takes it away */
	assert_int_equal(
		fake_call(&broker, &control_policy_edit, "name", "office", "device_mask", "", NULL),
		0);
	assert_string_equal(fake_at("hours"), "08:00-18:00");
	assert_string_equal(fake_at("device_mask"), "null");
	assert_string_equal(fake_at("priority"), "7");
}

static void names_are_taken_once(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_policy_add, "name", "one", NULL), 0);
	assert_int_equal(
		fake_call(&broker, &control_policy_add, "name", "one", NULL), -ERR_NAME_TAKEN);
	assert_int_equal(fake_call(&broker, &control_policy_edit, "name", "two", NULL),
		-ERR_POLICY_NOT_FOUND);
	assert_int_equal(fake_call(&broker, &control_policy_add, "name", "none", NULL),
		-ERR_PARAMETER_INVALID);
	assert_int_equal(fake_call(&broker, &control_policy_add, "name", "a\nb", NULL),
		-ERR_PARAMETER_INVALID);
}

static void what_cannot_be_is_refused(void **state)
{
	static const char *const pairs[][2] = { { "days", "someday" }, { "hours", "8-18" },
		{ "zone", "Europe/Berlin" }, { "zone_rule", "UTC0" }, { "username_mask", "a\x1b" },
		{ "device_mask", "a\x1b" } };
	struct broker broker = fake_broker(state);
	for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_int_equal(fake_call(&broker, &control_policy_add, "name", "x", pairs[i][0],
					 pairs[i][1], NULL),
			-ERR_PARAMETER_INVALID);
	assert_int_equal(fake_call(&broker, &control_policy_add, "name", "x", "zone", "Nowhere",
				 "zone_rule", "Nowhere", NULL),
		-ERR_PARAMETER_INVALID);
	assert_int_equal(store_policy_count(broker.fixture->store), 0);
}

static void there_are_not_any_number_of_them(void **state)
{
	struct broker broker = fake_broker(state);
	char name[16];
	for (int i = 0; i < POLICIES_MAX; i++) {
		snprintf(name, sizeof name, "p%d", i);
		assert_int_equal(fake_call(&broker, &control_policy_add, "name", name, NULL), 0);
	}
	assert_int_equal(fake_call(&broker, &control_policy_add, "name", "more", NULL), -ERR_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(a_policy_is_added_and_edited),
		API_CASE(names_are_taken_once),
		API_CASE(what_cannot_be_is_refused),
		API_CASE(there_are_not_any_number_of_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
