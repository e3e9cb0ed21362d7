/* SPDX-License-Identifier: Apache-2.0 */
#include "api/user_disable.c"

#include "fake.h"

static void a_disabled_users_sessions_end(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct session_row session = fixture_session(broker.fixture, 1);
	struct user_row user;
	int64_t id;
	assert_int_equal(store_session_add(store, &session, &id), 0);
	assert_int_equal(fake_call(&broker, &control_user_disable, "login", "ana", NULL), 0);
	assert_int_equal(fake_number("sessions_ended"), 1);
	assert_int_equal(fake_audit_number("sessions_ended"), 1);
	assert_string_equal(broker.ended_because, "The user was disabled");
	assert_int_equal(store_user_find(store, "ana", &user), 0);
	assert_int_equal(user.disabled_at, NOW);
	assert_int_equal(fake_call(&broker, &control_user_enable, "login", "ana", NULL), 0);
	assert_int_equal(store_user_find(store, "ana", &user), 0);
	assert_int_equal(user.disabled_at, 0);
}

static void unknown_users(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_user_disable, "login", "nobody", NULL),
		-ERR_USER_NOT_FOUND);
	assert_int_equal(fake_call(&broker, &control_user_enable, "login", "nobody", NULL),
		-ERR_USER_NOT_FOUND);
	assert_string_equal(fake_object(), "user:nobody");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(a_disabled_users_sessions_end),
		API_CASE(unknown_users),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
