/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/grid.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct cell empty;

static void put_line(struct grid *grid, unsigned y, const char *text)
{
	static const struct attributes plain;

	for (unsigned x = 0; text[x] != '\0'; x++)
		cell_put(&grid_line(grid, y)->cells[x], (uint32_t)text[x], 1, &plain);
}

static const char *text_of(const struct grid *grid, const struct line *line)
{
	static char text[64];
	unsigned len = line_length(grid, line);

	for (unsigned x = 0; x < len; x++)
		text[x] = (char)(line->cells[x].code == 0 ? '.' : line->cells[x].code);
	text[len] = '\0';
	return text;
}

static void has_ceilings(void **state)
{
	struct grid grid;

	assert_int_equal(grid_init(&grid, 1, 5, true), -ERR_TOO_LARGE);
	assert_int_equal(grid_init(&grid, 5, 0, true), -ERR_TOO_LARGE);
	assert_int_equal(grid_init(&grid, GRID_SIDE_MAX, GRID_SIDE_MAX, false), -ERR_TOO_LARGE);
	assert_int_equal(grid_init(&grid, 10, 5, true), 0);
	assert_int_equal(grid.kept_most, 5);
	grid_finish(&grid);
	grid_finish(&grid);
}

static void scrolls_and_keeps(void **state)
{
	struct grid grid;
	char text[2] = "a";

	grid_init(&grid, 4, 3, true);
	for (int i = 0; i < 8; i++, text[0]++) {
		put_line(&grid, 2, text);
		grid_scroll(&grid, &empty, false);
	}
	assert_int_equal(grid.above, 8);
	assert_int_equal(grid.kept, 3);
	assert_string_equal(text_of(&grid, grid_line(&grid, 1)), "h");
	assert_string_equal(text_of(&grid, &grid.lines[2]), "f");
	assert_string_equal(text_of(&grid, grid_line(&grid, 2)), "");
	assert_int_equal(grid.saved.y, -8);
	grid_forget(&grid);
	assert_int_equal(grid.kept, 0);
	assert_int_equal(grid.saved.y, 0);
	assert_string_equal(text_of(&grid, grid_line(&grid, 1)), "h");
	grid_finish(&grid);
}

/* With a region that ends above the last row, that row stays, and the top goes up all the same. */
static void scrolls_in_part(void **state)
{
	struct grid grid;

	grid_init(&grid, 4, 4, true);
	put_line(&grid, 0, "a");
	put_line(&grid, 1, "b");
	put_line(&grid, 2, "c");
	put_line(&grid, 3, "foot");
	grid.bottom = 2;
	grid_scroll(&grid, &empty, true);
	assert_string_equal(text_of(&grid, grid_line(&grid, 0)), "b");
	assert_string_equal(text_of(&grid, grid_line(&grid, 2)), "");
	assert_true(grid_line(&grid, 2)->wrapped);
	assert_string_equal(text_of(&grid, grid_line(&grid, 3)), "foot");
	assert_int_equal(grid.above, 1);
	grid.top = 1;
	grid_scroll(&grid, &empty, false);
	assert_string_equal(text_of(&grid, grid_line(&grid, 0)), "b");
	assert_string_equal(text_of(&grid, grid_line(&grid, 1)), "");
	assert_int_equal(grid.above, 1);
	grid_finish(&grid);
}

static void moves_cells(void **state)
{
	struct grid grid;

	grid_init(&grid, 6, 1, false);
	put_line(&grid, 0, "abcdef");
	line_insert(&grid, grid_line(&grid, 0), 1, 2, &empty);
	assert_string_equal(text_of(&grid, grid_line(&grid, 0)), "a..bcd");
	line_delete(&grid, grid_line(&grid, 0), 1, 2, &empty);
	assert_string_equal(text_of(&grid, grid_line(&grid, 0)), "abcd");
	line_insert(&grid, grid_line(&grid, 0), 5, 99, &empty);
	line_delete(&grid, grid_line(&grid, 0), 2, 99, &empty);
	assert_string_equal(text_of(&grid, grid_line(&grid, 0)), "ab");
	line_replace(&grid, grid_line(&grid, 0), 0, 99, &empty, false);
	assert_int_equal(line_length(&grid, grid_line(&grid, 0)), 0);
	grid_finish(&grid);
}

/* Nothing is left of a wide character of which one half goes. */
static void halves_go(void **state)
{
	static const struct attributes plain;
	struct grid grid;

	grid_init(&grid, 6, 1, false);
	struct line *line = grid_line(&grid, 0);
	cell_put(&line->cells[1], 0x4e00, 2, &plain);
	cell_put(&line->cells[2], 0, 0, &plain);
	line_replace(&grid, line, 2, 3, &empty, false);
	assert_int_equal(line_length(&grid, line), 0);
	cell_put(&line->cells[1], 0x4e00, 2, &plain);
	cell_put(&line->cells[2], 0, 0, &plain);
	line_delete(&grid, line, 0, 2, &empty);
	assert_int_equal(line_length(&grid, line), 0);
	assert_int_equal(cell_width(&line->cells[0]), 1);
	cell_put(&line->cells[4], 0x4e00, 2, &plain);
	cell_put(&line->cells[5], 0, 0, &plain);
	line_insert(&grid, line, 0, 1, &empty);
	assert_int_equal(line_length(&grid, line), 0);
	grid_finish(&grid);
}

static void spares_what_is_protected(void **state)
{
	static const struct attributes guarded = { .bg = ATTRIBUTE_PROTECTED };
	struct grid grid;

	grid_init(&grid, 6, 1, false);
	put_line(&grid, 0, "abcd");
	cell_put(&grid_line(&grid, 0)->cells[1], 'B', 1, &guarded);
	line_replace(&grid, grid_line(&grid, 0), 0, 6, &empty, true);
	assert_string_equal(text_of(&grid, grid_line(&grid, 0)), ".B");
	grid_finish(&grid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_ceilings),
		cmocka_unit_test(scrolls_and_keeps),
		cmocka_unit_test(scrolls_in_part),
		cmocka_unit_test(moves_cells),
		cmocka_unit_test(halves_go),
		cmocka_unit_test(spares_what_is_protected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
