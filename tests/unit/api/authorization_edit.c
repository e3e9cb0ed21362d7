/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authorization_edit.c"

#include "fake.h"

static void open_session(struct broker *broker)
{
	struct session_row session = fixture_session(broker->fixture, 1);
	int64_t id;
	assert_int_equal(store_session_add(broker->fixture->store, &session, &id), 0);
}

static void before_and_after_are_on_record(void **state)
{
	struct broker broker = fake_broker(state);
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	assert_int_equal(fake_call(&broker, &control_authorization_edit, "id", "1", "ip",
				 "192.0.2.0/24", "expires", "2030-01-31T18:00:00Z", NULL),
		0);
	assert_int_equal(store_authorization_get(broker.fixture->store, 1, &row), 0);
	assert_string_equal(row.ips, "192.0.2.0/24");
	assert_true(row.expires_at > NOW);
	assert_int_equal(row.writes, RESOURCE_WEB_PROXY_SESSION);
	assert_string_equal(fake_object(), "authorization:1");
	assert_string_equal(fake_audit_at("before.ips"), "");
	assert_string_equal(fake_audit_at("after.ips"), "192.0.2.0/24");
	assert_string_equal(fake_audit_at("before.expires_at"), "null");
	assert_string_equal(fake_audit_at("after.expires_at"), "2030-01-31T18:00:00.000Z");
	assert_string_equal(fake_at("resources"), fake_audit_at("before.resources"));
	assert_null(fake_audit_at("sessions_ended"));
	assert_int_equal(
		fake_call(&broker, &control_authorization_edit, "id", "9", "ip", "*", NULL),
		-ERR_AUTHORIZATION_NOT_FOUND);
	assert_int_equal(
		fake_call(&broker, &control_authorization_edit, "id", "1", "resource", "all", NULL),
		-ERR_RESOURCE_UNKNOWN);
}

static void sessions_end_with_the_right_to_them(void **state)
{
	struct broker broker = fake_broker(state);
	open_session(&broker);
	assert_int_equal(fake_call(&broker, &control_authorization_edit, "id", "1", "resource",
				 "pam-core:rw,web-proxy-session:rw", NULL),
		0);
	assert_null(fake_audit_at("sessions_ended"));
	assert_int_equal(fake_call(&broker, &control_authorization_edit, "id", "1", "resource",
				 "web-proxy-session:r", NULL),
		0);
	assert_int_equal(fake_audit_number("sessions_ended"), 1);
	assert_int_equal(fake_call(&broker, &control_authorization_edit, "id", "1", "resource",
				 "pam-core", NULL),
		0);
	assert_null(fake_audit_at("sessions_ended")); /* it had none to lose */
}

static void a_credential_goes_with_its_sessions(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	int64_t credential = broker.fixture->credential;
	open_session(&broker);
	assert_int_equal(fake_call(&broker, &control_authorization_cover, "id", "1", "credentials",
				 "root@db1", NULL),
		0);
	assert_int_equal(fake_audit_number("credentials"), 1);
	assert_int_equal(store_authorization_covers(store, 1, credential), 1);
	assert_int_equal(fake_call(&broker, &control_authorization_uncover, "id", "1",
				 "credentials.0", "root@db1", NULL),
		0);
	assert_int_equal(fake_audit_number("sessions_ended"), 1);
	assert_string_equal(
		broker.ended_because, "The authorization does not cover the credential any more");
	assert_int_equal(store_authorization_covers(store, 1, credential), 0);
	assert_int_equal(fake_call(&broker, &control_authorization_uncover, "id", "1",
				 "credentials", "root@db1", NULL),
		-ERR_CREDENTIAL_NOT_FOUND); /* it is not covered */
	assert_int_equal(fake_call(&broker, &control_authorization_cover, "id", "1", NULL),
		-ERR_PARAMETER_MISSING);
	assert_int_equal(fake_call(&broker, &control_authorization_cover, "id", "9", "credentials",
				 "root@db1", NULL),
		-ERR_AUTHORIZATION_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(before_and_after_are_on_record),
		API_CASE(sessions_end_with_the_right_to_them),
		API_CASE(a_credential_goes_with_its_sessions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
