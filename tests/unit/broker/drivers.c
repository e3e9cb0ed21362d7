/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "broker/drivers.h"

static void test_rows(void **state)
{
	const struct driver_row *ssh = driver_find("SSH"), *telnet = driver_find("telnet");

	(void)state;
	assert_non_null(ssh);
	assert_string_equal(ssh->name, "ssh");
	assert_int_equal(ssh->port, 22);
	assert_true(ssh->host_key);
	assert_false(ssh->pixels);
	assert_non_null(telnet);
	assert_false(telnet->host_key);
	assert_null(driver_find("rdp"));
	assert_null(driver_find(""));
	assert_null(driver_find("ss"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
