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
	watch_remove(STEAL(turn->ahead.watch));
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
	turn->changes = store_changes(broker->store);
	return 0;
}

static void wait_for_commit(struct broker *broker, turn_fn *fn, void *context)
{
	struct turn_list *list = broker->turn.waiting;

	assert(broker->turn.open && list->count < TURN_MAX);
	list->rows[list->count++] = (struct turn_row){ .fn = fn, .context = context };
}

void turn_then(struct broker *broker, turn_fn *fn, void *context)
{
	wait_for_commit(broker, fn, context);
	broker->turn.waiting->acts = true;
}

void turn_answer(struct broker *broker, turn_fn *fn, void *context)
{
	wait_for_commit(broker, fn, context);
}

/* Backwards: the newest change of a thing is taken back before the older one. */
static void tell_undone(struct broker *broker, struct turn_list *list, unsigned mark, int r)
{
	while (list->count > mark) {
		list->count--;
		list->rows[list->count].fn(broker, list->rows[list->count].context, r);
	}
}

/* What the kernel could not write it has forgotten: only a new start sees what is really there. */
static void give_up(struct broker *broker)
{
	log_error("store.broken", "%s", error_text(-ERR_STORE_BROKEN));
	broker->broken = true;
	loop_stop(broker->loop);
}

static void tell_ahead(struct broker *broker, uint64_t mark)
{
	struct turn_ahead *ahead = &broker->turn.ahead;

	head_durable(broker, mark);
	while (ahead->count > 0 && ahead->rows[ahead->first].mark <= mark) {
		struct turn_row row = ahead->rows[ahead->first];
		ahead->first = (ahead->first + 1) % TURN_AHEAD;
		ahead->count--;
		row.fn(broker, row.context, 0);
	}
}

/* Answers whose commit came to the disk meanwhile, or all of them. */
static void settle(struct broker *broker, bool wait)
{
	uint64_t mark = 0;
	int r = store_synced(broker->store, wait, &mark);

	tell_ahead(broker, mark);
	if (r < 0 && !broker->broken) {
		struct turn_ahead *ahead = &broker->turn.ahead;
		for (; ahead->count > 0; ahead->count--) {
			struct turn_row *row = &ahead->rows[ahead->first];
			ahead->first = (ahead->first + 1) % TURN_AHEAD;
			row->fn(broker, row->context, r);
		}
		give_up(broker);
	}
}

static void on_synced(void *context, uint32_t events)
{
	settle(context, false);
}

int turn_watch(struct broker *broker)
{
	int fd = store_sync_descriptor(broker->store);

	return fd < 0 ? 0
		      : loop_watch(broker->loop, fd, EPOLLIN, on_synced, broker,
				&broker->turn.ahead.watch);
}

/* Alone it is quickest to wait for the disk here: there is nothing to do meanwhile. */
static bool may_go_ahead(const struct turn *turn, const struct turn_list *list)
{
	return !list->acts && list->count + turn->ahead.count > 1 &&
	       list->count + turn->ahead.count <= TURN_AHEAD;
}

static void go_ahead(struct turn_ahead *ahead, struct turn_list *list, uint64_t mark)
{
	for (unsigned i = 0; i < list->count; i++) {
		struct turn_row *row = &ahead->rows[(ahead->first + ahead->count++) % TURN_AHEAD];
		*row = list->rows[i];
		row->mark = mark;
	}
}

static int commit(struct broker *broker, bool ahead, uint64_t *ret_mark)
{
	if (broker->broken)
		return -ERR_STORE_BROKEN;
	if (broker->turn.poisoned)
		return -ERR_STORE;
	int r = head_seal(broker);
	if (r < 0)
		return r;
	return ahead ? store_commit_later(broker->store, ret_mark) : store_commit(broker->store);
}

static void undo(struct broker *broker, struct turn_list *list, int r)
{
	log_error("store.commit", "%s", error_text(r));
	store_rollback(broker->store);
	broker->audit = broker->turn.before;
	tell_undone(broker, list, 0, r);
	if (r == -ERR_STORE_BROKEN && !broker->broken)
		give_up(broker);
}

static void close_once(struct broker *broker, bool wait)
{
	struct turn *turn = &broker->turn;
	struct turn_list *list = turn->waiting;
	bool ahead = !wait && may_go_ahead(turn, list);
	uint64_t mark = 0;
	int r = commit(broker, ahead, &mark);

	turn->open = turn->poisoned = false;
	turn->waiting = turn->running;
	turn->running = list;
	if (r == 0)
		head_committed(broker, mark);
	if (r < 0) {
		undo(broker, list, r);
	} else if (ahead) {
		go_ahead(&turn->ahead, list, mark);
		/* what wrote nothing waits for no news of its own: the disk may be done already */
		if (store_changes(broker->store) == turn->changes)
			settle(broker, false);
	} else {
		tell_ahead(broker, UINT64_MAX); /* a commit that waits is durable with all before */
		for (unsigned i = 0; i < list->count; i++)
			list->rows[i].fn(broker, list->rows[i].context, 0);
	}
	list->count = 0;
	list->acts = false;
}

/* What runs after a commit may write again: that is a further commit, at once. */
static void close_all(struct broker *broker, bool wait)
{
	if (broker->turn.closing)
		return;
	broker->turn.closing = true;
	while (broker->turn.open)
		close_once(broker, wait);
	if (wait && broker->turn.ahead.count > 0)
		settle(broker, true);
	broker->turn.closing = false;
}

void turn_close(struct broker *broker)
{
	close_all(broker, true);
}

/*
 * While the disk is busy with the commit before, more calls may join this one: it could not be
 * there any sooner, and one commit for many is what makes them cheap.
 */
static bool may_gather(const struct turn *turn)
{
	return turn->ahead.count > 0 && !turn->waiting->acts && !turn->poisoned &&
	       turn->waiting->count < TURN_GATHER;
}

void turn_part(struct broker *broker)
{
	struct turn *turn = &broker->turn;

	if (!turn->open || turn->closing || turn->waiting->acts ||
		turn->waiting->count % TURN_LOOK != 0)
		return;
	if (turn->ahead.count > 0)
		settle(broker, false);
	if (turn->ahead.count == 0 && turn->waiting->count >= TURN_PART)
		close_all(broker, false);
}

void turn_end(struct broker *broker)
{
	if (!may_gather(&broker->turn))
		close_all(broker, false);
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
	int r = store_savepoint_keep(broker->store);

	if (r < 0)
		broker->turn.poisoned = true;
	return r;
}

int turn_undo(struct broker *broker, const struct savepoint *savepoint, int r)
{
	int undone = store_savepoint_undo(broker->store);

	broker->audit = savepoint->audit;
	/* What could not be undone must not be kept with the rest. */
	broker->turn.poisoned = undone < 0 || savepoint->poisoned;
	tell_undone(broker, broker->turn.waiting, savepoint->mark, r);
	return undone;
}
