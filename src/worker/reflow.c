/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/reflow.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * A grid on its way to another size. `first` is the number of its first line that is still known,
 * counted as the page counts: from the oldest it may have kept. Lines before it are blank.
 */
struct flow {
	const struct grid *from;
	unsigned columns, rows;
	struct line *lines; /* as they will be; cells of `columns` */
	size_t count, cap;
	size_t first;
	size_t above; /* the screen begins at line number `above` */
	size_t y;
	int64_t saved_y; /* a line number too */
};

static void flow_finish(struct flow *flow)
{
	for (size_t i = 0; i < flow->count; i++)
		free(flow->lines[i].cells);
	free(flow->lines);
	*flow = (struct flow){};
}

static int insert_line(
	struct flow *flow, size_t at, const struct cell *cells, unsigned count, bool wrapped)
{
	if (flow->count == flow->cap) {
		size_t cap = MAX(2 * flow->cap, (size_t)64);
		struct line *grown = realloc(flow->lines, cap * sizeof *grown);
		if (grown == NULL)
			return -ERR_SYSTEM;
		flow->lines = grown;
		flow->cap = cap;
	}
	struct cell *own = calloc(flow->columns, sizeof *own);
	if (own == NULL)
		return -ERR_SYSTEM;
	if (count > 0)
		memcpy(own, cells, MIN(count, flow->columns) * sizeof *own);
	memmove(flow->lines + at + 1, flow->lines + at, (flow->count - at) * sizeof *flow->lines);
	flow->lines[at] = (struct line){ own, wrapped };
	flow->count++;
	return 0;
}

static int add_blank(struct flow *flow)
{
	return insert_line(flow, flow->count, NULL, 0, false);
}

static void drop_last(struct flow *flow)
{
	if (flow->count > 0)
		free(flow->lines[--flow->count].cells);
}

static size_t end_of(const struct flow *flow)
{
	return flow->first + flow->count;
}

/* ---- more or fewer rows ---- */

static int more_rows(struct flow *flow, unsigned before)
{
	size_t pulled = 0;
	int r = 0;

	for (unsigned row = before; row < flow->rows && r == 0; row++) {
		if (flow->above > 0 && end_of(flow) <= flow->above + flow->y + pulled + 1) {
			flow->above--;
			pulled++;
		} else {
			r = add_blank(flow);
		}
	}
	flow->y += pulled;
	return r;
}

static void fewer_rows(struct flow *flow, unsigned before)
{
	for (unsigned row = before; row > flow->rows; row--) {
		if (end_of(flow) > flow->above + flow->y + 1)
			drop_last(flow);
		else
			flow->above++;
	}
	flow->y = MIN(flow->y, flow->rows - 1);
}

/* ---- lines broken anew ---- */

/* Of a line that goes on below: without the last column that a wide character left free. */
static unsigned length_in_group(
	const struct flow *flow, const struct line *lines, size_t i, size_t count, unsigned columns)
{
	const struct cell *last = &lines[i].cells[columns - 1];

	if (i == count - 1)
		return line_length(flow->from, &lines[i]);
	if (!cell_filled(last) && cell_width(last) == 1 && cell_width(&lines[i + 1].cells[0]) == 2)
		return columns - 1;
	return columns;
}

/* All cells of lines that are one, in a row. NULL without memory. */
static struct cell *gather(
	const struct flow *flow, const struct line *lines, size_t count, size_t *ret_len)
{
	unsigned columns = flow->from->columns;
	struct cell *cells = calloc(count * columns, sizeof *cells);
	size_t len = 0;

	if (cells == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		unsigned here = length_in_group(flow, lines, i, count, columns);
		memcpy(cells + len, lines[i].cells, MIN(here, columns) * sizeof *cells);
		len += here;
	}
	*ret_len = len;
	return cells;
}

static unsigned piece(const struct flow *flow, const struct cell *cells, size_t len)
{
	if (len < flow->columns)
		return (unsigned)len;
	return cell_width(&cells[flow->columns - 1]) == 2 ? flow->columns - 1 : flow->columns;
}

/* Adds the group at the end, broken for the new width. */
static int add_broken(struct flow *flow, const struct line *lines, size_t count)
{
	size_t len;
	CLEANUP(mem_freep) struct cell *cells = gather(flow, lines, count, &len);
	bool wrapped = lines[0].wrapped;
	int r = cells == NULL ? -ERR_SYSTEM : 0;

	for (size_t at = 0; r == 0 && at < len;) {
		unsigned here = piece(flow, cells + at, len - at);
		r = insert_line(flow, flow->count, cells + at, here, wrapped);
		wrapped = true;
		at += MAX(here, 1U);
	}
	if (r == 0 && len == 0)
		r = insert_line(flow, flow->count, NULL, 0, wrapped);
	return r;
}

static int add_as_it_is(struct flow *flow, const struct line *lines, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = insert_line(
			flow, flow->count, lines[i].cells, flow->from->columns, lines[i].wrapped);
	return r;
}

