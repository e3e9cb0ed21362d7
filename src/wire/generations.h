/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

/* `sallyport reload`: payloads of messages.def between broker and supervisor. */
struct msg_reload {
	uint8_t force; /* sessions may end if it cannot be done without */
};
struct msg_reload_answer {
	int32_t result;
	uint32_t generation; /* the one that begins */
	uint8_t ends_sessions;
	char words[REASON_SIZE]; /* why not */
};
enum reload_state { RELOAD_NEVER, RELOAD_UNDER_WAY, RELOAD_DONE, RELOAD_FAILED };
#define GENERATION_ROWS_MAX 96
struct msg_generations {
	uint32_t current;
	int64_t since;              /* wall clock: when it took over */
	char version[VERSION_SIZE]; /* of the supervisor */
	uint8_t reload;             /* enum reload_state: how the last one went */
	char words[REASON_SIZE];    /* why it failed */
	uint16_t count;
	struct generation_row {
		uint32_t generation;
		uint8_t party, retired;
		char version[VERSION_SIZE];
	} rows[GENERATION_ROWS_MAX];
};
struct msg_ready {
	char version[VERSION_SIZE]; /* of the executable */
};
