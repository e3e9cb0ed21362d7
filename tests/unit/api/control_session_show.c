/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control_session_show.c"

#include "fake.h"

static void by_either_id(void **state)
{
	struct broker broker = fake_broker(state);
	struct session_row session = fixture_session(broker.fixture, 1);
	int64_t id;
	assert_int_equal(store_session_add(broker.fixture->store, &session, &id), 0);
	assert_int_equal(fake_call(&broker, &control_session_show, "id", "1", NULL), 0);
	assert_string_equal(fake_at("session_id"), session.session_id);
	assert_int_equal(
		fake_call(&broker, &control_session_show, "id", session.session_id, NULL), 0);
	assert_string_equal(fake_at("id"), "1");
	assert_string_equal(fake_at("state"), "created");
	assert_string_equal(fake_at("user"), "ana");
	assert_string_equal(fake_object(), "session:1");
	assert_string_equal(fake_at("exit_status"), "null");
	assert_null(fake_at("token_hash"));
}

static void nothing_else_is_a_session(void **state)
{
	static const char *const bad[] = { "2", "0", "-1", "1x", "9999999999999999999999", "x",
		"1 ", "0000000000000000000000000000000000000009" };
	struct broker broker = fake_broker(state);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(fake_call(&broker, &control_session_show, "id", bad[i], NULL),
			-ERR_SESSION_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(by_either_id),
		API_CASE(nothing_else_is_a_session),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
