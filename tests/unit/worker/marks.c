/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/marks.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void adds_to_what_is_there(void **state)
{
	struct marks marks = {};
	uint32_t one = marks_add(&marks, 'e', UINT32_MAX, 0x301);
	uint32_t two = marks_add(&marks, 0, one, 0x302);

	assert_int_not_equal(one, two);
	assert_int_equal(marks_get(&marks, one)->count, 2);
	assert_int_equal(marks_get(&marks, two)->count, 3);
	assert_int_equal(marks_get(&marks, two)->points[0], 'e');
	assert_int_equal(marks_get(&marks, two)->points[2], 0x302);
	/* The same character is not kept twice. */
	assert_int_equal(marks_add(&marks, 'e', UINT32_MAX, 0x301), one);
	assert_int_equal(marks.count, 2);
	marks_finish(&marks);
	marks_finish(&marks);
}

static void has_ceilings(void **state)
{
	struct marks marks = {};
	uint32_t number = UINT32_MAX;

	for (unsigned i = 1; i < MARKS_POINTS_MAX; i++)
		number = marks_add(&marks, 'e', number, 0x300 + i);
	assert_int_equal(marks_get(&marks, number)->count, MARKS_POINTS_MAX);
	assert_int_equal(marks_add(&marks, 'e', number, 0x301), UINT32_MAX);
	for (uint32_t base = 0; base < MARKS_CHARACTERS_MAX; base++)
		marks_add(&marks, base, UINT32_MAX, 0x301);
	assert_int_equal(marks.count, MARKS_CHARACTERS_MAX);
	assert_int_equal(marks_add(&marks, 0x20000, UINT32_MAX, 0x301), UINT32_MAX);
	marks_finish(&marks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_to_what_is_there),
		cmocka_unit_test(has_ceilings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
