/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "drivers/driver.h"

/* A driver that remembers what its host does with it, and does what a test tells it to. */
struct driver_double {
	struct worker *worker;
	int target;
	unsigned turns, keepalives, resizes, closed;
	int turn_result;    /* what turn() returns */
	ssize_t most_input; /* input() takes this much at most; negative: an error */
	struct buf typed;
	struct screen screen;
	struct secret *secret;
	bool agreed;
	uint32_t wants;
	void (*on_turn)(struct driver_double *driver_double);
};
extern struct driver_double driver_double;
void driver_double_reset(void);
