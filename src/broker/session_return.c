/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new broker: the store says which sessions were open, the recorders which of them they still
 * have, the supervisor which workers run. Until every recorder has said so, nothing is started and
 * nothing is taken for lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"

/* Workers that run without a session: the broker that knew them is gone. */
struct strays {
	uint64_t kill_at;
	unsigned count;
	int64_t sessions[];
};

static int keep_open_session(void *context, const struct session_row *row)
{
	struct broker *broker = context;
	struct session *session;

	int r = session_create(broker, row, &session);
	if (r < 0)
		return r;
	session->unheard = true;
	session->last_input = session->nobody_since = clock_monotonic_ms();
	/* A restart of ours does not make anybody's time longer. */
	int64_t age = clock_wall_ms() - row->redeemed_at;
	session->started = session->last_input - (uint64_t)(age > 0 ? age : 0);
	session->columns = 80;
	session->rows = 24;
	/* One that was not started starts when its page comes back: nobody else would want it. */
	session->click = row->state == SESSION_REDEEMED;
	return 0;
}

int sessions_load(struct broker *broker)
{
	/* what is only created waits in the store alone, what another node has is the other's */
	return store_session_open_on(broker->store, broker->node.id, keep_open_session, broker);
}

void sessions_recorder_came(struct broker *broker, struct peer *peer)
{
	struct msg_nothing nothing = { 0 };

	peer->listing = channel_tell(peer->channel, MSG_RECORDER_LIST, &nothing) == 0;
	if (!peer->listing)
		log_error("recorder.list", "%u cannot be asked", peer->generation);
}

bool sessions_unlisted(const struct broker *broker)
{
	for (const struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		if (peer->listing)
			return true;
	return false;
}

/* It is over, or nobody here ever knew it: the recorder hears why, if it is on record. */
static void end_there(struct broker *broker, struct channel *recorder, int64_t id)
{
	struct msg_notice stop;
	struct session_row row;

	memset(&stop, 0, sizeof stop);
	stop.session = id;
	stop.why = -ERR_SESSION_OVER;
	text_copy(stop.text, sizeof stop.text, error_text(stop.why));
	if (store_session_get(broker->store, id, &row) == 0 && row.state == SESSION_ENDED) {
		stop.why = row.end_why;
		memcpy(stop.text, row.end_reason, sizeof stop.text);
	}
	channel_tell(recorder, MSG_SESSION_STOP, &stop);
}

static void take_back(struct broker *broker, struct session *session, struct channel *recorder,
	const struct msg_listed *listed)
{
	uint64_t now = clock_monotonic_ms();

	session->recorder_knows = session->recording = session->start_asked = true;
	session->unheard = session->start_waits = false;
	session->start_at = now; /* when it really was nobody knows */
	session->recorder = recorder;
	session->worker = session->worker_asked = listed->worker != 0;
	session->viewers += listed->viewers; /* some may have come since it was asked */
	session->last_viewer = MAX(session->last_viewer, listed->last_viewer);
	session->last_input = now - MIN(now, listed->idle_ms);
	session->nobody_since = now - MIN(now, listed->away_ms);
	session_moved(broker, session, &listed->moved);
	if (session->row.state != SESSION_REDEEMED || listed->worker)
		session_go_on(broker, session);
	else
		session_start_again(broker, session);
}

void session_listed(
	struct broker *broker, struct channel *recorder, const struct msg_listed *listed)
{
	struct session *session = session_by_id(broker, listed->moved.session);
	struct peer *peer = peer_of(broker, recorder);

	if (listed->moved.session == 0) {
		if (peer != NULL)
			peer->listing = false;
		sessions_listed(broker);
	} else if (session != NULL && session->row.state != SESSION_ENDED) {
		take_back(broker, session, recorder, listed);
	} else {
		end_there(broker, recorder, listed->moved.session);
	}
}

void sessions_listed(struct broker *broker)
{
	struct session *session, *next;

	if (sessions_unlisted(broker))
		return;
	for (session = broker->sessions.first; session != NULL; session = next) {
		next = session->next;
		session->unheard = false;
		if (session->row.state == SESSION_LIVE && !session->recorder_knows)
			session_end(broker, session, -ERR_GATEWAY_RESTARTED, NULL);
	}
	sessions_go_on(broker);
}

/* ---- workers */

static bool runs(const int64_t *sessions, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (sessions[i] == id)
			return true;
	return false;
}

static bool wanted(struct broker *broker, int64_t id)
{
	const struct session *session = session_by_id(broker, id);

	return session != NULL && session->row.state != SESSION_ENDED;
}

/* They end by themselves when the recorder lets them go; who does not is killed. */
static void keep_strays(struct broker *broker, const int64_t *sessions, size_t count)
{
	struct strays *strays = calloc(1, sizeof *strays + count * sizeof sessions[0]);

	if (strays == NULL)
		return;
	strays->kill_at = clock_monotonic_ms() + STOP_GRACE_MS;
	for (size_t i = 0; i < count; i++)
		if (!wanted(broker, sessions[i]))
			strays->sessions[strays->count++] = sessions[i];
	free(broker->strays);
	broker->strays = strays;
}

void sessions_workers(struct broker *broker, const void *tail, size_t len)
{
	size_t count = len / sizeof(int64_t);
	CLEANUP(mem_freep) int64_t *sessions = malloc(len > 0 ? len : 1);

	if (sessions == NULL)
		return;
	memcpy(sessions, tail, count * sizeof(int64_t));
	for (struct session *session = broker->sessions.first; session != NULL;
		session = session->next)
		if (session->worker_asked && session->worker_serial == 0)
			session->worker = runs(sessions, count, session->row.id);
	keep_strays(broker, sessions, count);
}

void sessions_strays(struct broker *broker, uint64_t now)
{
	struct strays *strays = broker->strays;

	if (strays == NULL || now < strays->kill_at)
		return;
	for (unsigned i = 0; i < strays->count; i++) {
		struct msg_session which = { strays->sessions[i] };
		if (!wanted(broker, which.session))
			channel_tell(broker->process.supervisor, MSG_WORKER_KILL, &which);
	}
	free(STEAL(broker->strays));
}
