/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/grid.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define TAB_WIDTH 8

int grid_init(struct grid *grid, unsigned columns, unsigned rows, bool scrolls_back)
{
	unsigned history = scrolls_back ? MIN(rows, GRID_HISTORY_MAX) : 0;
	size_t lines = rows + history;

	memset(grid, 0, sizeof *grid);
	if (columns < 2 || rows < 1 || columns > GRID_SIDE_MAX || rows > GRID_SIDE_MAX ||
		lines * columns > GRID_CELLS_MAX)
		return -ERR_TOO_LARGE;
	grid->lines = calloc(lines, sizeof *grid->lines);
	/* Large, so of fresh pages: those of lines that stay empty are never touched. */
	grid->cells = calloc(lines * columns, sizeof *grid->cells);
	if (grid->lines == NULL || grid->cells == NULL) {
		grid_finish(grid);
		return -ERR_SYSTEM;
	}
	for (size_t i = 0; i < lines; i++)
		grid->lines[i].cells = grid->cells + i * columns;
	grid->columns = columns;
	grid->rows = rows;
	grid->scrolls_back = scrolls_back;
	grid->kept_most = history;
	grid->saved.charset = CHARSET_ASCII;
	grid->bottom = rows - 1;
	grid_default_tabs(grid, 0);
	return 0;
}

void grid_finish(struct grid *grid)
{
	free(grid->lines);
	free(grid->cells);
	memset(grid, 0, sizeof *grid);
}

void grid_clear(struct grid *grid)
{
	static const struct cell empty;

	grid->kept = grid->above = 0;
	for (unsigned y = 0; y < grid->rows; y++)
		line_fill(grid, grid_line(grid, y), &empty);
	grid->x = grid->y = grid->top = 0;
	grid->bottom = grid->rows - 1;
	memset(grid->tabs, 0, sizeof grid->tabs);
	grid_default_tabs(grid, 0);
}

/* ---- tabs ---- */

void grid_set_tab(struct grid *grid, unsigned x, bool set)
{
	if (set)
		grid->tabs[x / 8] |= (uint8_t)(1u << x % 8);
	else
		grid->tabs[x / 8] &= (uint8_t) ~(1u << x % 8);
}

void grid_default_tabs(struct grid *grid, unsigned from)
{
	for (unsigned x = from; x < grid->columns; x += TAB_WIDTH)
		grid_set_tab(grid, x, true);
}

/* ---- lines ---- */

void cell_put(struct cell *cell, uint32_t code, unsigned width, const struct attributes *attributes)
{
	*cell = (struct cell){
		.code = code, .narrower = (width ^ 1) & 3, .attributes = *attributes
	};
	/* A pen that draws no line may still know how it would. */
	if ((attributes->bg & ATTRIBUTE_LINED) == 0)
		cell->attributes.line = 0;
}

unsigned line_length(const struct grid *grid, const struct line *line)
{
	for (unsigned x = grid->columns; x > 0; x--)
		if (cell_filled(&line->cells[x - 1]))
			return x - 1 + cell_width(&line->cells[x - 1]);
	return 0;
}

static void empty_out(struct line *line, unsigned x, const struct cell *fill)
{
	cell_put(&line->cells[x], 0, 1, &fill->attributes);
}

static bool is_protected(const struct line *line, unsigned x)
{
	return (line->cells[x].attributes.bg & ATTRIBUTE_PROTECTED) != 0;
}

void line_replace(const struct grid *grid, struct line *line, unsigned from, unsigned to,
	const struct cell *fill, bool spare_protected)
{
	to = MIN(to, grid->columns);
	if (from > 0 && cell_width(&line->cells[from - 1]) == 2 &&
		!(spare_protected && is_protected(line, from - 1)))
		empty_out(line, from - 1, fill);
	if (to > 0 && to < grid->columns && cell_width(&line->cells[to - 1]) == 2 &&
		!(spare_protected && is_protected(line, to)))
		empty_out(line, to, fill);
	for (unsigned x = from; x < to; x++)
		if (!spare_protected || !is_protected(line, x))
			line->cells[x] = *fill;
}

