/* SPDX-License-Identifier: Apache-2.0 */
#include "api/recording_list.c"

#include "fake.h"

static void finished_recordings(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct session_row session = fixture_session(broker.fixture, 1);
	struct session_recorded recorded = { 10, 2, 1, 0, 1, 7, { 0xab } };
	int64_t id;
	assert_int_equal(store_session_add(store, &session, &id), 0);
	assert_int_equal(fake_call(&broker, &control_recording_list, NULL), 0);
	assert_int_equal(fake_count(), 0);
	assert_int_equal(store_session_recorded(store, id, &recorded), 0);
	assert_int_equal(fake_call(&broker, &control_recording_list, NULL), 0);
	assert_string_equal(fake_at("0.session_id"), session.session_id);
	assert_int_equal(fake_number("0.output_bytes"), 10);
	assert_int_equal(strncmp(fake_at("0.head"), "ab00", 4), 0);
	assert_int_equal(fake_call(&broker, &control_recording_list, "before", "1", NULL), 0);
	assert_int_equal(fake_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(finished_recordings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
