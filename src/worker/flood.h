/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "worker/attribute.h"

/*
 * A flood of lines: text, line ends, tabs and colours, nothing that moves the cursor elsewhere or
 * sets something for later. What has run through a screen that scrolls as a whole, and through what
 * a keyframe tells of above it, can be left out; only the colours in force where the rest begins
 * are of consequence.
 */
struct flood {
	unsigned columns, rows;
	struct attributes pen; /* before the first byte; after flood_scan() where the rest begins */
	const uint8_t *rest;
	size_t rest_len;
};

/*
 * Whether older and newer bytes, which follow each other, are a flood of which only the end of the
 * newer is of consequence.
 */
bool flood_scan(struct flood *flood, const uint8_t *older, size_t older_len, const uint8_t *newer,
	size_t newer_len);
/* What is to go before the rest in the place of all that is left out; with it a flood again. */
int flood_lead(const struct flood *flood, struct buf *out);
