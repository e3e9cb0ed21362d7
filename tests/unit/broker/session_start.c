/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <unistd.h>

static void test_click_starts_with_the_attach(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	text_copy(house->broker->process.settings.session_start, 16, "click");
	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	assert_int_equal(person.redeemed.click, 1);
	assert_false(house_got(house, MSG_RECORDING_START));
	assert_int_equal(person_attach(house, &person, "203.0.113.9", &fd, NULL), 1);
	assert_true(house_got(house, MSG_RECORDING_START));
	person_close(&person);
}

static void test_target_closed(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	int fd = -1;

	person_open(house, &person, &ask);
	close(person.listener);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	house_run(house);
	assert_int_equal(person_row(house, 1).end_why, -ERR_TARGET_UNREACHABLE);
	struct house_message stop = house_take(house, MSG_SESSION_STOP);
	assert_string_equal(
		((struct msg_notice *)stop.payload)->text, "The target cannot be reached");
	assert_int_equal(
		person_attach(house, &person, "203.0.113.9", &fd, NULL), -ERR_TARGET_UNREACHABLE);
	person.listener = -1;
	person_close(&person);
}

static void test_not_pinned(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	/* another device than the one with a pin */
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	struct session *session = session_by_id(house->broker, 1);
	assert_non_null(session);
	session->row.device_id = house->sibling;
	struct msg_recording_started started = { 1, 0 };
	house_send(house->recorder, MSG_RECORDING_STARTED, &started, -1);
	house_run(house);
	assert_int_equal(person_row(house, 1).end_why, -ERR_HOST_KEY_UNKNOWN);
	assert_false(house_got(house, MSG_WORKER_START));
	assert_int_equal(house_audit_count(house, "credential.released"), 0);
	person_close(&person);
}

static void test_recording_refused(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct msg_recording_started refused = { 1, -ERR_DISK };

	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	house_send(house->recorder, MSG_RECORDING_STARTED, &refused, -1);
	house_run(house);
	assert_int_equal(person_row(house, 1).end_why, -ERR_DISK);
	assert_false(house_got(house, MSG_WORKER_START));
	person_close(&person);
}

static void test_worker_refused(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct msg_recording_started started = { 1, 0 };
	struct msg_result refused = { -ERR_FULL };

	person_open(house, &person, &ask);
	assert_int_equal(person_redeem(house, &person, &ask), 0);
	house_send(house->recorder, MSG_RECORDING_STARTED, &started, -1);
	house_run(house);
	struct house_message start = house_take(house, MSG_WORKER_START);
	for (unsigned i = 0; i < 4; i++)
		fd_closep(&start.fds[i]);
	assert_int_equal(channel_send(house->supervisor, MSG_WORKER_STARTED, start.serial, &refused,
				 NULL, 0, NULL, 0),
		0);
	house_run(house);
	assert_int_equal(person_row(house, 1).end_why, -ERR_FULL);
	assert_true(house_got(house, MSG_SESSION_STOP));
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_click_starts_with_the_attach),
		TEST(test_target_closed),
		TEST(test_not_pinned),
		TEST(test_recording_refused),
		TEST(test_worker_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
