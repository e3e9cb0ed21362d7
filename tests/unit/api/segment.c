/* SPDX-License-Identifier: Apache-2.0 */
#include "api/segment.h"

#include "fake.h"

static void an_id_is_a_number_that_fits(void **state)
{
	(void)state;
	assert_int_equal(segment_id("14"), 14);
	assert_int_equal(segment_id("999999999999999999"), INT64_C(999999999999999999));
	assert_int_equal(segment_id("0014"), 14);
	assert_int_equal(segment_id("1000000000000000000"), 0);
	assert_int_equal(segment_id("0"), 0);
	assert_int_equal(segment_id(""), 0);
	assert_int_equal(segment_id("-1"), 0);
	assert_int_equal(segment_id("14a"), 0);
	assert_int_equal(segment_id("db1"), 0);
}

static void hex_digits_have_no_letter_case(void **state)
{
	char lower[5];
	(void)state;
	assert_int_equal(segment_lower("00Ff", lower, sizeof lower), 0);
	assert_string_equal(lower, "00ff");
	assert_int_equal(segment_lower("00ff0", lower, sizeof lower), -ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_a_number_that_fits),
		cmocka_unit_test(hex_digits_have_no_letter_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
