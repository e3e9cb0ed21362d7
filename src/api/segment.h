/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What a segment of the path may be besides a name: names.h has account_split() for
 * USERNAME@HOSTNAME. A segment is in the letter case it was sent in.
 */
int64_t segment_id(const char *segment); /* a row id; 0: it is none */
/* Hex digits in lower case, as they are stored. -ERR_TOO_LARGE. */
int segment_lower(const char *segment, char *ret_lower, size_t size);
