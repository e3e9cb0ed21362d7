/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <sodium.h>

#include "base/mem.h"

_Static_assert(HASH_LEN == crypto_hash_sha256_BYTES, "tokens are hashed with SHA-256");

void hash_sha256(uint8_t out[HASH_LEN], const void *bytes, size_t len)
{
	crypto_hash_sha256(out, bytes, len);
}

void hash_pieces(uint8_t out[HASH_LEN], const struct hash_piece *pieces, size_t count)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < count; i++) {
		uint8_t len[8];

		for (int b = 0; b < 8; b++)
			len[b] = (uint8_t)((uint64_t)pieces[i].len >> (56 - 8 * b));
		crypto_hash_sha256_update(&state, len, sizeof(len));
		crypto_hash_sha256_update(&state, pieces[i].bytes, pieces[i].len);
	}
	crypto_hash_sha256_final(&state, out);
	mem_wipe(&state, sizeof(state));
}
