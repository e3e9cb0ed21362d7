/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "test.h"

static void finds_rows_by_either_sign(void **state)
{
	assert_string_equal(error_name(-ERR_TICKET_REFUSED), "TICKET_REFUSED");
	assert_string_equal(error_name(ERR_TICKET_REFUSED), "TICKET_REFUSED");
	assert_int_equal(error_http(-ERR_TICKET_REFUSED), 410);
	assert_string_equal(error_text(-ERR_USER_UNKNOWN), "1005: User does not exist");
}

static void reads_unknown_numbers_as_system(void **state)
{
	const int unknown[] = { ERR_COUNT, -ERR_COUNT, ERR_COUNT + 1, 1 << 30, INT32_MIN,
		INT32_MAX };

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_string_equal(error_name(unknown[i]), "SYSTEM");
		assert_int_equal(error_http(unknown[i]), 500);
		assert_string_equal(error_text(unknown[i]), "Unexpected error.");
	}
}

static void every_row_is_whole(void **state)
{
	for (int r = 1; r < ERR_COUNT; r++) {
		assert_true(strlen(error_name(r)) > 0);
		assert_true(strlen(error_text(r)) > 0);
		assert_in_range(error_http(r), 400, 599);
		for (int other = 1; other < r; other++)
			assert_string_not_equal(error_name(r), error_name(other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_rows_by_either_sign),
		cmocka_unit_test(reads_unknown_numbers_as_system),
		cmocka_unit_test(every_row_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
