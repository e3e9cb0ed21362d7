/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/pace.c"

#include "fixture.h"

#define MS 1000
#define MOST (256 * 1024)

/* Sends a stretch while more waits, and has it acknowledged after so many milliseconds. */
static uint64_t takes(struct pace *pace, uint64_t from, uint64_t bytes, uint64_t ms, uint64_t *now)
{
	pace_sent(pace, from, from + bytes, true, *now);
	*now += ms * MS;
	pace_acknowledged(pace, from + bytes, *now);
	return from + bytes;
}

static void unknown_at_first(void **state)
{
	struct pace pace = {};
	uint64_t now = 1000 * MS;

	assert_int_equal(pace_window(&pace, MOST), PACE_WINDOW_UNKNOWN);
	assert_int_equal(pace_window(&pace, 1000), 1000);
	assert_int_equal(pace_behind(&pace, 0, now, MOST), MOST);
	/* Everything there is was sent: it is the target that is slow. */
	pace_sent(&pace, 0, 50000, false, now);
	pace_acknowledged(&pace, 50000, now + 5000 * MS);
	assert_int_equal(pace.rate, 0);
	/* Nothing was sent. */
	pace_sent(&pace, 50000, 50000, true, now);
	assert_int_equal(pace.probe_end, 0);
}

static void what_it_takes_in_time(void **state)
{
	static const struct {
		uint64_t rate, window, behind;
	} rows[] = {
		{ 10000, PACE_WINDOW_LEAST, 2 * PACE_WINDOW_LEAST },
		{ 1000000, 125000, 200000 },
		{ 2000000, 250000, MOST },
		{ 60000000, MOST, MOST },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct pace pace = {};
		uint64_t now = 1000 * MS;
		takes(&pace, 0, rows[i].rate / 10, 100, &now);
		assert_int_equal(pace.rate, rows[i].rate);
		assert_int_equal(pace_window(&pace, MOST), rows[i].window);
		assert_int_equal(pace_behind(&pace, 0, now, MOST), rows[i].behind);
	}
}

static void follows_changes(void **state)
{
	struct pace pace = {};
	uint64_t now = 1, at = takes(&pace, 0, 100000, 100, &now);

	for (int i = 0; i < 10; i++)
		at = takes(&pace, at, 100000, 1000, &now);
	assert_in_range(pace.rate, 100000, 102000);
	for (int i = 0; i < 10; i++)
		at = takes(&pace, at, 100000, 10, &now);
	assert_in_range(pace.rate, 9900000, 10000000);
	/* No time at all is a very good pace. */
	takes(&pace, at, 100000, 0, &now);
	assert_true(pace.rate > UINT64_C(50000000000));
}

/* One stretch at a time, measured to its end. */
static void half_a_stretch(void **state)
{
	struct pace pace = {};

	pace_sent(&pace, 0, 100000, true, 1);
	pace_sent(&pace, 0, 200000, true, 500 * MS);
	pace_acknowledged(&pace, 99999, 600 * MS);
	assert_int_equal(pace.rate, 0);
	pace_acknowledged(&pace, 150000, 1000 * MS + 1);
	assert_int_equal(pace.rate, 150000);
	pace_acknowledged(&pace, 200000, 1001 * MS);
	assert_int_equal(pace.rate, 150000);
	pace_sent(&pace, 200000, 300000, true, 1001 * MS);
	pace_moved(&pace);
	pace_acknowledged(&pace, 300000, 1002 * MS);
	assert_int_equal(pace.rate, 150000);
}

/* It was fast, and now takes nothing, or little: after a while it is far behind with less. */
static void stops_taking(void **state)
{
	struct pace pace = {};
	uint64_t now = 1, at = takes(&pace, 0, 200000, 100, &now);

	assert_int_equal(pace_behind(&pace, at, now, MOST), MOST);
	pace_sent(&pace, at, at + 200000, true, now);
	assert_int_equal(pace_behind(&pace, at, now + PACE_BEHIND_MS * MS, MOST), MOST);
	assert_int_equal(pace_behind(&pace, at, now + 400 * MS, MOST), 2 * PACE_WINDOW_LEAST);
	assert_int_equal(pace_behind(&pace, at + 199999, now + 250 * MS, MOST), 159999);
	struct pace fresh = {};
	pace_sent(&fresh, 0, 60000, true, now);
	assert_int_equal(pace_behind(&fresh, 0, now + 300 * MS, MOST), 2 * PACE_WINDOW_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_at_first),
		cmocka_unit_test(what_it_takes_in_time),
		cmocka_unit_test(follows_changes),
		cmocka_unit_test(half_a_stretch),
		cmocka_unit_test(stops_taking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
