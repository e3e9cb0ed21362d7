/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/gap.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static const char *gap_words(uint8_t why)
{
	static const char *const words[] = { [GAP_CLOSED] = "the page was closed",
		[GAP_LOST] = "the connection was lost",
		[GAP_RENEWED] = "the gateway was renewed",
		[GAP_CRASHED] = "a part of the gateway ended unexpectedly",
		[GAP_STALLED] = "the page took nothing for too long" };

	return why < ARRAY_LEN(words) && words[why] != NULL ? words[why] : words[GAP_LOST];
}

void gap_begin(struct gap *gap, uint8_t why)
{
	*gap = (struct gap){ true, why, clock_wall_ms(), clock_monotonic_ms() };
}

size_t gap_end(struct gap *gap, uint8_t out[GAP_PAYLOAD_MAX])
{
	char from[CLOCK_TEXT_SIZE];

	if (!gap->open)
		return 0;
	gap->open = false;
	uint64_t ms = clock_monotonic_ms() - gap->from_ms;
	memset(out, 0, 8);
	out[0] = gap->why;
	put32(out + 4, (uint32_t)MIN(ms, (uint64_t)UINT32_MAX));
	snprintf((char *)out + 8, REASON_SIZE,
		"Nobody was attached for %llu.%llu s, from %s on: %s",
		(unsigned long long)ms / 1000, (unsigned long long)ms % 1000 / 100,
		clock_format_utc(gap->from_wall_ms, from), gap_words(gap->why));
	return 8 + strlen((char *)out + 8);
}
