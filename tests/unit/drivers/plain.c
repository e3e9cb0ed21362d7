/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/plain.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *plain(const char *text, enum plain_shape shape)
{
	static char out[256];

	size_t len = plain_text(out, sizeof out, text, strlen(text), shape);

	assert_int_equal(len, strlen(out));
	return out;
}

static void words_stay(void **state)
{
	assert_string_equal(plain("Ol\xc3\xa1, \xe2\x82\xac 5 \xf0\x9f\x98\x80", PLAIN_LINE),
		"Ol\xc3\xa1, \xe2\x82\xac 5 \xf0\x9f\x98\x80");
}

static void controls_go(void **state)
{
	assert_string_equal(plain("a\033[31mb\a\x7f", PLAIN_LINE), "a?[31mb??");
	/* C1 as UTF-8, and as a bare byte */
	assert_string_equal(plain("\xc2\x9b"
				  "31m|\x9b"
				  "31m",
				    PLAIN_LINE),
		"?31m|?31m");
}

static void letters_that_deceive_go(void **state)
{
	assert_string_equal(plain("\xe2\x80\xae"
				  "exe.txt\xe2\x81\xa6\xef\xbb\xbf\xe2\x80\x8b",
				    PLAIN_LINE),
		"?exe.txt???");
}

static void lines(void **state)
{
	assert_string_equal(plain("a\nb\r\nc\td", PLAIN_LINES), "a\r\nb\r\nc\td");
	assert_string_equal(plain("a\nb\r\nc\td", PLAIN_LINE), "a b c d");
}

static void what_is_not_utf8_goes(void **state)
{
	assert_string_equal(
		plain("\xff\xc3(\xe2\x82|\xed\xa0\x80|\xf4\x90\x80\x80|\xc0\xaf", PLAIN_LINE),
		"?"
		"?(?"
		"?|??"
		"?|???"
		"?|?"
		"?");
}

static void no_character_is_cut(void **state)
{
	char out[8];

	assert_int_equal(plain_text(out, sizeof out, "123456\xe2\x82\xac", 9, PLAIN_LINE), 6);
	assert_string_equal(out, "123456");
	assert_int_equal(plain_text(out, sizeof out, "123456\n", 7, PLAIN_LINES), 6);
	assert_int_equal(plain_text(out, 1, "x", 1, PLAIN_LINE), 0);
	assert_int_equal(plain_text(out, 0, "x", 1, PLAIN_LINE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_stay),
		cmocka_unit_test(controls_go),
		cmocka_unit_test(letters_that_deceive_go),
		cmocka_unit_test(lines),
		cmocka_unit_test(what_is_not_utf8_goes),
		cmocka_unit_test(no_character_is_cut),
	};

	return cmocka_run_group_tests_name("drivers/plain", tests, NULL, NULL);
}
