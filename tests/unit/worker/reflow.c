/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reflow.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "shown.h"

static struct terminal *terminal;

static int set_up(void **state)
{
	return terminal_create(10, 4, &terminal);
}

static int tear_down(void **state)
{
	terminal_destroy(terminal);
	return 0;
}

static void narrow_and_wide_again(void **state)
{
	feed(terminal, "abcdefgh\r\n12345678\r\n$ ");
	assert_int_equal(terminal_resize(terminal, 5, 4), 0);
	assert_string_equal(shown(terminal), "+fgh|12345|+678|$");
	assert_int_equal(terminal->active->y, 3);
	assert_int_equal(terminal_resize(terminal, 10, 4), 0);
	assert_string_equal(shown(terminal), "abcdefgh|12345678|$|");
	assert_int_equal(terminal->active->y, 2);
}

/* A program sees to its own line. */
static void the_cursor_s_line_is_left_alone(void **state)
{
	feed(terminal, "$ abcdefghijkl");
	assert_string_equal(shown(terminal), "$ abcdefgh|+ijkl||");
	assert_int_equal(terminal_resize(terminal, 6, 4), 0);
	assert_string_equal(shown(terminal), "$ abcd|+ijkl||");
}

static void wide_characters_are_not_cut(void **state)
{
	feed(terminal, "abcd\xe6\x97\xa5\xe6\x9c\xac\r\n$ ");
	assert_int_equal(terminal_resize(terminal, 5, 4), 0);
	assert_string_equal(shown(terminal), "abcd|+*_*_|$|");
	assert_int_equal(terminal_resize(terminal, 10, 4), 0);
	assert_string_equal(shown(terminal), "abcd*_*_|$||");
}

static void rows_come_and_go(void **state)
{
	feed(terminal, "1\r\n2\r\n3\r\n4\r\n5\r\n6");
	assert_string_equal(shown(terminal), "3|4|5|6");
	assert_int_equal(terminal_resize(terminal, 10, 6), 0);
	assert_string_equal(shown(terminal), "1|2|3|4|5|6");
	assert_int_equal(terminal_resize(terminal, 10, 2), 0);
	assert_string_equal(shown(terminal), "5|6");
	assert_int_equal(terminal->normal.above, 4);
	feed(terminal, "\033[H");
	assert_int_equal(terminal_resize(terminal, 10, 1), 0);
	assert_string_equal(shown(terminal), "5");
}

/* What is not kept comes back as blanks, so that the cursor is where the page has it. */
static void lines_nobody_knows(void **state)
{
	for (int i = 0; i < 40; i++)
		feed(terminal, "x\r\n");
	assert_int_equal(terminal_resize(terminal, 10, 12), 0);
	assert_int_equal(terminal->active->y, 11);
	assert_string_equal(shown(terminal), "||||x|x|x|x|x|x|x|");
}

static void the_other_buffer_is_cut(void **state)
{
	feed(terminal, "one\033[?1049h\033[Habcdefgh\r\n2\r\n3\r\n4");
	assert_int_equal(terminal_resize(terminal, 5, 3), 0);
	assert_string_equal(shown(terminal), "2|3|4");
	assert_int_equal(terminal_resize(terminal, 10, 4), 0);
	assert_string_equal(shown(terminal), "2|3|4|");
	feed(terminal, "\033[?1049l");
	assert_string_equal(shown(terminal), "one|||");
}

static void tabs_go_on(void **state)
{
	feed(terminal, "\033[3g\033[4G\033H");
	assert_int_equal(terminal_resize(terminal, 30, 4), 0);
	feed(terminal, "\r\t");
	assert_int_equal(terminal->active->x, 3);
	feed(terminal, "\t\t");
	assert_int_equal(terminal->active->x, 19);
}

static void too_large(void **state)
{
	feed(terminal, "one");
	assert_int_equal(terminal_resize(terminal, 2000, 2000), -ERR_TOO_LARGE);
	assert_string_equal(shown(terminal), "one|||");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = { TEST(narrow_and_wide_again),
		TEST(the_cursor_s_line_is_left_alone), TEST(wide_characters_are_not_cut),
		TEST(rows_come_and_go), TEST(lines_nobody_knows), TEST(the_other_buffer_is_cut),
		TEST(tabs_go_on), TEST(too_large) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
