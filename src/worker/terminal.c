/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/terminal.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "worker/reflow.h"
#include "worker/width.h"

struct cell terminal_blank(const struct terminal *terminal)
{
	return (struct cell){ .attributes = attributes_erased(&terminal->pen) };
}

bool terminal_alternate(const struct terminal *terminal)
{
	return terminal->active == &terminal->alternate;
}

/* ---- the cursor ---- */

void terminal_restrict(struct terminal *terminal, unsigned most_x)
{
	struct grid *grid = terminal->active;

	grid->x = MIN(grid->x, most_x);
	if (terminal->modes.origin)
		grid->y = MIN(grid->bottom, MAX(grid->top, grid->y));
	else
		grid->y = MIN(grid->rows - 1, grid->y);
}

/* From the corner that counts: of the screen, or of the scroll region. */
void terminal_move_to(struct terminal *terminal, int64_t x, int64_t y)
{
	struct grid *grid = terminal->active;

	if (terminal->modes.origin)
		y += grid->top;
	grid->x = (unsigned)MIN(MAX(x, 0), (int64_t)grid->columns - 1);
	grid->y = (unsigned)MIN(MAX(y, 0), (int64_t)grid->rows - 1);
	terminal_restrict(terminal, grid->columns - 1);
}

void terminal_save(struct terminal *terminal)
{
	struct grid *grid = terminal->active;

	grid->saved = (struct saved_cursor){ grid->x, (int)grid->y, terminal->pen.fg,
		terminal->pen.bg, terminal->charset };
}

void terminal_restore(struct terminal *terminal)
{
	struct grid *grid = terminal->active;

	grid->x = grid->saved.x;
	grid->y = (unsigned)MAX(grid->saved.y, 0);
	terminal->pen.fg = grid->saved.fg;
	terminal->pen.bg = grid->saved.bg;
	terminal->charset = grid->saved.charset;
	terminal_restrict(terminal, grid->columns - 1);
}

/* ---- text ---- */

/* The character does not fit any more: on to the next line, or over the last column. */
static bool wrap(struct terminal *terminal)
{
	struct grid *grid = terminal->active;
	struct line *line = grid_line(grid, grid->y);

	if (terminal->modes.no_wrap)
		return false;
	for (unsigned x = grid->x; x < grid->columns; x++)
		cell_put(&line->cells[x], 0, 1, &terminal->pen);
	grid->x = 0;
	if (grid->y == grid->bottom) {
		struct cell blank = terminal_blank(terminal);
		grid_scroll(grid, &blank, true);
		return true;
	}
	grid->y = MIN(grid->y + 1, grid->rows - 1);
	grid_line(grid, grid->y)->wrapped = true;
	return true;
}

static void join(struct terminal *terminal, uint32_t mark)
{
	struct grid *grid = terminal->active;
	struct line *line = grid_line(grid, grid->y);
	unsigned x = grid->x - 1;

	if (cell_width(&line->cells[x]) == 0 && x > 0)
		x--;
	struct cell *cell = &line->cells[x];
	if (!cell_filled(cell)) {
		cell->code = mark;
		cell->narrower = 0;
	} else {
		uint32_t number = marks_add(
			&terminal->marks, cell->code, cell->marked ? cell->code : UINT32_MAX, mark);
		if (number == UINT32_MAX)
			return;
		cell->code = number;
		cell->marked = 1;
	}
	cell->narrower = (terminal->joins ^ 1) & 3;
}

static void put(struct terminal *terminal, uint32_t code, unsigned width)
{
	struct grid *grid = terminal->active;
	struct line *line = grid_line(grid, grid->y);

	if (terminal->modes.insert && width > 0) {
		struct cell fill;
		cell_put(&fill, 0, 1, &terminal->pen);
		line_insert(grid, line, grid->x, width, &fill);
	}
	cell_put(&line->cells[grid->x++], code, width, &terminal->pen);
	if (width == 2)
		cell_put(&line->cells[grid->x++], 0, 0, &terminal->pen);
}

