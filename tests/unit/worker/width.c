/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/width.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void as_programs_count(void **state)
{
	static const struct {
		uint32_t code;
		unsigned columns;
	} known[] = { { 0, 0 }, { '\n', 0 }, { ' ', 1 }, { '~', 1 }, { 0x7f, 0 }, { 0x9b, 0 },
		{ 0xa0, 1 }, { 0xe9, 1 }, { 0x301, 0 }, { 0x2500, 1 }, { 0x4e00, 2 }, { 0xac00, 2 },
		{ 0xff21, 2 }, { 0xff71, 1 }, { 0x1f600, 2 }, { 0xe0100, 0 }, { 0x10ffff, 1 } };

	for (unsigned i = 0; i < ARRAY_LEN(known); i++)
		assert_int_equal(width_of(known[i].code), known[i].columns);
}

/* What the search relies on. */
static void the_table_is_sorted(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(ranges); i++) {
		assert_true(ranges[i].first <= ranges[i].last);
		assert_true(ranges[i].columns == 0 || ranges[i].columns == 2);
		if (i > 0)
			assert_true(ranges[i].first > ranges[i - 1].last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_programs_count),
		cmocka_unit_test(the_table_is_sorted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
