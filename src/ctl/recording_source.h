/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ctl/reader.h"

/* A recording as a stream of records whose checks are tested in passing; one bounded buffer. */
struct source {
	int fd;
	uint8_t *bytes; /* SOURCE_BUFFER */
	size_t at, len;
	bool eof;
	uint64_t passed; /* bytes of the file before `at` */
	uint8_t head[HASH_LEN];
	struct recording_header header;
};
#define SOURCE_BUFFER (512 * 1024)

struct source_record {
	struct recording_record record;
	const uint8_t *raw;            /* record head; valid until the next call */
	uint8_t head_before[HASH_LEN]; /* of the record: what its content is bound to */
};

int source_init(struct source *source, int fd);
void source_finish(struct source *source);
/* Goes on at a record of which these bytes and this head are before it. -ERR_SYSTEM. */
int source_go(struct source *source, uint64_t passed, const uint8_t head[HASH_LEN]);
/* Reads the header. 0, -ERR_CLOSED (too short), or as recording_header_read(). */
int source_header(struct source *source);
/*
 * 1 with a record whose check matches; 0 at the end of the file; -ERR_CLOSED when the file ends
 * inside a record, or is zero from inside a record to its end as a power cut leaves it;
 * -ERR_MALFORMED: no record; -ERR_CRYPTO: its check does not match, *ret_record is filled all the
 * same; -ERR_SYSTEM.
 */
int source_next(struct source *source, struct source_record *ret_record);
