/* SPDX-License-Identifier: Apache-2.0 */
#include "api/policy_list.c"

#include "fake.h"

static void the_weightiest_comes_first(void **state)
{
	struct broker broker = fake_broker(state);
	struct policy_row policy = { .name = "light", .hours = { .days = HOURS_ALL_DAYS } };
	int64_t id;
	assert_int_equal(store_policy_add(broker.fixture->store, &policy, &id), 0);
	memcpy(policy.name, "heavy", 6);
	policy.priority = 9;
	assert_int_equal(store_policy_add(broker.fixture->store, &policy, &id), 0);
	assert_int_equal(fake_call(&broker, &control_policy_list, NULL), 0);
	assert_int_equal(fake_count(), 2);
	assert_string_equal(fake_at("0.name"), "heavy");
	assert_string_equal(fake_at("1.name"), "light");
	assert_string_equal(fake_at("1.simultaneous_sessions"), "false");
}

int main(void)
{
	const struct CMUnitTest tests[] = { API_CASE(the_weightiest_comes_first) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
