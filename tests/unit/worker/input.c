/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/input.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "driver_double.h"
#include "wire/wire.h"

static struct worker worker;
static int ended_with;

bool worker_live(const struct worker *w)
{
	return w->state == VIEW_LIVE;
}

int worker_end(struct worker *w, int why, int exit_status, const char *format, ...)
{
	w->ended = true;
	ended_with = why;
	return why;
}

static int begin(void **state)
{
	memset(&worker, 0, sizeof worker);
	driver_double_reset();
	view_init(&worker.view, -1);
	worker.session = &driver_double;
	worker.state = VIEW_LIVE;
	worker.screen = input_screen(80, 24, 0, 0);
	ended_with = 1;
	return 0;
}

static int end(void **state)
{
	buf_finish(&worker.view.in);
	driver_double_reset();
	return 0;
}

static void came(enum view_type type, const void *payload, size_t len)
{
	assert_int_equal(view_write(&worker.view.in, (uint8_t)type, payload, len), 0);
}

static void typed_is(const char *text)
{
	assert_int_equal(driver_double.typed.len, strlen(text));
	assert_memory_equal(driver_double.typed.data, text, strlen(text));
}

static void keys_and_pastes_are_typed_in_order(void **state)
{
	came(VIEW_KEYS, "ls ", 3);
	came(VIEW_PASTE, "\033[200~x\033[201~", 13);
	came(VIEW_KEYS, "\r", 1);
	assert_int_equal(input_work_off(&worker), 1);
	typed_is("ls \033[200~x\033[201~\r");
	assert_int_equal(input_work_off(&worker), 0);
}

static void nothing_is_typed_before_the_session_is_live(void **state)
{
	static const uint8_t report[8] = { REPORT_STATUS };

	worker.state = VIEW_LOGGING_IN;
	came(VIEW_KEYS, "early", 5);
	came(VIEW_PASTE, "early", 5);
	came(VIEW_REPORT, report, sizeof report);
	assert_int_equal(input_work_off(&worker), 1);
	assert_int_equal(driver_double.typed.len, 0);
}

static void a_slow_target_gets_the_rest_later_and_nothing_twice(void **state)
{
	driver_double.most_input = 2;
	came(VIEW_KEYS, "abcdef", 6);
	came(VIEW_KEYS, "gh", 2);
	assert_int_equal(input_work_off(&worker), 1);
	assert_int_equal(input_work_off(&worker), 0);
	driver_double.most_input = 100;
	assert_int_equal(input_work_off(&worker), 1);
	typed_is("abcdefgh");
}

static void a_size_is_clipped_and_told_once(void **state)
{
	static const uint8_t huge[8] = { 0xff, 0xff, 0xff, 0xff, 1, 0, 2, 0 };

	came(VIEW_RESIZE, huge, sizeof huge);
	came(VIEW_RESIZE, huge, sizeof huge);
	input_work_off(&worker);
	assert_int_equal(driver_double.resizes, 1);
	assert_int_equal(driver_double.screen.columns, INPUT_SIDE_MAX);
	assert_int_equal(driver_double.screen.rows, INPUT_SIDE_MAX);
	assert_true(worker.size_pending);
	assert_int_equal(input_screen(0, 0, 0, 0).columns, 80);
	assert_int_equal(input_screen(0, 0, 0, 0).rows, 24);
}

static void a_report_is_typed_whole_or_not_at_all(void **state)
{
	static const uint8_t report[8] = { REPORT_CURSOR, 0, 99, 0, 5, 0 };

	came(VIEW_REPORT, report, sizeof report);
	input_work_off(&worker);
	typed_is("\033[24;5R");
}

static void an_unknown_report_is_an_error(void **state)
{
	static const uint8_t report[8] = { 99 };

	came(VIEW_REPORT, report, sizeof report);
	assert_int_equal(input_work_off(&worker), -ERR_MALFORMED);
}

static void the_end_ends(void **state)
{
	came(VIEW_END, NULL, 0);
	came(VIEW_KEYS, "never", 5);
	input_work_off(&worker);
	assert_int_equal(ended_with, 0);
	assert_int_equal(driver_double.typed.len, 0);
}

static void a_keyframe_is_asked_for(void **state)
{
	came(VIEW_REFRESH, NULL, 0);
	came(VIEW_KEYS, "x", 1);
	assert_int_equal(input_work_off(&worker), 1);
	assert_true(worker.refresh.asked);
	typed_is("x");
}

static void what_a_driver_says_is_passed_on(void **state)
{
	driver_double.most_input = -ERR_TARGET_GONE;
	came(VIEW_KEYS, "x", 1);
	assert_int_equal(input_work_off(&worker), -ERR_TARGET_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_and_pastes_are_typed_in_order, begin, end),
		cmocka_unit_test_setup_teardown(
			nothing_is_typed_before_the_session_is_live, begin, end),
		cmocka_unit_test_setup_teardown(
			a_slow_target_gets_the_rest_later_and_nothing_twice, begin, end),
		cmocka_unit_test_setup_teardown(a_size_is_clipped_and_told_once, begin, end),
		cmocka_unit_test_setup_teardown(a_report_is_typed_whole_or_not_at_all, begin, end),
		cmocka_unit_test_setup_teardown(an_unknown_report_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(the_end_ends, begin, end),
		cmocka_unit_test_setup_teardown(a_keyframe_is_asked_for, begin, end),
		cmocka_unit_test_setup_teardown(what_a_driver_says_is_passed_on, begin, end),
	};

	return cmocka_run_group_tests_name("worker/input", tests, NULL, NULL);
}
