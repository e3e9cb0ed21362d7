/* SPDX-License-Identifier: Apache-2.0 */
#include "api/device.c"

#include "house.h"

/* A number is an id first, and a host name when there is no such id. */
static void test_found_by_id_or_name(void **state)
{
	struct house *house = *state;
	struct device_row device;
	struct call *call = call_create(house->broker);

	call->principal.authorization_id = house->authorization;
	house_tamper(house, "UPDATE devices SET owner_authorization = 1");
	house_tamper(house,
		"INSERT INTO devices (hostname, hostname_key, ip, created_at, owner_authorization)"
		" VALUES ('4711', '4711', '192.0.2.47', 1, 1)");
	char id[24];
	snprintf(id, sizeof id, "%lld", (long long)house->device);
	call->segments[0] = id;
	assert_int_equal(device_find(call, DEVICE_HELD, &device), 0);
	assert_int_equal(device.id, house->device);
	call->segments[0] = "4711";
	assert_int_equal(device_find(call, DEVICE_HELD, &device), 0);
	assert_string_equal(device.ip, "192.0.2.47");
	call->segments[0] = "0";
	assert_int_equal(device_find(call, DEVICE_SEEN, &device), -ERR_DEVICE_UNKNOWN);
	house_tamper(house, "UPDATE devices SET owner_authorization = NULL");
	call->segments[0] = "DB1";
	assert_int_equal(device_find(call, DEVICE_SEEN, &device), 0);
	assert_int_equal(device_find(call, DEVICE_HELD, &device), -ERR_READ_ONLY);
	call_destroy(call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_found_by_id_or_name) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
