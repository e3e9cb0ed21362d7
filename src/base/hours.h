/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Days of the week and a time of day in a named zone. The zone's name is for people; what is
 * computed with is its rule (POSIX TZ, "CET-1CEST,M3.5.0,M10.5.0/3"), because whoever decides has
 * no files but its own.
 */
#define HOURS_ZONE_SIZE 64
#define HOURS_ALL_DAYS 0x7f
#define HOURS_TEXT_SIZE 32 /* of what the functions below format */
struct hours {
	uint8_t days;         /* bit 0: Monday */
	uint16_t from, until; /* minutes; equal: the whole day; from later: into the next day */
	char zone[HOURS_ZONE_SIZE], rule[HOURS_ZONE_SIZE];
};

/* "mon-fri,sun", "all"; "08:00-18:00", "22:00-06:00", "all". -ERR_PARAMETER_INVALID. */
int hours_parse_days(const char *text, uint8_t *ret_days);
int hours_parse_times(const char *text, uint16_t *ret_from, uint16_t *ret_until);
const char *hours_format_days(const struct hours *hours, char out[HOURS_TEXT_SIZE]);
const char *hours_format_times(const struct hours *hours, char out[HOURS_TEXT_SIZE]);
/* Characters and beginning of a zone's rule; what does not begin as one would read as UTC. */
bool hours_rule_fits(const char *rule);

bool hours_always(const struct hours *hours);
/* A night that begins on an allowed day is allowed to its end. One thread of a process may ask. */
bool hours_open(const struct hours *hours, int64_t wall_ms);
