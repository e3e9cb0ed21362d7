/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/chain.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define CHAIN_WAITING_MAX (512 * 1024) /* the tape takes at a quarter of it */
#define CHAIN_LEAST 1024

void chain_init(struct chain *chain, const char *session_id, uint8_t ret_public_key[32])
{
	*chain = (struct chain){};
	text_copy(chain->session_id, sizeof(chain->session_id), session_id);
	crypto_sign_keypair(ret_public_key, chain->secret_key);
}

void chain_finish(struct chain *chain)
{
	free(chain->bytes);
	mem_wipe(chain, sizeof(*chain));
}

static int room(struct chain *chain, size_t len, uint8_t **ret_room)
{
	size_t cap = MAX(chain->cap, (size_t)CHAIN_LEAST);

	if (chain->len + len > CHAIN_WAITING_MAX)
		return -ERR_TOO_LARGE;
	while (cap < chain->len + len)
		cap *= 2;
	if (cap != chain->cap) {
		uint8_t *bytes = realloc(chain->bytes, cap);
		if (bytes == NULL)
			return -ERR_SYSTEM;
		chain->bytes = bytes;
		chain->cap = cap;
	}
	*ret_room = chain->bytes + chain->len;
	return 0;
}

static void commit(struct chain *chain, size_t len)
{
	chain->len += len;
	chain->produced += len;
}

int chain_header(struct chain *chain, const struct recording_header *header)
{
	CLEANUP(buf_finish) struct buf bytes = BUF(RECORDING_HEADER_MAX);
	uint8_t *place;
	int r;

	assert(chain->produced == 0);
	r = recording_header_write(&bytes, header, chain->head);
	if (r == 0)
		r = room(chain, bytes.len, &place);
	if (r != 0)
		return r;
	memcpy(place, bytes.data, bytes.len);
	commit(chain, bytes.len);
	return 0;
}

int chain_room(struct chain *chain, size_t body, uint8_t **ret_record)
{
	return room(chain, RECORDING_RECORD_LEN + body + RECORDING_CHECK_LEN, ret_record);
}

void chain_add(struct chain *chain, uint8_t *record, size_t body)
{
	size_t len = RECORDING_RECORD_LEN + body;

	assert(record == chain->bytes + chain->len && body <= RECORDING_BODY_MAX);
	recording_chain(chain->head, record, len);
	memcpy(record + len, chain->head, RECORDING_CHECK_LEN);
	commit(chain, len + RECORDING_CHECK_LEN);
}

int chain_sign(struct chain *chain)
{
	uint8_t *record;
	int r = chain_room(chain, RECORDING_SIGNATURE_LEN, &record);

	if (r < 0)
		return r;
	recording_record_head(record, RECORDING_SIGNATURE, RECORDING_SIGNATURE_LEN);
	recording_sign(record + RECORDING_RECORD_LEN, chain->secret_key, chain->session_id,
		chain->chunks, chain->end_ms, chain->head);
	chain->signatures++;
	memcpy(chain->signed_head, chain->head, HASH_LEN);
	memcpy(chain->signature,
		record + RECORDING_RECORD_LEN + RECORDING_SIGNATURE_LEN - sizeof chain->signature,
		sizeof chain->signature);
	chain_add(chain, record, RECORDING_SIGNATURE_LEN);
	return 0;
}

int chain_end(struct chain *chain, const struct recording_end *end)
{
	uint8_t *record;
	int r = chain_room(chain, RECORDING_END_LEN + REASON_SIZE, &record);

	if (r < 0)
		return r;
	size_t body = recording_end_write(record + RECORDING_RECORD_LEN, end);
	recording_record_head(record, RECORDING_END, (uint32_t)body);
	chain_add(chain, record, body);
	return 0;
}

uint8_t *chain_take(struct chain *chain, size_t *ret_len)
{
	*ret_len = chain->len;
	chain->len = chain->cap = 0;
	return STEAL(chain->bytes);
}
