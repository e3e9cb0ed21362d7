/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/keyframe.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define STOPGAPS_MAX 64

/* A character that had to be written where there is none, so that a line breaks by itself. */
struct stopgap {
	unsigned x, y;
	struct attributes attributes;
};

struct writer {
	const struct terminal *terminal;
	struct buf *out;
	int error;
	bool plain;            /* without attributes */
	struct attributes pen; /* the other terminal's */
	struct stopgap stopgaps[STOPGAPS_MAX];
	unsigned stopgap_count;
};

static const struct attributes no_attributes;

/* ---- small pieces ---- */

static void put(struct writer *writer, const void *bytes, size_t len)
{
	if (writer->error == 0)
		writer->error = buf_append(writer->out, bytes, len);
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

/* ESC [ number final, where 1 goes without saying. */
static void put_count(struct writer *writer, unsigned count, char final)
{
	if (writer->error == 0)
		writer->error = count == 1
					? buf_append_format(writer->out, "\033[%c", final)
					: buf_append_format(writer->out, "\033[%u%c", count, final);
}

static void put_place(struct writer *writer, unsigned x, unsigned y)
{
	if (writer->error == 0)
		writer->error = buf_append_format(writer->out, "\033[%u;%uH", y + 1, x + 1);
}

static bool same(const struct attributes *a, const struct attributes *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Protection is DECSCA's and not SGR's, which takes it back with everything else. */
static void force_pen(struct writer *writer, const struct attributes *attributes)
{
	writer->pen = *attributes;
	if (writer->error == 0)
		writer->error =
			attributes_write(writer->out, writer->plain ? &no_attributes : attributes);
	if ((attributes->bg & ATTRIBUTE_PROTECTED) != 0)
		put_text(writer, "\033[1\"q");
}

static void set_pen(struct writer *writer, const struct attributes *attributes)
{
	if (!same(attributes, &writer->pen) && !writer->plain)
		force_pen(writer, attributes);
}

static void put_point(struct writer *writer, uint32_t code)
{
	uint8_t utf8[4];
	unsigned len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t firsts[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (unsigned i = len; i-- > 1; code >>= 6)
		utf8[i] = (uint8_t)(0x80 | (code & 0x3f));
	utf8[0] = (uint8_t)(firsts[len] | code);
	put(writer, utf8, len);
}

static void put_character(struct writer *writer, const struct cell *cell)
{
	if (!cell->marked) {
		put_point(writer, cell->code);
		return;
	}
	const struct marks_character *character = marks_get(&writer->terminal->marks, cell->code);
	for (uint32_t i = 0; i < character->count; i++)
		put_point(writer, character->points[i]);
}

/* ---- a line ---- */

static bool is_empty(const struct cell *cell)
{
	return !cell_filled(cell) && cell_width(cell) == 1;
}

static bool background_only(const struct attributes *attributes)
{
	return attributes->fg == 0 && attributes->line == 0 && (attributes->bg & ~COLOR_MASK) == 0;
}

static bool is_fill(const struct cell *cell, const struct attributes *fill)
{
	return is_empty(cell) && same(&cell->attributes, fill);
}

/* How many empty cells from x on look the same. */
static unsigned empty_run(const struct line *line, unsigned x, unsigned end)
{
	unsigned len = 1;

	while (x + len < end && is_fill(&line->cells[x + len], &line->cells[x].attributes))
		len++;
	return len;
}

/* `last`: nothing follows in this line. */
static void put_empty(struct writer *writer, const struct cell *cell, unsigned len, bool last,
	const struct attributes *fill)
{
	const struct attributes *attributes = &cell->attributes;

	if (!background_only(attributes) && !writer->plain) {
		set_pen(writer, attributes);
		for (unsigned i = 0; i < len; i++)
			put_text(writer, " ");
		return;
	}
	if (!same(attributes, fill)) {
		set_pen(writer, attributes);
		if (last)
			put_text(writer, "\033[K");
		else
			put_count(writer, len, 'X');
	}
	if (!last)
		put_count(writer, len, 'C');
}

/* Cells [from, to); `last` as above. */
static void put_cells(struct writer *writer, const struct grid *grid, const struct line *line,
	unsigned from, unsigned to, bool last, const struct attributes *fill)
{
	for (unsigned x = from; x < to;) {
		const struct cell *cell = &line->cells[x];
		unsigned width = cell_width(cell);

		if (is_empty(cell)) {
			unsigned len = empty_run(line, x, to);
			put_empty(writer, cell, len, last && x + len == grid->columns, fill);
			x += len;
		} else if (!cell_filled(cell) || x + width > grid->columns) {
			put_count(writer, 1, 'C'); /* half of a character */
			x++;
		} else {
			if (width == 0)
				force_pen(writer, &cell->attributes); /* or it would join */
			set_pen(writer, &cell->attributes);
			put_character(writer, cell);
			x += MAX(width, 1U);
		}
	}
}

/* Only on the screen can it be taken away again; above it a blank stays. */
static void put_stopgap(struct writer *writer, const struct cell *cell, unsigned x, int y)
{
	set_pen(writer, &cell->attributes);
	put_text(writer, " ");
	if (y < 0 || !background_only(&cell->attributes) || writer->stopgap_count == STOPGAPS_MAX)
		return;
	writer->stopgaps[writer->stopgap_count++] =
		(struct stopgap){ x, (unsigned)y, cell->attributes };
}

static void take_stopgaps_away(struct writer *writer)
{
	for (unsigned i = 0; i < writer->stopgap_count; i++) {
		put_place(writer, writer->stopgaps[i].x, writer->stopgaps[i].y);
		set_pen(writer, &writer->stopgaps[i].attributes);
		put_text(writer, "\033[X");
	}
	writer->stopgap_count = 0;
}

/* ---- a buffer ---- */

static unsigned written_length(
	const struct line *line, unsigned columns, const struct attributes *fill)
{
	while (columns > 0 && is_fill(&line->cells[columns - 1], fill))
		columns--;
	return columns;
}

/* A line that goes on in the next is written to its end, so that it breaks there by itself. */
static void put_line(struct writer *writer, const struct grid *grid, const struct line *line,
	const struct line *next, unsigned from, int y, const struct attributes *fill)
{
	unsigned columns = grid->columns;
	const struct cell *end = &line->cells[columns - 1];

	if (next == NULL || !next->wrapped) {
		put_cells(
			writer, grid, line, from, written_length(line, columns, fill), true, fill);
		return;
	}
	bool open = is_empty(end) && from < columns;
	put_cells(writer, grid, line, from, columns - open, false, fill);
	/* A wide character breaks the line one column earlier. */
	if (open && cell_width(&next->cells[0]) != 2)
		put_stopgap(writer, end, columns - 1, y);
}

/* The line breaks with its first character, and a line that scrolls in has its background. */
static unsigned begin_wrapped(struct writer *writer, const struct line *line, bool scrolls, int y,
	struct attributes *ret_fill)
{
	const struct cell *first = &line->cells[0];

	if (scrolls)
		*ret_fill = attributes_erased(&first->attributes);
	if (cell_filled(first) && cell_width(first) > 0)
		return 0;
	if (cell_filled(first)) {
		set_pen(writer, &first->attributes);
		put_text(writer, " \b"); /* a mark alone breaks no line */
		return 0;
	}
	put_stopgap(writer, first, 0, y);
	return 1;
}

static void new_line(struct writer *writer)
{
	if ((writer->pen.bg & COLOR_MASK) != 0)
		set_pen(writer, &no_attributes);
	put_text(writer, "\r\n");
}

/* Line i of those that are written, of which `history` lie above the screen; NULL: unknown. */
static const struct line *written_line(const struct grid *grid, unsigned history, unsigned i)
{
	if (i >= history + grid->rows || i + grid->kept < history)
		return NULL;
	return &grid->lines[i + grid->kept - history];
}

static void put_buffer(struct writer *writer, const struct grid *grid, bool with_history)
{
	unsigned history = with_history ? MIN(grid->above, grid->kept_most) : 0;

	for (unsigned i = 0; i < history + grid->rows; i++) {
		const struct line *line = written_line(grid, history, i);
		struct attributes fill = no_attributes;
		int y = (int)i - (int)history;
		unsigned from = 0;

		if (i > 0 && line != NULL && line->wrapped)
			from = begin_wrapped(writer, line, i >= grid->rows, y, &fill);
		else if (i > 0)
			new_line(writer);
		if (line != NULL)
			put_line(writer, grid, line, written_line(grid, history, i + 1), from, y,
				&fill);
	}
	take_stopgaps_away(writer);
}

static bool as_reset(const struct saved_cursor *saved)
{
	return saved->x == 0 && saved->y <= 0 && saved->fg == 0 && saved->bg == 0 &&
	       (saved->charset == CHARSET_ASCII || saved->charset == 0);
}

static void put_saved(struct writer *writer, const struct saved_cursor *saved)
{
	struct attributes pen = { saved->fg, saved->bg, 1u << LINE_STYLE_SHIFT };

	if ((saved->fg & ATTRIBUTE_UNDERLINE) == 0)
		pen.line = 0;
	if (as_reset(saved))
		return;
	put_place(writer, saved->x, (unsigned)MAX(saved->y, 0));
	set_pen(writer, &pen);
	if (saved->charset != CHARSET_ASCII) {
		put_text(writer, "\033(");
		put(writer, &saved->charset, 1);
	}
	put_text(writer, "\0337");
	if (saved->charset != CHARSET_ASCII)
		put_text(writer, "\033(B");
}

static void put_tabs(struct writer *writer, const struct grid *grid)
{
	bool usual = true;

	for (unsigned x = 0; x < grid->columns; x++)
		usual = usual && grid_tab(grid, x) == (x % 8 == 0);
	if (usual)
		return;
	put_text(writer, "\033[3g");
	for (unsigned x = 0; x < grid->columns; x++)
		if (grid_tab(grid, x)) {
			put_count(writer, x + 1, 'G');
			put_text(writer, "\033H");
		}
}

static void put_margins(struct writer *writer, const struct grid *grid)
{
	if ((grid->top > 0 || grid->bottom < grid->rows - 1) && writer->error == 0)
		writer->error = buf_append_format(
			writer->out, "\033[%u;%ur", grid->top + 1, grid->bottom + 1);
}

static void put_grid(struct writer *writer, const struct grid *grid, bool with_history)
{
	put_buffer(writer, grid, with_history);
	put_saved(writer, &grid->saved);
	put_tabs(writer, grid);
	put_margins(writer, grid);
}

static void put_alternate(struct writer *writer)
{
	const struct terminal *terminal = writer->terminal;
	const struct grid *alternate = &terminal->alternate;

	if (terminal_alternate(terminal)) {
		set_pen(writer, &no_attributes);
		put_text(writer, "\033[?1047h\033[H");
		put_grid(writer, alternate, false);
	} else if (!as_reset(&alternate->saved)) {
		put_text(writer, "\033[?1047h");
		put_saved(writer, &alternate->saved);
		put_text(writer, "\033[?1047l");
	}
}

/* ---- what is in force ---- */

static void put_modes(struct writer *writer)
{
	static const char *const mice[] = { [MOUSE_X10] = "\033[?9h",
		[MOUSE_VT200] = "\033[?1000h",
		[MOUSE_DRAG] = "\033[?1002h",
		[MOUSE_ANY] = "\033[?1003h" };
	static const char *const encodings[] = {
		[MOUSE_SGR] = "\033[?1006h", [MOUSE_SGR_PIXELS] = "\033[?1016h"
	};
	const struct terminal *terminal = writer->terminal;
	const struct terminal_modes *modes = &terminal->modes;

	put_text(writer, terminal->hidden ? "\033[?25l" : "\033[?25h");
	put_text(writer, terminal->feed_returns ? "\033[20h" : "\033[20l");
	if (terminal->blink != SWITCH_UNSET)
		put_text(writer, terminal->blink == SWITCH_ON ? "\033[?12h" : "\033[?12l");
	put_text(writer, modes->cursor_keys ? "\033[?1h" : "");
	put_text(writer, modes->keypad ? "\033=" : "");
	put_text(writer, modes->no_wrap ? "\033[?7l" : "");
	put_text(writer, modes->reverse_wrap ? "\033[?45h" : "");
	put_text(writer, modes->focus ? "\033[?1004h" : "");
	put_text(writer, modes->bracketed_paste ? "\033[?2004h" : "");
	if (terminal->mouse != MOUSE_NONE)
		put_text(writer, mice[terminal->mouse]);
	if (terminal->mouse_encoding != MOUSE_PLAIN)
		put_text(writer, encodings[terminal->mouse_encoding]);
	if (modes->cursor_style != 0 && writer->error == 0)
		writer->error = buf_append_format(writer->out, "\033[%u q", modes->cursor_style);
	put_text(writer, modes->origin ? "\033[?6h" : "");
}

/* ESC 8 brings ASCII back into force and leaves what is designated: the page does it so. */
static bool was_restored(const struct terminal *terminal)
{
	return terminal->charset != terminal->sets[terminal->level] &&
	       terminal->charset == CHARSET_ASCII &&
	       terminal->active->saved.charset == CHARSET_ASCII;
}

static void put_charsets(struct writer *writer)
{
	static const char levels[] = "()*+";
	static const char *const shifts[] = { "", "\016", "\033n", "\033o" };
	const struct terminal *terminal = writer->terminal;
	bool restored = was_restored(terminal);

	for (unsigned i = 0; i < ARRAY_LEN(terminal->sets); i++) {
		bool forced = i == terminal->level && !restored;
		uint8_t set = forced ? terminal->charset : terminal->sets[i];
		if (set != CHARSET_ASCII && writer->error == 0)
			writer->error = buf_append_format(writer->out, "\033%c%c", levels[i], set);
	}
	put_text(writer, shifts[terminal->level]);
	if (!restored)
		return;
	put_text(writer, "\0338");
	force_pen(writer, &no_attributes);
}

/* The character before the cursor, when the next one still has to do with it; its columns. */
static unsigned pending_character(const struct terminal *terminal, const struct cell **ret_cell)
{
	const struct grid *grid = terminal->active;
	const struct line *line = grid_line(grid, grid->y);
	unsigned width = terminal->joins;

	if (grid->x >= grid->columns && width == 0)
		width = grid->columns > 1 && cell_width(&line->cells[grid->columns - 1]) == 0 &&
					!cell_filled(&line->cells[grid->columns - 1])
				? 2
				: 1;
	/* Written once more it would move the rest of the line, if there is a rest. */
	if (width == 0 || grid->x < width || (terminal->modes.insert && grid->x < grid->columns))
		return 0;
	*ret_cell = &line->cells[grid->x - width];
	return width;
}

static void put_cursor(struct writer *writer)
{
	const struct terminal *terminal = writer->terminal;
	const struct grid *grid = terminal->active;
	const struct cell *before = NULL;
	unsigned width = pending_character(terminal, &before);
	unsigned y = grid->y - (terminal->modes.origin ? MIN(grid->top, grid->y) : 0);

	put_place(writer, MIN(grid->x, grid->columns) - width, y);
	if (width > 0) {
		set_pen(writer, &before->attributes);
		if (cell_filled(before))
			put_character(writer, before);
		else
			put_text(writer, " ");
	}
	set_pen(writer, &terminal->pen);
}

static int write_all(const struct terminal *terminal, struct buf *out, bool history, bool plain)
{
	struct writer writer = { .terminal = terminal, .out = out, .plain = plain };
	uint8_t cut[PARSER_CUT_MAX];

	put_grid(&writer, &terminal->normal, history);
	put_alternate(&writer);
	put_modes(&writer);
	if (was_restored(terminal))
		put_charsets(&writer);
	put_cursor(&writer);
	if (!was_restored(terminal))
		put_charsets(&writer);
	put_text(&writer, terminal->modes.insert ? "\033[4h" : "");
	put_text(&writer, terminal->modes.synchronized ? "\033[?2026h" : "");
	put(&writer, cut, parser_cut(&terminal->parser, cut));
	return writer.error;
}

int keyframe_write(const struct terminal *terminal, struct buf *out)
{
	int r = -ERR_SYSTEM;

	if (terminal->failed)
		return r;
	for (unsigned level = 0; level < 3; level++) {
		CLEANUP(buf_finish) struct buf bytes = BUF(KEYFRAME_MAX);
		r = write_all(terminal, &bytes, level == 0, level == 2);
		if (r == 0)
			return buf_append(out, bytes.data, bytes.len);
		if (r != -ERR_TOO_LARGE)
			break;
	}
	return r;
}