/* Older lines make room, or where there are none the empty ones at the foot. */
static void account_added(struct flow *flow, size_t added)
{
	size_t all = added;

	for (; added > 0; added--) {
		if (flow->above == 0 && flow->y < flow->rows - 1) {
			flow->y++;
			drop_last(flow);
		} else {
			flow->above++;
		}
	}
	flow->saved_y = MIN(flow->saved_y + (int64_t)all, (int64_t)(flow->above + flow->rows - 1));
}

static int account_removed(struct flow *flow, size_t removed)
{
	int r = 0;

	flow->saved_y = MAX(flow->saved_y - (int64_t)removed, 0);
	for (; removed > 0 && r == 0; removed--) {
		if (flow->above > 0) {
			flow->above--;
			continue;
		}
		flow->y -= flow->y > 0;
		r = add_blank(flow);
	}
	return r;
}

/* Whether the group is left alone, and what it is otherwise. */
static bool keeps_its_breaks(const struct flow *flow, const struct line *lines, size_t count,
	size_t number, size_t cursor)
{
	if (cursor >= number && cursor < number + count)
		return true;
	if (count > 1)
		return false;
	return flow->columns > flow->from->columns ||
	       line_length(flow->from, &lines[0]) <= flow->columns;
}

static int break_all(struct flow *flow, const struct line *lines, size_t count)
{
	size_t cursor = flow->above + flow->y, number = flow->first, before = count;
	int r = 0;

	for (size_t at = 0, group; at < count && r == 0; at += group, number += group) {
		group = 1;
		while (at + group < count && lines[at + group].wrapped)
			group++;
		if (keeps_its_breaks(flow, lines + at, group, number, cursor))
			r = add_as_it_is(flow, lines + at, group);
		else
			r = add_broken(flow, lines + at, group);
	}
	if (r < 0)
		return r;
	if (flow->count <= before)
		return account_removed(flow, before - flow->count);
	account_added(flow, flow->count - before);
	return 0;
}

static int reflow(struct flow *flow)
{
	struct flow old = *flow;

	flow->lines = NULL;
	flow->count = flow->cap = 0;
	int r = break_all(flow, old.lines, old.count);
	flow_finish(&old);
	return r;
}

/* ---- from one grid to the other ---- */

static int take_lines(struct flow *flow, const struct grid *grid)
{
	/* Until lines are broken anew they keep their old width. */
	flow->columns = MAX(flow->columns, grid->columns);
	return add_as_it_is(flow, grid->lines, grid->kept + grid->rows);
}

static void give_lines(const struct flow *flow, struct grid *fresh)
{
	size_t known = flow->above > flow->first ? flow->above - flow->first : 0;

	if (fresh->scrolls_back)
		fresh->above = (unsigned)MIN(flow->above, (size_t)GRID_PAGE_HISTORY);
	fresh->kept = (unsigned)MIN(known, (size_t)fresh->kept_most);
	for (size_t i = 0; i < fresh->kept + fresh->rows; i++) {
		size_t number = flow->above - fresh->kept + i;
		if (number < flow->first || number >= end_of(flow))
			continue;
		const struct line *line = &flow->lines[number - flow->first];
		memcpy(fresh->lines[i].cells, line->cells, fresh->columns * sizeof *line->cells);
		fresh->lines[i].wrapped = line->wrapped;
	}
}

static unsigned last_stop(const struct grid *grid)
{
	unsigned x = grid->columns;

	if (grid_tab(grid, x))
		return x;
	while (x > 0 && !grid_tab(grid, --x))
		;
	return x;
}

static void give_the_rest(const struct flow *flow, const struct grid *old, struct grid *fresh)
{
	fresh->x = MIN(old->x, fresh->columns - 1);
	fresh->y = (unsigned)MIN(flow->y, (size_t)fresh->rows - 1);
	fresh->saved = old->saved;
	fresh->saved.x = MIN(old->saved.x, fresh->columns - 1);
	fresh->saved.y = (int)(flow->saved_y - (int64_t)flow->above);
	memcpy(fresh->tabs, old->tabs, sizeof fresh->tabs);
	grid_default_tabs(fresh, last_stop(fresh));
}

static int flow_through(struct flow *flow, const struct grid *grid, unsigned columns)
{
	int r = take_lines(flow, grid);

	if (r == 0 && grid->rows < flow->rows)
		r = more_rows(flow, grid->rows);
	else if (r == 0)
		fewer_rows(flow, grid->rows);
	if (r < 0)
		return r;
	flow->columns = columns;
	return grid->scrolls_back && columns != grid->columns ? reflow(flow) : 0;
}

int grid_resize(struct grid *grid, unsigned columns, unsigned rows)
{
	struct flow flow = { .from = grid,
		.columns = columns,
		.rows = rows,
		.first = grid->above - grid->kept,
		.above = grid->above,
		.y = grid->y,
		.saved_y = (int64_t)grid->above + grid->saved.y };
	struct grid fresh;
	int r = grid_init(&fresh, columns, rows, grid->scrolls_back);

	if (r < 0)
		return r;
	r = flow_through(&flow, grid, columns);
	if (r < 0) {
		grid_finish(&fresh);
	} else {
		give_lines(&flow, &fresh);
		give_the_rest(&flow, grid, &fresh);
		grid_finish(grid);
		*grid = fresh;
	}
	flow_finish(&flow);
	return r;
}
