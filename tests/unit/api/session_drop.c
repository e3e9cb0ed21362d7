/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#define GOOD "user=ana&credential=root&device=db1&protocol=ssh"

static const struct house_reply *drop(struct house *house, const char *path, const char *token)
{
	char field[128];
	struct house_call call = { .method = "DELETE", .path = path, .authorization = field };

	snprintf(field, sizeof field, "Bearer %s", token);
	return house_call(house, &call);
}

static void test_drop(void **state)
{
	struct house *house = *state;

	house_post(house, "/api/pam/remote/session", GOOD);
	/* another caller's session does not exist, by whichever name */
	struct authorization_row other;
	assert_int_equal(store_authorization_get(house->broker->store, house->reader, &other), 0);
	store_authorization_finish(&other);
	const struct house_reply *reply = drop(house, "/api/pam/session/drop/77", HOUSE_TOKEN);
	assert_int_equal(reply->status, 500);
	assert_non_null(
		strstr(reply->body, "\"message\":\"An error occurred while droping session\""));
	reply = drop(house, "/api/pam/session/drop/1", "reader");
	assert_int_equal(reply->status, 500);
	assert_non_null(strstr(reply->body, "You are not authorized"));
	reply = drop(house, "/iso/session/drop/1", HOUSE_TOKEN);
	assert_int_equal(reply->status, 200);
	assert_non_null(strstr(reply->body, "\"message\":\"Session dropped successfully\""));
	assert_int_equal(drop(house, "/iso/session/drop/1", HOUSE_TOKEN)->status, 500);
	struct audit_row row = house_audit(house, "session.dropped");
	assert_string_equal(row.object, "session:1");
	assert_int_equal(house_audit_count(house, "session.ended"), 1);
	/* what was never opened and is over is no session */
	assert_non_null(strstr(
		house_get(house, "/api/session/remotesessions")->body, "\"remote_sessions\":[]"));
	house_audit_verify(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
