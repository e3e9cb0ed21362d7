/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"
#include "wire/backup.h"

/*
 * What a backup says and holds, read to its end; into a directory, or nowhere, which proves it.
 * Nothing is believed that is not authentic, and no name leads out of the directory.
 */
#define BACKUP_ID_SIZE 33
struct unpacked {
	char version[VERSION_SIZE], id[BACKUP_ID_SIZE];
	int64_t made_at;
	unsigned schema;
	int64_t row; /* the last of the trail, and its hash */
	uint8_t head[HASH_LEN];
	uint64_t rows, files, absent, absent_bytes, bytes;
};

/*
 * path NULL: nowhere. Else an empty directory, in which tls, vault, store and recordings are made.
 * fd stands behind the head. 0; -ERR_CLOSED: cut off; -ERR_CRYPTO: altered, or another key;
 * -ERR_MALFORMED; -ERR_STORE_NEWER; -ERR_STORE_FULL; -ERR_STORE, -ERR_SYSTEM.
 */
int unpack(int fd, const uint8_t head[BACKUP_HEAD_LEN], const uint8_t key[BACKUP_KEY_LEN],
	const char *path, struct unpacked *ret_unpacked);
