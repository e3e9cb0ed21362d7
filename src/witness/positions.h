/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire/witness.h"

/*
 * Up to which row each outlet has the trail, in the file `positions` of the witness's directory, so
 * that a new witness goes on there. What a mirror holds itself goes before it.
 *
 * A slot of 64 bytes for each outlet, in the order of enum outlet_id, numbers little endian:
 *	 0	 8	sequence of the last row it took
 *	 8	32	hash of that row
 *	40	16	zero
 *	56	 8	first bytes of BLAKE2b-256 over the 56 before
 * A slot whose check does not fit says nothing.
 */
struct positions {
	int fd;
	struct position rows[OUTLET_COUNT];
	bool known[OUTLET_COUNT];
	bool changed[OUTLET_COUNT];
};

int positions_open(struct positions *positions, int directory); /* -ERR_DISK */
void positions_close(struct positions *positions);              /* saves */
void positions_put(struct positions *positions, enum outlet_id id, const struct position *at);
void positions_save(struct positions *positions); /* what changed, at once */
