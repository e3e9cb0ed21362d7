/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/audit.h"

/*
 * A turn of the loop is one transaction: everything that came in together is decided together and
 * made durable by one commit; only then do answers leave and processes start or stop.
 *
 *	r = turn_open(broker)           at the start of a handler that writes; 0 or -ERR_STORE
 *	turn_then(broker, fn, context)  fn(.., 0) when it is durable, fn(.., -ERR_..) if undone
 *	turn_answer(broker, fn, context)  the same; it only answers, and may wait a little
 *	turn_close(broker)              commits, and waits until everything is durable and told
 *	turn_end(broker)                commits, or lets more calls join while the disk is busy
 *	                                with the commit before; called by the loop after each round
 *
 * A turn in which only answers wait does not hold up the next one: its commit goes to the disk
 * while that runs, and its answers leave when it is there. What starts or stops something waits at
 * once, and comes after all answers before it.
 */
struct broker;
typedef void turn_fn(struct broker *broker, void *context, int result);

#define TURN_HANDLER                                                                               \
	(SESSIONS_MAX + 64) /* things one handler may leave waiting: it can end all sessions */
#define TURN_MAX (2 * TURN_HANDLER) /* things that wait for one commit */

#define TURN_GATHER 16  /* answers after which a commit waits for no further ones */
#define TURN_PART 12    /* answers that are committed while more calls are there to be read */
#define TURN_LOOK 4     /* calls between two looks whether the disk is done */
#define TURN_AHEAD 1024 /* answers that wait for the disk; a full list is waited for */

struct turn_row {
	turn_fn *fn;
	void *context;
	uint64_t mark; /* of the store, when it waits for the disk */
};
struct turn_list {
	unsigned count;
	bool acts; /* not only answers */
	struct turn_row rows[TURN_MAX];
};
struct turn_ahead { /* a ring, oldest first */
	unsigned first, count;
	struct turn_row rows[TURN_AHEAD];
	struct watch *watch;
};
struct turn {
	bool open, closing;
	bool poisoned;       /* an audit row could not be written: nothing of this turn may stand */
	struct audit before; /* head at the last commit */
	uint64_t changes;    /* of the store, when it was opened */
	struct turn_list *waiting, *running;
	struct turn_ahead ahead;
};
struct savepoint {
	struct audit audit;
	bool poisoned;
	unsigned mark;
};

int turn_create(struct turn *turn);
void turn_destroy(struct turn *turn);
int turn_watch(struct broker *broker); /* once the store is open */
int turn_open(struct broker *broker);
void turn_then(struct broker *broker, turn_fn *fn, void *context);
void turn_answer(struct broker *broker, turn_fn *fn, void *context);
void turn_close(struct broker *broker);
void turn_end(struct broker *broker);
/*
 * Before a call is worked on: when enough are done the disk begins with them, and whose commit came
 * to the disk is answered, however many calls are still to be read. Callers, disk and broker then
 * work at the same time, not in turn.
 */
void turn_part(struct broker *broker);

int turn_savepoint(struct broker *broker, struct savepoint *ret_savepoint);
int turn_keep(struct broker *broker, const struct savepoint *savepoint);
/* Undoes what was written since; what waited since is told r. */
int turn_undo(struct broker *broker, const struct savepoint *savepoint, int r);
