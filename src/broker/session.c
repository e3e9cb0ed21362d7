/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "broker/dial.h"
#include "broker/policy.h"
#include "broker/receipt.h"
#include "broker/vault.h"

static const struct {
	enum session_state from, to;
} moves[] = {
#define MOVE(from, to) { SESSION_##from, SESSION_##to },
	SESSION_MOVES
#undef MOVE
};

bool session_may_move(enum session_state from, enum session_state next)
{
	for (unsigned i = 0; i < ARRAY_LEN(moves); i++)
		if (moves[i].from == from && moves[i].to == next)
			return true;
	return false;
}

const char *session_state_word(enum session_state state)
{
	static const char *const names[] = { "created", "redeemed", "live", "ended" };

	return state < ARRAY_LEN(names) ? names[state] : "?";
}

static int row_store(struct broker *broker, const struct session_row *row, enum session_state next,
	const struct moving *moving, int64_t now)
{
	switch (next) {
	case SESSION_REDEEMED:
		return store_session_redeemed(broker->store, row->id, row->origin_ip,
			row->cookie_hash, row->public_key, now);
	case SESSION_LIVE:
		return store_session_live(broker->store, row->id, now);
	case SESSION_ENDED:
		return store_session_ended(broker->store, row->id, moving->why,
			moving->reason != NULL ? moving->reason : "", moving->exit_status, now);
	default:
		return -ERR_WRONG_MOMENT;
	}
}

static int row_audit(struct broker *broker, const struct session_row *row, enum session_state next,
	const struct moving *moving)
{
	CLEANUP(note_finish) struct note note;
	char event[32], object[48];

	note_begin(&note);
	json_text(&note.json, "session_id", row->session_id);
	json_text(&note.json, "was", session_state_word(row->state));
	json_text(&note.json, "user", row->user);
	json_text(&note.json, "device", row->device);
	json_text(&note.json, "username", row->username);
	json_text(&note.json, "protocol", row->protocol);
	if (next == SESSION_ENDED) {
		json_text(&note.json, "reason", moving->reason != NULL ? moving->reason : "");
		json_number(&note.json, "exit_status", moving->exit_status);
		vault_note_releases(broker, &note.json);
	}
	snprintf(event, sizeof event, "session.%s", session_state_word(next));
	snprintf(object, sizeof object, "session:%lld", (long long)row->id);
	return audit_write(broker, event, moving->actor, moving->from, object,
		next == SESSION_ENDED ? moving->why : 0, &note);
}

int session_write(struct broker *broker, struct session_row *row, enum session_state next,
	const struct moving *moving)
{
	int64_t now = clock_wall_ms();

	if (!session_may_move(row->state, next))
		return -ERR_WRONG_MOMENT;
	int r = row_store(broker, row, next, moving, now);
	if (r == 0)
		r = row_audit(broker, row, next, moving);
	if (r < 0)
		return r;
	log_debug("session.move", "%lld %s -> %s", (long long)row->id,
		session_state_word(row->state), session_state_word(next));
	row->state = next;
	return 0;
}

/* Keyed by content we chose ourselves: ids count up, session ids are random towards their end. */
static unsigned bucket_of_id(int64_t id)
{
	return (unsigned)id % 1024;
}

static unsigned bucket_of_session_id(const char *session_id)
{
	unsigned hash = 0;

	if (strlen(session_id) != SESSION_ID_SIZE - 1)
		return 0;
	for (int i = 24; i < 32; i++)
		hash = hash * 31 + (unsigned char)session_id[i];
	return hash % 1024;
}

struct session *session_by_id(struct broker *broker, int64_t id)
{
	struct session *session = broker->sessions.by_id[bucket_of_id(id)];

	while (session != NULL && session->row.id != id)
		session = session->next_by_id;
	return session;
}

struct session *session_by_session_id(struct broker *broker, const char *session_id)
{
	struct session *session = broker->sessions.by_session_id[bucket_of_session_id(session_id)];

	while (session != NULL && strcmp(session->row.session_id, session_id) != 0)
		session = session->next_by_session_id;
	return session;
}

int session_create(
	struct broker *broker, const struct session_row *row, struct session **ret_session)
{
	struct sessions *sessions = &broker->sessions;

	if (sessions->count >= SESSIONS_MAX)
		return -ERR_FULL;
	struct session *session = calloc(1, sizeof *session);
	if (session == NULL)
		return -ERR_SYSTEM;
	session->row = *row;
	session->target = session->view = -1;
	int r = policy_hours_of(broker, row, &session->hours);
	if (r < 0) {
		free(session);
		return r;
	}
	struct session **by_id = &sessions->by_id[bucket_of_id(row->id)];
	struct session **by_session_id =
		&sessions->by_session_id[bucket_of_session_id(row->session_id)];
	session->next_by_id = *by_id;
	*by_id = session;
	session->next_by_session_id = *by_session_id;
	*by_session_id = session;
	session->next = sessions->first;
	session->here = &sessions->first;
	if (session->next != NULL)
		session->next->here = &session->next;
	sessions->first = session;
	sessions->count++;
	*ret_session = session;
	return 0;
}

