/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/early.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "broker/context.h"
#include "broker/ticket.h"

struct early_redeem {
	struct early_redeem *next;
	uint64_t front; /* peer_number() */
	uint32_t serial;
	struct msg_redeem redeem;
};

void early_begin(struct broker *broker)
{
	struct early *early = &broker->early;

	*early = (struct early){ .until = clock_monotonic_ms() + EARLY_MS };
	early->last = &early->first;
}

static struct early_redeem *take(struct early *early)
{
	struct early_redeem *waiting = early->first;

	if (waiting == NULL)
		return NULL;
	early->first = waiting->next;
	early->count--;
	if (early->first == NULL)
		early->last = &early->first;
	return waiting;
}

/* A ticket that was refused may still be spent. */
static void drop(struct early_redeem *waiting)
{
	mem_wipe(waiting, sizeof *waiting);
	free(waiting);
}

void early_answer(struct broker *broker)
{
	broker->early.until = 0;
	for (struct early_redeem *waiting; (waiting = take(&broker->early)) != NULL;
		drop(waiting)) {
		struct message message = { .type = MSG_TICKET_REDEEM,
			.serial = waiting->serial,
			.payload = &waiting->redeem };
		/* Its front may have ended meanwhile. What it asked was looked at when it came. */
		struct channel *front = peer_numbered(broker, waiting->front);
		if (front != NULL)
			ticket_redeem(broker, front, &message);
	}
}

static void on_timer(void *context)
{
	struct broker *broker = context;

	broker->early.timer = NULL;
	early_answer(broker);
}

/* After everything that is under way now. */
static int answer_after(struct broker *broker, uint64_t ms)
{
	timer_cancel(STEAL(broker->early.timer));
	return loop_after(broker->loop, ms, on_timer, broker, &broker->early.timer);
}

int early_redeem(struct broker *broker, struct channel *front, struct message *message)
{
	struct early *early = &broker->early;
	const struct msg_redeem *redeem = message->payload;
	uint64_t now = clock_monotonic_ms();

	if (now >= early->until || early->count == EARLY_MAX || !TEXT_VALID(redeem->value) ||
		!TEXT_VALID(redeem->trace))
		return ticket_redeem(broker, front, message);
	struct early_redeem *waiting = malloc(sizeof *waiting);
	if (waiting == NULL ||
		(early->timer == NULL && answer_after(broker, early->until - now) < 0)) {
		free(waiting);
		return ticket_redeem(broker, front, message);
	}
	*waiting =
		(struct early_redeem){ NULL, peer_number(broker, front), message->serial, *redeem };
	*early->last = waiting;
	early->last = &waiting->next;
	early->count++;
	return 0;
}

void early_over(struct broker *broker)
{
	broker->early.until = 0;
	if (broker->early.count > 0 && answer_after(broker, 0) < 0)
		early_answer(broker);
}

void early_finish(struct broker *broker)
{
	timer_cancel(STEAL(broker->early.timer));
	for (struct early_redeem *waiting; (waiting = take(&broker->early)) != NULL;)
		drop(waiting);
}
