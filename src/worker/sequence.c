/* SPDX-License-Identifier: Apache-2.0 */
/* What CSI sequences do to a terminal. */
#include <string.h>

#include "base/mem.h"
#include "worker/terminal.h"

/* A count: the first parameter, where nothing and 0 mean 1. */
static unsigned count_of(const struct params *params)
{
	int32_t value = params->values[0];

	return value > 0 ? (unsigned)MIN(value, 2 * GRID_SIDE_MAX) : 1;
}

static int64_t at_or_first(const struct params *params, unsigned i)
{
	return params->count > i && params->values[i] > 0 ? params->values[i] - 1 : 0;
}

static bool in_region(const struct grid *grid)
{
	return grid->y >= grid->top && grid->y <= grid->bottom;
}

/* ---- the cursor ---- */

static void move_by(struct terminal *terminal, int64_t x, int64_t y)
{
	struct grid *grid = terminal->active;

	terminal_restrict(terminal, grid->columns - 1);
	terminal_move_to(terminal, grid->x + x, grid->y + y);
}

/* Up and down stop at the region's edge for who comes from inside. */
static void up(struct terminal *terminal, const struct params *params)
{
	const struct grid *grid = terminal->active;
	unsigned count = count_of(params);

	if (grid->y >= grid->top)
		count = MIN(count, grid->y - grid->top);
	move_by(terminal, 0, -(int64_t)count);
}

static void down(struct terminal *terminal, const struct params *params)
{
	const struct grid *grid = terminal->active;
	unsigned count = count_of(params);

	if (grid->y <= grid->bottom)
		count = MIN(count, grid->bottom - grid->y);
	move_by(terminal, 0, count);
}

static void forward(struct terminal *terminal, const struct params *params)
{
	move_by(terminal, count_of(params), 0);
}

static void backward(struct terminal *terminal, const struct params *params)
{
	move_by(terminal, -(int64_t)count_of(params), 0);
}

static void down_to_start(struct terminal *terminal, const struct params *params)
{
	down(terminal, params);
	terminal->active->x = 0;
}

static void up_to_start(struct terminal *terminal, const struct params *params)
{
	up(terminal, params);
	terminal->active->x = 0;
}

static void to_column(struct terminal *terminal, const struct params *params)
{
	terminal_move_to(terminal, at_or_first(params, 0), terminal->active->y);
}

static void to_row(struct terminal *terminal, const struct params *params)
{
	terminal_move_to(terminal, terminal->active->x, at_or_first(params, 0));
}

static void rows_down(struct terminal *terminal, const struct params *params)
{
	move_by(terminal, 0, count_of(params));
}

static void to_place(struct terminal *terminal, const struct params *params)
{
	terminal_move_to(terminal, at_or_first(params, 1), at_or_first(params, 0));
}

static void tabs_forward(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;

	if (grid->x >= grid->columns)
		return;
	for (unsigned i = count_of(params); i > 0 && grid->x < grid->columns - 1; i--) {
		do
			grid->x++;
		while (grid->x < grid->columns && !grid_tab(grid, grid->x));
		grid->x = MIN(grid->x, grid->columns - 1);
	}
}

static void tabs_backward(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;

	if (grid->x >= grid->columns)
		return;
	for (unsigned i = count_of(params); i > 0 && grid->x > 0; i--)
		do
			grid->x--;
		while (grid->x > 0 && !grid_tab(grid, grid->x));
}

static void clear_tabs(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;

	if (params->values[0] == 0)
		grid_set_tab(grid, grid->x, false);
	else if (params->values[0] == 3)
		memset(grid->tabs, 0, sizeof grid->tabs);
}

/* ---- erasing ---- */

static void erase(
	struct terminal *terminal, unsigned y, unsigned from, unsigned to, bool unwrap, bool spare)
{
	struct grid *grid = terminal->active;
	struct cell blank = terminal_blank(terminal);

	line_replace(grid, grid_line(grid, y), from, to, &blank, spare);
	if (unwrap)
		grid_line(grid, y)->wrapped = false;
}

static void erase_lines(struct terminal *terminal, unsigned from, unsigned to, bool spare)
{
	for (unsigned y = from; y < to; y++)
		erase(terminal, y, 0, terminal->active->columns, true, spare);
}

