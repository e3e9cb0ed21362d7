/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <sodium.h>

#include "base/mem.h"

_Static_assert(HASH_LEN == crypto_hash_sha256_BYTES && HASH_LEN == crypto_generichash_BYTES,
	"both hashes fill a hash");

void hash_sha256(uint8_t out[HASH_LEN], const void *bytes, size_t len)
{
	crypto_hash_sha256(out, bytes, len);
}

void hash_token(uint8_t out[HASH_LEN], const void *bytes, size_t len)
{
	crypto_generichash(out, HASH_LEN, bytes, len, NULL, 0);
}

void hash_pieces(uint8_t out[HASH_LEN], const struct hash_piece *pieces, size_t count)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, HASH_LEN);
	for (size_t i = 0; i < count; i++) {
		uint8_t len[8];

		for (int b = 0; b < 8; b++)
			len[b] = (uint8_t)((uint64_t)pieces[i].len >> (56 - 8 * b));
		crypto_generichash_update(&state, len, sizeof(len));
		crypto_generichash_update(&state, pieces[i].bytes, pieces[i].len);
	}
	crypto_generichash_final(&state, out, HASH_LEN);
	mem_wipe(&state, sizeof(state));
}
