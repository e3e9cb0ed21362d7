/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/digest.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "shown.h"

static struct digest digest;

static int set_up(void **state)
{
	digest_init(&digest, 20, 5);
	return 0;
}

static int tear_down(void **state)
{
	digest_finish(&digest);
	digest_finish(&digest);
	return 0;
}

static void note(const char *bytes)
{
	digest_note(&digest, bytes, strlen(bytes));
}

static void shows(const char *expected)
{
	struct terminal *terminal;
	const uint8_t *bytes;
	size_t len;

	assert_int_equal(digest_keyframe(&digest, &bytes, &len), 0);
	assert_int_equal(terminal_create(digest.columns, digest.rows, &terminal), 0);
	terminal_feed(terminal, bytes, len);
	assert_string_equal(shown(terminal), expected);
	terminal_destroy(terminal);
}

static void nothing_is_made_before_it_is_needed(void **state)
{
	assert_null(digest.pending.data);
	note("$ ");
	assert_null(digest.base);
	digest_rest(&digest);
	assert_null(digest.base);
	shows("$||||");
	assert_non_null(digest.base);
	assert_null(digest.pending.data);
	note("ls\r\n");
	shows("$ ls||||");
	shows("$ ls||||");
}

static void a_session_that_rests_costs_its_screen(void **state)
{
	for (unsigned i = 0; i < 2000; i++)
		note("\033[Hagain\033[2;1H and again");
	assert_true(digest.pending.len > DIGEST_REST);
	digest_rest(&digest);
	assert_null(digest.pending.data);
	assert_true(digest.base_len < 200);
	shows("again| and again|||");
}

static void has_a_ceiling(void **state)
{
	char text[1000];

	memset(text, 'x', sizeof text);
	for (unsigned i = 0; i < 500; i++) {
		digest_note(&digest, text, sizeof text);
		assert_true(digest.pending.len <= DIGEST_PENDING_MAX);
	}
	note("\r\nend");
	shows("+xxxxxxxxxxxxxxxxxxxx|+xxxxxxxxxxxxxxxxxxxx|+xxxxxxxxxxxxxxxxxxxx|+"
	      "xxxxxxxxxxxxxxxxxxxx|end");
}

static void floods_run_through(void **state)
{
	char line[64];

	note("\033[?1h\033[31m");
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(line, sizeof line, "line %u\r\n", i);
		note(line);
		assert_true(digest.pending.len <= DIGEST_PENDING_MAX);
	}
	shows("line 39996|line 39997|line 39998|line 39999|");
	assert_int_equal(digest.pen.fg, COLOR_16 | 1);
	static char frame[60000];
	size_t len = 0;
	while (len < sizeof frame - 20)
		len += (size_t)snprintf(frame + len, 20, "%zu\r\n", len);
	for (unsigned i = 0; i < 20; i++)
		digest_note(&digest, frame, len);
	assert_true(digest.pending.len < 4096);
	note("end");
	const uint8_t *bytes;
	size_t keyframe_len;
	assert_int_equal(digest_keyframe(&digest, &bytes, &keyframe_len), 0);
	assert_non_null(memmem(bytes, keyframe_len, "end", 3));
	assert_non_null(memmem(bytes, keyframe_len, "\033[?1h", 5));
}

/* A log in pieces of any size, each line longer than the screen is wide: no terminal is made of it.
 */
static void a_log_costs_no_keyframe(void **state)
{
	static char log[1 << 20];
	size_t len = 0;

	digest_finish(&digest);
	digest_init(&digest, 160, 48);
	note("\033[?2004l$ cat log\r\n");
	const uint8_t *base;
	size_t base_len;
	assert_int_equal(digest_keyframe(&digest, &base, &base_len), 0);
	while (len < sizeof log - 300)
		len += (size_t)snprintf(log + len, 300, "%06zu \033[3%zumWARN\033[0m %0180zu\r\n",
			len, len % 8, len);
	for (size_t at = 0, some = 500; at + some <= len; at += some, some = some % 60000 + 700) {
		digest_note(&digest, log + at, some);
		assert_ptr_equal(digest.base, base);
		assert_true(digest.pending.len <= DIGEST_PENDING_MAX);
	}
}

/* With a part that does not scroll nothing may be left out. */
static void what_stays_is_kept(void **state)
{
	note("head\033[2;5r\033[2;1H");
	shows("head||||");
	for (unsigned i = 0; i < 20000; i++)
		note("a line of it\r\n");
	shows("head|a line of it|a line of it|a line of it|");
}

static void another_size(void **state)
{
	note("123456789012345\r\n$ ");
	digest_resize(&digest, 10, 5);
	shows("1234567890|+12345|$||");
	digest_resize(&digest, 20, 5);
	shows("123456789012345|$|||");
}

static void a_screen_nobody_has(void **state)
{
	const uint8_t *bytes;
	size_t len;

	note("one");
	digest_resize(&digest, 2000, 2000);
	note("two");
	assert_int_equal(digest_keyframe(&digest, &bytes, &len), -ERR_WRONG_MOMENT);
	assert_null(digest.pending.data);
	digest_resize(&digest, 20, 5);
	note("three");
	shows("three||||");
}

static void counts_what_came_since(void **state)
{
	note("12345");
	assert_int_equal(digest.noted, 5);
	shows("12345||||");
	assert_int_equal(digest.noted, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = { TEST(nothing_is_made_before_it_is_needed),
		TEST(a_session_that_rests_costs_its_screen), TEST(has_a_ceiling),
		TEST(floods_run_through), TEST(a_log_costs_no_keyframe), TEST(what_stays_is_kept),
		TEST(another_size), TEST(a_screen_nobody_has), TEST(counts_what_came_since) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