static void unlink_hashes(struct sessions *sessions, struct session *session)
{
	struct session **at = &sessions->by_id[bucket_of_id(session->row.id)];
	while (*at != session)
		at = &(*at)->next_by_id;
	*at = session->next_by_id;

	at = &sessions->by_session_id[bucket_of_session_id(session->row.session_id)];
	while (*at != session)
		at = &(*at)->next_by_session_id;
	*at = session->next_by_session_id;
}

void session_destroy(struct broker *broker, struct session *session)
{
	if (session == NULL)
		return;
	session_drop_start(broker, session);
	unlink_hashes(&broker->sessions, session);
	*session->here = session->next;
	if (session->next != NULL)
		session->next->here = session->here;
	broker->sessions.count--;
	free(session);
}

void sessions_finish(struct broker *broker)
{
	while (broker->sessions.first != NULL)
		session_destroy(broker, broker->sessions.first);
	free(STEAL(broker->strays));
}

/* A move that waits for its commit. */
struct move {
	struct session *session;
	enum session_state from, to;
};

static void stop_processes(struct broker *broker, struct session *session)
{
	struct msg_session which = { session->row.id };
	struct msg_notice stop = { .session = session->row.id, .why = session->end_why };

	if (session->stopped)
		return; /* was done: only the row was not written */
	session->stopped = true;
	session_drop_start(broker, session);
	memcpy(stop.text, session->end_reason, sizeof stop.text);
	if (session->recorder_knows)
		channel_tell(session->recorder, MSG_SESSION_STOP, &stop);
	if (session->worker_asked)
		peers_tell(broker, PARTY_VAULT, MSG_GRANT_END, &which);
	session->kill_at = clock_monotonic_ms() + STOP_GRACE_MS;
	session->forget_at = clock_monotonic_ms() + FORGET_MS;
}

static void after_move(struct broker *broker, void *context, int result)
{
	CLEANUP(mem_freep) struct move *move = context;
	struct session *session = move->session;

	session->moves--;
	if (result < 0) {
		session->row.state = move->from;
		if (move->to == SESSION_ENDED) { /* what must end ends, written or not */
			session->end_again = true;
			stop_processes(broker, session);
		} else if (move->from == SESSION_CREATED) {
			session_destroy(broker, session);
		} else {
			session_end(broker, session, result, NULL);
		}
		return;
	}
	if (move->to == SESSION_REDEEMED && !session->click)
		session_start(broker, session);
	if (move->to == SESSION_ENDED)
		stop_processes(broker, session);
	session_settle(broker, session);
}

int session_enter(struct broker *broker, struct session *session, enum session_state next,
	const struct moving *moving)
{
	enum session_state from = session->row.state;
	struct move *move = malloc(sizeof *move);

	if (move == NULL)
		return -ERR_SYSTEM;
	int r = session_write(broker, &session->row, next, moving);
	if (r < 0) {
		free(move);
		return r;
	}
	*move = (struct move){ session, from, next };
	session->moves++;
	if (next == SESSION_ENDED) {
		session->end_why = moving->why;
		if (text_copy(session->end_reason, REASON_SIZE,
			    moving->reason != NULL ? moving->reason : "") < 0)
			text_copy(session->end_reason, REASON_SIZE, error_text(moving->why));
		session->end_again = false;
		if (!session->recorder_knows && !session->unheard) /* nobody will say more of it */
			receipt_make(broker, session->row.id);
	}
	turn_then(broker, after_move, move);
	return 0;
}

void session_end(struct broker *broker, struct session *session, int why, const char *text)
{
	struct moving moving = { .actor = "gateway",
		.why = why,
		.exit_status = -1,
		.reason = text != NULL ? text : error_text(why) };

	if (session->row.state == SESSION_ENDED)
		return;
	int r = turn_open(broker);
	if (r == 0)
		r = session_enter(broker, session, SESSION_ENDED, &moving);
	if (r < 0) {
		log_error("session.end", "%lld: %s", (long long)session->row.id, error_text(r));
		session->end_why = why;
		if (text_copy(session->end_reason, REASON_SIZE, moving.reason) < 0)
			session->end_reason[0] = 0;
		session->end_again = true;
		stop_processes(broker, session);
	}
}