static void erase_screen(struct terminal *terminal, const struct params *params, bool spare)
{
	struct grid *grid = terminal->active;

	terminal_restrict(terminal, grid->columns);
	switch (params->values[0]) {
	case 0:
		erase(terminal, grid->y, grid->x, grid->columns, grid->x == 0, spare);
		erase_lines(terminal, grid->y + 1, grid->rows, spare);
		break;
	case 1:
		erase(terminal, grid->y, 0, grid->x + 1, true, spare);
		erase_lines(terminal, 0, grid->y, spare);
		/* The page counts from the first line it keeps; so do we. */
		if (grid->x + 1 >= grid->columns && grid->above == 0 && grid->y + 1 < grid->rows)
			grid_line(grid, grid->y + 1)->wrapped = false;
		break;
	case 2:
		erase_lines(terminal, 0, grid->rows, spare);
		break;
	case 3:
		grid_forget(grid);
		break;
	}
}

static void erase_line(struct terminal *terminal, const struct params *params, bool spare)
{
	struct grid *grid = terminal->active;

	terminal_restrict(terminal, grid->columns);
	switch (params->values[0]) {
	case 0:
		erase(terminal, grid->y, grid->x, grid->columns, grid->x == 0, spare);
		break;
	case 1:
		erase(terminal, grid->y, 0, grid->x + 1, false, spare);
		break;
	case 2:
		erase(terminal, grid->y, 0, grid->columns, true, spare);
		break;
	}
}

static void erase_in_screen(struct terminal *terminal, const struct params *params)
{
	erase_screen(terminal, params, false);
}

static void erase_unprotected(struct terminal *terminal, const struct params *params)
{
	erase_screen(terminal, params, true);
}

static void erase_in_line(struct terminal *terminal, const struct params *params)
{
	erase_line(terminal, params, false);
}

static void erase_line_unprotected(struct terminal *terminal, const struct params *params)
{
	erase_line(terminal, params, true);
}

static void erase_characters(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;

	terminal_restrict(terminal, grid->columns - 1);
	erase(terminal, grid->y, grid->x, grid->x + count_of(params), false, false);
}

/* ---- moving what is there ---- */

static void insert_characters(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;
	struct cell blank = terminal_blank(terminal);

	terminal_restrict(terminal, grid->columns - 1);
	line_insert(grid, grid_line(grid, grid->y), grid->x, count_of(params), &blank);
}

static void delete_characters(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;
	struct cell blank = terminal_blank(terminal);

	terminal_restrict(terminal, grid->columns - 1);
	line_delete(grid, grid_line(grid, grid->y), grid->x, count_of(params), &blank);
}

typedef void move_lines(struct grid *grid, unsigned from, unsigned to, const struct cell *fill);

static void move_region(struct terminal *terminal, move_lines *move, unsigned from, unsigned count,
	struct cell fill)
{
	struct grid *grid = terminal->active;

	for (unsigned i = MIN(count, grid->bottom - from + 1); i > 0; i--)
		move(grid, from, grid->bottom, &fill);
}

static void move_lines_below(
	struct terminal *terminal, move_lines *move, const struct params *params)
{
	struct grid *grid = terminal->active;

	terminal_restrict(terminal, grid->columns - 1);
	if (!in_region(grid))
		return;
	move_region(terminal, move, grid->y, count_of(params), terminal_blank(terminal));
	grid->x = 0;
}

static void insert_lines(struct terminal *terminal, const struct params *params)
{
	move_lines_below(terminal, grid_move_down, params);
}

static void delete_lines(struct terminal *terminal, const struct params *params)
{
	move_lines_below(terminal, grid_move_up, params);
}

static void scroll_up(struct terminal *terminal, const struct params *params)
{
	move_region(terminal, grid_move_up, terminal->active->top, count_of(params),
		terminal_blank(terminal));
}

/* What comes in from above has no background, unlike everywhere else. */
static void scroll_down(struct terminal *terminal, const struct params *params)
{
	move_region(
		terminal, grid_move_down, terminal->active->top, count_of(params), (struct cell){});
}

typedef void change_line(const struct grid *grid, struct line *line, unsigned at, unsigned count,
	const struct cell *fill);

static void change_columns(
	struct terminal *terminal, change_line *change, unsigned at, const struct params *params)
{
	struct grid *grid = terminal->active;
	struct cell blank = terminal_blank(terminal);

	if (!in_region(grid))
		return;
	for (unsigned y = grid->top; y <= grid->bottom; y++) {
		change(grid, grid_line(grid, y), at, count_of(params), &blank);
		grid_line(grid, y)->wrapped = false;
	}
}

