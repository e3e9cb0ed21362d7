/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/handle.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/context.h"

#define TOKEN_BYTES ((TOKEN_SIZE - 1) / 2)

static const char fact[] = "handle_key";

int handle_begin(struct broker *broker)
{
	char digits[2 * HASH_LEN + 1];
	int r = store_fact_get(broker->store, fact, digits, sizeof digits);

	if (r == -ERR_NOT_FOUND) {
		random_hex(digits, HASH_LEN);
		r = store_fact_set(broker->store, fact, digits);
	}
	if (r == 0 && hex_decode(broker->handle_key, HASH_LEN, digits, strlen(digits)) != HASH_LEN)
		r = -ERR_MALFORMED;
	mem_wipe(digits, sizeof digits);
	return r;
}

/* Its own inverse. */
static void mask(const struct broker *broker, const uint8_t *random, size_t len,
	const uint8_t hint[HANDLE_HINT], uint8_t out[HANDLE_HINT])
{
	const struct hash_piece pieces[] = { { broker->handle_key, HASH_LEN }, { random, len } };
	uint8_t hash[HASH_LEN];

	hash_pieces(hash, pieces, ARRAY_LEN(pieces));
	for (size_t i = 0; i < HANDLE_HINT; i++)
		out[i] = hint[i] ^ hash[i];
	mem_wipe(hash, sizeof hash);
}

void handle_make(
	const struct broker *broker, const char *session_id, uint8_t *ret_bytes, size_t len)
{
	uint8_t hint[HANDLE_HINT];

	assert(len >= HANDLE_RANDOM_LEAST + HANDLE_HINT);
	int r = hex_decode(hint, sizeof hint, session_id, 2 * HANDLE_HINT);
	assert(r == HANDLE_HINT);
	(void)r;
	random_bytes(ret_bytes, len - HANDLE_HINT);
	mask(broker, ret_bytes, len - HANDLE_HINT, hint, ret_bytes + len - HANDLE_HINT);
}

void handle_hash(const struct broker *broker, const uint8_t *bytes, size_t len, const char *text,
	uint8_t ret_hash[HASH_LEN])
{
	uint8_t hash[HASH_LEN];

	hash_token(hash, text, strlen(text));
	mask(broker, bytes, len - HANDLE_HINT, bytes + len - HANDLE_HINT, ret_hash);
	memcpy(ret_hash + HANDLE_HINT, hash, HASH_LEN - HANDLE_HINT);
}

void handle_token_make(const struct broker *broker, const char *session_id,
	char ret_token[TOKEN_SIZE], uint8_t ret_hash[HASH_LEN])
{
	uint8_t bytes[TOKEN_BYTES];

	handle_make(broker, session_id, bytes, sizeof bytes);
	hex_encode(ret_token, bytes, sizeof bytes);
	handle_hash(broker, bytes, sizeof bytes, ret_token, ret_hash);
	mem_wipe(bytes, sizeof bytes);
}

int handle_token_hash(const struct broker *broker, const char *token, uint8_t ret_hash[HASH_LEN])
{
	uint8_t bytes[TOKEN_BYTES];

	if (hex_decode(bytes, sizeof bytes, token, strlen(token)) != TOKEN_BYTES)
		return -ERR_MALFORMED;
	handle_hash(broker, bytes, sizeof bytes, token, ret_hash);
	mem_wipe(bytes, sizeof bytes);
	return 0;
}
