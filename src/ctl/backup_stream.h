/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sodium.h>

#include "wire/backup.h"
#include "wire/view.h" /* numbers in bytes */

/*
 * A backup as a stream of items, encrypted and authenticated in chunks. A chunk is a length (four
 * bytes, the chunk's associated data) and so many bytes of ciphertext; the last one says that it is
 * the last. An item is a kind, three zero bytes, a length, and its bytes.
 */
#define BACKUP_CHUNK 65536
#define BACKUP_ITEM_MAX (1024 * 1024)

enum backup_item {
	ITEM_ABOUT = 1, /* lines "name=value" */
	ITEM_TABLE,     /* name and names of its columns, each with its NUL */
	ITEM_ROW,       /* of that table */
	ITEM_FILE,      /* mode (4), length (8), name */
	ITEM_DATA,      /* of that file, until its length is reached */
	ITEM_ABSENT,    /* a recording that is elsewhere: length (8), SHA-256, name */
	ITEM_TAIL,      /* last row of the trail (8), its hash, rows (8), files (8) */
};
#define BACKUP_TAIL_LEN (8 + 32 + 8 + 8)

struct backup_writer {
	int fd; /* not owned */
	crypto_secretstream_xchacha20poly1305_state state;
	uint8_t *plain, *sealed;
	uint32_t len;
	uint64_t written; /* bytes of the file */
};
/* What a new backup says of its key; then, with the key, the head and the start of the stream. */
void backup_head(uint8_t ret_head[BACKUP_HEAD_LEN]);
int backup_writer_init(struct backup_writer *writer, int fd, uint8_t head[BACKUP_HEAD_LEN],
	const uint8_t key[BACKUP_KEY_LEN]);
void backup_writer_finish(struct backup_writer *writer); /* wipes */
/* -ERR_STORE_FULL: the disk is; -ERR_TOO_LARGE; -ERR_SYSTEM. */
int backup_put(struct backup_writer *writer, enum backup_item kind, const void *bytes, size_t len);
int backup_end(struct backup_writer *writer); /* the last chunk; not synced */

struct backup_reader {
	int fd; /* not owned */
	crypto_secretstream_xchacha20poly1305_state state;
	uint8_t *sealed, *plain, *item;
	uint32_t at, len;
	bool last;
	uint64_t passed; /* bytes of the file */
};
/* -ERR_CLOSED: too short; -ERR_MALFORMED: no backup; -ERR_STORE_NEWER. */
int backup_head_read(int fd, uint8_t ret_head[BACKUP_HEAD_LEN]);
int backup_reader_init(struct backup_reader *reader, int fd, const uint8_t head[BACKUP_HEAD_LEN],
	const uint8_t key[BACKUP_KEY_LEN]);
void backup_reader_finish(struct backup_reader *reader);
/*
 * 1 with an item, valid until the next call; 0 after the last one, with nothing behind it;
 * -ERR_CLOSED: cut off; -ERR_CRYPTO: altered, or another key; -ERR_MALFORMED; -ERR_SYSTEM.
 */
int backup_next(struct backup_reader *reader, enum backup_item *ret_kind, const uint8_t **ret_bytes,
	size_t *ret_len);

/* All of it. -ERR_STORE_FULL, -ERR_SYSTEM. */
int backup_write(int fd, const uint8_t *bytes, size_t len);
