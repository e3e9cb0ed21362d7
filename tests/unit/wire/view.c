/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/view.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdbool.h>

#include "base/mem.h"

static void round_trip(void **state)
{
	struct buf out = BUF(4096);
	struct view_frame frame;

	assert_int_equal(view_write(&out, VIEW_TEXT, "hello", 5), 0);
	assert_int_equal(view_write_two(&out, VIEW_STATE, "\3", 1, "live", 4), 0);
	int used = view_next(out.data, out.len, &frame);
	assert_int_equal(used, VIEW_HEADER_LEN + 5);
	assert_int_equal(frame.type, VIEW_TEXT);
	assert_memory_equal(frame.payload, "hello", 5);
	assert_int_equal(
		view_next(out.data + used, out.len - (size_t)used, &frame), VIEW_HEADER_LEN + 5);
	assert_memory_equal(frame.payload, "\3live", 5);
	buf_finish(&out);
}

static void waits_for_the_rest(void **state)
{
	struct buf out = BUF(4096);
	struct view_frame frame;

	view_write(&out, VIEW_TEXT, "hello", 5);
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(view_next(out.data, len, &frame), 0);
	buf_finish(&out);
}

/* Every row holds its own limits; input that is no row is an error, unknown output is skipped. */
static void holds_to_the_table(void **state)
{
	struct view_frame frame;
	uint8_t header[VIEW_HEADER_LEN];

	for (unsigned type = 0; type < 256; type++) {
		memset(header, 0, sizeof header);
		header[0] = (uint8_t)type;
		put32(header + 4, VIEW_FRAME_MAX + 1);
		assert_int_equal(view_next(header, sizeof header, &frame), -ERR_MALFORMED);
		if (!view_known((uint8_t)type)) {
			put32(header + 4, 0);
			int expected = view_input((uint8_t)type) ? -ERR_MALFORMED : VIEW_HEADER_LEN;
			assert_int_equal(view_next(header, sizeof header, &frame), expected);
			continue;
		}
		if (rows[type].least > 0) {
			put32(header + 4, rows[type].least - 1);
			assert_int_equal(view_next(header, sizeof header, &frame), -ERR_MALFORMED);
		}
		header[1] = 1; /* reserved bytes are zero */
		put32(header + 4, rows[type].least);
		assert_int_equal(view_next(header, sizeof header, &frame), -ERR_MALFORMED);
	}
}

static void refuses_to_write_wrong_lengths(void **state)
{
	struct buf out = BUF(1 << 20);
	static uint8_t big[VIEW_FRAME_MAX + 1];

	assert_int_equal(view_write(&out, VIEW_TEXT, big, sizeof big), -ERR_TOO_LARGE);
	assert_int_equal(view_write(&out, VIEW_RESIZE, big, 7), -ERR_TOO_LARGE);
	assert_int_equal(out.len, 0);
	buf_finish(&out);
}

/* However the bytes come: between two frames, and nowhere else, it is whole. */
static void finds_where_frames_end(void **state)
{
	static const size_t lengths[] = { 1, 0, 8, 300, 65536 };
	struct buf stream = BUF(128 * 1024);
	bool ends[70000] = { [0] = true };

	for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
		static const uint8_t bytes[65536];
		uint8_t head[VIEW_HEADER_LEN] = { VIEW_KEYS };
		put32(head + 4, (uint32_t)lengths[i]);
		assert_int_equal(buf_append(&stream, head, sizeof(head)), 0);
		assert_int_equal(buf_append(&stream, bytes, lengths[i]), 0);
		ends[stream.len] = true;
	}
	for (size_t step = 1; step < stream.len; step += 1 + step / 3) {
		struct view_edge edge = { 0 };
		assert_true(view_edge_whole(&edge));
		for (size_t at = 0; at < stream.len;) {
			size_t len = MIN(step, stream.len - at);
			view_edge_pass(&edge, stream.data + at, len);
			at += len;
			assert_int_equal(view_edge_whole(&edge), ends[at]);
		}
	}
	buf_finish(&stream);
}

static void a_keyframe_is_read_as_it_was_written(void **state)
{
	struct buf out = BUF(4096);
	struct view_frame frame;
	struct view_keyframe read,
		written = { .columns = 160, .rows = 48, .part = 2, .parts = 3, .state = VIEW_LIVE };
	uint8_t head[VIEW_KEYFRAME_LEN];

	view_keyframe_write(head, &written);
	assert_int_equal(view_write_two(&out, VIEW_KEYFRAME, head, sizeof head, "\033[H", 3), 0);
	assert_int_equal(view_next(out.data, out.len, &frame), out.len);
	assert_int_equal(view_keyframe_read(&frame, &read), 0);
	assert_int_equal(read.columns, 160);
	assert_int_equal(read.rows, 48);
	assert_int_equal(read.part, 2);
	assert_int_equal(read.parts, 3);
	assert_int_equal(read.state, VIEW_LIVE);
	assert_int_equal(read.len, 3);
	assert_memory_equal(read.bytes, "\033[H", 3);
	buf_finish(&out);
}

static void a_keyframe_that_cannot_be_is_refused(void **state)
{
	static const uint8_t good[VIEW_KEYFRAME_LEN] = { 80, 0, 24, 0, 0, 1, VIEW_LIVE, 0 };
	static const struct {
		uint8_t at, value;
	} wrong[] = { { 0, 0 }, { 2, 0 }, { 4, 1 }, { 5, 0 }, { 5, VIEW_KEYFRAME_PARTS_MAX + 1 },
		{ 6, 0 }, { 6, VIEW_OVER + 1 }, { 7, 1 } };
	struct view_keyframe keyframe;
	struct view_frame frame = { VIEW_KEYFRAME, sizeof good, good };

	assert_int_equal(view_keyframe_read(&frame, &keyframe), 0);
	frame.type = VIEW_TEXT;
	assert_int_equal(view_keyframe_read(&frame, &keyframe), -ERR_MALFORMED);
	frame.type = VIEW_KEYFRAME;
	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		uint8_t bytes[sizeof good];
		memcpy(bytes, good, sizeof good);
		bytes[wrong[i].at] = wrong[i].value;
		frame.payload = bytes;
		assert_int_equal(view_keyframe_read(&frame, &keyframe), -ERR_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_where_frames_end),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(waits_for_the_rest),
		cmocka_unit_test(holds_to_the_table),
		cmocka_unit_test(refuses_to_write_wrong_lengths),
		cmocka_unit_test(a_keyframe_is_read_as_it_was_written),
		cmocka_unit_test(a_keyframe_that_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
