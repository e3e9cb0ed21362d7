/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ending.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/call_inside.h"
#include "broker/context.h"

#define ENDING_BATCH 256 /* rows collected at once; then the next */

struct ending {
	struct broker *broker;
	bool here; /* only what lives on this node: its vault was sealed, not the others' */
	unsigned count;
	struct session_row rows[ENDING_BATCH];
};

static int keep(void *context, const struct session_row *row)
{
	struct ending *ending = context;

	if (ending->here && session_by_id(ending->broker, row->id) == NULL)
		return 0;
	if (ending->count < ENDING_BATCH && !node_asked(ending->broker, row))
		ending->rows[ending->count++] = *row;
	return 0;
}

static int end_row(struct broker *broker, struct session_row *row, const struct moving *moving)
{
	struct session *session = session_by_id(broker, row->id);

	/* Another node may be opening it: it is held, or was opened meanwhile. */
	if (broker->node.shared && row->state == SESSION_CREATED &&
		store_session_hold(broker->store, row->id) == -ERR_WRONG_MOMENT) {
		int r = store_session_get(broker->store, row->id, row);
		if (r < 0 || row->state == SESSION_ENDED)
			return r;
	}

	if (session != NULL)
		return session->row.state == SESSION_ENDED
			       ? 0
			       : session_enter(broker, session, SESSION_ENDED, moving);
	int elsewhere = node_elsewhere(broker, row);
	if (elsewhere < 0)
		return elsewhere;
	return elsewhere ? node_ask_end(broker, row, moving)
			 : session_write(broker, row, SESSION_ENDED, moving);
}

/* Each round ends what it found, so the next finds others, until there are none. */
static int end_all(
	struct broker *broker, enum session_of what, int64_t id, const struct moving *moving)
{
	CLEANUP(mem_freep) struct ending *ending = malloc(sizeof *ending);
	int total = 0;

	if (ending == NULL)
		return -ERR_SYSTEM;
	ending->broker = broker;
	ending->here = what == SESSION_OF_ALL && broker->node.shared;
	do {
		ending->count = 0;
		int r = store_session_created_by(broker->store, what, id, keep, ending);
		for (unsigned i = 0; r == 0 && i < ending->count; i++)
			r = end_row(broker, &ending->rows[i], moving);
		if (r < 0)
			return r;
		total += (int)ending->count;
	} while (ending->count == ENDING_BATCH);
	return total;
}

static int end_one(struct broker *broker, int64_t id, const struct moving *moving)
{
	struct session_row row;
	int r = store_session_get(broker->store, id, &row);

	if (r < 0)
		return r;
	if (row.state == SESSION_ENDED)
		return 0;
	r = end_row(broker, &row, moving);
	return r < 0 ? r : 1;
}

int ending_of(struct broker *broker, enum ending_of what, int64_t id, const char *reason)
{
	const struct call *call = broker->answering;
	static const enum session_of of[] = {
		[ENDING_USER] = SESSION_OF_USER,
		[ENDING_DEVICE] = SESSION_OF_DEVICE,
		[ENDING_CREDENTIAL] = SESSION_OF_CREDENTIAL,
		[ENDING_AUTHORIZATION] = SESSION_OF_AUTHORIZATION,
		[ENDING_UNCOVERED] = SESSION_UNCOVERED,
		[ENDING_EVERYTHING] = SESSION_OF_ALL,
	};
	struct moving moving = { .actor = call != NULL ? call->actor : "gateway",
		.from = call != NULL && call->peer.family != 0 ? &call->peer : NULL,
		.why = what == ENDING_SESSION ? -ERR_SESSION_DROPPED : -ERR_RIGHTS_WITHDRAWN,
		.reason = reason,
		.exit_status = -1 };

	if (what == ENDING_SESSION)
		return end_one(broker, id, &moving);
	return end_all(broker, of[what], id, &moving);
}

void broker_figures(const struct broker *broker, struct figures *ret_figures)
{
	*ret_figures = broker->figures;
	ret_figures->front_connected = peers_count(broker, PARTY_FRONT);
	ret_figures->vault_connected = broker->vault != NULL;
	ret_figures->recorder_connected = broker->recorder != NULL;
	ret_figures->live = ret_figures->starting = ret_figures->viewers = 0;
	for (const struct session *session = broker->sessions.first; session != NULL;
		session = session->next) {
		ret_figures->live += session->row.state == SESSION_LIVE;
		ret_figures->starting += session->row.state == SESSION_REDEEMED;
		ret_figures->viewers += session->viewers;
	}
}

static void after_stop(struct broker *broker, void *context, int result)
{
	const struct msg_nothing nothing = { 0 };

	(void)context;
	if (result == 0)
		channel_tell(broker->process.supervisor, MSG_STOP_ASK, &nothing);
}

int broker_stop_gateway(struct broker *broker)
{
	turn_then(broker, after_stop, NULL);
	return 0;
}
