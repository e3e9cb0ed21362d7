/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/backup_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"

#define ADDED crypto_secretstream_xchacha20poly1305_ABYTES
#define ITEM_HEAD 8

/* The key of this stream: whoever alters a byte of the head has another. */
static void stream_key(uint8_t out[crypto_secretstream_xchacha20poly1305_KEYBYTES],
	const uint8_t head[BACKUP_HEAD_LEN], const uint8_t key[BACKUP_KEY_LEN])
{
	_Static_assert(crypto_secretstream_xchacha20poly1305_HEADERBYTES == BACKUP_STREAM_LEN,
		"the head has room for it");
	crypto_generichash(out, crypto_secretstream_xchacha20poly1305_KEYBYTES, head,
		BACKUP_HEAD_LEN - BACKUP_STREAM_LEN, key, BACKUP_KEY_LEN);
}

/* --- writing -------------------------------------------------------------------------------- */

int backup_write(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, bytes, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == ENOSPC || errno == EDQUOT ? -ERR_STORE_FULL : -ERR_SYSTEM;
		bytes += put;
		len -= (size_t)put;
	}
	return 0;
}

static int write_all(struct backup_writer *writer, const uint8_t *bytes, size_t len)
{
	writer->written += len;
	return backup_write(writer->fd, bytes, len);
}

void backup_head(uint8_t ret_head[BACKUP_HEAD_LEN])
{
	memset(ret_head, 0, BACKUP_HEAD_LEN);
	memcpy(ret_head, BACKUP_MAGIC, 8);
	ret_head[8] = BACKUP_VERSION;
	put32(ret_head + 12, BACKUP_PASSES);
	put64(ret_head + 16, BACKUP_MEMORY);
	random_bytes(ret_head + 24, BACKUP_SALT_LEN);
}

int backup_writer_init(struct backup_writer *writer, int fd, uint8_t head[BACKUP_HEAD_LEN],
	const uint8_t key[BACKUP_KEY_LEN])
{
	uint8_t own[crypto_secretstream_xchacha20poly1305_KEYBYTES];

	*writer = (struct backup_writer){ .fd = fd };
	writer->plain = malloc(BACKUP_CHUNK);
	writer->sealed = malloc(4 + BACKUP_CHUNK + ADDED);
	if (writer->plain == NULL || writer->sealed == NULL)
		return -ERR_SYSTEM;
	stream_key(own, head, key);
	crypto_secretstream_xchacha20poly1305_init_push(
		&writer->state, head + BACKUP_HEAD_LEN - BACKUP_STREAM_LEN, own);
	mem_wipe(own, sizeof own);
	return write_all(writer, head, BACKUP_HEAD_LEN);
}

void backup_writer_finish(struct backup_writer *writer)
{
	if (writer->plain != NULL)
		mem_wipe(writer->plain, BACKUP_CHUNK);
	free(STEAL(writer->plain));
	free(STEAL(writer->sealed));
	mem_wipe(&writer->state, sizeof writer->state);
}

static int put_chunk(struct backup_writer *writer, uint8_t tag)
{
	uint32_t len = writer->len + ADDED;

	put32(writer->sealed, len);
	crypto_secretstream_xchacha20poly1305_push(&writer->state, writer->sealed + 4, NULL,
		writer->plain, writer->len, writer->sealed, 4, tag);
	writer->len = 0;
	return write_all(writer, writer->sealed, 4 + len);
}

static int put_bytes(struct backup_writer *writer, const uint8_t *bytes, size_t len)
{
	int r = 0;

	while (len > 0 && r == 0) {
		size_t part = MIN(len, (size_t)(BACKUP_CHUNK - writer->len));
		memcpy(writer->plain + writer->len, bytes, part);
		writer->len += (uint32_t)part;
		bytes += part;
		len -= part;
		if (writer->len == BACKUP_CHUNK)
			r = put_chunk(writer, 0);
	}
	return r;
}

int backup_put(struct backup_writer *writer, enum backup_item kind, const void *bytes, size_t len)
{
	uint8_t head[ITEM_HEAD] = { (uint8_t)kind };

	if (len > BACKUP_ITEM_MAX)
		return -ERR_TOO_LARGE;
	put32(head + 4, (uint32_t)len);
	int r = put_bytes(writer, head, sizeof head);
	return r < 0 ? r : put_bytes(writer, bytes, len);
}

int backup_end(struct backup_writer *writer)
{
	return put_chunk(writer, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
}

/* --- reading -------------------------------------------------------------------------------- */

/* 1, 0 at the end of the file before the first byte, -ERR_CLOSED inside, -ERR_SYSTEM. */
static int read_all(int fd, uint8_t *out, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, out + have, len - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -ERR_SYSTEM;
		if (got == 0)
			return have == 0 ? 0 : -ERR_CLOSED;
		have += (size_t)got;
	}
	return 1;
}