static void scroll_left(struct terminal *terminal, const struct params *params)
{
	change_columns(terminal, line_delete, 0, params);
}

static void scroll_right(struct terminal *terminal, const struct params *params)
{
	change_columns(terminal, line_insert, 0, params);
}

static void insert_columns(struct terminal *terminal, const struct params *params)
{
	change_columns(terminal, line_insert, terminal->active->x, params);
}

static void delete_columns(struct terminal *terminal, const struct params *params)
{
	change_columns(terminal, line_delete, terminal->active->x, params);
}

/* ---- repeating ---- */

static unsigned cell_points(
	const struct terminal *terminal, const struct cell *cell, uint32_t out[MARKS_POINTS_MAX])
{
	if (!cell_filled(cell))
		return 0;
	if (!cell->marked) {
		out[0] = cell->code;
		return 1;
	}
	const struct marks_character *character = marks_get(&terminal->marks, cell->code);
	memcpy(out, character->points, sizeof character->points);
	return character->count;
}

static void repeat(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;
	uint32_t points[MARKS_POINTS_MAX];

	if (terminal->joins == 0 || grid->x < terminal->joins)
		return;
	const struct line *line = grid_line(grid, grid->y);
	unsigned count = cell_points(terminal, &line->cells[grid->x - terminal->joins], points);
	for (unsigned i = count_of(params); count > 0 && i > 0; i--)
		terminal_print(terminal, points, count);
}

/* ---- modes ---- */

static void set_modes(struct terminal *terminal, const struct params *params, bool on)
{
	for (unsigned i = 0; i < params->count; i++) {
		if (params->values[i] == 4)
			terminal->modes.insert = on;
		else if (params->values[i] == 20)
			terminal->feed_returns = on;
	}
}

static void modes_on(struct terminal *terminal, const struct params *params)
{
	set_modes(terminal, params, true);
}

static void modes_off(struct terminal *terminal, const struct params *params)
{
	set_modes(terminal, params, false);
}

static void set_mouse(struct terminal *terminal, enum terminal_mouse mouse, bool on)
{
	terminal->mouse = on ? mouse : MOUSE_NONE;
}

static void set_origin(struct terminal *terminal, bool on)
{
	terminal->modes.origin = on;
	terminal_move_to(terminal, 0, 0);
}

static void show_buffer(struct terminal *terminal, bool alternate, bool cursor_too)
{
	if (alternate && cursor_too)
		terminal_save(terminal);
	if (alternate)
		terminal_show_alternate(terminal);
	else
		terminal_show_normal(terminal);
	if (!alternate && cursor_too)
		terminal_restore(terminal);
}

static void set_private(struct terminal *terminal, int32_t mode, bool on)
{
	switch (mode) {
	case 1:
		terminal->modes.cursor_keys = on;
		break;
	case 2:
		for (unsigned level = 0; on && level < ARRAY_LEN(terminal->sets); level++)
			terminal_designate(terminal, level, CHARSET_ASCII);
		break;
	case 6:
		set_origin(terminal, on);
		break;
	case 7:
		terminal->modes.no_wrap = !on;
		break;
	case 9:
		set_mouse(terminal, MOUSE_X10, on);
		break;
	case 12:
		terminal->blink = on ? SWITCH_ON : SWITCH_OFF;
		break;
	case 25:
		terminal->hidden = !on;
		break;
	case 45:
		terminal->modes.reverse_wrap = on;
		break;
	case 47:
	case 1047:
	case 1049:
		show_buffer(terminal, on, mode == 1049);
		break;
	case 66:
		terminal->modes.keypad = on;
		break;
	case 1000:
		set_mouse(terminal, MOUSE_VT200, on);
		break;
	case 1002:
		set_mouse(terminal, MOUSE_DRAG, on);
		break;
	case 1003:
		set_mouse(terminal, MOUSE_ANY, on);
		break;
	case 1004:
		terminal->modes.focus = on;
		break;
	case 1006:
		terminal->mouse_encoding = on ? MOUSE_SGR : MOUSE_PLAIN;
		break;
	case 1016:
		terminal->mouse_encoding = on ? MOUSE_SGR_PIXELS : MOUSE_PLAIN;
		break;
	case 1048:
		(on ? terminal_save : terminal_restore)(terminal);
		break;
	case 2004:
		terminal->modes.bracketed_paste = on;
		break;
	case 2026:
		terminal->modes.synchronized = on;
		break;
	}
}

