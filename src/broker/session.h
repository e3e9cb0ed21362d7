/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hours.h"
#include "store/store.h"
#include "wire/messages.h"

/*
 * Sessions from the opened URL to the sealed recording. What is only created lives in the store
 * alone; redeemed and live sessions have an object here too.
 *
 * A state machine is a table and one function that moves it: session_write() below is the only
 * place that sets ->state; it writes the row and its audit line in the open transaction. What must
 * happen outside (start and stop of processes) happens after the commit.
 */
#define SESSION_MOVES                                                                              \
	MOVE(CREATED, REDEEMED)                                                                    \
	MOVE(CREATED, ENDED)                                                                       \
	MOVE(REDEEMED, LIVE)                                                                       \
	MOVE(REDEEMED, ENDED)                                                                      \
	MOVE(LIVE, ENDED)

#define CHALLENGES_MAX 8         /* open at once for one session */
#define CHALLENGE_MS (60 * 1000) /* a challenge is worth something that long */
#define STOP_GRACE_MS 2000       /* for a worker to go by itself */
#define FORGET_MS 30000          /* for its recording to be sealed */
#define START_MS 30000           /* beyond twice the time a target may take: our own processes */

struct broker;
struct dial;

struct challenge {
	uint8_t bytes[32];
	uint64_t until; /* monotonic; 0: free */
};
struct joining { /* a proof was accepted, the recording has not started yet */
	struct channel *channel;
	uint32_t serial;
	struct msg_viewer viewer;
};
struct starting { /* what a connection under way knows of its session, which may go before it */
	struct broker *broker;
	int64_t id;
};
struct session {
	struct session_row row;
	struct session *next_by_id, *next_by_session_id, *next, **here;
	unsigned moves; /* waiting for a commit */

	/* the start: target and recording in parallel, then grant and worker */
	bool start_asked, recorder_knows, recording, worker_asked, worker, secret_released;
	bool start_waits;         /* for a recorder, or for all of them to say what they have */
	bool click;               /* starts with the first attach */
	bool unheard;             /* the recorders have not said yet whether one has it */
	struct channel *recorder; /* the one that has it: new ones go to the newest */
	struct dial *dial;
	struct starting *starting;
	int target, view; /* ours until they are given away; -1 */
	uint32_t worker_serial;
	uint16_t columns, rows, width, height;

	/* attaching */
	struct challenge challenges[CHALLENGES_MAX];
	struct joining joining[VIEWERS_MAX];
	unsigned joining_count, viewers;
	uint32_t last_viewer;

	/* limits; monotonic milliseconds */
	uint64_t started, start_at, last_input, nobody_since;
	uint64_t orphaned_at;        /* the worker went and the recorder has not said why; 0: no */
	uint64_t kill_at, forget_at; /* set when it ended */
	unsigned idle_told, longest_told, hours_told; /* notices given of these ends */
	struct hours hours;                           /* in which its credential is allowed */
	bool stopped;                                 /* its processes were told */
	bool end_again;                               /* its end could not be written */
	int end_why;
	char end_reason[REASON_SIZE];
};
struct sessions {
	struct session *first;
	unsigned count;
	struct session *by_id[1024], *by_session_id[1024];
};

/* Why and by whom a move is made, for the row and its audit line. */
struct moving {
	const char *actor;
	const struct address *from; /* or NULL */
	int why;
	const char *reason;
	int exit_status;
};
/* Writes the move of a row: the table decides. -ERR_WRONG_MOMENT when there is no such move. */
int session_write(struct broker *broker, struct session_row *row, enum session_state next,
	const struct moving *moving);
bool session_may_move(enum session_state from, enum session_state next);
const char *session_state_word(enum session_state state); /* "live" */

/* Objects. */
int session_create(
	struct broker *broker, const struct session_row *row, struct session **ret_session);
void session_destroy(struct broker *broker, struct session *session);
struct session *session_by_id(struct broker *broker, int64_t id);
struct session *session_by_session_id(struct broker *broker, const char *session_id);
void sessions_finish(struct broker *broker);

/* In an open turn: writes the move and leaves what must happen for after the commit. */
int session_enter(struct broker *broker, struct session *session, enum session_state next,
	const struct moving *moving);
/* Opens a turn if need be; text NULL: the one of why. Never fails for the caller: tries again. */
void session_end(struct broker *broker, struct session *session, int why, const char *text);

/* session_start.c: after the URL was spent and that is on disk */
void session_start(struct broker *broker, struct session *session);
void session_go_on(struct broker *broker, struct session *session); /* one step came true */
void sessions_go_on(struct broker *broker); /* a vault or a recorder is there again */
/* A recording that began and has no worker: the broker that began it is gone. */
void session_start_again(struct broker *broker, struct session *session);
struct worker_birth;
int birth_file(const struct worker_birth *birth, int *ret_fd); /* a sealed memory file */
void session_drop_start(
	struct broker *broker, struct session *session); /* closes what was half made */

/* session_events.c: what recorder, vault and supervisor say */
struct channel;
struct message;
int session_from_recorder(struct broker *broker, struct channel *recorder, struct message *message);
int session_from_vault(struct broker *broker, struct channel *vault, struct message *message);
int session_from_supervisor(struct broker *broker, struct message *message);
void sessions_recorder_gone(struct broker *broker, const struct channel *recorder);
void session_moved(struct broker *broker, struct session *session, const struct msg_moved *moved);
void session_settle(
	struct broker *broker, struct session *session); /* destroys it when all is over */

/* session_return.c: a new broker and what the others still have of the one before */
struct peer;
int sessions_load(struct broker *broker);                              /* at start: what was open */
void sessions_recorder_came(struct broker *broker, struct peer *peer); /* asks what it still has */
void session_listed(
	struct broker *broker, struct channel *recorder, const struct msg_listed *listed);
void sessions_listed(struct broker *broker); /* one more has said all: what nobody named is over */
bool sessions_unlisted(const struct broker *broker); /* somebody has yet to say what it has */
void sessions_workers(struct broker *broker, const void *sessions, size_t len);
void sessions_strays(struct broker *broker, uint64_t now); /* once a second */

/* session_limits.c: once a second */
void sessions_tick(struct broker *broker);
