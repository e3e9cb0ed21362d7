/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/backup_stream.h"

/* What goes into a backup, from the files of an installation whose gateway is running. */
struct pack {
	const char *data;
	int directory; /* of the installation */
	const char *id;
	int64_t made_at;
	bool recordings;
	/* in the order in which it goes out */
	struct backup_writer *writer;
	uint64_t rows, files, absent;
	int64_t row; /* the last of the trail, and its hash */
	uint8_t head[32];
	uint64_t releases; /* lines of the vault's log that the trail has seen */
	char failed[256];  /* the file that could not be read, or what else was wrong */

	/* private */
	struct buf *scratch;
	int audit_sequence, audit_hash, audit_detail; /* columns of the table at hand; -1 */
	uint64_t told_ms;
};

/*
 * All of it, and the end of the stream. -ERR_STORE, -ERR_SYSTEM and -ERR_WRONG_MOMENT (a key
 * changed meanwhile) with `failed`; -ERR_STORE_FULL: where the backup is written.
 */
int pack_all(struct pack *pack);
