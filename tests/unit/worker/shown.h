/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include "worker/terminal.h"

/* What the screen shows: lines joined by '|', without blanks at their ends; '+' before one that
 * goes on from the line above. Characters beyond ASCII are '*', what a wide one covers '_'. */
static inline const char *shown(const struct terminal *terminal)
{
	static char text[8192];
	const struct grid *grid = terminal->active;
	size_t len = 0;

	for (unsigned y = 0; y < grid->rows; y++) {
		const struct line *line = grid_line(grid, y);
		unsigned end = line_length(grid, line);

		if (y > 0)
			text[len++] = '|';
		if (line->wrapped)
			text[len++] = '+';
		for (unsigned x = 0; x < end && x < grid->columns; x++) {
			const struct cell *cell = &line->cells[x];
			text[len++] = cell_width(cell) == 0                ? '_'
				      : cell->code == 0 && !cell->marked   ? ' '
				      : cell->code < 0x80 && !cell->marked ? (char)cell->code
									   : '*';
		}
		while (len > 0 && text[len - 1] == ' ')
			len--;
	}
	text[len] = '\0';
	return text;
}

static inline void feed(struct terminal *terminal, const char *bytes)
{
	terminal_feed(terminal, bytes, strlen(bytes));
}
