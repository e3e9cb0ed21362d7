/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/terminal.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "shown.h"

static struct terminal *at(unsigned columns, unsigned rows, const char *bytes)
{
	struct terminal *terminal;

	assert_int_equal(terminal_create(columns, rows, &terminal), 0);
	feed(terminal, bytes);
	return terminal;
}

static void shows(const char *bytes, const char *expected)
{
	struct terminal *terminal = at(8, 4, bytes);

	assert_string_equal(shown(terminal), expected);
	terminal_destroy(terminal);
}

static void text_and_lines(void **state)
{
	shows("one\r\ntwo", "one|two||");
	shows("a\tb\bc\rd", "d     cb|||");
	shows("123456789", "12345678|+9||");
	shows("12345678\r\nx", "12345678|x||");
	shows("1\r\n2\r\n3\r\n4\r\n5", "2|3|4|5");
	shows("\033[?7l123456789", "12345679|||");
	shows("a\nb\033[20h\nc", "a| b|c|");
}

static void wide_and_marked(void **state)
{
	shows("a\xe6\x97\xa5z", "a*_z|||");
	shows("1234567\xe6\x97\xa5", "1234567|+*_||");
	shows("e\xcc\x81z", "*z|||");
	/* Half of a character is none. */
	shows("\xe6\x97\xa5\rx", "x|||");
	shows("\xe6\x97\xa5\033[2Gx", " x|||");
	/* A mark that follows no character stands for itself. */
	shows("a\033[m\xcc\x81z", "a_z|||");
}

static void lines_drawn(void **state)
{
	struct terminal *terminal = at(8, 4, "\033(0lqk\033(B q\016\033)0x\017x");

	assert_int_equal(grid_line(terminal->active, 0)->cells[1].code, 0x2500);
	assert_int_equal(grid_line(terminal->active, 0)->cells[4].code, 'q');
	assert_int_equal(grid_line(terminal->active, 0)->cells[5].code, 0x2502);
	assert_int_equal(grid_line(terminal->active, 0)->cells[6].code, 'x');
	terminal_destroy(terminal);
}

static void saved_and_restored(void **state)
{
	struct terminal *terminal = at(8, 4, "\033[2;3H\033[1;31m\0337\033[H\033[mab\0338X");

	assert_string_equal(shown(terminal), "ab|  X||");
	assert_int_equal(terminal->pen.fg, ATTRIBUTE_BOLD | COLOR_16 | 1);
	terminal_destroy(terminal);
	/* As the page has it: what is saved goes up with the lines. */
	terminal = at(8, 4, "\033[3;1H\0337\033[4;1H\n\n\0338");
	assert_int_equal(terminal->active->y, 0);
	terminal_destroy(terminal);
}

static void the_other_buffer(void **state)
{
	struct terminal *terminal = at(8, 4, "one\033[?1049h\033[Htwo");

	assert_true(terminal_alternate(terminal));
	assert_string_equal(shown(terminal), "two|||");
	feed(terminal, "\033[?1049lx");
	assert_false(terminal_alternate(terminal));
	assert_string_equal(shown(terminal), "onex|||");
	feed(terminal, "\033[?47h");
	assert_string_equal(shown(terminal), "|||");
	terminal_destroy(terminal);
}

static void regions(void **state)
{
	shows("a\r\nb\r\nc\r\nd\033[2;3r\033[3;1H\nx", "a|c|x|d");
	shows("a\r\nb\r\nc\r\nd\033[2;3r\033[2;1H\033Mx", "a|x|b|d");
	shows("\033[2;3r\033[?6h\033[9;1Hx", "||x|");
	shows("a\033D b\033Ec", "a|  b|c|");
}

static void resets(void **state)
{
	struct terminal *terminal =
		at(8, 4, "one\033[?1h\033=\033[4h\033[?2004h\033[?1003h\033[31m");

	feed(terminal, "\033[!p");
	assert_false(terminal->modes.cursor_keys || terminal->modes.insert);
	assert_int_equal(terminal->pen.fg, 0);
	assert_int_equal(terminal->mouse, MOUSE_ANY);
	assert_string_equal(shown(terminal), "one|||");
	feed(terminal, "\033[?25l\033[?1049h\033c");
	assert_string_equal(shown(terminal), "|||");
	assert_int_equal(terminal->mouse, MOUSE_NONE);
	assert_false(terminal_alternate(terminal));
	assert_true(terminal->hidden); /* the page does not show it again */
	feed(terminal, "\033#8");
	assert_string_equal(shown(terminal), "EEEEEEEE|EEEEEEEE|EEEEEEEE|EEEEEEEE");
	terminal_destroy(terminal);
}

static void backwards_over_a_break(void **state)
{
	shows("\033[?45h123456789\b\b\bX", "123456X8|9||");
	shows("123456789\b\b\bX", "12345678|+X||");
}

static void too_large(void **state)
{
	struct terminal *terminal = NULL;

	assert_int_equal(terminal_create(2000, 2000, &terminal), -ERR_TOO_LARGE);
	assert_null(terminal);
	terminal_destroy(NULL);
}

/* Whatever the bytes, the cursor stays on the screen; the fuzzer looks further. */
static void any_bytes(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 200; round++) {
		struct terminal *terminal = at(2 + round % 9, 1 + round % 5, "");
		for (int i = 0; i < 400; i++) {
			static const char likely[] = "\033[;0123456789ABCDHJKLMPSTX@hlmr?!\n\r\t";
			seed = seed * 1103515245 + 12345;
			uint8_t byte = seed >> 30 != 0
					       ? (uint8_t)likely[(seed >> 16) % (sizeof likely - 1)]
					       : (uint8_t)(seed >> 16);
			terminal_feed(terminal, &byte, 1);
			assert_true(terminal->active->x <= terminal->active->columns);
			assert_true(terminal->active->y < terminal->active->rows);
		}
		terminal_destroy(terminal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_lines),
		cmocka_unit_test(wide_and_marked),
		cmocka_unit_test(lines_drawn),
		cmocka_unit_test(saved_and_restored),
		cmocka_unit_test(the_other_buffer),
		cmocka_unit_test(regions),
		cmocka_unit_test(resets),
		cmocka_unit_test(backwards_over_a_break),
		cmocka_unit_test(too_large),
		cmocka_unit_test(any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
