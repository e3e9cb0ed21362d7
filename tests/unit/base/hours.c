/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hours.c"

#include "test.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define MONDAY INT64_C(1767571200000) /* 2026-01-05 00:00 UTC */
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct hours hours_of(const char *days, const char *times, const char *rule)
{
	struct hours hours = { 0 };

	assert_int_equal(hours_parse_days(days, &hours.days), 0);
	assert_int_equal(hours_parse_times(times, &hours.from, &hours.until), 0);
	snprintf(hours.rule, sizeof hours.rule, "%s", rule);
	return hours;
}

static void test_days(void **state)
{
	static const struct {
		const char *text, *again;
	} good[] = { { "all", "all" }, { "mon-sun", "all" }, { "mon", "mon" },
		{ "MON-wed,Sun", "mon,tue,wed,sun" }, { "sat-mon", "mon,sat,sun" } };
	static const char *const bad[] = { "", "x", "mon-", "mon,", "mon;tue", "monday", "-mon",
		"mon-fri-sun" };
	char text[HOURS_TEXT_SIZE];
	uint8_t days = 42;

	for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
		struct hours hours = hours_of(good[i].text, "all", "UTC0");
		assert_string_equal(hours_format_days(&hours, text), good[i].again);
	}
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(hours_parse_days(bad[i], &days), -ERR_PARAMETER_INVALID);
	assert_int_equal(days, 42);
}

static void test_times(void **state)
{
	static const struct {
		const char *text, *again;
	} good[] = { { "all", "all" }, { "00:00-24:00", "all" }, { "08:00-18:30", "08:00-18:30" },
		{ "22:00-06:00", "22:00-06:00" }, { "08:00-24:00", "08:00-24:00" } };
	static const char *const bad[] = { "", "8:00-18:00", "08:00-18:0", "08:00_18:00",
		"08:60-18:00", "24:00-08:00", "08:00-24:01", "aa:00-18:00", "0a:00-18:00",
		"08.00-18:00", "08:a0-18:00", "08:0a-18:00", "08:00-18:00x" };
	char text[HOURS_TEXT_SIZE];
	uint16_t from, until;

	for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
		struct hours hours = hours_of("all", good[i].text, "UTC0");
		assert_string_equal(hours_format_times(&hours, text), good[i].again);
	}
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(hours_parse_times(bad[i], &from, &until), -ERR_PARAMETER_INVALID);
}

static void test_rules(void **state)
{
	static const char *const good[] = { "UTC0", BERLIN, "<+0330>-3:30",
		"EST5EDT,M3.2.0,M11.1.0" };
	static const char *const bad[] = { "", "UTC", "Europe", "../UTC0", "/UTC0", ":UTC0",
		"UTC 0", "A../0",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0" };

	for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(hours_rule_fits(good[i]));
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(hours_rule_fits(bad[i]));
}

static void test_office_hours(void **state)
{
	struct hours utc = hours_of("mon-fri", "08:00-18:00", "UTC0");
	struct hours berlin = hours_of("mon-fri", "08:00-18:00", BERLIN);

	struct hours daily = hours_of("all", "08:00-18:00", "UTC0");
	assert_false(hours_always(&daily));
	assert_false(hours_open(&daily, MONDAY - DAY));
	assert_false(hours_always(&utc));
	assert_false(hours_open(&utc, MONDAY + 8 * HOUR - 1));
	assert_true(hours_open(&utc, MONDAY + 8 * HOUR));
	assert_true(hours_open(&utc, MONDAY + 18 * HOUR - 1));
	assert_false(hours_open(&utc, MONDAY + 18 * HOUR));
	assert_false(hours_open(&utc, MONDAY - DAY + 9 * HOUR)); /* Sunday */
	assert_true(hours_open(&utc, MONDAY + 4 * DAY + 9 * HOUR));
	assert_false(hours_open(&utc, MONDAY + 5 * DAY + 9 * HOUR));
	/* an hour earlier in winter, two in summer */
	assert_false(hours_open(&berlin, MONDAY + 7 * HOUR - 1));
	assert_true(hours_open(&berlin, MONDAY + 7 * HOUR));
	assert_false(hours_open(&berlin, MONDAY + 17 * HOUR));
	int64_t july = MONDAY + 182 * DAY; /* 2026-07-06, a Monday */
	assert_true(hours_open(&berlin, july + 6 * HOUR));
	assert_false(hours_open(&berlin, july + 16 * HOUR));
}

static void test_nights(void **state)
{
	struct hours night = hours_of("mon", "22:00-06:00", "UTC0");
	struct hours day = hours_of("mon", "all", "UTC0"), always = hours_of("all", "all", "");
	struct hours evening = hours_of("mon", "20:00-24:00", "UTC0");

	assert_false(hours_open(&night, MONDAY + 5 * HOUR)); /* that was Sunday's */
	assert_true(hours_open(&night, MONDAY + 22 * HOUR));
	assert_true(hours_open(&night, MONDAY + DAY + 6 * HOUR - 1));
	assert_false(hours_open(&night, MONDAY + DAY + 6 * HOUR));
	assert_false(hours_open(&night, MONDAY + DAY + 22 * HOUR));
	assert_true(hours_open(&day, MONDAY));
	assert_true(hours_open(&day, MONDAY + DAY - 1));
	assert_false(hours_open(&day, MONDAY + DAY));
	assert_true(hours_open(&evening, MONDAY + DAY - 1));
	assert_false(hours_open(&evening, MONDAY + DAY));
	assert_true(hours_always(&always));
	assert_true(hours_open(&always, MONDAY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_office_hours),
		cmocka_unit_test(test_nights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
