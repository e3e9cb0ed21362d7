/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authorization_disable.c"

#include "fake.h"

static void its_sessions_end(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct session_row session = fixture_session(broker.fixture, 1);
	struct authorization_row row = { 0 };
	int64_t id;
	assert_int_equal(store_session_add(store, &session, &id), 0);
	assert_int_equal(fake_call(&broker, &control_authorization_disable, "id", "1", NULL), 0);
	assert_string_equal(fake_object(), "authorization:1");
	assert_string_equal(fake_audit_at("application"), "portal");
	assert_int_equal(fake_audit_number("sessions_ended"), 1);
	assert_int_equal(store_authorization_get(store, 1, &row), 0);
	assert_int_equal(row.disabled_at, NOW);
	assert_int_equal(fake_call(&broker, &control_authorization_enable, "id", "1", NULL), 0);
	assert_int_equal(store_authorization_get(store, 1, &row), 0);
	assert_int_equal(row.disabled_at, 0);
	assert_int_equal(fake_call(&broker, &control_authorization_disable, "id", "9", NULL),
		-ERR_AUTHORIZATION_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(its_sessions_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
