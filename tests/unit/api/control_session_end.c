/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control_session_end.c"

#include "fake.h"

static int end(struct broker *broker, const char *id, const char *reason)
{
	return fake_call(broker, &control_session_end, "id", id, "reason", reason, NULL);
}

static void a_session_ends_once_with_a_reason(void **state)
{
	struct broker broker = fake_broker(state);
	struct session_row session = fixture_session(broker.fixture, 1);
	int64_t id;
	assert_int_equal(store_session_add(broker.fixture->store, &session, &id), 0);
	assert_int_equal(end(&broker, "1", "a\nb"), -ERR_PARAMETER_INVALID);
	assert_int_equal(end(&broker, "1", "maintenance"), 0);
	assert_string_equal(fake_audit_at("reason"), "maintenance");
	assert_string_equal(broker.ended_because, "maintenance");
	assert_int_equal(end(&broker, "1", "again"), -ERR_WRONG_MOMENT);
	assert_int_equal(end(&broker, "2", "x"), -ERR_SESSION_NOT_FOUND);
	assert_int_equal(
		fake_call(&broker, &control_session_end, "id", "1", NULL), -ERR_PARAMETER_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(a_session_ends_once_with_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
