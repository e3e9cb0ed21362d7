/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <unistd.h>

/* The process as a whole: peers that come and go, and its end. */
static void test_front_comes_back(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "GET",
		.path = "/api/pam/session/remotesessions",
		.authorization = "Bearer " HOUSE_TOKEN };

	house_send_call(house, &call); /* asked, and gone before the answer */
	channel_destroy(house->front);
	house_run(house);
	assert_int_equal(peers_count(house->broker, PARTY_FRONT), 0);
	house->front = house_introduce(house, PARTY_FRONT);
	house->replied = false;
	assert_int_equal(house_call(house, &call)->status, 200);
	/* a new one while the old one is still there: the old one is history */
	struct channel *old = house->front;
	house->front = house_introduce(house, PARTY_FRONT);
	house_run(house);
	assert_int_equal(house_call(house, &call)->status, 200);
	channel_destroy(old);
}

static void test_recorder_comes_back(void **state)
{
	struct house *house = *state;

	house_take(house, MSG_RECORDER_LIST);
	channel_destroy(house->recorder);
	house_run(house);
	assert_null(house->broker->recorder);
	house->recorder = house_introduce(house, PARTY_RECORDER);
	house_run(house);
	house_take(house, MSG_RECORDER_LIST);
}

/* What is not in the table ends the channel, and that alone; it is on record. */
static void test_strange_message(void **state)
{
	struct house *house = *state;
	uint8_t packet[16] = { 200, 1 };

	assert_int_equal(write(channel_fd(house->front), packet, sizeof packet), sizeof packet);
	house_run(house);
	assert_int_equal(peers_count(house->broker, PARTY_FRONT), 0);
	assert_non_null(house->broker->recorder);
	struct audit_row row = house_audit(house, "process.struck");
	assert_string_equal(row.object, "process:front");
	assert_int_equal(row.result, -ERR_MALFORMED);
	house_audit_verify(house);
}

static void test_stop(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_arrive(house, &person);
	house_stop(house);
	assert_string_equal(person_row(house, id).end_reason, "The gateway was stopped");
	house_audit(house, "gateway.stopped");
	house_audit_verify(house);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_front_comes_back),
		TEST(test_recorder_comes_back),
		TEST(test_strange_message),
		TEST(test_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
