/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#define RIGHTS "UPDATE authorizations SET reads = 7, writes = 7"

static void test_list_and_one(void **state)
{
	struct house *house = *state;

	house_tamper(house, RIGHTS);
	house_post(house, "/api/pam/device",
		"hostname=Web1&ip=192.0.2.50&model=m&type=t&vendor=v&site=s&device_tags=a,b");
	/* its own, and the one it has credentials of; no other */
	const char *body = house_get(house, "/iso/pam/device")->body;
	assert_non_null(strstr(body, "devices found\""));
	assert_non_null(strstr(body,
		"\"hostname\":\"Web1\",\"ip\":\"192.0.2.50\",\"model\":\"m\",\"type\":\"t\","
		"\"vendor\":\"v\",\"site\":\"s\",\"tags\":\"a,b\"}"));
	assert_non_null(strstr(body, "\"hostname\":\"db1\""));
	body = house_get(house, "/api/pam/device/WEB1")->body;
	assert_non_null(strstr(body, "\"message\":\"Device "));
	assert_non_null(strstr(body,
		"\"hostname\":\"Web1\",\"ip\":\"192.0.2.50\",\"model\":\"m\",\"type\":\"t\","
		"\"vendor\":\"v\",\"site\":\"s\",\"device_domain\":\"\",\"connectivities\":\"\","
		"\"session_remote_config\":\"\",\"device_tags\":\"a,b\"}}"));
	assert_non_null(strstr(house_get(house, "/api/pam/device?device=x")->body, "404"));
}

/* What is another's is as absent as what is not there. */
static void test_foreign(void **state)
{
	struct house *house = *state;
	char absent[4096];

	house_tamper(house, RIGHTS);
	house_tamper(house, "INSERT INTO devices (hostname, hostname_key, ip, created_at)"
			    " VALUES ('other', 'other', '192.0.2.99', 1)");
	text_copy(absent, sizeof absent, house_get(house, "/api/pam/device/absent")->body);
	assert_non_null(strstr(absent, "1011: Device not found"));
	assert_string_equal(house_get(house, "/api/pam/device/other")->body, absent);
	assert_string_equal(house_get(house, "/api/pam/device/192.0.2.99")->body, absent);
	assert_string_equal(house_get(house, "/api/pam/device/99999")->body, absent);
	assert_null(strstr(house_get(house, "/api/pam/device")->body, "\"other\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_list_and_one), TEST(test_foreign) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
