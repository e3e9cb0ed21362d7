/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/settings.h"
#include "wire/audit.h"

/* Payloads between the witness and those whose evidence it takes outside; part of messages.h. */

/* Where the witness can put things, in the order of what an administrator sees. */
enum outlet_id { OUTLET_MIRROR, OUTLET_FILE, OUTLET_SYSLOG, OUTLET_WEBHOOK, OUTLET_COUNT };
const char *outlet_name(enum outlet_id id);           /* "mirror" */
bool witness_wanted(const struct settings *settings); /* any of them is set */

#define WITNESS_ROWS_MAX (96 * 1024) /* bytes of packed rows in one answer */
#define WITNESS_WHY_SIZE 96

/* What an outlet has of the trail: its last row. Sequence 0: nothing. */
struct position {
	int64_t sequence;
	uint8_t hash[HASH_LEN];
};
/* Rows and heads after a position; the tail of the answer is in the form of rows.h. */
struct msg_witness_ask {
	struct position after;
	uint8_t outlet; /* comes back in the answer */
	uint8_t check;  /* is the position a row of the trail? */
	uint8_t newest; /* no rows: where is the end of the trail? */
	uint8_t head;   /* the head of that row too */
	uint32_t most;  /* bytes */
};
struct msg_witness_rows {
	int32_t result; /* -ERR_CRYPTO: the trail does not have that row; then */
	uint8_t outlet;
	struct position newest; /* the last row on disk */
};
/* How each outlet is, told once a second and when it changed. */
struct outlet_state {
	uint8_t wanted, up;
	uint8_t rows;               /* gets audit rows, not heads alone */
	uint8_t disagrees;          /* has rows that the store does not have */
	int64_t sequence;           /* last audit row or head it took */
	uint64_t taken;             /* heads and rows, since the witness started */
	uint64_t left_out;          /* heads that gave way to newer ones */
	uint64_t age_ms;            /* since it took something last; UINT64_MAX: never */
	char why[WITNESS_WHY_SIZE]; /* not up */
};
struct msg_witness_state {
	struct outlet_state outlets[OUTLET_COUNT];
};
