/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/error.h"
#include "base/mem.h"
#include "ctl/recording_source.h"

struct reader {
	struct source source;
	uint8_t key[RECORDING_KEY_LEN];
	ZSTD_DCtx *context;
	uint8_t *packed; /* RECORDING_BODY_MAX */
	uint8_t *plain;  /* RECORDING_PLAIN_MAX */
	uint8_t *secret; /* RECORDING_SECRET_MAX, with secrets_key; NULL: they stay closed */
	uint8_t secrets_key[RECORDING_KEY_LEN];
	size_t at, len;  /* in plain */
	uint32_t frames; /* of the chunk, still to come */
	uint64_t chunk;
	uint32_t ms, chunk_end_ms;
	bool ended;
	struct recording_end end;
};

void reader_close(struct reader *reader)
{
	if (reader == NULL)
		return;
	ZSTD_freeDCtx(reader->context);
	if (reader->packed != NULL)
		mem_wipe(reader->packed, RECORDING_BODY_MAX);
	if (reader->plain != NULL)
		mem_wipe(reader->plain, RECORDING_PLAIN_MAX);
	if (reader->secret != NULL)
		mem_wipe(reader->secret, RECORDING_SECRET_MAX);
	free(reader->packed);
	free(reader->plain);
	free(reader->secret);
	source_finish(&reader->source);
	mem_wipe(reader, sizeof(*reader));
	free(reader);
}

int reader_open(int fd, const uint8_t key[RECORDING_KEY_LEN], struct reader **ret_reader)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (reader == NULL)
		return -ERR_SYSTEM;
	memcpy(reader->key, key, RECORDING_KEY_LEN);
	reader->context = ZSTD_createDCtx();
	reader->packed = malloc(RECORDING_BODY_MAX);
	reader->plain = malloc(RECORDING_PLAIN_MAX);
	r = source_init(&reader->source, fd);
	if (reader->context == NULL || reader->packed == NULL || reader->plain == NULL)
		r = -ERR_SYSTEM;
	if (r == 0)
		r = reader_rewind(reader);
	if (r < 0) {
		reader_close(reader);
		return r;
	}
	*ret_reader = reader;
	return 0;
}

int reader_open_secrets(struct reader *reader, const uint8_t key[RECORDING_KEY_LEN])
{
	if (reader->secret == NULL)
		reader->secret = malloc(RECORDING_SECRET_MAX);
	if (reader->secret == NULL)
		return -ERR_SYSTEM;
	memcpy(reader->secrets_key, key, RECORDING_KEY_LEN);
	return 0;
}

int reader_rewind(struct reader *reader)
{
	return reader_go(reader, &(struct reader_place){});
}

int reader_go(struct reader *reader, const struct reader_place *place)
{
	struct source *source = &reader->source;
	int r = source_go(source, place->passed, place->head);

	if (r == 0 && place->passed == 0)
		r = source_header(source);
	reader->at = reader->len = 0;
	reader->frames = 0;
	reader->chunk = place->chunk;
	reader->ms = reader->chunk_end_ms = place->before_ms;
	reader->ended = false;
	return r == -ERR_CLOSED ? -ERR_MALFORMED : r;
}

/* Walks chunks until one is later, or is not whole. */
static void find_from_start(struct source *source, uint32_t ms, struct reader_place *place)
{
	struct source_record it;
	struct recording_chunk chunk = {};

	for (;;) {
		uint64_t passed = source->passed;
		uint32_t before_ms = chunk.end_ms;
		if (source_next(source, &it) <= 0)
			return;
		if (it.record.type != RECORDING_CHUNK)
			continue;
		if (recording_chunk_read(&it.record, &chunk) < 0 || chunk.start_ms > ms)
			return;
		if ((chunk.flags & RECORDING_CHUNK_KEYFRAME) == 0)
			continue;
		*place = (struct reader_place){ .passed = passed,
			.chunk = chunk.number - 1,
			.ms = chunk.start_ms,
			.before_ms = before_ms };
		memcpy(place->head, it.head_before, HASH_LEN);
	}
}

