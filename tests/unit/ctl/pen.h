/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "desk.h"

/*
 * A hand that writes a vault's log of releases into a desk's vault/, as the vault does, and the
 * installation.pem to prove it with.
 */
struct pen {
	char directory[96]; /* the vault's */
	uint8_t public[32], secret[64];
	uint64_t sequence, first; /* of the last line; of the first line of the file */
	uint8_t head[HASH_LEN];
};

void pen_open(struct pen *pen, const struct desk *desk);
/* session: a number that stands for its 40 digits. */
void pen_write(struct pen *pen, const char *what, unsigned session);
void pen_next_file(struct pen *pen);
void pen_session(unsigned session, char out[SESSION_ID_SIZE]);
