/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#define RIGHTS "UPDATE authorizations SET reads = 7, writes = 7"

static const char *call(struct house *house, const char *method, const char *path)
{
	struct house_call asked = {
		.method = method, .path = path, .authorization = "Bearer " HOUSE_TOKEN
	};
	return house_call(house, &asked)->body;
}

static void expect(struct house *house, const char *method, const char *path, unsigned status,
	const char *message)
{
	char expected[128];

	snprintf(expected, sizeof expected, "\"message\":\"%s\"", message);
	assert_non_null(strstr(call(house, method, path), expected));
	assert_int_equal(house->reply.status, status);
}

static void test_there_and_back(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	expect(house, "PUT", "/api/pam/credential/root@db1", 400,
		"1043: Credential is already activated!");
	expect(house, "DELETE", "/iso/pam/credential/root@db1", 200,
		"Credential successfully deactivated");
	expect(house, "DELETE", "/api/pam/credential/root@db1", 400, "1008: Credential inactive");
	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh");
	assert_non_null(strstr(house->reply.body, "1008: Credential inactive"));
	expect(house, "PUT", "/api/pam/credential/root@db1", 200,
		"Credential successfully activated");
	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh");
	assert_int_equal(house->reply.status, 200);
	assert_int_equal(house_audit_count(house, "credential.disabled"), 1);
	assert_int_equal(house_audit_count(house, "credential.enabled"), 1);
	assert_string_equal(house_audit(house, "credential.enabled").object, "credential:root@db1");
}

static void test_refused(void **state)
{
	struct house *house = *state;
	static const char *const methods[] = { "PUT", "DELETE" };

	house_tamper(house, "UPDATE authorizations SET reads = 7, writes = 0");
	expect(house, "DELETE", "/api/pam/credential/root@db1", 400,
		"1039: Without PAM Configuration Access permission");
	house_tamper(house, RIGHTS);
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++) {
		expect(house, methods[i], "/api/pam/credential/root@db9", 400,
			"1007: Credential not found");
		expect(house, methods[i], "/api/pam/credential/foreign@db1", 400,
			"1009: No access to credential");
	}
	house_tamper(house, "UPDATE credentials SET kind = 2");
	for (unsigned i = 0; i < ARRAY_LEN(methods); i++)
		expect(house, methods[i], "/api/pam/credential/root@db1", 400,
			"1010: The item is not a credential");
	assert_int_equal(house_audit_count(house, "credential.disabled"), 0);
	assert_int_equal(house_audit_count(house, "credential.enabled"), 0);
}

static void test_sessions_end(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	house_post(house, "/api/pam/remote/session",
		"user=ana&credential=root&device=db1&protocol=ssh");
	assert_int_equal(house->reply.status, 200);
	assert_int_equal(store_session_count_open(house->broker->store, 0, 0), 1);
	expect(house, "DELETE", "/api/pam/credential/root@db1", 200,
		"Credential successfully deactivated");
	assert_int_equal(store_session_count_open(house->broker->store, 0, 0), 0);
	assert_non_null(
		strstr(house_audit(house, "credential.disabled").detail, "\"sessions_ended\":1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_there_and_back), TEST(test_refused),
		TEST(test_sessions_end) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
