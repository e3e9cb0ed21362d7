/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control_session_list.c"

#include "fake.h"

static size_t listed(struct broker *broker, const char *name, const char *value)
{
	assert_int_equal(fake_call(broker, &control_session_list, name, value, NULL), 0);
	return fake_count();
}

static void pages_and_states(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	uint8_t zero[65] = { 0 };
	for (unsigned i = 1; i <= 5; i++) {
		struct session_row session = fixture_session(broker.fixture, i);
		int64_t id;
		assert_int_equal(store_session_add(store, &session, &id), 0);
	}
	assert_int_equal(store_session_ended(store, 1, 0, "done", 0, NOW), 0);
	assert_int_equal(store_session_redeemed(store, 2, "192.0.2.1", zero, zero, NOW), 0);
	assert_int_equal(store_session_live(store, 2, NOW), 0);
	assert_int_equal(listed(&broker, NULL, NULL), 5);
	assert_string_equal(fake_at("0.id"), "5");
	assert_int_equal(listed(&broker, "limit", "2"), 2);
	assert_int_equal(listed(&broker, "before", "3"), 2);
	assert_int_equal(listed(&broker, "state", "open"), 4);
	assert_string_equal(fake_at("0.id"), "5");
	assert_int_equal(listed(&broker, "state", "created"), 3);
	assert_int_equal(listed(&broker, "state", "redeemed"), 0);
	assert_int_equal(listed(&broker, "state", "live"), 1);
	assert_int_equal(listed(&broker, "state", "ended"), 1);
	assert_string_equal(fake_at("0.end_reason"), "done");
	assert_int_equal(fake_call(&broker, &control_session_list, "state", "gone", NULL),
		-ERR_PARAMETER_INVALID);
	assert_int_equal(fake_call(&broker, &control_session_list, "state", "open", "before", "4",
				 "limit", "1", NULL),
		0);
	assert_string_equal(fake_at("0.id"), "3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(pages_and_states),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
