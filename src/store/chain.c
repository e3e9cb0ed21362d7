/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chain.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"

static void little_endian(uint8_t out[8], int64_t value)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

static struct hash_piece text(const char *value)
{
	return (struct hash_piece){ value, strlen(value) };
}

void chain_hash(const struct audit_row *row, uint8_t ret_hash[HASH_LEN])
{
	uint8_t sequence[8], at[8], result[8];
	const struct hash_piece pieces[] = {
		text(CHAIN_LABEL),
		{ row->before, HASH_LEN },
		{ sequence, 8 },
		{ at, 8 },
		text(row->event),
		text(row->actor),
		text(row->from),
		text(row->object),
		{ result, 8 },
		text(row->detail),
	};

	little_endian(sequence, row->sequence);
	little_endian(at, row->at);
	little_endian(result, row->result);
	hash_pieces(ret_hash, pieces, sizeof pieces / sizeof pieces[0]);
}

int chain_follows(const struct audit_row *before, const struct audit_row *row)
{
	static const uint8_t nothing[HASH_LEN];
	const uint8_t *expected = before != NULL ? before->hash : nothing;
	uint8_t hash[HASH_LEN];

	if (row->sequence != (before != NULL ? before->sequence + 1 : 1))
		return -ERR_CRYPTO;
	if (memcmp(row->before, expected, HASH_LEN) != 0)
		return -ERR_CRYPTO;
	chain_hash(row, hash);
	return memcmp(row->hash, hash, HASH_LEN) == 0 ? 0 : -ERR_CRYPTO;
}
