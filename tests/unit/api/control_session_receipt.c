/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

static const struct house_reply *receipt(struct house *house, const char *id)
{
	char params[64];

	snprintf(params, sizeof params, "id=%s", id);
	return house_call(house, &(struct house_call){ .method = "GET",
					 .path = "/control/session/receipt",
					 .params = params,
					 .door = DOOR_CONTROL });
}

static void test_when_there_is_one(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_arrive(house, &person);
	const struct house_reply *reply = receipt(house, "1");
	assert_int_equal(reply->status, 409);
	assert_non_null(strstr(reply->body, "There is no receipt of it yet: it has not ended"));
	person_moved(house, id, VIEW_OVER, 0);
	reply = receipt(house, "1");
	assert_int_equal(reply->status, 409);
	assert_non_null(
		strstr(reply->body, "There is no receipt of it yet: its recording is not sealed"));
	person_sealed(house, id);
	reply = receipt(house, person_row(house, id).session_id);
	assert_int_equal(reply->status, 200);
	assert_non_null(
		strstr(reply->body, "\"receipt\":{\"text\":\"{\\\"receipt\\\":1,\\\"tenant\\\":"));
	assert_null(strstr(reply->body, "\"certificate\":null"));
	person_close(&person);
}

static void test_of_none(void **state)
{
	const struct house_reply *reply = receipt(*state, "7");

	assert_int_equal(reply->status, 404);
	assert_non_null(strstr(reply->body, "No such session"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_when_there_is_one),
		TEST(test_of_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
