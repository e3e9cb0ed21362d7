/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

#define SECTOR 512 /* what a disk writes whole or not at all */
#define RECORD_MAX (RECORDING_RECORD_LEN + RECORDING_BODY_MAX + RECORDING_CHECK_LEN)

int source_init(struct source *source, int fd)
{
	*source = (struct source){ .fd = fd, .bytes = malloc(SOURCE_BUFFER) };
	return source->bytes != NULL ? 0 : -ERR_SYSTEM;
}

void source_finish(struct source *source)
{
	free(source->bytes);
	*source = (struct source){};
}

/* Makes sure `need` bytes are there, or as many as the file has. */
static int fill(struct source *source, size_t need)
{
	if (source->len - source->at >= need)
		return 0;
	memmove(source->bytes, source->bytes + source->at, source->len - source->at);
	source->len -= source->at;
	source->at = 0;
	while (source->len < SOURCE_BUFFER && source->len < need && !source->eof) {
		ssize_t got =
			read(source->fd, source->bytes + source->len, SOURCE_BUFFER - source->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -ERR_SYSTEM;
		source->eof = got == 0;
		source->len += (size_t)got;
	}
	return 0;
}

static void pass(struct source *source, size_t len)
{
	source->at += len;
	source->passed += len;
}

int source_go(struct source *source, uint64_t passed, const uint8_t head[HASH_LEN])
{
	if (lseek(source->fd, (off_t)passed, SEEK_SET) < 0)
		return -ERR_SYSTEM;
	source->at = source->len = 0;
	source->passed = passed;
	source->eof = false;
	memmove(source->head, head, HASH_LEN);
	return 0;
}

int source_header(struct source *source)
{
	int r = fill(source, RECORDING_HEADER_MAX);

	if (r < 0)
		return r;
	r = recording_header_read(source->bytes + source->at, source->len - source->at,
		&source->header, source->head);
	if (r <= 0)
		return r < 0 ? r : -ERR_CLOSED;
	pass(source, (size_t)r);
	return 0;
}

static bool rest_is_zero(struct source *source)
{
	for (;;) {
		while (source->at < source->len)
			if (source->bytes[source->at++] != 0)
				return false;
		if (source->eof || fill(source, 1) < 0)
			return source->eof;
	}
}

/*
 * A power cut leaves the length of what was being written and the first sectors of it, or none: the
 * record is zeros, from a sector's beginning or its own, and nothing else follows. (One that ends
 * with a zero by chance and was altered is no such record.) `len` bytes of it are there. Looking
 * uses the rest up.
 */
static bool torn(struct source *source, size_t len)
{
	const uint8_t *raw = source->bytes + source->at;
	size_t kept = len;

	while (kept > 0 && raw[kept - 1] == 0)
		kept--;
	uint64_t sector = (source->passed + kept + SECTOR - 1) / SECTOR * SECTOR;
	if (kept > 0 && sector >= source->passed + len)
		return false;
	source->at += len;
	return rest_is_zero(source);
}

int source_next(struct source *source, struct source_record *ret_record)
{
	int r = fill(source, RECORD_MAX);

	if (r < 0)
		return r;
	if (source->at == source->len)
		return 0;
	const uint8_t *raw = source->bytes + source->at;
	size_t there = source->len - source->at;
	r = recording_record_next(raw, there, &ret_record->record);
	if (r < 0 && torn(source, MIN(there, (size_t)RECORDING_RECORD_LEN)))
		return -ERR_CLOSED;
	if (r <= 0)
		return r < 0 ? r : -ERR_CLOSED;
	size_t body = (size_t)r - RECORDING_CHECK_LEN;
	ret_record->raw = raw;
	memcpy(ret_record->head_before, source->head, HASH_LEN);
	recording_chain(source->head, raw, body);
	if (memcmp(source->head, raw + body, RECORDING_CHECK_LEN) != 0) {
		/* The chain goes on from what is whole. */
		memcpy(source->head, ret_record->head_before, HASH_LEN);
		return torn(source, (size_t)r) ? -ERR_CLOSED : -ERR_CRYPTO;
	}
	pass(source, (size_t)r);
	return 1;
}
