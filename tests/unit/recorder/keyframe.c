/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of this test goes only when it is told to. */
#include "base/clock.h"

static uint64_t now_ms = 1000;
#define clock_monotonic_ms() (now_ms)
#include "recorder/keyframe.c"
#undef clock_monotonic_ms

#include "fixture.h"

struct seen {
	struct keyframes keyframes;
	struct ring ring;
};

static int sees(struct seen *seen, uint8_t type, const void *payload, size_t len)
{
	CLEANUP(buf_finish) struct buf bytes = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
	struct view_frame frame;

	assert_int_equal(view_write(&bytes, type, payload, len), 0);
	assert_true(view_next(bytes.data, bytes.len, &frame) > 0);
	int r = keyframes_saw(&seen->keyframes, &frame, seen->ring.end);
	assert_int_equal(ring_append(&seen->ring, bytes.data, bytes.len), 0);
	return r;
}

static int sees_part(struct seen *seen, uint8_t part, uint8_t parts)
{
	return sees(seen, VIEW_KEYFRAME,
		(uint8_t[]){ 80, 0, 24, 0, part, parts, VIEW_LIVE, 0, 'x', 'y' }, 10);
}

static void sees_text(struct seen *seen, size_t len)
{
	static const uint8_t text[VIEW_FRAME_MAX];

	assert_int_equal(sees(seen, VIEW_TEXT, text, len), 0);
}

static uint64_t find(const struct seen *seen, uint64_t least)
{
	return keyframes_find(&seen->keyframes, &seen->ring, least);
}

static void newest_whole_one(void **state)
{
	struct seen seen = {};

	keyframes_init(&seen.keyframes, 10);
	assert_int_equal(find(&seen, 0), KEYFRAME_NONE);
	sees_text(&seen, 100);
	uint64_t first = seen.ring.end;
	seen.keyframes.people = 2;
	assert_int_equal(sees_part(&seen, 0, 2), 0);
	assert_int_equal(find(&seen, 0), KEYFRAME_NONE);
	seen.keyframes.people = 3;
	assert_int_equal(sees(&seen, VIEW_STATE, "\3", 1), 0);
	assert_int_equal(sees_part(&seen, 1, 2), 0);
	assert_int_equal(find(&seen, 0), first);
	assert_int_equal(find(&seen, first), first);
	assert_int_equal(find(&seen, first + 1), KEYFRAME_NONE);
	assert_int_equal(seen.keyframes.newest_people, 2);
	assert_int_equal(seen.keyframes.end, seen.ring.end);
	/* The next one counts when it is whole. */
	uint64_t second = seen.ring.end;
	assert_int_equal(sees_part(&seen, 0, 2), 0);
	assert_int_equal(find(&seen, 0), first);
	assert_int_equal(sees_part(&seen, 1, 2), 0);
	assert_int_equal(find(&seen, 0), second);
	/* Until the ring forgets it. */
	while (seen.ring.start <= second)
		sees_text(&seen, 60000);
	assert_int_equal(find(&seen, 0), KEYFRAME_NONE);
	ring_finish(&seen.ring);
}

/* It is seen before it is in the ring. */
static void not_there_yet(void **state)
{
	struct seen seen = {};
	uint8_t payload[10] = { 80, 0, 24, 0, 0, 1, VIEW_LIVE, 0, 'x', 'y' };
	struct view_frame frame = { VIEW_KEYFRAME, sizeof(payload), payload };

	keyframes_init(&seen.keyframes, 10);
	assert_int_equal(keyframes_saw(&seen.keyframes, &frame, 0), 0);
	assert_int_equal(find(&seen, 0), KEYFRAME_NONE);
}

static void parts_in_order(void **state)
{
	static const uint8_t foul[][3][2] = {
		{ { 1, 2 } },
		{ { 0, 3 }, { 2, 3 } },
		{ { 0, 2 }, { 1, 2 }, { 1, 2 } },
	};

	for (unsigned i = 0; i < ARRAY_LEN(foul); i++) {
		struct seen seen = {};
		int r = 0;
		keyframes_init(&seen.keyframes, 10);
		for (unsigned j = 0; r == 0; j++)
			r = sees_part(&seen, foul[i][j][0], foul[i][j][1]);
		assert_int_equal(r, -ERR_MALFORMED);
		ring_finish(&seen.ring);
	}
	/* Beginning anew is in order; drawing between parts is not. */
	struct seen seen = {};
	keyframes_init(&seen.keyframes, 10);
	assert_int_equal(sees_part(&seen, 0, 2), 0);
	assert_int_equal(sees_part(&seen, 0, 2), 0);
	assert_int_equal(sees(&seen, VIEW_TEXT, "x", 1), -ERR_MALFORMED);
	assert_int_equal(sees(&seen, VIEW_SIZE, "\x50\0\x18\0\0\0\0\0", 8), -ERR_MALFORMED);
	assert_int_equal(sees(&seen, VIEW_KEYFRAME, "\x50\0\x18\0\0\0\3\0", 8), -ERR_MALFORMED);
	ring_finish(&seen.ring);
}

static void due_after_new_output(void **state)
{
	struct seen seen = {};

	keyframes_init(&seen.keyframes, 10);
	assert_false(keyframes_due(&seen.keyframes));
	sees_text(&seen, KEYFRAME_OUTPUT_LEAST);
	assert_false(keyframes_due(&seen.keyframes));
	now_ms += 10000;
	assert_true(keyframes_due(&seen.keyframes));
	assert_int_equal(sees_part(&seen, 0, 1), 0);
	now_ms += 3600 * 1000;
	assert_false(keyframes_due(&seen.keyframes));
	sees_text(&seen, KEYFRAME_OUTPUT_LEAST - 1);
	assert_false(keyframes_due(&seen.keyframes));
	sees_text(&seen, 1);
	assert_true(keyframes_due(&seen.keyframes));
	assert_int_equal(sees_part(&seen, 0, 1), 0);
	seen.keyframes.output = KEYFRAME_OUTPUT_MOST - 1;
	assert_false(keyframes_due(&seen.keyframes));
	sees_text(&seen, 1); /* a flood does not wait for the seconds */
	assert_true(keyframes_due(&seen.keyframes));
	keyframes_init(&seen.keyframes, 0);
	sees_text(&seen, 60000);
	now_ms += 3600 * 1000;
	assert_false(keyframes_due(&seen.keyframes));
	ring_finish(&seen.ring);
}

static void asked_once_at_a_time(void **state)
{
	struct seen seen = {};

	keyframes_init(&seen.keyframes, 10);
	assert_false(keyframes_overdue(&seen.keyframes));
	assert_true(keyframes_ask(&seen.keyframes));
	assert_false(keyframes_ask(&seen.keyframes));
	now_ms += KEYFRAME_PATIENCE_MS - 1;
	assert_false(keyframes_ask(&seen.keyframes));
	assert_false(keyframes_overdue(&seen.keyframes));
	now_ms += 1;
	assert_true(keyframes_overdue(&seen.keyframes));
	assert_true(keyframes_ask(&seen.keyframes));
	assert_int_equal(sees_part(&seen, 0, 1), 0);
	assert_true(keyframes_ask(&seen.keyframes));
	ring_finish(&seen.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_whole_one),
		cmocka_unit_test(not_there_yet),
		cmocka_unit_test(parts_in_order),
		cmocka_unit_test(due_after_new_output),
		cmocka_unit_test(asked_once_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
