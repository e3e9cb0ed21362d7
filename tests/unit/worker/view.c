/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/view.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "wire/wire.h"

static struct view view;
static int recorder;

static int begin(void **state)
{
	int pair[2], small = 4096;

	assert_int_equal(wire_pair(SOCK_STREAM, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	view_init(&view, pair[0]);
	recorder = pair[1];
	return 0;
}

static int end(void **state)
{
	view_finish(&view);
	close(recorder);
	return 0;
}

static void a_frame_goes_out_at_once(void **state)
{
	uint8_t got[32];

	assert_int_equal(view_room(&view), VIEW_FRAME_MAX);
	assert_int_equal(view_send(&view, VIEW_TEXT, "ab", 2, "c", 1), 0);
	assert_int_equal(read(recorder, got, sizeof got), 11);
	assert_memory_equal(got, "\2\0\0\0\3\0\0\0abc", 11);
	assert_int_equal(view_room(&view), VIEW_FRAME_MAX);
}

/* Everything arrives, in order, however little the recorder takes at a time. */
static void what_does_not_fit_waits_and_room_is_denied(void **state)
{
	uint8_t *big = malloc(VIEW_FRAME_MAX), *got = malloc(4 * VIEW_FRAME_MAX);
	size_t len = 0, sent = 0;

	memset(big, 'x', VIEW_FRAME_MAX);
	while (view_room(&view) > 0) {
		assert_int_equal(view_send(&view, VIEW_TEXT, big, VIEW_FRAME_MAX, NULL, 0), 0);
		sent += VIEW_HEADER_LEN + VIEW_FRAME_MAX;
		assert_true(sent < 3 * VIEW_FRAME_MAX);
	}
	/* Small frames still fit behind a large one. */
	assert_int_equal(view_send(&view, VIEW_NOTICE, "n", 1, NULL, 0), 0);
	sent += VIEW_HEADER_LEN + 1;
	/* Without asking for room, the ceiling is met soon. */
	assert_int_equal(view_send(&view, VIEW_TEXT, big, VIEW_FRAME_MAX, NULL, 0), 0);
	assert_int_equal(view_send(&view, VIEW_TEXT, big, VIEW_FRAME_MAX, NULL, 0), -ERR_TOO_LARGE);
	sent += VIEW_HEADER_LEN + VIEW_FRAME_MAX;
	while (len < sent) {
		ssize_t n = recv(recorder, got + len, 1000, MSG_DONTWAIT);

		if (n > 0)
			len += (size_t)n;
		assert_int_equal(view_flush(&view), 0);
	}
	assert_int_equal(view_room(&view), VIEW_FRAME_MAX);
	assert_memory_equal(
		got + sent - 9 - VIEW_HEADER_LEN - VIEW_FRAME_MAX, "\4\0\0\0\1\0\0\0n", 9);
	free(big);
	free(got);
}

static void a_recorder_that_is_gone(void **state)
{
	close(recorder);
	recorder = -1;
	assert_int_equal(view_send(&view, VIEW_TEXT, "x", 1, NULL, 0), -ERR_CLOSED);
	assert_int_equal(view_receive(&view), -ERR_CLOSED);
}

static void frames_come_whole_whatever_the_pieces(void **state)
{
	static const char bytes[] = "\x40\0\0\0\3\0\0\0abc\x42\0\0\0\x08\0\0\0\x50\0\x18\0\0\0\0\0";
	struct view_frame frame = { 0 };

	for (size_t i = 0; i < sizeof bytes - 1; i++) {
		assert_int_equal(view_peek(&view, &frame), i >= 11);
		assert_int_equal(write(recorder, bytes + i, 1), 1);
		assert_int_equal(view_receive(&view), 0);
	}
	assert_int_equal(view_peek(&view, &frame), 1);
	assert_int_equal(frame.type, VIEW_KEYS);
	/* Taken in part, the rest is offered again. */
	view_take(&view, &frame, 2);
	assert_int_equal(view_peek(&view, &frame), 1);
	assert_int_equal(frame.len, 1);
	assert_int_equal(frame.payload[0], 'c');
	view_take(&view, &frame, 1);
	assert_int_equal(view_peek(&view, &frame), 1);
	assert_int_equal(frame.type, VIEW_RESIZE);
	view_take(&view, &frame, frame.len);
	assert_int_equal(view_peek(&view, &frame), 0);
	assert_int_equal(view_receive(&view), 0);
	/* Beside input only the wish for a keyframe. */
	assert_int_equal(write(recorder, "\x88\0\0\0\0\0\0\0", 8), 8);
	assert_int_equal(view_receive(&view), 0);
	assert_int_equal(view_peek(&view, &frame), 1);
	assert_int_equal(frame.type, VIEW_REFRESH);
	view_take(&view, &frame, 0);
	assert_int_equal(view_peek(&view, &frame), 0);
}

static void what_no_recorder_sends(void **state)
{
	static const char *const heads[] = {
		"\x02\0\0\0\1\0\0\0x",                          /* text comes from targets */
		"\x80\0\0\0\x20\0\0\0x", "\x50\0\0\0\1\0\0\0x", /* no such input */
		"\x40\0\0\0\0\0\0\0x",                          /* nothing typed */
		"\x40\1\0\0\1\0\0\0x", "\x40\0\0\0\1\0\1\0x",   /* larger than any frame */
	};

	for (unsigned i = 0; i < ARRAY_LEN(heads); i++) {
		struct view_frame frame;
		uint8_t rest[64] = { 0 };

		assert_int_equal(write(recorder, heads[i], 9), 9);
		assert_int_equal(write(recorder, rest, sizeof rest), sizeof rest);
		assert_int_equal(view_receive(&view), 0);
		assert_int_equal(view_peek(&view, &frame), -ERR_MALFORMED);
		buf_clear(&view.in);
	}
}

static void a_full_input_stops_the_reading(void **state)
{
	uint8_t piece[4096] = { 0x40, 0, 0, 0, 0, 0, 1, 0 };
	struct view_frame frame = { 0 };

	for (int i = 0; i < 64; i++) {
		if (send(recorder, piece, sizeof piece, MSG_DONTWAIT) < 0)
			break;
		assert_int_equal(view_receive(&view), 0);
	}
	for (int i = 0; i < 64; i++)
		assert_int_equal(view_receive(&view), 0);
	assert_int_equal(view.in.len, VIEW_HEADER_LEN + VIEW_FRAME_MAX);
	assert_int_equal(view_peek(&view, &frame), 1);
	assert_int_equal(frame.len, VIEW_FRAME_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_frame_goes_out_at_once, begin, end),
		cmocka_unit_test_setup_teardown(
			what_does_not_fit_waits_and_room_is_denied, begin, end),
		cmocka_unit_test_setup_teardown(a_recorder_that_is_gone, begin, end),
		cmocka_unit_test_setup_teardown(frames_come_whole_whatever_the_pieces, begin, end),
		cmocka_unit_test_setup_teardown(what_no_recorder_sends, begin, end),
		cmocka_unit_test_setup_teardown(a_full_input_stops_the_reading, begin, end),
	};

	return cmocka_run_group_tests_name("worker/view", tests, NULL, NULL);
}
