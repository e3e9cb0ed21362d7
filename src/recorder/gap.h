/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "wire/view.h"

/*
 * The stretch of a session in which nobody was attached, after somebody had been: from when and
 * why. It becomes one frame of the recording, GAP, when somebody is back or when the session ends.
 */
#define GAP_PAYLOAD_MAX (8 + REASON_SIZE)

struct gap {
	bool open;
	uint8_t why; /* enum view_gap */
	int64_t from_wall_ms;
	uint64_t from_ms; /* monotonic */
};

void gap_begin(struct gap *gap, uint8_t why);
/* Closes it. Length of the payload of its frame; 0: there was none. */
size_t gap_end(struct gap *gap, uint8_t out[GAP_PAYLOAD_MAX]);
