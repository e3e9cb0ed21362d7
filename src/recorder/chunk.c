/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/chunk.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "wire/view.h"

#define CHUNK_FULL (64 * 1024) /* plain bytes after which it is closed */
#define CHUNK_LEAST 512
#define LEVEL 1
#define LEVEL_FLOOD (-3) /* a third less time for half as much again on disk */
#define FLOOD_MS 5       /* a chunk that filled so fast is part of a flood */

_Static_assert(CHUNK_FULL / RECORDING_FRAME_LEN < UINT16_MAX, "a chunk's frames can be counted");
_Static_assert(RECORDING_CHUNK_LEN + ZSTD_COMPRESSBOUND(RECORDING_PLAIN_MAX) + RECORDING_TAG_LEN <=
		       RECORDING_BODY_MAX,
	"the largest chunk is a legal record");

int packer_init(struct packer *packer)
{
	packer->scratch_len = ZSTD_compressBound(RECORDING_PLAIN_MAX);
	packer->scratch = malloc(packer->scratch_len);
	packer->context = ZSTD_createCCtx();
	if (packer->scratch == NULL || packer->context == NULL) {
		packer_finish(packer);
		return -ERR_SYSTEM;
	}
	return 0;
}

void packer_finish(struct packer *packer)
{
	free(packer->scratch);
	ZSTD_freeCCtx(packer->context);
	*packer = (struct packer){};
}

void chunk_init(struct chunk *chunk)
{
	*chunk = (struct chunk){};
	random_bytes(chunk->key, sizeof(chunk->key));
}

static void forget(struct chunk *chunk)
{
	if (chunk->plain != NULL)
		mem_wipe(chunk->plain, chunk->cap);
	free(chunk->plain);
	chunk->plain = NULL;
	chunk->cap = 0;
}

void chunk_finish(struct chunk *chunk)
{
	forget(chunk);
	mem_wipe(chunk, sizeof(*chunk));
}

bool chunk_fits(const struct chunk *chunk, size_t payload)
{
	return chunk->len == 0 || chunk->len + RECORDING_FRAME_LEN + payload <= CHUNK_FULL;
}

static int reserve(struct chunk *chunk, size_t len)
{
	size_t cap = MAX(chunk->cap, (size_t)CHUNK_LEAST);

	while (cap < chunk->len + len)
		cap *= 2;
	if (cap == chunk->cap)
		return 0;
	uint8_t *plain = malloc(cap);
	if (plain == NULL)
		return -ERR_SYSTEM;
	if (chunk->len > 0)
		memcpy(plain, chunk->plain, chunk->len);
	forget(chunk);
	chunk->plain = plain;
	chunk->cap = cap;
	return 0;
}

int chunk_append(struct chunk *chunk, const struct recording_frame *frame)
{
	struct recording_frame kept = *frame;
	int r;

	if (!chunk_fits(chunk, frame->len) || frame->len > VIEW_FRAME_MAX)
		return -ERR_TOO_LARGE;
	r = reserve(chunk, RECORDING_FRAME_LEN + frame->len);
	if (r < 0)
		return r;
	if (chunk->len == 0)
		chunk->start_ms = chunk->last_ms = MAX(frame->ms, chunk->last_ms);
	kept.ms = frame->ms > chunk->last_ms ? frame->ms - chunk->last_ms : 0;
	chunk->last_ms += kept.ms;
	recording_frame_write(chunk->plain + chunk->len, &kept);
	if (frame->len > 0)
		memcpy(chunk->plain + chunk->len + RECORDING_FRAME_LEN, frame->payload, frame->len);
	chunk->len += RECORDING_FRAME_LEN + frame->len;
	chunk->frames++;
	return 0;
}

/* Where a player may begin to read. */
static uint8_t flags(const struct chunk *chunk)
{
	struct recording_frame first;
	struct view_keyframe keyframe;

	int r = recording_frame_next(chunk->plain, chunk->len, &first);
	assert(r > 0); /* chunk_append() wrote it */
	struct view_frame frame = { first.type, first.len, first.payload };
	if (view_keyframe_read(&frame, &keyframe) < 0 || keyframe.part != 0)
		return 0;
	return RECORDING_CHUNK_KEYFRAME;
}

static int seal(struct chunk *chunk, struct packer *packer, struct chain *chain, bool full)
{
	struct recording_chunk head = { .number = chain->chunks + 1,
		.start_ms = chunk->start_ms,
		.end_ms = chunk->last_ms,
		.plain_len = (uint32_t)chunk->len,
		.frames = (uint16_t)chunk->frames,
		.flags = flags(chunk) };
	uint8_t *record;
	int level = full && head.end_ms - head.start_ms <= FLOOD_MS ? LEVEL_FLOOD : LEVEL;
	size_t packed = ZSTD_compressCCtx(packer->context, packer->scratch, packer->scratch_len,
		chunk->plain, chunk->len, level);
	if (ZSTD_isError(packed))
		return -ERR_SYSTEM;
	size_t body = RECORDING_CHUNK_LEN + packed + RECORDING_TAG_LEN;
	int r = chain_room(chain, body, &record);
	if (r < 0)
		return r;
	recording_record_head(record, RECORDING_CHUNK, (uint32_t)body);
	recording_chunk_write(record + RECORDING_RECORD_LEN, &head);
	recording_seal(record + RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN, packer->scratch, packed,
		chunk->key, chain->head, record);
	chain_add(chain, record, body);
	chain->chunks++;
	chain->end_ms = chunk->last_ms;
	return 0;
}

int chunk_close(struct chunk *chunk, struct packer *packer, struct chain *chain, bool full)
{
	int r;

	if (chunk->len == 0)
		return 0;
	r = seal(chunk, packer, chain, full);
	if (r < 0)
		return r;
	chunk->len = 0;
	chunk->frames = 0;
	if (!full)
		forget(chunk);
	return 0;
}
