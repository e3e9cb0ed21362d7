/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/attribute.h"
#include "worker/charset.h"

/*
 * One buffer of a terminal: its lines, those that were scrolled off the top of the normal one as
 * far as a resize may bring them back, its cursor and what goes with it. Behaves as the page's
 * terminal does, oddities included: what a keyframe is made from must be what a person sees.
 */
#define GRID_SIDE_MAX 2000          /* columns or rows */
#define GRID_CELLS_MAX (256 * 1024) /* of one buffer with its history; 16 bytes each */
#define GRID_HISTORY_MAX 100        /* lines kept above the screen */
#define GRID_PAGE_HISTORY 10000     /* lines the page keeps: after that its count stands still */

/* All zero is an empty cell, one column wide, with no attribute. */
struct cell {
	uint32_t code : 21;
	uint32_t marked : 1;   /* code is a number of marks.h */
	uint32_t narrower : 2; /* columns ^ 1 */
	uint32_t : 8;
	struct attributes attributes;
};

struct line {
	struct cell *cells;
	bool wrapped; /* goes on from the line above */
};

struct saved_cursor {
	unsigned x;
	int y; /* above the screen when the line it was on has been scrolled off */
	uint32_t fg, bg;
	uint8_t charset;
};

struct grid {
	unsigned columns, rows;
	bool scrolls_back;        /* the normal buffer */
	unsigned kept, kept_most; /* lines above the screen */
	unsigned above;           /* lines above the screen as the page counts them */
	struct line *lines;       /* kept + rows */
	struct cell *cells;       /* of all lines there may be */
	unsigned x, y;            /* x may be columns: a wrap is pending */
	unsigned top, bottom;     /* of the scroll region */
	uint8_t tabs[GRID_SIDE_MAX / 8 + 1];
	struct saved_cursor saved;
};

int grid_init(struct grid *grid, unsigned columns, unsigned rows, bool scrolls_back);
void grid_finish(struct grid *grid); /* may be called on zeroes */
/* Empty, cursor at home, default tabs and margins; what was saved stays. */
void grid_clear(struct grid *grid);

static inline unsigned cell_width(const struct cell *cell)
{
	return cell->narrower ^ 1;
}
static inline bool cell_filled(const struct cell *cell)
{
	return cell->code != 0 || cell->marked;
}
static inline struct line *grid_line(const struct grid *grid, unsigned y)
{
	return &grid->lines[grid->kept + y];
}
static inline bool grid_tab(const struct grid *grid, unsigned x)
{
	return x <= GRID_SIDE_MAX && (grid->tabs[x / 8] >> x % 8 & 1) != 0;
}
void grid_set_tab(struct grid *grid, unsigned x, bool set);
void grid_default_tabs(struct grid *grid, unsigned from);

void cell_put(
	struct cell *cell, uint32_t code, unsigned width, const struct attributes *attributes);
/* Columns up to and with the last cell that holds something. */
unsigned line_length(const struct grid *grid, const struct line *line);
/* Columns [from, to) become `fill`; halves of wide characters that are left over too. */
void line_replace(const struct grid *grid, struct line *line, unsigned from, unsigned to,
	const struct cell *fill, bool spare_protected);
void line_insert(const struct grid *grid, struct line *line, unsigned at, unsigned count,
	const struct cell *fill);
void line_delete(const struct grid *grid, struct line *line, unsigned at, unsigned count,
	const struct cell *fill);
void line_fill(const struct grid *grid, struct line *line, const struct cell *fill);

/* The lines of [from, to] move up (or down) by one; the one that comes in is `fill`. */
void grid_move_up(struct grid *grid, unsigned from, unsigned to, const struct cell *fill);
void grid_move_down(struct grid *grid, unsigned from, unsigned to, const struct cell *fill);
/* A line feed at the bottom of the scroll region. */
void grid_scroll(struct grid *grid, const struct cell *fill, bool wrapped);
/* Forgets the lines above the screen. */
void grid_forget(struct grid *grid);
