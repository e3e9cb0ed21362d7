/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "recorder/chunk.h"
#include "recorder/writer.h"

/*
 * The tape of one session: what is put on it goes into the open chunk, closed chunks are chained
 * and signed and go to the writer. Errors stick: after one, nothing is recorded any more and the
 * session has to end.
 */
#define TAPE_CHUNK_MS 250      /* an open chunk is closed after so long */
#define TAPE_BATCH (64 * 1024) /* closed bytes that go to the writer without waiting for it */

struct tape {
	const struct tape_room *room; /* shared by all tapes */
	struct writer_file *file;
	struct timer *timer;
	struct chunk chunk;
	struct chain chain;
	uint64_t started; /* monotonic milliseconds */
	bool open;        /* begun and not ended: frames may be put on it */
	int error;
	writer_fn *fn;
	void *context;
};

/* What all tapes of the process stand on. */
struct tape_room {
	struct loop *loop;
	struct packer *packer;
	struct writer *writer;
	/* Each signature, with the tape's own context; NULL: nobody wants to know. */
	void (*signed_fn)(void *context, void *tape_context);
	void *context;
};

/* Makes both keys. The header is filled in by the caller between these two calls. */
void tape_init(struct tape *tape, const struct tape_room *room, const char *session_id,
	uint8_t ret_public_key[32]);
/* Creates the file; fn hears WRITER_SYNCED when the header is on disk. */
int tape_begin(
	struct tape *tape, const struct recording_header *header, writer_fn *fn, void *context);
int tape_put(struct tape *tape, uint8_t type, uint16_t viewer, const void *payload, size_t len);
bool tape_full(const struct tape *tape); /* stop putting until WRITER_ROOM */
uint32_t tape_now(const struct tape *tape);
/*
 * Closes the chunk, adds end and last signature; fn hears WRITER_SYNCED once more. end->ms, chunks
 * and ended_ms are filled in. Forgets the data key.
 */
int tape_end(struct tape *tape, struct recording_end *end);
void tape_finish(struct tape *tape); /* wipes and lets go of the file */
