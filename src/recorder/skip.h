/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * People who cannot keep up. One who is far behind may hold the target back for a moment, as long
 * as all such moments together stay a small part of the time; then what he has not been sent is
 * left out: he gets what is on its way, then the newest keyframe and what follows it. The recording
 * has every byte. A person who comes so late that the beginning is gone begins with a keyframe too.
 */
#define SKIP_HOLD_MS 200 /* the target waits at most so long at a time */
#define SKIP_HOLD_PART 8 /* and one part in so many of the time */
#define SKIP_FRESH                                                                                 \
	(64 * 1024) /* bytes after a keyframe that are shown rather than another asked for */

struct corridor;
struct viewer;

struct hold {
	bool holding;
	uint64_t budget_us, at_us;
};

/*
 * New output is there: whoever is far behind, and has been waited for as long as may be, loses what
 * he has not been sent.
 */
void skip_make_room(struct corridor *corridor);
/* Whether the worker is to wait now for somebody. */
bool skip_holds(struct corridor *corridor);
/* The beginning is gone: the viewer is welcomed when there is a keyframe for it. */
void skip_join(struct viewer *viewer);
/* Those who wait for a keyframe get one, or one is asked for. True when somebody can go on. */
bool skip_go_on(struct corridor *corridor);
/* A notice for those who will not see it in the stream. */
void skip_tell(struct corridor *corridor, const void *words, size_t len);
void skip_finish(struct corridor *corridor); /* cancels its timers */
