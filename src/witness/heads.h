/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "wire/line.h"

/*
 * Heads that wait for one outlet, oldest first. A head covers all before it in its chain, so when
 * many wait only the newest of each chain is kept, and what gave way is counted.
 */
#define HEADS_PLENTY 1024 /* from here on a newer head takes the place of an older one */
#define HEADS_MAX 8192    /* then the oldest goes, whatever it is */

struct heads {
	struct head_waiting *rows; /* a ring */
	uint32_t *chains;          /* what each is of, hashed: found without touching the heads */
	unsigned first, count, cap;
	uint64_t left_out;
};

void heads_finish(struct heads *heads);
/* An audit head or a recording's. Without memory it is left out as well. */
void heads_put(struct heads *heads, const struct line *line);
int heads_take(struct heads *heads, struct line *ret_line); /* the oldest: 1, or 0 */
