/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct broker;

/*
 * Secrets that stand for one session: the ticket of its URL and the token of its caller. To whoever
 * holds one it is random bytes to the last bit. The last eight are the beginning of the session's
 * id, under a mask that is computed from the bytes before with a key of the installation. What is
 * stored and looked up is those eight bytes and 24 of the secret's hash: new rows are neighbours in
 * the index, where random ones would each cost a page of the log, copied, summed and synced.
 * Without the key a secret is as hard to guess as its length says; with the key it still has
 * HANDLE_RANDOM_LEAST random bytes.
 */
#define HANDLE_HINT 8
#define HANDLE_RANDOM_LEAST 24

/* The installation's key: read from the store, or made there. In an open transaction. */
int handle_begin(struct broker *broker);
/* len: at least HANDLE_RANDOM_LEAST + HANDLE_HINT. */
void handle_make(
	const struct broker *broker, const char *session_id, uint8_t *ret_bytes, size_t len);
/* text: the secret as it is written out, which is what is hashed. */
void handle_hash(const struct broker *broker, const uint8_t *bytes, size_t len, const char *text,
	uint8_t ret_hash[HASH_LEN]);

/* The caller's token: 64 hex digits, 24 random bytes among them. */
void handle_token_make(const struct broker *broker, const char *session_id,
	char ret_token[TOKEN_SIZE], uint8_t ret_hash[HASH_LEN]);
/* -ERR_MALFORMED: not what such a token looks like. */
int handle_token_hash(const struct broker *broker, const char *token, uint8_t ret_hash[HASH_LEN]);
