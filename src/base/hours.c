/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hours.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/error.h"

#define DAY_MINUTES (24 * 60)

static const char *const day_names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static int day_parse(const char **cursor)
{
	for (int day = 0; day < 7; day++)
		if (strncasecmp(*cursor, day_names[day], 3) == 0) {
			*cursor += 3;
			return day;
		}
	return -ERR_PARAMETER_INVALID;
}

int hours_parse_days(const char *text, uint8_t *ret_days)
{
	uint8_t days = 0;

	if (strcasecmp(text, "all") == 0) {
		*ret_days = HOURS_ALL_DAYS;
		return 0;
	}
	for (;;) {
		int first = day_parse(&text), last = first;
		if (first >= 0 && *text == '-') {
			text++;
			last = day_parse(&text);
		}
		if (first < 0 || last < 0)
			return -ERR_PARAMETER_INVALID;
		for (int day = first;; day = (day + 1) % 7) { /* "sat-mon" goes round */
			days |= 1 << day;
			if (day == last)
				break;
		}
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return -ERR_PARAMETER_INVALID;
	}
	*ret_days = days;
	return 0;
}

/* "08:00": exactly five characters. */
static int time_parse(const char *text)
{
	if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]) ||
		text[2] != ':' || !isdigit((unsigned char)text[3]) ||
		!isdigit((unsigned char)text[4]) || text[3] > '5')
		return -ERR_PARAMETER_INVALID;
	int minutes =
		((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 + text[4] - '0';
	return minutes <= DAY_MINUTES ? minutes : -ERR_PARAMETER_INVALID;
}

int hours_parse_times(const char *text, uint16_t *ret_from, uint16_t *ret_until)
{
	if (strcasecmp(text, "all") == 0)
		text = "00:00-24:00";
	if (strlen(text) != 11 || text[5] != '-')
		return -ERR_PARAMETER_INVALID;
	int from = time_parse(text), until = time_parse(text + 6);
	if (from < 0 || until < 0 || from == DAY_MINUTES)
		return -ERR_PARAMETER_INVALID;
	*ret_from = (uint16_t)from;
	*ret_until = (uint16_t)(until % DAY_MINUTES);
	return 0;
}

const char *hours_format_days(const struct hours *hours, char out[HOURS_TEXT_SIZE])
{
	size_t used = 0;

	if (hours->days == HOURS_ALL_DAYS)
		return "all";
	out[0] = '\0';
	for (int day = 0; day < 7; day++)
		if ((hours->days & (1 << day)) != 0)
			used += (size_t)snprintf(out + used, HOURS_TEXT_SIZE - used, "%s%s",
				used > 0 ? "," : "", day_names[day]);
	return out;
}

const char *hours_format_times(const struct hours *hours, char out[HOURS_TEXT_SIZE])
{
	unsigned until = hours->until == 0 ? DAY_MINUTES : hours->until;

	if (hours->from == hours->until)
		return "all";
	snprintf(out, HOURS_TEXT_SIZE, "%02u:%02u-%02u:%02u", hours->from / 60u, hours->from % 60u,
		until / 60, until % 60);
	return out;
}

bool hours_rule_fits(const char *rule)
{
	size_t len = strlen(rule);

	return len >= 4 && len < HOURS_ZONE_SIZE &&
	       (isalpha((unsigned char)rule[0]) || rule[0] == '<') &&
	       strspn(rule, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
			    "<>+-,.:/") == len &&
	       strpbrk(rule, "0123456789") != NULL && strstr(rule, "..") == NULL;
}

bool hours_always(const struct hours *hours)
{
	return hours->days == HOURS_ALL_DAYS && hours->from == hours->until;
}

/*
 * libc knows the rules of zones, and takes them from one variable of the environment alone. Its
 * text lies here and is changed in place, so that threads that look up another one are not
 * disturbed.
 */
static void local_time(const char *rule, int64_t wall_ms, struct tm *ret_time)
{
	static char variable[sizeof "TZ=" + HOURS_ZONE_SIZE] = "";
	bool first = variable[0] == '\0';
	time_t seconds = (time_t)(wall_ms / 1000);

	snprintf(variable, sizeof variable, "TZ=%s", rule);
	if (first)
		putenv(variable);
	tzset();
	localtime_r(&seconds, ret_time);
}

bool hours_open(const struct hours *hours, int64_t wall_ms)
{
	struct tm local;

	if (hours_always(hours))
		return true;
	local_time(hours->rule, wall_ms, &local);
	int minute = local.tm_hour * 60 + local.tm_min;
	int today = (local.tm_wday + 6) % 7, yesterday = (today + 6) % 7;
	bool by_today = (hours->days & (1 << today)) != 0;
	bool by_yesterday = (hours->days & (1 << yesterday)) != 0;
	if (hours->from == hours->until)
		return by_today;
	if (hours->from < hours->until)
		return by_today && minute >= hours->from && minute < hours->until;
	return (by_today && minute >= hours->from) || (by_yesterday && minute < hours->until);
}
