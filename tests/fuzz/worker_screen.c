/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a target sends goes through the worker's copy of the screen. Whatever bytes come, and
 * however cut: everything stays within its bounds, and a keyframe can be made that another terminal
 * reads to stand in the same place, of the same size, with the same modes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "worker/digest.h"
#include "worker/keyframe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct terminal *terminal)
{
	const struct grid *grid = terminal->active;

	assert(grid->x <= grid->columns && grid->y < grid->rows);
	assert(grid->top < grid->bottom || grid->rows == 1);
	assert(grid->bottom < grid->rows && grid->kept <= grid->kept_most);
	assert(terminal->marks.count <= MARKS_CHARACTERS_MAX);
	for (unsigned y = 0; y < grid->rows; y++)
		for (unsigned x = 0; x < grid->columns; x++) {
			const struct cell *cell = &grid_line(grid, y)->cells[x];
			assert(!cell->marked || cell->code < terminal->marks.count);
			assert(cell_width(cell) <= 2);
		}
}

static void compare(const struct terminal *a, const struct terminal *b)
{
	assert(terminal_alternate(a) == terminal_alternate(b));
	assert(a->active->y == b->active->y);
	assert(MIN(a->active->x, a->active->columns - 1) ==
		MIN(b->active->x, b->active->columns - 1));
	assert(memcmp(&a->modes, &b->modes, sizeof a->modes) == 0);
	assert(a->mouse == b->mouse && a->hidden == b->hidden);
	assert(a->active->top == b->active->top && a->active->bottom == b->active->bottom);
}

static void copy(const struct terminal *terminal)
{
	struct buf bytes = BUF(KEYFRAME_MAX);
	struct terminal *other;

	assert(keyframe_write(terminal, &bytes) == 0);
	assert(terminal_create(terminal->normal.columns, terminal->normal.rows, &other) == 0);
	terminal_feed(other, bytes.data, bytes.len);
	check(other);
	compare(terminal, other);
	terminal_destroy(other);
	buf_finish(&bytes);
}

static void in_a_terminal(unsigned columns, unsigned rows, const uint8_t *data, size_t size)
{
	struct terminal *terminal;
	size_t half = size / 2;

	assert(terminal_create(columns, rows, &terminal) == 0);
	terminal_feed(terminal, data, half);
	check(terminal);
	copy(terminal);
	if (size > 2)
		assert(terminal_resize(terminal, 2 + data[0] % 40, 1 + data[1] % 20) == 0);
	check(terminal);
	terminal_feed(terminal, data + half, size - half);
	check(terminal);
	copy(terminal);
	terminal_destroy(terminal);
}

/* Repeated until it no longer fits: what is left out, what is digested, what rests. */
static void in_a_digest(unsigned columns, unsigned rows, const uint8_t *data, size_t size)
{
	struct digest digest;
	const uint8_t *bytes;
	size_t len;

	digest_init(&digest, columns, rows);
	for (size_t noted = 0; size > 0 && noted <= DIGEST_PENDING_MAX; noted += size) {
		digest_note(&digest, data, size);
		assert(digest.off || digest.pending.len <= DIGEST_PENDING_MAX);
	}
	digest_rest(&digest);
	assert(digest_keyframe(&digest, &bytes, &len) == 0 && len <= KEYFRAME_MAX);
	digest_finish(&digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 1024)
		return 0;
	unsigned columns = 2 + data[0] % 40, rows = 1 + data[1] % 20;
	in_a_terminal(columns, rows, data + 2, size - 2);
	/* One in some: it costs as much as a hundred of the others. */
	if (data[0] == 0xff && size > 66)
		in_a_digest(columns, rows, data + 2, size - 2);
	return 0;
}