static void print(struct terminal *terminal, uint32_t code)
{
	struct grid *grid = terminal->active;

	code = charset_translate(terminal->charset, code);
	unsigned width = width_of(code);
	bool joins = width == 0 && terminal->joins > 0;
	/* A mark keeps the width of what it joins, for the next one. */
	if (!joins)
		terminal->joins = width;
	if (joins && grid->x > 0) {
		join(terminal, code);
		return;
	}
	if (grid->x + width > grid->columns && !wrap(terminal)) {
		grid->x = grid->columns - 1;
		if (width == 2)
			return;
	}
	if (grid->x < grid->columns)
		put(terminal, code, width);
}

void terminal_print(struct terminal *terminal, const uint32_t *codes, unsigned count)
{
	struct grid *grid = terminal->active;
	struct line *line = grid_line(grid, grid->y);

	/* The second half of a wide character is overwritten: nothing is left of the first. */
	if (grid->x > 0 && cell_width(&line->cells[grid->x - 1]) == 2)
		cell_put(&line->cells[grid->x - 1], 0, 1, &terminal->pen);
	for (unsigned i = 0; i < count; i++)
		print(terminal, codes[i]);
	line = grid_line(grid, grid->y);
	if (grid->x < grid->columns && cell_width(&line->cells[grid->x]) == 0 &&
		!cell_filled(&line->cells[grid->x]))
		cell_put(&line->cells[grid->x], 0, 1, &terminal->pen);
}

static void on_text(void *context, const uint32_t *codes, unsigned count)
{
	terminal_print(context, codes, count);
}

/* ---- controls ---- */

static void line_feed(struct terminal *terminal)
{
	struct grid *grid = terminal->active;

	if (terminal->feed_returns)
		grid->x = 0;
	if (grid->y == grid->bottom) {
		struct cell blank = terminal_blank(terminal);
		grid_scroll(grid, &blank, false);
	} else if (grid->y + 1 < grid->rows) {
		grid_line(grid, ++grid->y)->wrapped = false;
	}
	if (grid->x >= grid->columns)
		grid->x--;
}

/* Back over the end of the line above, where that is one line with this. */
static void unwrap(struct grid *grid)
{
	struct line *line = grid_line(grid, grid->y);

	if (grid->y <= grid->top || grid->y > grid->bottom || !line->wrapped)
		return;
	line->wrapped = false;
	grid->y--;
	grid->x = grid->columns - 1;
	const struct cell *last = &grid_line(grid, grid->y)->cells[grid->x];
	if (cell_width(last) > 0 && !cell_filled(last))
		grid->x--;
}

static void backspace(struct terminal *terminal)
{
	struct grid *grid = terminal->active;
	bool reverse = terminal->modes.reverse_wrap;

	terminal_restrict(terminal, reverse ? grid->columns : grid->columns - 1);
	if (grid->x > 0)
		grid->x--;
	else if (reverse)
		unwrap(grid);
	terminal_restrict(terminal, grid->columns - 1);
}

static void tab(struct grid *grid)
{
	if (grid->x >= grid->columns)
		return;
	do
		grid->x++;
	while (grid->x < grid->columns && !grid_tab(grid, grid->x));
	grid->x = MIN(grid->x, grid->columns - 1);
}

static void set_level(struct terminal *terminal, unsigned level)
{
	terminal->level = (uint8_t)level;
	terminal->charset = terminal->sets[level];
}

void terminal_designate(struct terminal *terminal, unsigned level, uint8_t charset)
{
	terminal->sets[level] = charset;
	if (terminal->level == level)
		terminal->charset = charset;
}

static void index_down(struct terminal *terminal)
{
	struct grid *grid = terminal->active;

	terminal_restrict(terminal, grid->columns - 1);
	if (grid->y == grid->bottom) {
		struct cell blank = terminal_blank(terminal);
		grid_scroll(grid, &blank, false);
	} else {
		grid->y = MIN(grid->y + 1, grid->rows - 1);
	}
	terminal_restrict(terminal, grid->columns - 1);
}

