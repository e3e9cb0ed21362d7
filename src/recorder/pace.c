/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/pace.h"

#include "base/mem.h"

#define SECOND_US 1000000

void pace_sent(
	struct pace *pace, uint64_t acknowledged, uint64_t sent, bool more_waits, uint64_t now_us)
{
	if (!more_waits || pace->probe_end != 0 || sent == acknowledged)
		return;
	pace->probe_from = acknowledged;
	pace->probe_end = sent;
	pace->probe_at = now_us;
}

static uint64_t rate_of(uint64_t bytes, uint64_t us)
{
	return bytes * SECOND_US / MAX(us, UINT64_C(1));
}

void pace_acknowledged(struct pace *pace, uint64_t acknowledged, uint64_t now_us)
{
	if (pace->probe_end == 0 || acknowledged < pace->probe_end)
		return;
	uint64_t rate = rate_of(acknowledged - pace->probe_from, now_us - pace->probe_at);
	pace->rate = pace->rate == 0 ? rate : (pace->rate + rate) / 2;
	pace->probe_end = 0;
}

void pace_moved(struct pace *pace)
{
	pace->probe_end = 0;
}

uint64_t pace_window(const struct pace *pace, uint64_t most)
{
	if (pace->rate == 0)
		return MIN((uint64_t)PACE_WINDOW_UNKNOWN, most);
	return MIN(MAX(pace->rate * PACE_QUEUE_MS / 1000, (uint64_t)PACE_WINDOW_LEAST), most);
}

uint64_t pace_behind(const struct pace *pace, uint64_t acknowledged, uint64_t now_us, uint64_t most)
{
	uint64_t rate = pace->rate, waited = now_us - pace->probe_at;

	/* A page that stopped taking anything is as slow as it has become. */
	if (pace->probe_end != 0 && waited > PACE_BEHIND_MS * 1000) {
		uint64_t taken = MAX(acknowledged, pace->probe_from) - pace->probe_from;
		uint64_t now = MAX(rate_of(taken, waited), UINT64_C(1));
		rate = rate == 0 ? now : MIN(rate, now);
	}
	if (rate == 0)
		return most;
	uint64_t bytes = rate * PACE_BEHIND_MS / 1000;
	return MIN(MAX(bytes, 2 * (uint64_t)PACE_WINDOW_LEAST), most);
}
