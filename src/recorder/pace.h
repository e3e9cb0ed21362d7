/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How fast one person's page takes what it is sent, from its acknowledgements: one stretch at a
 * time is measured from its sending to its acknowledgement. What may be on the way to it then is
 * what it takes within PACE_QUEUE_MS: so soon it shows whoever stops something that it stopped.
 */
#define PACE_QUEUE_MS 125               /* of what is on the way */
#define PACE_BEHIND_MS 200              /* so far behind is far */
#define PACE_WINDOW_LEAST (48 * 1024)   /* also for a page at the other end of the world */
#define PACE_WINDOW_UNKNOWN (64 * 1024) /* before anything was measured */

struct pace {
	uint64_t rate; /* bytes a second; 0: never measured */
	/* The stretch being measured; probe_end 0: none. */
	uint64_t probe_from, probe_end, probe_at;
};

/*
 * Everything up to `sent` is on the way, and more would be if it were let. A stretch sent while
 * nothing waits says nothing about the pace.
 */
void pace_sent(
	struct pace *pace, uint64_t acknowledged, uint64_t sent, bool more_waits, uint64_t now_us);
void pace_acknowledged(struct pace *pace, uint64_t acknowledged, uint64_t now_us);
/* The stream goes on elsewhere: what is being measured is given up. */
void pace_moved(struct pace *pace);
/* Bytes that may be on the way, and bytes that may wait in all; at most `most`. */
uint64_t pace_window(const struct pace *pace, uint64_t most);
uint64_t pace_behind(
	const struct pace *pace, uint64_t acknowledged, uint64_t now_us, uint64_t most);
