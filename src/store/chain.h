/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store.h"

/*
 * The audit chain, from the rows alone: hash = BLAKE2b-256 over the label below, the hash before,
 * and every field of the row, each preceded by its length (8 bytes, big endian); numbers are 8
 * bytes, little endian; order as in chain.c. The first row follows 32 zero bytes. Version rule: a
 * changed list of fields gets a new label.
 */
#define CHAIN_LABEL "sallyport audit 1"

void chain_hash(const struct audit_row *row,
	uint8_t ret_hash[HASH_LEN]); /* of row->before and the fields */
/* Does `row` follow `before` (NULL: is it the first)? 0, or -ERR_CRYPTO. */
int chain_follows(const struct audit_row *before, const struct audit_row *row);
