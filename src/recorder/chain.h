/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire/recording.h"

/*
 * The chain of one recording: every record passes here, is tied to the one before it and waits in
 * `bytes` until it is taken to the writer. Whatever is taken ends with a signature, so a file that
 * was cut between two writes is proven to its last byte.
 */
struct chain {
	uint8_t head[HASH_LEN];
	uint8_t secret_key[64]; /* Ed25519, of this recording alone; dies with it */
	char session_id[SESSION_ID_SIZE];
	uint64_t chunks;
	uint32_t end_ms;   /* of the last chunk */
	uint64_t produced; /* bytes so far, header included */
	uint64_t signatures;
	uint8_t signed_head[HASH_LEN], signature[64]; /* of the newest one */
	uint8_t *bytes;
	size_t len, cap;
};

void chain_init(struct chain *chain, const char *session_id, uint8_t ret_public_key[32]);
void chain_finish(struct chain *chain); /* wipes; may be called on zeroes */
int chain_header(struct chain *chain, const struct recording_header *header);
/* Room for a record with a body of `body` bytes, its head and check included. */
int chain_room(struct chain *chain, size_t body, uint8_t **ret_record);
/* The record that was written into the room: head and body are there, the check is added. */
void chain_add(struct chain *chain, uint8_t *record, size_t body);
int chain_sign(struct chain *chain);
int chain_end(struct chain *chain, const struct recording_end *end);
/* Ownership of what waits goes to the caller; NULL when nothing waits. */
uint8_t *chain_take(struct chain *chain, size_t *ret_len);
