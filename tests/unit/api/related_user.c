/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#define RIGHTS "UPDATE authorizations SET reads = 7, writes = 7"

static const char *call(
	struct house *house, const char *method, const char *path, const char *params)
{
	struct house_call asked = { .method = method,
		.path = path,
		.authorization = "Bearer " HOUSE_TOKEN,
		.params = params };
	return house_call(house, &asked)->body;
}
#define EXPECT(method, path, params, a_status, words)                                              \
	do {                                                                                       \
		const char *body_ = call(house, method, path, params);                             \
		if (strstr(body_, words) == NULL || house->reply.status != (a_status))             \
			fail_msg("%u %s", house->reply.status, body_);                             \
	} while (0)

static void test_life_of_one(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	EXPECT("POST", "/api/user/related", "", 400,
		"1001: Parameter 'username' was not informed!");
	EXPECT("POST", "/api/user/related", "username=rui", 400,
		"1001: Parameter 'name' was not informed!");
	EXPECT("POST", "/iso/user/related", "username=rui&name=Rui Costa", 200,
		"\"message\":\"Related user successfully registered!\"");
	EXPECT("POST", "/iso/user/related", "username=rui&name=Rui Costa", 400,
		"That name is taken");
	EXPECT("POST", "/iso/user/related", "username= x&name=Rui Costa", 400,
		"characters it may not have");
	EXPECT("GET", "/api/user/related", NULL, 200, "\"message\":\"2 related users found\"");
	EXPECT("GET", "/api/user/related/2", NULL, 200,
		"\"relatedUser\":{\"id\":\"2\",\"name\":\"Rui Costa\",\"username\":\"rui\"}}");
	EXPECT("GET", "/api/user/related/77", NULL, 400, "1005: User does not exist");
	EXPECT("GET", "/api/user/related/rui", NULL, 400, "1005: User does not exist");
	EXPECT("PUT", "/api/user/related", "username=rui&name=Rui", 400,
		"1001: Parameter 'id' was not informed!");
	EXPECT("PUT", "/api/user/related", "id=2&username=rui2&name=Rui", 200,
		"Related user successfully updated!");
	EXPECT("PUT", "/api/user/related/2", "username=ana&name=Rui", 400, "That name is taken");
	EXPECT("PUT", "/api/user/related/2", "username=rui&name=Rui", 200,
		"\"name\":\"Rui\",\"username\":\"rui\"");
	EXPECT("PUT", "/api/user/related/9", "username=rui&name=Rui", 400,
		"1005: User does not exist");
	EXPECT("DELETE", "/api/user/related/2", NULL, 200,
		"\"message\":\"Related user successfully deactivated\"");
	EXPECT("DELETE", "/api/user/related/2", NULL, 200,
		"\"message\":\"Related user has already been deactivated\"");
	EXPECT("DELETE", "/api/user/related/9", NULL, 400, "1005: User does not exist");
	EXPECT("GET", "/api/user/related", NULL, 200, "\"message\":\"1 related users found\"");
	assert_int_equal(house_audit(house, "user.changed").result, 0);
}

/* They are the people that sessions run for. */
static void test_sessions(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	call(house, "POST", "/api/user/related", "username=rui&name=Rui");
	EXPECT("POST", "/api/pam/remote/session",
		"user=rui&credential=root&device=db1&protocol=ssh", 200, "session_url");
	call(house, "DELETE", "/api/user/related/2", NULL);
	assert_int_equal(store_session_count_open(house->broker->store, 0, 0), 0);
	house_tamper(house, "UPDATE authorizations SET writes = 0, reads = 4");
	EXPECT("POST", "/api/user/related", "username=x&name=y", 500, "You are not authorized");
	EXPECT("GET", "/api/user/related", NULL, 200, "relatedUsers");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_life_of_one), TEST(test_sessions) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
