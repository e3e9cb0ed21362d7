/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "recorder/chunk.h"
#include "recorder/writer.h"
#include "wire/recording_secret.h"

/*
 * The tape of one session: what is put on it goes into the open chunk, closed chunks are chained
 * and signed and go to the writer. Errors stick: after one, nothing is recorded any more and the
 * session has to end.
 */
#define TAPE_CHUNK_MS 250      /* an open chunk is closed after so long */
#define TAPE_BATCH (64 * 1024) /* closed bytes that go to the writer without waiting for it */

/* What is kept apart, and under what. */
struct tape_secrets {
	bool apart;
	uint8_t key[RECORDING_KEY_LEN];
	uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN];
	uint64_t count; /* secrets so far */
};

struct tape {
	const struct tape_room *room; /* shared by all tapes */
	struct writer_file *file;
	struct timer *timer;
	struct chunk chunk;
	struct chain chain;
	uint64_t started; /* monotonic milliseconds */
	bool open;        /* begun and not ended: frames may be put on it */
	int error;
	struct tape_secrets secrets;
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
/*
 * What is put by tape_put_secret() lies under a second key, which is made here and sealed to the
 * vault's recording key. Between those two calls too. -ERR_MALFORMED, -ERR_CRYPTO.
 */
int tape_keep_apart(struct tape *tape, const char *session_id, const uint8_t recording_public[32]);
/* Creates the file; fn hears WRITER_SYNCED when the header is on disk. */
int tape_begin(
	struct tape *tape, const struct recording_header *header, writer_fn *fn, void *context);
int tape_put(struct tape *tape, uint8_t type, uint16_t viewer, const void *payload, size_t len);
/* At most RECORDING_SECRET_MAX bytes; only after tape_keep_apart(). */
int tape_put_secret(
	struct tape *tape, uint8_t type, uint16_t viewer, const uint8_t *bytes, size_t len);
bool tape_full(const struct tape *tape); /* stop putting until WRITER_ROOM */
uint32_t tape_now(const struct tape *tape);
/*
 * Closes the chunk, adds end and last signature; fn hears WRITER_SYNCED once more. end->ms, chunks
 * and ended_ms are filled in. Forgets its keys.
 */
int tape_end(struct tape *tape, struct recording_end *end);
void tape_finish(struct tape *tape); /* wipes and lets go of the file */
