/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"

#define YEAR_MAX 9999

int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_machine_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_monotonic_ms(void)
{
	return clock_monotonic_us() / 1000;
}

/* Years 1 to 9999 only; what lies outside is shown as the nearest end. */
static void split(int64_t wall_ms, struct tm *ret_parts, int *ret_ms)
{
	const int64_t least = INT64_C(-62135596800000), most = INT64_C(253402300799999);
	time_t seconds;

	if (wall_ms < least)
		wall_ms = least;
	if (wall_ms > most)
		wall_ms = most;
	*ret_ms = (int)(((wall_ms % 1000) + 1000) % 1000);
	seconds = (time_t)((wall_ms - *ret_ms) / 1000);
	gmtime_r(&seconds, ret_parts);
}

static const char *format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE], bool plain)
{
	struct tm parts;
	int ms;

	split(wall_ms, &parts, &ms);
	/* The masks tell the compiler the widths that gmtime_r already guarantees. */
	snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02u%c%02u:%02u:%02u",
		(unsigned)(parts.tm_year + 1900) & 0x3fff, (unsigned)(parts.tm_mon + 1) & 15,
		(unsigned)parts.tm_mday & 31, plain ? ' ' : 'T', (unsigned)parts.tm_hour & 31,
		(unsigned)parts.tm_min & 63, (unsigned)parts.tm_sec & 63);
	if (!plain)
		snprintf(out + 19, CLOCK_TEXT_SIZE - 19, ".%03uZ", (unsigned)ms & 1023);
	return out;
}

const char *clock_format_utc(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
	return format(wall_ms, out, false);
}

const char *clock_format_plain(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
	return format(wall_ms, out, true);
}

/* Exactly `digits` digits; -1 when something else stands there. Moves on past them. */
static int number(const char **text, int digits)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		char c = (*text)[i];

		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	*text += digits;
	return value;
}

static bool literal(const char **text, char wanted)
{
	if (**text != wanted)
		return false;
	(*text)++;
	return true;
}

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool parse_date(const char **text, struct tm *parts)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = number(text, 4), month, day, most;

	if (year < 1 || year > YEAR_MAX || !literal(text, '-'))
		return false;
	month = number(text, 2);
	if (month < 1 || month > 12 || !literal(text, '-'))
		return false;
	day = number(text, 2);
	most = days[month - 1] + (month == 2 && leap(year) ? 1 : 0);
	if (day < 1 || day > most)
		return false;
	parts->tm_year = year - 1900;
	parts->tm_mon = month - 1;
	parts->tm_mday = day;
	return true;
}

/* HH:MM, and :SS which RFC 3339 requires and the plain form may leave out. */
static bool parse_time(const char **text, struct tm *parts, bool seconds_required)
{
	parts->tm_hour = number(text, 2);
	if (parts->tm_hour < 0 || parts->tm_hour > 23 || !literal(text, ':'))
		return false;
	parts->tm_min = number(text, 2);
	if (parts->tm_min < 0 || parts->tm_min > 59)
		return false;
	if (**text != ':')
		return !seconds_required;
	(*text)++;
	parts->tm_sec = number(text, 2);
	/* 60 is a leap second: the clock of this machine shows it as the next second. */
	return parts->tm_sec >= 0 && parts->tm_sec <= 60;
}

/* ".123456": what is finer than a millisecond is dropped. */
static bool parse_fraction(const char **text, int *ret_ms)
{
	int scale = 100, digits = 0, digit;

	*ret_ms = 0;
	if (**text != '.')
		return true;
	(*text)++;
	while (digits < 10 && (digit = number(text, 1)) >= 0) {
		*ret_ms += digit * scale;
		scale /= 10;
		digits++;
	}
	return digits > 0;
}

static bool parse_offset(const char **text, int *ret_minutes)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes;

	*ret_minutes = 0;
	if (literal(text, 'Z') || literal(text, 'z'))
		return true;
	if (!literal(text, '+') && !literal(text, '-'))
		return false;
	hours = number(text, 2);
	if (hours < 0 || hours > 23 || !literal(text, ':'))
		return false;
	minutes = number(text, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

int clock_parse(const char *text, int64_t *ret_wall_ms)
{
	struct tm parts = { 0 };
	int ms = 0, minutes = 0;
	bool fine = parse_date(&text, &parts);

	if (fine && *text == ' ') {
		text++;
		fine = parse_time(&text, &parts, false);
	} else if (fine && (*text == 'T' || *text == 't')) {
		text++;
		fine = parse_time(&text, &parts, true) && parse_fraction(&text, &ms) &&
		       parse_offset(&text, &minutes);
	}
	if (!fine || *text != '\0')
		return -ERR_MALFORMED;
	*ret_wall_ms = ((int64_t)timegm(&parts) - minutes * 60) * 1000 + ms;
	return 0;
}
