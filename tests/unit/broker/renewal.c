/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

/* `sallyport reload` as the broker sees it: the command line's call, the supervisor's word. */
static const struct house_call reload_call = {
	.method = "POST", .path = "/control/gateway/reload", .door = DOOR_CONTROL
};

static void answer(struct house *house, int result, const char *words)
{
	struct house_message asked = house_take(house, MSG_RELOAD_ASK);
	struct msg_reload_answer reload;

	memset(&reload, 0, sizeof reload);
	reload.result = result;
	reload.generation = 5;
	text_copy(reload.words, sizeof reload.words, words);
	assert_int_equal(channel_send(house->supervisor, MSG_RELOAD_ANSWER, asked.serial, &reload,
				 NULL, 0, NULL, 0),
		0);
	house_await(house);
}

static void test_begins(void **state)
{
	struct house *house = *state;

	house_send_call(house, &reload_call);
	house_run(house);
	assert_false(house->replied);
	answer(house, 0, "");
	assert_int_equal(house->reply.status, 200);
	assert_non_null(strstr(house->reply.body, "\"generation\":5"));
	assert_non_null(strstr(house_audit(house, "gateway.reload").detail, "\"generation\":5"));
}

static void test_refusal_in_words(void **state)
{
	struct house *house = *state;

	house_send_call(house, &reload_call);
	house_run(house);
	answer(house, -ERR_RELOAD_REFUSED, "sallyport.conf: line 3: unknown setting");
	assert_int_equal(house->reply.status, 409);
	assert_non_null(strstr(house->reply.body, "line 3: unknown setting"));
	assert_int_equal(house_audit_count(house, "gateway.reload"), 0);
}

static void test_one_at_a_time(void **state)
{
	struct house *house = *state;

	house_send_call(house, &reload_call);
	house_run(house);
	house_send_call(house, &reload_call);
	house_await(house);
	assert_int_equal(house->reply.status, 409);
	house->replied = false;
	answer(house, 0, "");
	assert_int_equal(house->reply.status, 200);
}

static void test_status_tells_generations(void **state)
{
	static const struct house_call call = {
		.method = "GET", .path = "/control/status", .door = DOOR_CONTROL
	};
	struct house *house = *state;
	struct msg_generations generations;

	memset(&generations, 0, sizeof generations);
	generations.current = 3;
	generations.reload = RELOAD_FAILED;
	text_copy(generations.words, sizeof generations.words, "no luck");
	generations.count = 1;
	generations.rows[0].generation = 1;
	generations.rows[0].party = PARTY_RECORDER;
	generations.rows[0].retired = 1;
	text_copy(generations.rows[0].version, VERSION_SIZE, "0.0.9");
	house_send(house->supervisor, MSG_GENERATIONS, &generations, -1);
	house_run(house);
	const struct house_reply *reply = house_call(house, &call);
	assert_non_null(strstr(reply->body, "\"generation\":3"));
	assert_non_null(strstr(reply->body, "\"state\":\"failed\",\"detail\":\"no luck\""));
	assert_non_null(strstr(reply->body,
		"{\"generation\":1,\"process\":\"recorder\",\"version\":\"0.0.9\","
		"\"retired\":true,\"sessions\":0}"));
}

static void test_sessions_are_counted_by_recorder(void **state)
{
	struct house *house = *state;
	struct person person;

	person_arrive(house, &person);
	assert_int_equal(renewal_sessions(house->broker, 1), 1);
	assert_int_equal(renewal_sessions(house->broker, 2), 0);
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begins),
		TEST(test_refusal_in_words),
		TEST(test_one_at_a_time),
		TEST(test_status_tells_generations),
		TEST(test_sessions_are_counted_by_recorder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
