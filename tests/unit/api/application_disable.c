/* SPDX-License-Identifier: Apache-2.0 */
#include "api/application_disable.c"

#include "fake.h"

/* Sessions end under each of its authorizations, and under nobody else's. */
static void its_sessions_end(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct session_row session = fixture_session(broker.fixture, 1);
	struct authorization_row other = { .client_id = "other" };
	int64_t application, id;
	assert_int_equal(store_application_add(store, "desk", "oauth2", NOW, &application), 0);
	other.application_id = application;
	assert_int_equal(store_authorization_add(store, &other, &other.id), 0);
	assert_int_equal(store_session_add(store, &session, &id), 0);
	session = fixture_session(broker.fixture, 2);
	session.authorization_id = other.id;
	assert_int_equal(store_session_add(store, &session, &id), 0);
	assert_int_equal(
		fake_call(&broker, &control_application_disable, "name", "portal", NULL), 0);
	assert_int_equal(fake_audit_number("sessions_ended"), 1);
	assert_int_equal(store_session_count_open(store, 0, 0), 1);
	struct application_row row;
	assert_int_equal(store_application_find(store, "portal", &row), 0);
	assert_int_equal(row.disabled_at, NOW);
	assert_int_equal(
		fake_call(&broker, &control_application_enable, "name", "portal", NULL), 0);
	assert_int_equal(store_application_find(store, "portal", &row), 0);
	assert_int_equal(row.disabled_at, 0);
	assert_int_equal(fake_call(&broker, &control_application_enable, "name", "no", NULL),
		-ERR_APPLICATION_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(its_sessions_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