static void index_up(struct terminal *terminal)
{
	struct grid *grid = terminal->active;

	terminal_restrict(terminal, grid->columns - 1);
	if (grid->y == grid->top) {
		struct cell blank = terminal_blank(terminal);
		grid_move_down(grid, grid->top, grid->bottom, &blank);
	} else if (grid->y > 0) {
		grid->y--;
		terminal_restrict(terminal, grid->columns - 1);
	}
}

static void next_line(struct terminal *terminal)
{
	terminal->active->x = 0;
	index_down(terminal);
}

static void on_control(void *context, uint32_t code)
{
	struct terminal *terminal = context;
	struct grid *grid = terminal->active;

	terminal->joins = 0;
	switch (code) {
	case '\n':
	case '\v':
	case '\f':
		line_feed(terminal);
		break;
	case '\r':
		grid->x = 0;
		break;
	case '\b':
		backspace(terminal);
		break;
	case '\t':
		tab(grid);
		break;
	case 0x0e:
	case 0x0f:
		set_level(terminal, code == 0x0e);
		break;
	case 0x84:
		index_down(terminal);
		break;
	case 0x85:
		next_line(terminal);
		break;
	case 0x88:
		grid_set_tab(grid, grid->x, true);
		break;
	}
}

/* ---- buffers and resets ---- */

static void default_charsets(struct terminal *terminal)
{
	memset(terminal->sets, CHARSET_ASCII, sizeof terminal->sets);
	set_level(terminal, 0);
}

void terminal_show_alternate(struct terminal *terminal)
{
	const struct grid *normal = &terminal->normal;
	struct grid *alternate = &terminal->alternate;
	struct saved_cursor saved = alternate->saved;

	if (terminal_alternate(terminal))
		return;
	if (alternate->lines == NULL) {
		if (grid_init(alternate, normal->columns, normal->rows, false) < 0) {
			terminal->failed = true;
			return;
		}
		if (saved.charset != 0)
			alternate->saved = saved;
	}
	struct cell blank = terminal_blank(terminal);
	for (unsigned y = 0; y < alternate->rows; y++)
		line_fill(alternate, grid_line(alternate, y), &blank);
	alternate->x = normal->x;
	alternate->y = normal->y;
	terminal->active = alternate;
}

void terminal_show_normal(struct terminal *terminal)
{
	struct grid *normal = &terminal->normal;

	if (!terminal_alternate(terminal))
		return;
	normal->x = terminal->alternate.x;
	normal->y = terminal->alternate.y;
	grid_clear(&terminal->alternate);
	terminal->active = normal;
}

void terminal_soft_reset(struct terminal *terminal)
{
	struct grid *grid = terminal->active;

	terminal->hidden = false;
	grid->top = 0;
	grid->bottom = grid->rows - 1;
	terminal->pen = (struct attributes){};
	terminal->modes = (struct terminal_modes){};
	default_charsets(terminal);
	grid->saved = (struct saved_cursor){ .charset = CHARSET_ASCII };
}

static void reset(struct terminal *terminal)
{
	terminal->active = &terminal->normal;
	grid_clear(&terminal->normal);
	terminal->normal.saved = (struct saved_cursor){ .charset = CHARSET_ASCII };
	grid_finish(&terminal->alternate);
	terminal->pen = (struct attributes){};
	terminal->modes = (struct terminal_modes){};
	terminal->mouse = MOUSE_NONE;
	terminal->mouse_encoding = MOUSE_PLAIN;
	default_charsets(terminal);
	parser_reset(&terminal->parser);
}

static void alignment_pattern(struct terminal *terminal)
{
	struct grid *grid = terminal->active;
	struct cell fill;

	cell_put(&fill, 'E', 1, &terminal->pen);
	fill.attributes.line = 0; /* as the page does */
	terminal_move_to(terminal, 0, 0);
	/* With origin mode from the region's top on, as the page does. */
	for (unsigned y = grid->y; y < grid->rows; y++)
		line_fill(grid, grid_line(grid, y), &fill);
	terminal_move_to(terminal, 0, 0);
}

