/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "recorder/gap.h"
#include "recorder/keyframe.h"
#include "recorder/ring.h"
#include "recorder/sender.h"
#include "recorder/skip.h"
#include "recorder/tape.h"
#include "recorder/typed.h"
#include "wire/messages.h"
#include "wire/view.h"

/*
 * The switchboard of one session, between its worker and everyone who looks. What the worker sends
 * is recorded, then kept in the ring, then shown; what a person types is recorded, then given to
 * the worker. There is no other way through.
 *
 * A person who is far behind stops the worker from reading its target for moments only, then skips
 * (skip.h); nobody attached stops nothing: recording goes on and the ring forgets its oldest.
 */
#define CORRIDOR_READ (64 * 1024) /* bytes taken from a stream at a time */
#define CORRIDOR_INPUT_MAX                                                                         \
	(1024 * 1024)           /* typed and not yet taken by the worker; then typing waits */
#define CORRIDOR_LINGER_MS 5000 /* how long the last words may take to reach a viewer */
#define CORRIDOR_END_MS 5000    /* how long a worker may take to end when the person ends it */
#define CORRIDOR_GRACE_MS 200   /* for the broker's word on why the worker's stream ended */
#define CORRIDOR_ACTIVITY_MS 10000
#define CORRIDOR_CLAIM_MS                                                                          \
	5000 /* for a new broker to go on with a session that has no worker yet                    \
	      */

struct corridor;
struct viewer;

/* Who is told, by whom the corridor lives: the recorder's main paragraph, or a test. */
struct corridor_host {
	void (*started)(void *context, struct corridor *corridor, int r);
	void (*moved)(void *context, const struct msg_moved *moved);
	void (*left)(void *context, const struct msg_viewer *viewer);
	void (*activity)(void *context, const struct msg_activity *activity);
	/* The file is sealed, or r says why it is short. */
	void (*done)(void *context, const struct msg_recording_done *done);
	/* The last word: the corridor has left the host's list and is freed after this. */
	void (*gone)(void *context, struct corridor *corridor);
	void *context;
	struct tape_room room;
	uint8_t *scratch; /* CORRIDOR_SCRATCH bytes, one for all */
};
#define CORRIDOR_SCRATCH (CORRIDOR_READ + VIEW_FRAME_MAX + VIEW_HEADER_LEN)

enum corridor_phase {
	CORRIDOR_WAITING, /* for the certificate, then for the header on disk */
	CORRIDOR_OPEN,
	CORRIDOR_OVER, /* the end is recorded; sealing, last words to viewers */
};

struct corridor {
	const struct corridor_host *host;
	struct corridor *next; /* the host's list */
	int64_t session;
	char session_id[SESSION_ID_SIZE];
	enum corridor_phase phase;
	bool sealed, told_started, told_done;
	struct tape tape;
	struct typed typed;
	uint8_t public_key[32];
	/* What the vault says of it, and of what: for whoever checks a head without the file. */
	uint8_t certificate[64], facts_hash[HASH_LEN];
	uint32_t key_version;
	struct ring ring;
	int worker;
	bool heard; /* the worker said something: it is there, or it was */
	struct watch *worker_watch;
	bool worker_reads;  /* EPOLLIN is asked for */
	struct buf partial; /* of a frame from the worker */
	struct buf input;   /* to the worker, already recorded */
	bool input_blocked; /* the worker's socket is full */
	struct viewer *viewers;
	unsigned viewer_count;
	uint32_t last_viewer; /* the largest number there was */
	struct senders senders;
	struct gap gap;
	uint64_t input_at, left_at; /* monotonic: the last input; when the last viewer left */
	struct keyframes keyframes;
	struct hold hold;
	struct timer *hold_timer, *refresh_timer; /* skip.c's */
	struct timer *activity_timer, *end_timer;
	uint64_t activity_at;
	bool activity_due;
	uint64_t output_bytes, input_bytes;
	uint64_t inputs;       /* times something was typed or pasted */
	uint8_t said;          /* the newest state by the worker: it only goes forward */
	struct msg_moved last; /* the newest state, for RECORDER_LIST */
	struct recording_end end;
};

/*
 * Takes ownership of worker. Keys are made, corridor->public_key is to be certified; then
 * corridor_begin() with the finished header, or corridor_end().
 */
int corridor_create(const struct corridor_host *host, const struct msg_recording_start *start,
	int worker, struct corridor **ret_corridor);
/* host->started() follows, from here or later; after a failure the corridor ends by itself. */
void corridor_begin(struct corridor *corridor, const struct recording_header *header);
/* Takes ownership of fd. Never fails towards the caller: a viewer that cannot be is told and left.
 */
void corridor_join(struct corridor *corridor, const struct msg_viewer *join, int fd);
void corridor_notice(struct corridor *corridor, const char *words);
/*
 * Another stream in place of one that no worker has used yet: the broker that made it is gone, and
 * the next one begins anew with the same recording. Takes ownership of worker. -ERR_WRONG_MOMENT.
 */
int corridor_claim(struct corridor *corridor, int worker);
/* What a new broker has to know. */
void corridor_list(const struct corridor *corridor, struct msg_listed *ret_listed);
/* Ends the session: last words, last chunk, end record. Nothing happens when it is over. */
void corridor_end(struct corridor *corridor, int why, const char *words);
/* Frees at once, whatever state: at the end of the process. */
void corridor_destroy(struct corridor *corridor);

/* ---- between corridor.c and viewer.c ---- */

/*
 * Records and keeps shared frames of the gateway's own (NOTICE, JOIN, LEAVE, ENDED). Sends nothing
 * yet: corridor_settle() does.
 */
int corridor_say(
	struct corridor *corridor, uint8_t type, uint16_t viewer, const void *payload, size_t len);
/* One frame of input: recorded, then queued for the worker. */
int corridor_input(struct corridor *corridor, uint16_t viewer, const struct view_frame *frame);
bool corridor_input_waits(const struct corridor *corridor);
int corridor_tell_gap(struct corridor *corridor); /* says GAP, if there was one */
int corridor_refresh(struct corridor *corridor);  /* asks the worker for a keyframe */
/* The last call of every callback: sends, reaps, sets the watches; may free the corridor. */
void corridor_settle(struct corridor *corridor);