static void private_on(struct terminal *terminal, const struct params *params)
{
	for (unsigned i = 0; i < params->count; i++)
		set_private(terminal, params->values[i], true);
}

static void private_off(struct terminal *terminal, const struct params *params)
{
	for (unsigned i = 0; i < params->count; i++)
		set_private(terminal, params->values[i], false);
}

static void attributes(struct terminal *terminal, const struct params *params)
{
	attributes_apply(&terminal->pen, params);
}

static void protect(struct terminal *terminal, const struct params *params)
{
	if (params->values[0] == 1)
		terminal->pen.bg |= ATTRIBUTE_PROTECTED;
	else if (params->values[0] == 0 || params->values[0] == 2)
		terminal->pen.bg &= ~(uint32_t)ATTRIBUTE_PROTECTED;
}

static void cursor_style(struct terminal *terminal, const struct params *params)
{
	int32_t style = params->values[0];

	if (style >= 0 && style <= 6)
		terminal->modes.cursor_style = (uint8_t)style;
}

static void set_region(struct terminal *terminal, const struct params *params)
{
	struct grid *grid = terminal->active;
	int64_t top = MAX(params->values[0], 1);
	int64_t bottom = params->count >= 2 ? params->values[1] : 0;

	if (bottom <= 0 || bottom > grid->rows)
		bottom = grid->rows;
	if (bottom <= top)
		return;
	grid->top = (unsigned)top - 1;
	grid->bottom = (unsigned)bottom - 1;
	terminal_move_to(terminal, 0, 0);
}

static void save(struct terminal *terminal, const struct params *params)
{
	terminal_save(terminal);
}

static void restore(struct terminal *terminal, const struct params *params)
{
	terminal_restore(terminal);
}

static void soft_reset(struct terminal *terminal, const struct params *params)
{
	terminal_soft_reset(terminal);
}

/* ---- which is which ---- */

#define ID(before, final) ((uint32_t)(before) << 8 | (uint32_t)(final))

static const struct row {
	uint32_t id;
	void (*act)(struct terminal *terminal, const struct params *params);
} rows[] = {
	{ ID(0, '@'), insert_characters },
	{ ID(' ', '@'), scroll_left },
	{ ID(0, 'A'), up },
	{ ID(' ', 'A'), scroll_right },
	{ ID(0, 'B'), down },
	{ ID(0, 'C'), forward },
	{ ID(0, 'D'), backward },
	{ ID(0, 'E'), down_to_start },
	{ ID(0, 'F'), up_to_start },
	{ ID(0, 'G'), to_column },
	{ ID(0, 'H'), to_place },
	{ ID(0, 'I'), tabs_forward },
	{ ID(0, 'J'), erase_in_screen },
	{ ID('?', 'J'), erase_unprotected },
	{ ID(0, 'K'), erase_in_line },
	{ ID('?', 'K'), erase_line_unprotected },
	{ ID(0, 'L'), insert_lines },
	{ ID(0, 'M'), delete_lines },
	{ ID(0, 'P'), delete_characters },
	{ ID(0, 'S'), scroll_up },
	{ ID(0, 'T'), scroll_down },
	{ ID(0, 'X'), erase_characters },
	{ ID(0, 'Z'), tabs_backward },
	{ ID(0, '`'), to_column },
	{ ID(0, 'a'), forward },
	{ ID(0, 'b'), repeat },
	{ ID(0, 'd'), to_row },
	{ ID(0, 'e'), rows_down },
	{ ID(0, 'f'), to_place },
	{ ID(0, 'g'), clear_tabs },
	{ ID(0, 'h'), modes_on },
	{ ID('?', 'h'), private_on },
	{ ID(0, 'l'), modes_off },
	{ ID('?', 'l'), private_off },
	{ ID(0, 'm'), attributes },
	{ ID('!', 'p'), soft_reset },
	{ ID(' ', 'q'), cursor_style },
	{ ID('"', 'q'), protect },
	{ ID(0, 'r'), set_region },
	{ ID(0, 's'), save },
	{ ID(0, 'u'), restore },
	{ ID('\'', '}'), insert_columns },
	{ ID('\'', '~'), delete_columns },
};

void terminal_sequence(struct terminal *terminal, uint32_t id, const struct params *params)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].id == id) {
			rows[i].act(terminal, params);
			return;
		}
}