/* ESC ( 0 and the like. */
static void designate(struct terminal *terminal, uint32_t id)
{
	static const char levels[] = "()*+-.";
	static const uint8_t level[] = { 0, 1, 2, 3, 1, 2 };
	const char *found = id >> 8 != 0 && id >> 16 == 0 ? strchr(levels, (int)(id >> 8)) : NULL;

	if (found != NULL && charset_known((uint8_t)id))
		terminal_designate(terminal, level[found - levels], (uint8_t)id);
}

static void on_escape(void *context, uint32_t id)
{
	struct terminal *terminal = context;
	struct grid *grid = terminal->active;

	terminal->joins = 0;
	switch (id) {
	case '7':
		terminal_save(terminal);
		break;
	case '8':
		terminal_restore(terminal);
		break;
	case 'D':
		index_down(terminal);
		break;
	case 'E':
		next_line(terminal);
		break;
	case 'H':
		grid_set_tab(grid, grid->x, true);
		break;
	case 'M':
		index_up(terminal);
		break;
	case '=':
	case '>':
		terminal->modes.keypad = id == '=';
		break;
	case 'c':
		reset(terminal);
		break;
	case 'n':
	case '}':
		set_level(terminal, 2);
		break;
	case 'o':
	case '|':
		set_level(terminal, 3);
		break;
	case '~':
		set_level(terminal, 1);
		break;
	case '%' << 8 | '@':
	case '%' << 8 | 'G':
		set_level(terminal, 0);
		terminal_designate(terminal, 0, CHARSET_ASCII);
		break;
	case '#' << 8 | '8':
		alignment_pattern(terminal);
		break;
	default:
		designate(terminal, id);
	}
}

static void on_sequence(void *context, uint32_t id, const struct params *params)
{
	struct terminal *terminal = context;

	terminal_sequence(terminal, id, params);
	terminal->joins = 0;
}

static void on_string(void *context)
{
	((struct terminal *)context)->joins = 0;
}

/* ---- life ---- */

int terminal_create(unsigned columns, unsigned rows, struct terminal **ret_terminal)
{
	static const struct parser_events events = { on_text, on_control, on_escape, on_sequence,
		on_string };
	CLEANUP(terminal_destroyp) struct terminal *terminal = calloc(1, sizeof *terminal);
	int r = terminal == NULL ? -ERR_SYSTEM : 0;

	if (r == 0)
		r = grid_init(&terminal->normal, MAX(columns, 2U), MAX(rows, 1U), true);
	if (r < 0)
		return r;
	terminal->active = &terminal->normal;
	parser_init(&terminal->parser, &events, terminal);
	default_charsets(terminal);
	*ret_terminal = STEAL(terminal);
	return 0;
}

void terminal_destroy(struct terminal *terminal)
{
	if (terminal == NULL)
		return;
	grid_finish(&terminal->normal);
	grid_finish(&terminal->alternate);
	marks_finish(&terminal->marks);
	free(terminal);
}

void terminal_destroyp(struct terminal **terminal)
{
	terminal_destroy(*terminal);
}

int terminal_resize(struct terminal *terminal, unsigned columns, unsigned rows)
{
	struct grid *alternate = &terminal->alternate;

	columns = MAX(columns, 2U);
	rows = MAX(rows, 1U);
	int r = grid_resize(&terminal->normal, columns, rows);
	if (r == 0 && terminal_alternate(terminal))
		return grid_resize(alternate, columns, rows);
	struct saved_cursor saved = alternate->saved;
	grid_finish(alternate);
	alternate->saved = saved;
	return r;
}

void terminal_feed(struct terminal *terminal, const void *bytes, size_t len)
{
	parser_feed(&terminal->parser, bytes, len);
}
