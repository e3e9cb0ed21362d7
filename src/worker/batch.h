/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Lines that a program prints in a hurry come from the target in pieces of a few KiB, and each of
 * them wakes four processes. While there is such a flood the target is looked at once in a
 * millisecond instead of at once; what has come meanwhile is one frame. Somebody who types is not
 * part of a flood.
 */
#define BATCH_MS 1                    /* between two looks */
#define BATCH_ENOUGH (32 * 1024)      /* in one look: nothing is gained by waiting */
#define BATCH_FLOOD (32 * 1024)       /* bytes within */
#define BATCH_FLOOD_US UINT64_C(8000) /* so long make a flood */

struct batch {
	uint64_t began_us; /* of the stretch that is counted */
	uint64_t bytes;    /* in it */
	size_t look;       /* since the last look */
	bool flood;        /* the stretch before was one */
};

void batch_note(struct batch *batch, size_t len);
/* The target was looked at: whether to wait before the next time. */
bool batch_waits(struct batch *batch, uint64_t now_us);
