/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ended.c"

#include "fake.h"

static int64_t authorization;

static int answer(struct broker *broker, struct call *call)
{
	return end_and_note(broker, call, ENDING_AUTHORIZATION, authorization, "because");
}

static void how_many_ended_is_on_record(void **state)
{
	struct broker broker = fake_broker(state);
	struct endpoint endpoint = {
		.door = DOOR_CONTROL, .fields = &(struct field){ 0 }, .answer = answer
	};
	struct session_row session = fixture_session(broker.fixture, 1);
	int64_t id;

	authorization = broker.fixture->authorization;
	assert_int_equal(store_session_add(broker.fixture->store, &session, &id), 0);
	assert_int_equal(fake_call(&broker, &endpoint, NULL), 0);
	assert_int_equal(fake_audit_number("sessions_ended"), 1);
	assert_string_equal(broker.ended_because, "because");
	authorization++;
	assert_int_equal(fake_call(&broker, &endpoint, NULL), 0);
	assert_int_equal(fake_audit_number("sessions_ended"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(how_many_ended_is_on_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
