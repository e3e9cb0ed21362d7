/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/version.h"

/* "0.1.0", and something after it perhaps: three numbers, nothing that needs escaping. */
static void is_three_numbers(void **state)
{
	char *at;

	for (const char *from = gateway_version; *from != '\0'; from = at + 1) {
		strtoul(from, &at, 10);
		assert_ptr_not_equal(at, from);
		if (*at != '.')
			break;
	}
	assert_true(strspn(gateway_version, "0123456789.") >= 5);
	assert_int_equal(strspn(gateway_version, "0123456789.abcdefghijklmnopqrstuvwxyz-"),
		strlen(gateway_version));
	assert_true(strlen(gateway_version) < VERSION_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_three_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
