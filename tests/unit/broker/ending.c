/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include "broker/ending.h"

static void test_dropped(void **state)
{
	struct house *house = *state;
	struct person person;
	struct house_call drop = { .method = "DELETE",
		.path = "/api/pam/session/drop/1",
		.authorization = "Bearer " HOUSE_TOKEN };

	int64_t id = person_go_live(house, &person);
	assert_int_equal(house_call(house, &drop)->status, 200);
	assert_int_equal(person_row(house, id).state, SESSION_ENDED);
	assert_true(house_got(house, MSG_SESSION_STOP));
	person_moved(house, id, VIEW_OVER, 0); /* the recorder's word on top changes nothing */
	assert_string_equal(person_row(house, id).end_reason, "You have been disconnected");
	person_sealed(house, id);
	assert_int_equal(house->broker->sessions.count, 1);
	person_exited(house, id);
	assert_int_equal(house->broker->sessions.count, 0);
	person_close(&person);
}

static void create(struct house *house, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		house_session(house);
}

static void test_what_it_stands_on(void **state)
{
	struct house *house = *state;

	create(house, 2);
	assert_int_equal(house_end_of(house, ENDING_USER, house->user + 1), 0);
	assert_int_equal(house_end_of(house, ENDING_USER, house->user), 2);
	assert_int_equal(person_row(house, 1).end_why, -ERR_RIGHTS_WITHDRAWN);
	assert_string_equal(person_row(house, 1).end_reason, "because");
	create(house, 1);
	assert_int_equal(house_end_of(house, ENDING_DEVICE, house->device), 1);
	create(house, 1);
	assert_int_equal(house_end_of(house, ENDING_CREDENTIAL, house->credential), 1);
	create(house, 1);
	assert_int_equal(house_end_of(house, ENDING_AUTHORIZATION, house->authorization), 1);
	create(house, 1);
	assert_int_equal(house_end_of(house, ENDING_SESSION, 99), -ERR_NOT_FOUND);
	assert_int_equal(house_end_of(house, ENDING_SESSION, 6), 1);
	assert_int_equal(house_end_of(house, ENDING_SESSION, 6), 0);
	assert_int_equal(person_row(house, 6).end_why, -ERR_SESSION_DROPPED);
	house_audit_verify(house);
}

/* More than are collected at once, with a running one among them. */
static void test_everything(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_arrive(house, &person);
	create(house, 300);
	assert_int_equal(house_end_of(house, ENDING_EVERYTHING, 0), 301);
	house_run(house);
	assert_true(house_got(house, MSG_SESSION_STOP));
	assert_int_equal(person_row(house, id).state, SESSION_ENDED);
	assert_int_equal(house_audit_count(house, "session.ended"), 301);
	person_close(&person);
}

static void test_figures(void **state)
{
	struct house *house = *state;
	struct person person;
	struct figures figures;

	int64_t id = person_arrive(house, &person);
	broker_figures(house->broker, &figures);
	assert_int_equal(figures.starting, 1);
	person_moved(house, id, VIEW_LIVE, 0);
	broker_figures(house->broker, &figures);
	assert_int_equal(figures.live, 1);
	assert_int_equal(figures.starting, 0);
	assert_true(
		figures.vault_connected && figures.recorder_connected && figures.front_connected);
	assert_int_equal(figures.sessions_since_start, 1);
	person_close(&person);
}

static void test_stop(void **state)
{
	struct house *house = *state;

	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(broker_stop_gateway(house->broker), 0);
	assert_false(house_got(house, MSG_STOP_ASK));
	turn_close(house->broker);
	house_run(house);
	assert_true(house_got(house, MSG_STOP_ASK));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dropped),
		TEST(test_what_it_stands_on),
		TEST(test_everything),
		TEST(test_figures),
		TEST(test_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
