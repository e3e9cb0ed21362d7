/* SPDX-License-Identifier: Apache-2.0 */
#include "api/user_list.c"

#include "fake.h"

static void users_are_listed_with_their_state(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	assert_int_equal(store_user_set_disabled(store, broker.fixture->user, NOW, NOW), 0);
	assert_int_equal(store_user_set_blocked(store, broker.fixture->user, "rui", NOW), 0);
	assert_int_equal(fake_call(&broker, &control_user_list, NULL), 0);
	assert_int_equal(fake_count(), 1);
	assert_string_equal(fake_at("0.login"), "ana");
	assert_string_equal(fake_at("0.disabled_at"), "2023-11-14T22:13:20.000Z");
	assert_string_equal(fake_at("0.blocked_by"), "rui");
	assert_null(fake_audit());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(users_are_listed_with_their_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
