/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "recorder/ring.h"
#include "wire/view.h"

/*
 * Keyframes of one session, as they pass: where in the stream the newest one is, and when to ask
 * the worker for another. One is asked for when somebody who looks needs it, and for the recording
 * now and then, so that a player finds somewhere to begin.
 */
#define KEYFRAME_OUTPUT_LEAST                                                                      \
	(8 * 1024) /* bytes of new output that are worth one in the recording */
#define KEYFRAME_OUTPUT_MOST                                                                       \
	(64 * 1024 * 1024)        /* and at most so many lie between two, however soon */
#define KEYFRAME_PATIENCE_MS 1000 /* a worker that has not answered by then does not */

#define KEYFRAME_NONE UINT64_MAX

struct keyframes {
	unsigned every_ms; /* for the recording; 0: none of its own accord */
	uint64_t newest;   /* offset of its first part; KEYFRAME_NONE */
	uint64_t end;      /* and after its last */
	uint64_t arriving; /* of one whose last part has not come */
	uint8_t next_part;
	unsigned people;                         /* attached now, as the stream tells */
	unsigned newest_people, arriving_people; /* and then */
	uint64_t output;                         /* bytes of the target since the newest */
	uint64_t newest_at;                      /* monotonic milliseconds */
	bool asked;
	uint64_t asked_at;
};

void keyframes_init(struct keyframes *keyframes, unsigned every_seconds);
/*
 * A frame of the worker that begins at offset. -ERR_MALFORMED for parts that are out of order, and
 * for what a worker draws between them.
 */
int keyframes_saw(struct keyframes *keyframes, const struct view_frame *frame, uint64_t offset);
/* The recording is due for one. */
bool keyframes_due(const struct keyframes *keyframes);
/* False when one is on its way already. */
bool keyframes_ask(struct keyframes *keyframes);
/* Nobody may count on an answer any more. */
bool keyframes_overdue(const struct keyframes *keyframes);
/* The newest one that is still whole in the ring and not before `least`, or KEYFRAME_NONE. */
uint64_t keyframes_find(const struct keyframes *keyframes, const struct ring *ring, uint64_t least);
