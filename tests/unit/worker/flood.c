/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/flood.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "shown.h"

/* Lines with their number between two texts. */
static struct buf lines_of(unsigned count, const char *before, const char *after)
{
	struct buf bytes = BUF(1 << 20);

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(buf_append_format(&bytes, "%s%u%s", before, i, after), 0);
	return bytes;
}

static bool is_flood(const char *older, const struct buf *newer, struct flood *flood)
{
	*flood = (struct flood){ .columns = 20, .rows = 5 };
	return flood_scan(flood, (const uint8_t *)older, strlen(older), newer->data, newer->len);
}

/* A terminal that reads the shorter bytes shows what it would have shown. */
static void says_the_same_in_short(void **state)
{
	static const char *const kinds[][2] = { { "line ", "\r\n" },
		{ "\033[3", "m colours\033[m and not\r\n" },
		{ "", " a line that is longer than the screen is wide\r\n" }, { "", "\tx\b\r\n" },
		{ "\xc3\xa9\xe6\x97\xa5 ", "\r\n" }, { "\033[31m", "\r\n" },
		{ "\033[4m\033[38;2;1;2;3m", "\r\n" }, { "\033[1m\033[0m\033[7m", "\033[27m\r\n" },
		{ "\033[32m", "\033[mx a line that is longer than two are wide\033[1m\r\n" } };

	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(buf_finish) struct buf bytes = lines_of(60, kinds[i][0], kinds[i][1]);
		CLEANUP(buf_finish) struct buf lead = BUF(4096);
		struct terminal *all, *some;
		struct flood flood;
		char expected[1024];

		terminal_create(20, 5, &all);
		terminal_create(20, 5, &some);
		feed(all, "before\033[1m");
		feed(some, "before\033[1m");
		terminal_feed(all, bytes.data, bytes.len);
		flood = (struct flood){ .columns = 20, .rows = 5, .pen = { ATTRIBUTE_BOLD } };
		assert_true(flood_scan(&flood, NULL, 0, bytes.data, bytes.len));
		assert_true(flood.rest_len < bytes.len / 2);
		assert_int_equal(flood_lead(&flood, &lead), 0);
		terminal_feed(some, lead.data, lead.len);
		terminal_feed(some, flood.rest, flood.rest_len);
		snprintf(expected, sizeof expected, "%s", shown(all));
		assert_string_equal(shown(some), expected);
		assert_memory_equal(&some->pen, &all->pen, sizeof all->pen);
		for (unsigned y = 0; y < all->normal.kept + 5; y++)
			assert_memory_equal(all->normal.lines[y].cells, some->normal.lines[y].cells,
				20 * sizeof(struct cell));
		terminal_destroy(all);
		terminal_destroy(some);
	}
}

/* A line that takes five rows counts as five, whatever its colours; one of wide characters as one.
 */
static void long_lines_take_their_rows(void **state)
{
	static const char long_line[] =
		"\033[31mERROR\033[0m 0123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789\r\n";
	static const char wide_line[] = "0123456789012345678901234567890123456789"
					"0123456789012345678901234567890123456789\xe6\x97\xa5\r\n";
	CLEANUP(buf_finish) struct buf coloured = lines_of(30, "", long_line);
	CLEANUP(buf_finish) struct buf wide = lines_of(30, "", wide_line);
	struct flood flood;

	assert_true(is_flood("", &coloured, &flood));
	assert_true(flood.rest_len <= 3 * (sizeof long_line + 2));
	assert_true(is_flood("", &wide, &flood));
	assert_true(flood.rest_len >= 11 * sizeof wide_line);
}

static void too_little_to_leave_out(void **state)
{
	CLEANUP(buf_finish) struct buf few = lines_of(12, "line ", "\r\n");
	CLEANUP(buf_finish) struct buf no_ends = lines_of(500, "", " ");
	CLEANUP(buf_finish) struct buf feeds = lines_of(100, "line ", "\n");
	struct flood flood;

	assert_false(is_flood("", &few, &flood));
	assert_false(is_flood("", &no_ends, &flood));
	assert_false(is_flood("", &feeds, &flood)); /* where does a line begin? */
}

static void anything_else_is_none(void **state)
{
	static const char *const others[] = { "\033[H", "\033[2J", "\0337", "\033(0", "\016",
		"\017", "\033]0;title\007", "\033[?25l", "\033[1;5r", "\xc2\x9bH", "\033[4h",
		"\033[1", "\033c" };
	struct flood flood;

	for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
		CLEANUP(buf_finish) struct buf bytes = lines_of(60, "line ", "\r\n");
		assert_true(is_flood("", &bytes, &flood));
		if (i != 11)
			assert_false(is_flood(others[i], &bytes, &flood));
		memcpy(bytes.data + 100, others[i], strlen(others[i]));
		assert_false(is_flood("", &bytes, &flood));
	}
}

/* What is cut at the end goes on in the next bytes; a flood all the same. */
static void the_end_may_be_cut(void **state)
{
	CLEANUP(buf_finish) struct buf bytes = lines_of(60, "line ", "\r\n");
	struct flood flood;

	buf_append_text(&bytes, "\033[3");
	assert_true(is_flood("", &bytes, &flood));
	assert_memory_equal(flood.rest + flood.rest_len - 3, "\033[3", 3);
	/* And what was begun before must have ended. */
	assert_true(is_flood("x\033[3", &(struct buf){ .data = (uint8_t *)"", .len = 0 }, &flood) ==
		    false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same_in_short),
		cmocka_unit_test(long_lines_take_their_rows),
		cmocka_unit_test(too_little_to_leave_out),
		cmocka_unit_test(anything_else_is_none),
		cmocka_unit_test(the_end_may_be_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
