/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_ms(void);       /* milliseconds since 1970, UTC */
uint64_t clock_monotonic_ms(void); /* never jumps; for durations */
uint64_t clock_monotonic_us(void);
uint64_t clock_machine_ms(void); /* the same, and goes on while the machine sleeps */

#define CLOCK_TEXT_SIZE 32
/* "2026-11-23T14:05:09.123Z" */
const char *clock_format_utc(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);
/* "2026-11-23 14:05:09", UTC: the form of the API's start and end */
const char *clock_format_plain(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 with offset or Z, or "YYYY-MM-DD", or "YYYY-MM-DD HH:MM[:SS]" as UTC. -ERR_MALFORMED. */
int clock_parse(const char *text, int64_t *ret_wall_ms);
