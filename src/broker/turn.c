/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/turn.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"

int turn_create(struct turn *turn)
{
	*turn = (struct turn){ 0 };
	turn->waiting = calloc(1, sizeof *turn->waiting);
	turn->running = calloc(1, sizeof *turn->running);
	if (turn->waiting == NULL || turn->running == NULL) {
		turn_destroy(turn);
		return -ERR_SYSTEM;
	}
	return 0;
}

void turn_destroy(struct turn *turn)
{
	free(STEAL(turn->waiting));
	free(STEAL(turn->running));
}

int turn_open(struct broker *broker)
{
	struct turn *turn = &broker->turn;

	if (turn->open && turn->waiting->count > TURN_MAX - TURN_HANDLER) {
		if (turn->closing)
			return -ERR_FULL;
		turn_close(broker);
	}
	if (turn->open)
		return 0;
	int r = store_begin(broker->store);
	if (r < 0)
		return r;
	turn->open = true;
	turn->before = broker->audit;
	return 0;
}

void turn_then(struct broker *broker, turn_fn *fn, void *context)
{
	struct turn_list *list = broker->turn.waiting;

	assert(broker->turn.open && list->count < TURN_MAX);
	list->rows[list->count].fn = fn;
	list->rows[list->count++].context = context;
}

/* Backwards: the newest change of a thing is taken back before the older one. */
static void tell_undone(struct broker *broker, struct turn_list *list, unsigned mark, int r)
{
	while (list->count > mark) {
		list->count--;
		list->rows[list->count].fn(broker, list->rows[list->count].context, r);
	}
}

static void close_once(struct broker *broker)
{
	struct turn *turn = &broker->turn;
	struct turn_list *list = turn->waiting;
	int r = turn->poisoned ? -ERR_STORE : store_commit(broker->store);

	turn->open = turn->poisoned = false;
	turn->waiting = turn->running;
	turn->running = list;
	if (r < 0) {
		log_error("store.commit", "%s", error_text(r));
		store_rollback(broker->store);
		broker->audit = turn->before;
		tell_undone(broker, list, 0, r);
		return;
	}
	for (unsigned i = 0; i < list->count; i++)
		list->rows[i].fn(broker, list->rows[i].context, 0);
	list->count = 0;
}

void turn_close(struct broker *broker)
{
	/* What runs after a commit may write again: that is a further commit, at once. */
	if (broker->turn.closing)
		return;
	broker->turn.closing = true;
	while (broker->turn.open)
		close_once(broker);
	broker->turn.closing = false;
}

int turn_savepoint(struct broker *broker, struct savepoint *ret_savepoint)
{
	*ret_savepoint = (struct savepoint){ broker->audit, broker->turn.poisoned,
		broker->turn.waiting->count };
	return store_savepoint(broker->store);
}

int turn_keep(struct broker *broker, const struct savepoint *savepoint)
{
	(void)savepoint;
	return store_savepoint_keep(broker->store);
}

int turn_undo(struct broker *broker, const struct savepoint *savepoint, int r)
{
	int undone = store_savepoint_undo(broker->store);

	broker->audit = savepoint->audit;
	broker->turn.poisoned = savepoint->poisoned;
	tell_undone(broker, broker->turn.waiting, savepoint->mark, r);
	return undone;
}
