/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "test.h"

#include "base/clock.h"
#include "base/mem.h"

static void formats(void **state)
{
	char out[CLOCK_TEXT_SIZE];

	assert_string_equal(clock_format_utc(0, out), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_format_utc(1795442709123, out), "2026-11-23T14:05:09.123Z");
	assert_string_equal(clock_format_plain(1795442709999, out), "2026-11-23 14:05:09");
	assert_string_equal(clock_format_utc(-1, out), "1969-12-31T23:59:59.999Z");
	assert_string_equal(clock_format_utc(INT64_MAX, out), "9999-12-31T23:59:59.999Z");
	assert_string_equal(clock_format_utc(INT64_MIN, out), "0001-01-01T00:00:00.000Z");
}

static void parses(void **state)
{
	static const struct {
		const char *text;
		int64_t wall_ms;
	} rows[] = {
		{ "1970-01-01", 0 },
		{ "2026-11-23T14:05:09Z", 1795442709000 },
		{ "2026-11-23t14:05:09.123z", 1795442709123 },
		{ "2026-11-23T14:05:09.1Z", 1795442709100 },
		{ "2026-11-23T14:05:09.1239999Z", 1795442709123 },
		{ "2026-11-23T16:05:09+02:00", 1795442709000 },
		{ "2026-11-23T11:05:09.123-03:00", 1795442709123 },
		{ "2026-11-23T14:05:09-00:00", 1795442709000 },
		{ "2026-11-23 14:05:09", 1795442709000 },
		{ "2026-11-23 14:05", 1795442700000 },
		{ "2024-02-29", 1709164800000 },
		{ "2000-02-29", 951782400000 },
		{ "2016-12-31T23:59:60Z", 1483228800000 },
		{ "1969-12-31T23:59:59.999Z", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t wall_ms = 42;

		assert_int_equal(clock_parse(rows[i].text, &wall_ms), 0);
		assert_int_equal(wall_ms, rows[i].wall_ms);
	}
}

static void refuses(void **state)
{
	static const char *const texts[] = { "", " ", "2026", "2026-11", "2026-11-2", "2026-11-23T",
		"2026-13-01", "2026-00-01", "2026-11-31", "2026-11-00", "2026-02-29", "1900-02-29",
		"0000-01-01", "2026-11-23T14:05Z", "2026-11-23T14:05:09", "2026-11-23T24:00:00Z",
		"2026-11-23T14:60:00Z", "2026-11-23T14:05:61Z", "2026-11-23T14:05:09.Z",
		"2026-11-23T14:05:09.12345678901Z", "2026-11-23T14:05:09+0200",
		"2026-11-23T14:05:09+24:00", "2026-11-23T14:05:09+02:60", "2026-11-23T14:05:09Z ",
		" 2026-11-23", "2026-11-23 ", "2026-11-23 14:05:09Z", "2026-11-23 14", "2026/11/23",
		"+026-11-23", "2026-1a-23", "tomorrow" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int64_t wall_ms = 42;

		assert_int_equal(clock_parse(texts[i], &wall_ms), -ERR_MALFORMED);
		assert_int_equal(wall_ms, 42);
	}
}

static void what_it_prints_it_reads(void **state)
{
	for (int64_t wall_ms = -70000000000; wall_ms < 5000000000000; wall_ms += 12345678901) {
		char out[CLOCK_TEXT_SIZE];
		int64_t again;

		assert_int_equal(clock_parse(clock_format_utc(wall_ms, out), &again), 0);
		assert_int_equal(again, wall_ms);
	}
}

static void ticks(void **state)
{
	int64_t wall = clock_wall_ms();
	uint64_t us = clock_monotonic_us();
	struct timespec nap = { 0, 3000000 };

	nanosleep(&nap, NULL);
	assert_true(clock_wall_ms() >= wall + 2);
	assert_true(clock_monotonic_us() - us >= 3000);
	assert_true(clock_monotonic_ms() >= us / 1000 + 3);
	assert_true(wall > 1700000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(what_it_prints_it_reads),
		cmocka_unit_test(ticks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
