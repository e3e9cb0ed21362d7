/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sequence.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "shown.h"

static void shows(const char *bytes, const char *expected)
{
	struct terminal *terminal;

	assert_int_equal(terminal_create(8, 4, &terminal), 0);
	feed(terminal, bytes);
	assert_string_equal(shown(terminal), expected);
	terminal_destroy(terminal);
}

static void the_cursor(void **state)
{
	shows("\033[2;3Hx\033[Hy\033[99;99Hz", "y|  x||       z");
	shows("\033[3;3Ha\033[Ab\033[Bc\033[2Cd\033[5De", "|   b|  e c  d|");
	shows("\033[3Ea\033[2Fb\033[5Gc\033[3dd", "|b   c|     d|a");
	shows("\033[2aa\033[2eb\033[`c\033[2;2fd", "  a| d|c  b|");
	shows("\t\033[Za\033[2Ib", "a      b|||");
	shows("\033[3g\033[3G\033H\r\tx", "  x|||");
}

static void up_and_down_stop_at_the_region(void **state)
{
	shows("\033[2;3r\033[3;1H\033[9Aa\033[9Bb", "|a| b|");
	shows("\033[2;3r\033[4;1H\033[9Aa", "|a||");
}

static void erasing(void **state)
{
	shows("abcd\r\nefgh\r\nijkl\033[2;3H\033[K", "abcd|ef|ijkl|");
	shows("abcd\r\nefgh\r\nijkl\033[2;3H\033[1K", "abcd|   h|ijkl|");
	shows("abcd\r\nefgh\r\nijkl\033[2;3H\033[2K", "abcd||ijkl|");
	shows("abcd\r\nefgh\r\nijkl\033[2;3H\033[J", "abcd|ef||");
	shows("abcd\r\nefgh\r\nijkl\033[2;3H\033[1J", "|   h|ijkl|");
	shows("abcd\r\nefgh\r\nijkl\033[2J", "|||");
	shows("abcd\033[2G\033[2X", "a  d|||");
	shows("\033[1\"qab\033[0\"qcd\033[?2Kx", "ab  x|||");
}

static void an_erased_cell_keeps_the_background(void **state)
{
	struct terminal *terminal;

	terminal_create(8, 4, &terminal);
	feed(terminal, "\033[1;44mab\033[K");
	assert_int_equal(grid_line(terminal->active, 0)->cells[5].attributes.bg, COLOR_16 | 4);
	assert_int_equal(grid_line(terminal->active, 0)->cells[5].attributes.fg, 0);
	terminal_destroy(terminal);
}

static void inserting_and_deleting(void **state)
{
	shows("abcd\033[2G\033[2@", "a  bcd|||");
	shows("abcd\033[2G\033[2P", "ad|||");
	shows("a\r\nb\r\nc\033[2;3H\033[Lx", "a|x|b|c");
	shows("a\r\nb\r\nc\033[1;1H\033[Mx", "x|c||");
	shows("a\r\nb\r\nc\r\nd\033[2;3r\033[2;1H\033[9Lx", "a|x||d");
	shows("a\r\nb\033[4;1H\033[2S", "|||");
	shows("a\r\nb\033[2T", "||a|b");
	shows("abcd\r\nefgh\033[H\033[2 @", "cd|gh||");
	shows("abcd\r\nefgh\033[H\033[ A", " abcd| efgh||");
	shows("abcd\r\nefgh\033[1;2H\033['}", "a bcd|e fgh||");
	shows("abcd\r\nefgh\033[1;2H\033['~", "acd|egh||");
	shows("abc\033[2G\033[4hxy\033[4lz", "axyzc|||");
}

static void repeating(void **state)
{
	shows("ab\033[3b", "abbbb|||");
	shows("a\033[m\033[3b", "a|||");
	shows("\xe6\x97\xa5\033[2b", "*_*_*_|||");
	shows("e\xcc\x81\033[b", "**|||");
}

static void modes(void **state)
{
	struct terminal *terminal;

	terminal_create(8, 4, &terminal);
	feed(terminal, "\033[?1;7;12;25;45;66;1002;1004;1006;2004;2026h\033[4;20h\033[3 q");
	assert_true(terminal->modes.cursor_keys && terminal->modes.keypad);
	assert_true(terminal->modes.reverse_wrap && terminal->modes.focus);
	assert_true(terminal->modes.bracketed_paste && terminal->modes.synchronized);
	assert_true(terminal->modes.insert && terminal->feed_returns);
	assert_int_equal(terminal->modes.cursor_style, 3);
	assert_int_equal(terminal->mouse, MOUSE_DRAG);
	assert_int_equal(terminal->mouse_encoding, MOUSE_SGR);
	assert_int_equal(terminal->blink, SWITCH_ON);
	feed(terminal, "\033[?1;7;12;25;45;66;1000;1004;1016;2004;2026l\033[4;20l\033[0 q");
	assert_false(terminal->modes.cursor_keys || terminal->modes.keypad);
	assert_false(terminal->modes.bracketed_paste || terminal->modes.insert);
	assert_true(terminal->modes.no_wrap && terminal->hidden);
	assert_int_equal(terminal->mouse, MOUSE_NONE);
	assert_int_equal(terminal->mouse_encoding, MOUSE_PLAIN);
	assert_int_equal(terminal->blink, SWITCH_OFF);
	terminal_destroy(terminal);
}

static void regions(void **state)
{
	struct terminal *terminal;

	terminal_create(8, 4, &terminal);
	feed(terminal, "\033[3;3H\033[2;3r");
	assert_int_equal(terminal->active->top, 1);
	assert_int_equal(terminal->active->bottom, 2);
	assert_int_equal(terminal->active->y, 0);
	feed(terminal, "\033[3;2r\033[4;4r"); /* none */
	assert_int_equal(terminal->active->top, 1);
	feed(terminal, "\033[;99r");
	assert_int_equal(terminal->active->top, 0);
	assert_int_equal(terminal->active->bottom, 3);
	feed(terminal, "\033[2;2H\033[s\033[H\033[ux");
	assert_string_equal(shown(terminal), "| x||");
	terminal_destroy(terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cursor),
		cmocka_unit_test(up_and_down_stop_at_the_region),
		cmocka_unit_test(erasing),
		cmocka_unit_test(an_erased_cell_keeps_the_background),
		cmocka_unit_test(inserting_and_deleting),
		cmocka_unit_test(repeating),
		cmocka_unit_test(modes),
		cmocka_unit_test(regions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
