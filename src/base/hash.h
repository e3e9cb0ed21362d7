/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* SHA-256: what others compute too, of keys and certificates. */
void hash_sha256(uint8_t out[HASH_LEN], const void *bytes, size_t len);
/*
 * BLAKE2b-256 (RFC 7693), a third of the cost here: what is hashed with every call.
 */
/* Tokens are stored and looked up by this, never by themselves. */
void hash_token(uint8_t out[HASH_LEN], const void *bytes, size_t len);
/* Over several pieces, each preceded by its length: no two different lists collide. */
struct hash_piece {
	const void *bytes;
	size_t len;
};
void hash_pieces(uint8_t out[HASH_LEN], const struct hash_piece *pieces, size_t count);
