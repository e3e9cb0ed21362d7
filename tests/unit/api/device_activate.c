/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#define RIGHTS "UPDATE authorizations SET reads = 7, writes = 7"
#define WEB1 "hostname=web1&ip=192.0.2.50&model=m&type=t&vendor=v&site=s"

static const char *call(struct house *house, const char *method, const char *path)
{
	struct house_call asked = {
		.method = method, .path = path, .authorization = "Bearer " HOUSE_TOKEN
	};
	return house_call(house, &asked)->body;
}

static void test_there_and_back(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	house_post(house, "/api/pam/device", WEB1);
	assert_non_null(strstr(
		call(house, "PUT", "/api/pam/device/web1"), "1044: Device is already activated"));
	assert_int_equal(house->reply.status, 400);
	for (int i = 0; i < 2; i++) { /* and again */
		assert_non_null(strstr(call(house, "DELETE", "/iso/pam/device/Web1"),
			"\"message\":\"Device successfully deactivated\""));
		assert_int_equal(house->reply.status, 200);
	}
	assert_null(strstr(call(house, "GET", "/api/pam/device"), "web1"));
	assert_non_null(strstr(call(house, "GET", "/api/pam/device/web1"), "\"web1\""));
	assert_non_null(strstr(call(house, "PUT", "/api/pam/device/web1"),
		"\"message\":\"Device successfully activated\""));
	assert_non_null(strstr(call(house, "GET", "/api/pam/device"), "web1"));
	assert_non_null(
		strstr(call(house, "PUT", "/api/pam/device/absent"), "1011: Device not found"));
	/* one it may see, because it has a credential there, and not change */
	assert_non_null(strstr(call(house, "DELETE", "/api/pam/device/db1"),
		"1039: Without PAM Configuration Access permission"));
	assert_int_equal(house_audit_count(house, "device.disabled"), 2);
	assert_int_equal(house_audit_count(house, "device.enabled"), 1);
}

static void test_sessions_end(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	house_tamper(house, "UPDATE devices SET owner_authorization = 1");
	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh");
	assert_int_equal(house->reply.status, 200);
	call(house, "DELETE", "/api/pam/device/db1");
	assert_int_equal(house->reply.status, 200);
	assert_int_equal(store_session_count_open(house->broker->store, 0, 0), 0);
	call(house, "PUT", "/api/pam/device/db1");
	assert_int_equal(house->reply.status, 200);
	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh");
	assert_non_null(strstr(house->reply.body, "1008: Credential inactive"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_there_and_back), TEST(test_sessions_end) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
