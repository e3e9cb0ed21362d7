/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/keyframe.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

void keyframes_init(struct keyframes *keyframes, unsigned every_seconds)
{
	*keyframes = (struct keyframes){ .every_ms = every_seconds * 1000,
		.newest = KEYFRAME_NONE,
		.arriving = KEYFRAME_NONE,
		.newest_at = clock_monotonic_ms() };
}

static int saw_part(
	struct keyframes *keyframes, const struct view_keyframe *keyframe, uint64_t offset)
{
	if (keyframe->part == 0) {
		keyframes->arriving = offset;
		keyframes->arriving_people = keyframes->people;
		keyframes->next_part = 0;
	}
	if (keyframes->arriving == KEYFRAME_NONE || keyframe->part != keyframes->next_part)
		return -ERR_MALFORMED;
	if (++keyframes->next_part < keyframe->parts)
		return 0;
	keyframes->newest = keyframes->arriving;
	keyframes->newest_people = keyframes->arriving_people;
	keyframes->end = offset + VIEW_HEADER_LEN + VIEW_KEYFRAME_LEN + keyframe->len;
	keyframes->arriving = KEYFRAME_NONE;
	keyframes->output = 0;
	keyframes->newest_at = clock_monotonic_ms();
	keyframes->asked = false;
	return 0;
}

int keyframes_saw(struct keyframes *keyframes, const struct view_frame *frame, uint64_t offset)
{
	struct view_keyframe keyframe;

	if (frame->type == VIEW_KEYFRAME) {
		int r = view_keyframe_read(frame, &keyframe);
		return r < 0 ? r : saw_part(keyframes, &keyframe, offset);
	}
	bool draws = frame->type == VIEW_TEXT || frame->type == VIEW_SIZE;
	if (draws && keyframes->arriving != KEYFRAME_NONE)
		return -ERR_MALFORMED;
	if (frame->type == VIEW_TEXT)
		keyframes->output += frame->len;
	return 0;
}

bool keyframes_due(const struct keyframes *keyframes)
{
	if (keyframes->every_ms == 0 || keyframes->output < KEYFRAME_OUTPUT_LEAST)
		return false;
	return keyframes->output >= KEYFRAME_OUTPUT_MOST ||
	       clock_monotonic_ms() - keyframes->newest_at >= keyframes->every_ms;
}

bool keyframes_ask(struct keyframes *keyframes)
{
	uint64_t now = clock_monotonic_ms();

	if (keyframes->asked && now - keyframes->asked_at < KEYFRAME_PATIENCE_MS)
		return false;
	keyframes->asked = true;
	keyframes->asked_at = now;
	return true;
}

bool keyframes_overdue(const struct keyframes *keyframes)
{
	return keyframes->asked &&
	       clock_monotonic_ms() - keyframes->asked_at >= KEYFRAME_PATIENCE_MS;
}

uint64_t keyframes_find(const struct keyframes *keyframes, const struct ring *ring, uint64_t least)
{
	if (keyframes->newest == KEYFRAME_NONE || keyframes->newest < MAX(ring->start, least) ||
		keyframes->end > ring->end)
		return KEYFRAME_NONE;
	return keyframes->newest;
}