void line_fill(const struct grid *grid, struct line *line, const struct cell *fill)
{
	for (unsigned x = 0; x < grid->columns; x++)
		line->cells[x] = *fill;
	line->wrapped = false;
}

void line_insert(const struct grid *grid, struct line *line, unsigned at, unsigned count,
	const struct cell *fill)
{
	unsigned columns = grid->columns;

	at %= columns;
	count = MIN(count, columns - at);
	if (at > 0 && cell_width(&line->cells[at - 1]) == 2)
		empty_out(line, at - 1, fill);
	memmove(line->cells + at + count, line->cells + at,
		(columns - at - count) * sizeof *line->cells);
	for (unsigned x = at; x < at + count; x++)
		line->cells[x] = *fill;
	if (cell_width(&line->cells[columns - 1]) == 2)
		empty_out(line, columns - 1, fill);
}

void line_delete(const struct grid *grid, struct line *line, unsigned at, unsigned count,
	const struct cell *fill)
{
	unsigned columns = grid->columns;

	at %= columns;
	count = MIN(count, columns - at);
	memmove(line->cells + at, line->cells + at + count,
		(columns - at - count) * sizeof *line->cells);
	for (unsigned x = columns - count; x < columns; x++)
		line->cells[x] = *fill;
	if (at > 0 && cell_width(&line->cells[at - 1]) == 2)
		empty_out(line, at - 1, fill);
	if (cell_width(&line->cells[at]) == 0 && !cell_filled(&line->cells[at]))
		empty_out(line, at, fill);
}

/* ---- moving lines ---- */

void grid_move_up(struct grid *grid, unsigned from, unsigned to, const struct cell *fill)
{
	struct line gone = *grid_line(grid, from);

	memmove(grid_line(grid, from), grid_line(grid, from + 1), (to - from) * sizeof gone);
	*grid_line(grid, to) = gone;
	line_fill(grid, grid_line(grid, to), fill);
}

void grid_move_down(struct grid *grid, unsigned from, unsigned to, const struct cell *fill)
{
	struct line gone = *grid_line(grid, to);

	memmove(grid_line(grid, from + 1), grid_line(grid, from), (to - from) * sizeof gone);
	*grid_line(grid, from) = gone;
	line_fill(grid, grid_line(grid, from), fill);
}

/* The top line of the screen becomes the newest of those above it. */
static void keep_top(struct grid *grid)
{
	if (grid->above < GRID_PAGE_HISTORY) {
		grid->above++;
		grid->saved.y--;
	}
	if (grid->kept < grid->kept_most) {
		/* There is an unused line behind the last one: it comes in from below. */
		grid->kept++;
		return;
	}
	struct line oldest = grid->lines[0];
	size_t rest = grid->kept + grid->rows - 1;
	memmove(grid->lines, grid->lines + 1, rest * sizeof oldest);
	grid->lines[rest] = oldest;
}

/* With a region that ends above the last row: the lines below it stay where they are. */
static void lift_last_rows(struct grid *grid, unsigned bottom)
{
	struct line incoming = *grid_line(grid, grid->rows - 1);
	unsigned below = grid->rows - 1 - bottom;

	memmove(grid_line(grid, bottom + 1), grid_line(grid, bottom), below * sizeof incoming);
	*grid_line(grid, bottom) = incoming;
}

void grid_scroll(struct grid *grid, const struct cell *fill, bool wrapped)
{
	if (grid->top == 0 && grid->scrolls_back) {
		keep_top(grid);
		lift_last_rows(grid, grid->bottom);
		line_fill(grid, grid_line(grid, grid->bottom), fill);
	} else {
		grid_move_up(grid, grid->top, grid->bottom, fill);
	}
	grid_line(grid, grid->bottom)->wrapped = wrapped;
}

void grid_forget(struct grid *grid)
{
	for (unsigned y = 0; y < grid->rows; y++) {
		struct line swapped = grid->lines[y];
		grid->lines[y] = grid->lines[grid->kept + y];
		grid->lines[grid->kept + y] = swapped;
	}
	grid->saved.y += (int)grid->above;
	grid->kept = grid->above = 0;
}
