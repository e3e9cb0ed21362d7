/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/audit.h"

/*
 * A turn of the loop is one transaction: everything that came in together is decided together and
 * made durable by one commit; only then do answers leave and processes start or stop.
 *
 *	r = turn_open(broker)			at the start of a handler that writes; 0 or
 *-ERR_STORE
 *	turn_then(broker, fn, context)		fn(.., 0) after the commit, fn(.., -ERR_..) if it is
 *undone turn_close(broker)			commit; called by the loop after each round
 */
struct broker;
typedef void turn_fn(struct broker *broker, void *context, int result);

#define TURN_HANDLER                                                                               \
	(SESSIONS_MAX + 64) /* things one handler may leave waiting: it can end all sessions */
#define TURN_MAX (2 * TURN_HANDLER) /* things that wait for one commit */

struct turn_list {
	unsigned count;
	struct {
		turn_fn *fn;
		void *context;
	} rows[TURN_MAX];
};
struct turn {
	bool open, closing;
	bool poisoned;       /* an audit row could not be written: nothing of this turn may stand */
	struct audit before; /* head at the last commit */
	struct turn_list *waiting, *running;
};
struct savepoint {
	struct audit audit;
	bool poisoned;
	unsigned mark;
};

int turn_create(struct turn *turn);
void turn_destroy(struct turn *turn);
int turn_open(struct broker *broker);
void turn_then(struct broker *broker, turn_fn *fn, void *context);
void turn_close(struct broker *broker);

int turn_savepoint(struct broker *broker, struct savepoint *ret_savepoint);
int turn_keep(struct broker *broker, const struct savepoint *savepoint);
/* Undoes what was written since; what waited since is told r. */
int turn_undo(struct broker *broker, const struct savepoint *savepoint, int r);
