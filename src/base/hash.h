/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* SHA-256. Tokens are stored and looked up by this, never by themselves. */
void hash_sha256(uint8_t out[HASH_LEN], const void *bytes, size_t len);
/* SHA-256 over several pieces, each preceded by its length: no two different lists collide. */
struct hash_piece {
	const void *bytes;
	size_t len;
};
void hash_pieces(uint8_t out[HASH_LEN], const struct hash_piece *pieces, size_t count);
