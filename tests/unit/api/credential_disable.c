/* SPDX-License-Identifier: Apache-2.0 */
#include "api/credential_disable.c"

#include "fake.h"

static int call_it(struct broker *broker, const struct endpoint *endpoint, const char *username)
{
	return fake_call(broker, endpoint, "device", "db1", "username", username, NULL);
}

static void sessions_of_a_disabled_credential_end(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct session_row session = fixture_session(broker.fixture, 1);
	struct credential_row row = { 0 };
	int64_t id;
	assert_int_equal(store_session_add(store, &session, &id), 0);
	assert_int_equal(call_it(&broker, &control_credential_disable, "root"), 0);
	assert_int_equal(fake_audit_number("sessions_ended"), 1);
	assert_int_equal(store_credential_get(store, broker.fixture->credential, &row), 0);
	assert_int_equal(row.disabled_at, NOW);
	assert_int_equal(call_it(&broker, &control_credential_enable, "root"), 0);
	assert_int_equal(store_credential_get(store, broker.fixture->credential, &row), 0);
	assert_int_equal(row.disabled_at, 0);
	assert_int_equal(
		call_it(&broker, &control_credential_disable, "no"), -ERR_CREDENTIAL_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(sessions_of_a_disabled_credential_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
