/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/keyframe.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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

/* What another terminal shows that has read the keyframe, and then `more`. */
static struct terminal *copy(const struct terminal *terminal, const char *more)
{
	CLEANUP(buf_finish) struct buf bytes = BUF(KEYFRAME_MAX);
	struct terminal *other = at(terminal->normal.columns, terminal->normal.rows, "");

	assert_int_equal(keyframe_write(terminal, &bytes), 0);
	terminal_feed(other, bytes.data, bytes.len);
	feed(other, more);
	return other;
}

static void same_after(const char *bytes, const char *more)
{
	struct terminal *terminal = at(12, 5, bytes);
	struct terminal *other = copy(terminal, more);
	char expected[256];

	feed(terminal, more);
	snprintf(expected, sizeof expected, "%s", shown(terminal));
	assert_string_equal(shown(other), expected);
	assert_int_equal(other->active->x, terminal->active->x);
	assert_int_equal(other->active->y, terminal->active->y);
	assert_memory_equal(&other->pen, &terminal->pen, sizeof other->pen);
	assert_memory_equal(&other->modes, &terminal->modes, sizeof other->modes);
	terminal_destroy(terminal);
	terminal_destroy(other);
}

/* tests/unit/web/screens.mjs holds it against the page's terminal, cell by cell. */
static void goes_on_as_if_nothing_had_been(void **state)
{
	same_after("", "x");
	same_after("one\r\ntwo\033[1;31m", "three");
	same_after("123456789012", "wraps");
	same_after("12345678901234567", "\033[A\033[2Kx");
	same_after("a\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
		   "bcdefghi",
		"x\bY");
	same_after("e\xcc\x81\033[5Gx", "\xcc\x81z");
	same_after("\033[2;3r\033[3;1Ha", "\n\n\nb");
	same_after("\033[2;4r\033[?6h\033[2;2Ha", "\033[1;1Hb");
	same_after("\033[3;4H\033[1m\0337\033[H\033[mx", "\0338y");
	same_after("one\033[?1049h\033[2;2Htwo", "\033[?1049lx");
	same_after("\033(0qq", "qq\033(Bq");
	same_after("\033)0\016qq", "q\017q");
	same_after("\033[3g\033[5G\033H\r", "\tx");
	same_after("abc\033[2G\033[4h", "xy");
	same_after("\033[?7l", "12345678901234567");
	same_after("\033[44mab\033[K\r\n\033[2Xc", "d");
	same_after("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7", "\033[5;1H\n");
	same_after("\033[1", "mx");
	same_after("\xe6\x97", "\xa5x");
	same_after("x\033[20h", "\ny");
}

static void asks_for_nothing_twice(void **state)
{
	CLEANUP(buf_finish) struct buf first = BUF(KEYFRAME_MAX);
	CLEANUP(buf_finish) struct buf second = BUF(KEYFRAME_MAX);
	struct terminal *terminal = at(20, 5,
		"\033[?1h\033=\033[?2004h\033[?1002;1006h\033[3 "
		"q\033[?12l\033[1;44mx\033[K\033[2;4r");
	struct terminal *other = copy(terminal, "");

	assert_int_equal(keyframe_write(terminal, &first), 0);
	assert_int_equal(keyframe_write(other, &second), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	assert_int_equal(other->mouse, MOUSE_DRAG);
	assert_int_equal(other->mouse_encoding, MOUSE_SGR);
	terminal_destroy(terminal);
	terminal_destroy(other);
}

static void lines_above_come_along(void **state)
{
	struct terminal *terminal = at(12, 3, "1\r\n2\r\n3\r\n4\r\n5");
	struct terminal *other = copy(terminal, "");

	assert_int_equal(other->normal.above, 2);
	assert_int_equal(terminal_resize(other, 12, 5), 0);
	assert_string_equal(shown(other), "1|2|3|4|5");
	terminal_destroy(terminal);
	terminal_destroy(other);
}

/* Colours go before text does, and what no frame could carry is refused. */
static void has_a_ceiling(void **state)
{
	struct terminal *terminal = at(1000, 60, "");
	CLEANUP(buf_finish) struct buf bytes = BUF(KEYFRAME_MAX);
	char cell[64];

	for (unsigned i = 0; i < 60000; i++) {
		snprintf(cell, sizeof cell, "\033[38;2;%u;%u;7;48;2;1;%u;3mx", i % 256, i / 256,
			i % 251);
		feed(terminal, cell);
	}
	assert_int_equal(keyframe_write(terminal, &bytes), 0);
	assert_true(bytes.len <= KEYFRAME_MAX);
	struct terminal *other = copy(terminal, "");
	assert_int_equal(grid_line(&other->normal, 30)->cells[500].code, 'x');
	assert_int_equal(grid_line(&other->normal, 30)->cells[500].attributes.fg, 0);
	terminal->failed = true;
	assert_int_equal(keyframe_write(terminal, &bytes), -ERR_SYSTEM);
	terminal_destroy(terminal);
	terminal_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_as_if_nothing_had_been),
		cmocka_unit_test(asks_for_nothing_twice),
		cmocka_unit_test(lines_above_come_along),
		cmocka_unit_test(has_a_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