int reader_find(struct reader *reader, uint32_t ms, struct reader_place *ret_place)
{
	struct source *source = &reader->source;
	struct reader_place place = {};
	uint64_t passed = source->passed;
	uint8_t head[HASH_LEN];
	int r;

	memcpy(head, source->head, HASH_LEN);
	r = source_go(source, 0, head);
	if (r == 0 && source_header(source) == 0)
		find_from_start(source, ms, &place);
	if (source_go(source, passed, head) < 0)
		r = -ERR_SYSTEM;
	if (r == 0)
		*ret_place = place;
	return r;
}

static int open_chunk(struct reader *reader, const struct source_record *it)
{
	struct recording_chunk chunk;
	int r = recording_chunk_read(&it->record, &chunk);

	if (r == 0 && (chunk.number != reader->chunk + 1 || chunk.start_ms < reader->chunk_end_ms))
		r = -ERR_MALFORMED;
	if (r == 0)
		r = recording_open(reader->packed, &chunk, reader->key, it->head_before, it->raw);
	if (r < 0)
		return r;
	size_t len = ZSTD_decompressDCtx(reader->context, reader->plain, RECORDING_PLAIN_MAX,
		reader->packed, chunk.sealed_len - RECORDING_TAG_LEN);
	if (ZSTD_isError(len) || len != chunk.plain_len)
		return -ERR_MALFORMED;
	reader->at = 0;
	reader->len = len;
	reader->frames = chunk.frames;
	reader->chunk = chunk.number;
	reader->ms = chunk.start_ms;
	reader->chunk_end_ms = chunk.end_ms;
	return 0;
}

/* 1 when there is a chunk to read from, 0 at the end. */
static int next_chunk(struct reader *reader)
{
	struct source_record it;
	int r;

	while ((r = source_next(&reader->source, &it)) > 0) {
		if (it.record.type == RECORDING_CHUNK) {
			r = open_chunk(reader, &it);
			return r < 0 ? r : 1;
		}
		if (it.record.type == RECORDING_END) {
			r = recording_end_read(&it.record, &reader->end);
			if (r < 0)
				return r;
			reader->ended = true;
		}
	}
	return r == -ERR_CLOSED ? 0 : r; /* cut short: what is whole was read */
}

/* In place of the sealed frame the input it was, if it is one and there is the key. */
static int open_secret(struct reader *reader, struct reader_event *event)
{
	struct recording_secret secret;

	if (reader->secret == NULL || recording_secret_read(&event->frame, &secret) < 0)
		return 0;
	int r = recording_secret_open(reader->secret, &secret, reader->secrets_key);
	if (r < 0)
		return r;
	event->frame.type = secret.type;
	event->frame.payload = reader->secret;
	event->frame.len = secret.len;
	event->secret = true;
	return 0;
}

int reader_next(struct reader *reader, struct reader_event *ret_event)
{
	while (reader->at == reader->len) {
		if (reader->frames != 0)
			return -ERR_MALFORMED;
		int r = next_chunk(reader);
		if (r <= 0)
			return r;
	}
	int r = recording_frame_next(
		reader->plain + reader->at, reader->len - reader->at, &ret_event->frame);
	if (r <= 0 || reader->frames == 0 ||
		ret_event->frame.ms > reader->chunk_end_ms - reader->ms)
		return -ERR_MALFORMED;
	reader->at += (size_t)r;
	reader->frames--;
	reader->ms += ret_event->frame.ms;
	ret_event->ms = reader->ms;
	ret_event->secret = false;
	r = open_secret(reader, ret_event);
	return r < 0 ? r : 1;
}

const struct recording_header *reader_header(const struct reader *reader)
{
	return &reader->source.header;
}

const struct recording_end *reader_end(const struct reader *reader)
{
	return reader->ended ? &reader->end : NULL;
}

uint64_t reader_chunk(const struct reader *reader)
{
	return reader->chunk;
}
