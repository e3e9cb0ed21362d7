/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/charset.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void lines_and_letters(void **state)
{
	assert_int_equal(charset_translate(CHARSET_ASCII, 'q'), 'q');
	assert_int_equal(charset_translate('0', 'q'), 0x2500);
	assert_int_equal(charset_translate('0', 'A'), 'A');
	assert_int_equal(charset_translate('K', '['), 0xc4);
	assert_int_equal(charset_translate('A', '#'), 0xa3);
	assert_int_equal(charset_translate('0', 0x2500), 0x2500); /* not of ASCII */
}

static void only_those_there_are(void **state)
{
	assert_true(charset_known(CHARSET_ASCII));
	assert_true(charset_known('0'));
	assert_false(charset_known('x'));
	assert_false(charset_known(0));
	for (unsigned i = 0; i < ARRAY_LEN(glyphs); i++)
		assert_true(charset_known((uint8_t)glyphs[i].designator));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_letters),
		cmocka_unit_test(only_those_there_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