int backup_head_read(int fd, uint8_t ret_head[BACKUP_HEAD_LEN])
{
	int r = read_all(fd, ret_head, BACKUP_HEAD_LEN);
	uint32_t passes = get32(ret_head + 12);
	uint64_t memory = get64(ret_head + 16);

	if (r <= 0)
		return r == 0 ? -ERR_CLOSED : r;
	if (memcmp(ret_head, BACKUP_MAGIC, 8) != 0)
		return -ERR_MALFORMED;
	if (ret_head[8] != BACKUP_VERSION)
		return -ERR_STORE_NEWER;
	if (ret_head[9] != 0 || ret_head[10] != 0 || ret_head[11] != 0 || passes < 1 ||
		passes > BACKUP_PASSES_MAX || memory < BACKUP_MEMORY_LEAST ||
		memory > BACKUP_MEMORY_MAX)
		return -ERR_MALFORMED;
	return 0;
}

int backup_reader_init(struct backup_reader *reader, int fd, const uint8_t head[BACKUP_HEAD_LEN],
	const uint8_t key[BACKUP_KEY_LEN])
{
	uint8_t own[crypto_secretstream_xchacha20poly1305_KEYBYTES];

	*reader = (struct backup_reader){ .fd = fd, .passed = BACKUP_HEAD_LEN };
	reader->plain = malloc(BACKUP_CHUNK);
	reader->sealed = malloc(4 + BACKUP_CHUNK + ADDED);
	reader->item = malloc(BACKUP_ITEM_MAX);
	if (reader->plain == NULL || reader->sealed == NULL || reader->item == NULL)
		return -ERR_SYSTEM;
	stream_key(own, head, key);
	int r = crypto_secretstream_xchacha20poly1305_init_pull(
		&reader->state, head + BACKUP_HEAD_LEN - BACKUP_STREAM_LEN, own);
	mem_wipe(own, sizeof own);
	return r == 0 ? 0 : -ERR_CRYPTO;
}

void backup_reader_finish(struct backup_reader *reader)
{
	if (reader->plain != NULL)
		mem_wipe(reader->plain, BACKUP_CHUNK);
	if (reader->item != NULL)
		mem_wipe(reader->item, BACKUP_ITEM_MAX);
	free(STEAL(reader->plain));
	free(STEAL(reader->sealed));
	free(STEAL(reader->item));
	mem_wipe(&reader->state, sizeof reader->state);
}

static int read_chunk(struct backup_reader *reader)
{
	unsigned long long len;
	uint8_t tag;
	int r = read_all(reader->fd, reader->sealed, 4);

	if (r <= 0)
		return r == 0 ? -ERR_CLOSED : r;
	uint32_t sealed = get32(reader->sealed);
	if (sealed < ADDED || sealed > BACKUP_CHUNK + ADDED)
		return -ERR_CRYPTO;
	r = read_all(reader->fd, reader->sealed + 4, sealed);
	if (r <= 0)
		return r == 0 ? -ERR_CLOSED : r;
	if (crypto_secretstream_xchacha20poly1305_pull(&reader->state, reader->plain, &len, &tag,
		    reader->sealed + 4, sealed, reader->sealed, 4) != 0)
		return -ERR_CRYPTO;
	reader->passed += 4 + sealed;
	reader->at = 0;
	reader->len = (uint32_t)len;
	reader->last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	return 0;
}

/* 1, 0 at the end of the stream before the first byte, or why not. */
static int take(struct backup_reader *reader, uint8_t *out, size_t len)
{
	size_t have = 0;

	while (have < len) {
		size_t part = MIN(len - have, (size_t)(reader->len - reader->at));
		memcpy(out + have, reader->plain + reader->at, part);
		reader->at += (uint32_t)part;
		have += part;
		if (have == len)
			break;
		if (reader->last)
			return have == 0 ? 0 : -ERR_MALFORMED;
		int r = read_chunk(reader);
		if (r < 0)
			return r;
	}
	return 1;
}

static int nothing_behind(struct backup_reader *reader)
{
	uint8_t byte;
	int r = read_all(reader->fd, &byte, 1);

	return r == 0 ? 0 : r < 0 ? r : -ERR_CRYPTO;
}

int backup_next(struct backup_reader *reader, enum backup_item *ret_kind, const uint8_t **ret_bytes,
	size_t *ret_len)
{
	uint8_t head[ITEM_HEAD];
	int r = take(reader, head, sizeof head);

	if (r <= 0)
		return r == 0 ? nothing_behind(reader) : r;
	uint32_t len = get32(head + 4);
	if (head[0] < ITEM_ABOUT || head[0] > ITEM_TAIL || len > BACKUP_ITEM_MAX)
		return -ERR_MALFORMED;
	if (len > 0 && (r = take(reader, reader->item, len)) <= 0)
		return r == 0 ? -ERR_MALFORMED : r;
	*ret_kind = (enum backup_item)head[0];
	*ret_bytes = reader->item;
	*ret_len = len;
	return 1;
}
