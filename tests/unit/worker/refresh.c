/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/refresh.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "wire/wire.h"

static struct refresh refresh;
static struct digest digest;
static struct view view;
static int recorder;

static int begin_test(void **state)
{
	int pair[2];

	assert_int_equal(wire_pair(SOCK_STREAM, pair), 0);
	view_init(&view, pair[0]);
	recorder = pair[1];
	digest_init(&digest, 80, 24);
	refresh = (struct refresh){};
	return 0;
}

static int end_test(void **state)
{
	view_finish(&view);
	digest_finish(&digest);
	close(recorder);
	return 0;
}

static void note(const char *text)
{
	digest_note(&digest, text, strlen(text));
}

static int turn(void)
{
	return refresh_turn(&refresh, &digest, &view, VIEW_LIVE);
}

/* The newest frame the recorder got whole; how many there were. */
static unsigned got(struct view_keyframe *ret_keyframe)
{
	static struct buf bytes = BUF(8 * 1024 * 1024);
	static size_t seen; /* what the caller looked at stays until now */
	static uint8_t piece[65536];
	struct view_frame frame;
	unsigned count = 0;
	ssize_t len;
	int r;

	buf_consume(&bytes, seen);
	seen = 0;
	while ((len = recv(recorder, piece, sizeof piece, MSG_DONTWAIT)) > 0)
		buf_append(&bytes, piece, (size_t)len);
	while ((r = view_next(bytes.data + seen, bytes.len - seen, &frame)) > 0) {
		assert_int_equal(view_keyframe_read(&frame, ret_keyframe), 0);
		seen += (size_t)r;
		count++;
	}
	return count;
}

static void one_is_made_for_who_asks(void **state)
{
	struct view_keyframe keyframe;

	note("hello\033[1m");
	assert_int_equal(turn(), 0);
	assert_int_equal(got(&keyframe), 0);
	refresh.asked = true;
	assert_int_equal(turn(), 0);
	assert_false(refresh_under_way(&refresh));
	assert_int_equal(got(&keyframe), 1);
	assert_int_equal(keyframe.columns, 80);
	assert_int_equal(keyframe.rows, 24);
	assert_int_equal(keyframe.parts, 1);
	assert_int_equal(keyframe.state, VIEW_LIVE);
	assert_memory_equal(keyframe.bytes, "hello", 5);
	assert_int_equal(turn(), 0);
	assert_int_equal(got(&keyframe), 0);
}

static void a_large_one_goes_in_parts_as_there_is_room(void **state)
{
	struct view_keyframe keyframe;
	int small = 4096;
	char cell[64];
	unsigned count = 0;

	setsockopt(view.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	digest_resize(&digest, 200, 60);
	for (unsigned i = 0; i < 12000; i++) {
		snprintf(cell, sizeof cell, "\033[38;2;%u;%u;7mx", i % 256, i / 256);
		note(cell);
	}
	refresh.asked = true;
	assert_int_equal(turn(), 0);
	assert_true(refresh_under_way(&refresh));
	for (int i = 0; i < 100000 && refresh_under_way(&refresh); i++) {
		count += got(&keyframe);
		assert_int_equal(view_flush(&view), 0);
		assert_int_equal(turn(), 0);
	}
	assert_false(refresh_under_way(&refresh));
	while (view.out.len > 0) {
		count += got(&keyframe);
		assert_int_equal(view_flush(&view), 0);
	}
	count += got(&keyframe);
	assert_true(keyframe.parts > 1);
	assert_int_equal(keyframe.part, keyframe.parts - 1);
}

static void a_screen_nobody_knows_is_not_shown(void **state)
{
	struct view_keyframe keyframe;

	digest.off = true;
	refresh.asked = true;
	assert_int_equal(turn(), 0);
	assert_false(refresh_under_way(&refresh));
	assert_false(refresh.asked);
	assert_int_equal(got(&keyframe), 0);
}

static void the_last_one_only_after_much_output(void **state)
{
	struct view_keyframe keyframe;
	char line[80];

	note("little\r\n");
	refresh_last(&refresh, &digest, &view, VIEW_LIVE);
	assert_int_equal(got(&keyframe), 0);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(line, sizeof line, "a line of output, number %u\r\n", i);
		note(line);
	}
	refresh_last(&refresh, &digest, &view, VIEW_LIVE);
	assert_int_equal(got(&keyframe), 1);
	refresh_last(&refresh, &digest, &view, VIEW_LIVE);
	assert_int_equal(got(&keyframe), 0);
	refresh.asked = true;
	refresh_last(&refresh, &digest, &view, VIEW_LIVE);
	assert_int_equal(got(&keyframe), 1);
}

static void a_recorder_that_is_gone(void **state)
{
	close(recorder);
	recorder = dup(view.fd);
	refresh.asked = true;
	assert_int_equal(turn(), -ERR_CLOSED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)
	const struct CMUnitTest tests[] = { TEST(one_is_made_for_who_asks),
		TEST(a_large_one_goes_in_parts_as_there_is_room),
		TEST(a_screen_nobody_knows_is_not_shown), TEST(the_last_one_only_after_much_output),
		TEST(a_recorder_that_is_gone) };
	return cmocka_run_group_tests_name("worker/refresh", tests, NULL, NULL);
}
