/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#define RIGHTS "UPDATE authorizations SET reads = 7, writes = 7"
#define WEB1 "hostname=web1&ip=192.0.2.50&model=m&type=t&vendor=v&site=s"

static const char *post(struct house *house, const char *params)
{
	return house_post(house, "/api/pam/device", params)->body;
}

static void test_complaints_in_their_order(void **state)
{
	static const char *const rows[][2] = {
		{ "", "1004: The device's hostname was not informed" },
		{ "hostname=web1", "1005: The device's IP was not informed" },
		{ "hostname=web1&ip=192.0.2.50", "1019: The device's site was not informed" },
		{ "hostname=web1&ip=192.0.2.50&site=s",
			"1020: The device's model was not informed" },
		{ "hostname=web1&ip=192.0.2.50&site=s&model=m",
			"1021: The device's vendor was not informed" },
		{ "hostname=web1&ip=192.0.2.50&site=s&model=m&vendor=v",
			"1022: The device's type was not informed" },
		{ WEB1 "&device_domain=nowhere",
			"1029: It is not possible to enter a domain that has not been previously "
			"registered" },
		{ "hostname=web1&ip=300.1.1.1&model=m&type=t&vendor=v&site=s",
			"The address is not an IPv4 or IPv6 address" },
		{ "hostname=web1&ip=0.0.0.0&model=m&type=t&vendor=v&site=s",
			"That address can never be a target" },
		{ "hostname=192.0.2.51&ip=192.0.2.50&model=m&type=t&vendor=v&site=s",
			"The host name is another address than the device's" },
		{ "hostname=a b&ip=192.0.2.50&model=m&type=t&vendor=v&site=s",
			"A host name has letters, digits" },
		{ WEB1 "&connectivities=GOPHER:70", "Invalid protocol" },
		{ WEB1 "&connectivities=SSH:99999", "Invalid port" },
		{ WEB1 "&session_remote_config=SSH", "PROTOCOL:EXPECT:FILL" },
		{ WEB1 "&session_remote_config=GOPHER::", "PROTOCOL:EXPECT:FILL" },
		{ WEB1 "&device_tags= x", "device_tags has characters it may not have" },
	};
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		const char *body = post(house, rows[i][0]);
		assert_int_equal(house->reply.status, 400);
		if (strstr(body, rows[i][1]) == NULL)
			fail_msg("%s: %s", rows[i][0], body);
	}
	assert_int_equal(house_audit_count(house, "device.registered"), 0);
}

static void test_create_and_update(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	house_tamper(house, "INSERT INTO domains (name, name_key, created_at)"
			    " VALUES ('Corp', 'corp', 1), ('lab', 'lab', 1)");
	const char *body =
		post(house, WEB1 "&device_domain=CORP,lab&connectivities=HTTP:80,SSH:22,MySQL:65535"
				 "&session_remote_config=HTTP::");
	assert_int_equal(house->reply.status, 201);
	assert_non_null(strstr(body, "\"message\":\"Device successfully registered!\""));
	assert_non_null(strstr(body,
		"\"device_domain\":\"Corp,lab\",\"connectivities\":\"HTTP:80,SSH:22,MySQL:65535\","
		"\"session_remote_config\":\"HTTP::\",\"device_tags\":\"\"},\"changed\":"
		"\"true\"}"));
	body = post(house, WEB1);
	assert_int_equal(house->reply.status, 201);
	assert_non_null(strstr(body, "\"message\":\"Device updated successfully!\""));
	assert_non_null(
		strstr(body, "\"connectivities\":\"HTTP:80,SSH:22,MySQL:65535\"")); /* kept */
	assert_non_null(strstr(body, "\"changed\":\"false\"}"));
	body = post(house, WEB1 "&connectivities=SSH:2222&device_tags=x");
	assert_non_null(strstr(body, "\"connectivities\":\"SSH:2222\""));
	assert_non_null(strstr(body, "\"changed\":\"true\"}"));
	body = post(house, WEB1 "&connectivities=SSH:2222");
	assert_non_null(strstr(body, "\"changed\":\"false\"}"));
	body = post(house, "hostname=WEB1&ip=192.0.2.51&model=m&type=t&vendor=v&site=s"
			   "&device_domain=&connectivities=");
	assert_non_null(strstr(body, "\"hostname\":\"WEB1\",\"ip\":\"192.0.2.51\""));
	assert_non_null(strstr(body, "\"device_domain\":\"\",\"connectivities\":\"\""));
	assert_int_equal(house_audit_count(house, "device.registered"), 5);
}

/* A name that is another's; a device it only has a credential of; one that was given to it. */
static void test_of_others(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	house_tamper(house, "INSERT INTO devices (hostname, hostname_key, ip, created_at)"
			    " VALUES ('web1', 'web1', '192.0.2.99', 1)");
	assert_non_null(strstr(post(house, WEB1), "That name is taken"));
	assert_non_null(
		strstr(post(house, "hostname=db1&ip=192.0.2.9&model=m&type=t&vendor=v&site=s"),
			"1039: Without PAM Configuration Access permission"));
	house_tamper(house, "UPDATE authorizations SET writes = 0");
	assert_non_null(
		strstr(post(house, WEB1), "1039: Without PAM Configuration Access permission"));
	house_tamper(house, "UPDATE authorizations SET reads = 0");
	assert_non_null(
		strstr(post(house, WEB1), "You are not authorized to access this resource."));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_complaints_in_their_order),
		TEST(test_create_and_update),
		TEST(test_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
