/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "broker/probe_inside.h"
#include "broker/receipt.h"
#include "broker/vault.h"
#include "wire/view.h"

void session_settle(struct broker *broker, struct session *session)
{
	if (session->row.state == SESSION_ENDED && session->moves == 0 &&
		!session->recorder_knows && !session->worker)
		session_destroy(broker, session);
}

static int audit_event(
	struct broker *broker, int64_t session, const char *event, int result, struct note *note)
{
	char object[48];
	int r = turn_open(broker);

	snprintf(object, sizeof object, "session:%lld", (long long)session);
	return r < 0 ? r : audit_write(broker, event, "gateway", NULL, object, result, note);
}

/* What the worker said of itself, on its way through the recorder. */
void session_moved(struct broker *broker, struct session *session, const struct msg_moved *moved)
{
	struct moving moving = { .actor = "gateway", .exit_status = -1 };
	int r = turn_open(broker);

	if (moved->state == VIEW_LIVE && session->row.state == SESSION_REDEEMED) {
		if (r == 0)
			r = session_enter(broker, session, SESSION_LIVE, &moving);
		if (r < 0) /* a session that is not on record does not go on */
			session_end(broker, session, r, NULL);
	} else if (moved->state == VIEW_OVER && session->row.state != SESSION_ENDED) {
		moving.why = moved->why;
		moving.exit_status = moved->exit_status;
		moving.reason = moved->reason[0] != 0 ? moved->reason : error_text(moved->why);
		if (r == 0)
			r = session_enter(broker, session, SESSION_ENDED, &moving);
		if (r < 0)
			session_end(broker, session, moved->why, moving.reason);
	}
}

static void on_recording_started(struct broker *broker, struct channel *recorder,
	const struct msg_recording_started *started)
{
	struct session *session = session_by_id(broker, started->session);

	if (session == NULL)
		return;
	if (started->result == -ERR_DISK)
		reserve_recorder_full(broker);
	if (started->result < 0) {
		session->recorder_knows = false;
		session_end(broker, session, started->result, NULL);
		return;
	}
	session->recording = session->recorder_knows = true;
	session->recorder = recorder;
	session_go_on(broker, session);
}

static int keep_recorded(struct broker *broker, const struct msg_recording_done *done)
{
	struct session_recorded recorded = { .output_bytes = done->output_bytes,
		.input_bytes = done->input_bytes,
		.inputs = done->inputs,
		.file_bytes = done->file_bytes,
		.chunks = done->chunks,
		.duration_ms = done->duration_ms };
	CLEANUP(note_finish) struct note note;

	memcpy(recorded.head, done->head, HASH_LEN);
	note_begin(&note);
	json_number(&note.json, "output_bytes", (int64_t)done->output_bytes);
	json_number(&note.json, "input_bytes", (int64_t)done->input_bytes);
	json_number(&note.json, "inputs", (int64_t)done->inputs);
	json_number(&note.json, "file_bytes", (int64_t)done->file_bytes);
	json_number(&note.json, "chunks", (int64_t)done->chunks);
	json_number(&note.json, "duration_ms", done->duration_ms);
	json_hex(&note.json, "head", done->head, HASH_LEN);
	int r = audit_event(broker, done->session, "recording.sealed", done->result, &note);
	if (r == 0)
		r = store_session_recorded(broker->store, done->session, &recorded);
	if (r == 0) /* if it has not ended yet, it does with this, and then */
		receipt_make(broker, done->session);
	return r;
}

/* 1 when it is not on record: told again, it may be, by us or by the broker before this one. */
static int is_missing(struct broker *broker, int64_t id)
{
	struct session_row row;
	int r = store_session_get(broker->store, id, &row);

	if (r == -ERR_NOT_FOUND)
		return 0;
	return r < 0 ? r : row.recorded == 0;
}

/* The end of a recording that waits for its commit. */
struct keeping {
	uint64_t recorder; /* peer_number() */
	int64_t session;
};

static void after_kept(struct broker *broker, void *context, int result)
{
	CLEANUP(mem_freep) struct keeping *keeping = context;
	struct msg_session which = { keeping->session };
	struct channel *recorder = peer_numbered(broker, keeping->recorder);

	if (result == 0 && recorder != NULL)
		channel_tell(recorder, MSG_RECORDING_KEPT, &which);
}

/* The recorder may forget it, once it is on disk. */
static int let_forget(struct broker *broker, struct channel *recorder, int64_t id)
{
	struct keeping *keeping = malloc(sizeof *keeping);

	if (keeping == NULL)
		return -ERR_SYSTEM;
	*keeping = (struct keeping){ peer_number(broker, recorder), id };
	turn_answer(broker, after_kept, keeping);
	return 0;
}

static void on_recording_done(
	struct broker *broker, struct channel *recorder, const struct msg_recording_done *done)
{
	struct session *session = session_by_id(broker, done->session);
	int r = turn_open(broker);

	if (done->result == -ERR_DISK)
		reserve_recorder_full(broker);
	if (r == 0)
		r = is_missing(broker, done->session);
	if (r > 0)
		r = keep_recorded(broker, done);
	if (r == 0)
		r = let_forget(broker, recorder, done->session);
	if (r < 0)
		log_error("recording.done", "%lld: %s", (long long)done->session, error_text(r));
	if (session == NULL)
		return;
	session->recorder_knows = false;
	if (session->row.state != SESSION_ENDED)
		session_end(broker, session, done->result < 0 ? done->result : -ERR_RECORDER_DIED,
			NULL);
	else
		session_settle(broker, session);
}

static void on_viewer_left(struct broker *broker, const struct msg_viewer *viewer)
{
	CLEANUP(note_finish) struct note note;
	struct session *session = session_by_id(broker, viewer->session);

	if (session == NULL || session->viewers == 0)
		return;
	if (--session->viewers == 0)
		session->nobody_since = clock_monotonic_ms();
	note_begin(&note);
	json_number(&note.json, "viewer", viewer->viewer);
	audit_event(broker, session->row.id, "session.detached", 0, &note);
}

int session_from_recorder(struct broker *broker, struct channel *recorder, struct message *message)
{
	const struct msg_listed *listed = message->payload;
	const struct msg_moved *moved = message->payload;
	const struct msg_activity *activity = message->payload;
	struct session *session;

	switch (message->type) {
	case MSG_RECORDING_STARTED:
		on_recording_started(broker, recorder, message->payload);
		return 0;
	case MSG_SESSION_MOVED:
		session = session_by_id(broker, moved->session);
		if (!TEXT_VALID(moved->reason))
			return -ERR_MALFORMED;
		if (session != NULL)
			session_moved(broker, session, moved);
		return 0;
	case MSG_RECORDING_DONE:
		on_recording_done(broker, recorder, message->payload);
		return 0;
	case MSG_VIEWER_LEFT:
		on_viewer_left(broker, message->payload);
		return 0;
	case MSG_ACTIVITY:
		session = session_by_id(broker, activity->session);
		if (session != NULL)
			session->last_input = clock_monotonic_ms();
		return 0;
	case MSG_RECORDER_SESSION:
		if (!TEXT_VALID(listed->moved.reason))
			return -ERR_MALFORMED;
		session_listed(broker, recorder, listed);
		return 0;
	default:
		return -ERR_MALFORMED;
	}
}

/* A release that waits for its audit line to be on disk. */
struct releasing {
	uint64_t vault; /* peer_number() of the one that asked */
	struct msg_session which;
};

/* Now, and not before, the vault may open its hand. */
static void after_release(struct broker *broker, void *context, int result)
{
	CLEANUP(mem_freep) struct releasing *releasing = context;

	struct channel *vault = peer_numbered(broker, releasing->vault);
	if (vault != NULL)
		channel_tell(
			vault, result == 0 ? MSG_SECRET_RELEASE : MSG_GRANT_END, &releasing->which);
}

static int release(struct broker *broker, struct session *session, struct releasing *releasing)
{
	CLEANUP(note_finish) struct note note;

	note_begin(&note);
	json_text(&note.json, "session_id", session->row.session_id);
	json_id(&note.json, "credential", session->row.credential_id);
	json_number(&note.json, "version", session->row.credential_version);
	json_text(&note.json, "user", session->row.user);
	json_text(&note.json, "device", session->row.device);
	json_text(&note.json, "username", session->row.username);
	vault_note_releases(broker, &note.json);
	int r = audit_event(broker, session->row.id, "credential.released", 0, &note);
	if (r == 0)
		r = store_credential_used(
			broker->store, session->row.credential_id, clock_wall_ms());
	if (r < 0)
		return r;
	session->secret_released = true;
	turn_then(broker, after_release, releasing);
	return 0;
}

static void on_secret_wanted(struct broker *broker, struct channel *vault, int64_t id)
{
	struct session *session = session_by_id(broker, id);
	struct releasing *releasing = malloc(sizeof *releasing);

	if (releasing == NULL)
		return; /* the worker's login time runs out */
	*releasing = (struct releasing){ peer_number(broker, vault), { id } };
	if (session != NULL && session->row.state == SESSION_REDEEMED &&
		!session->secret_released && release(broker, session, releasing) == 0)
		return;
	channel_tell(vault, MSG_GRANT_END, &releasing->which);
	free(releasing);
}

static void on_secret_refused(struct broker *broker, const struct msg_refused *refused)
{
	struct session *session = session_by_id(broker, refused->session);

	if (session == NULL || refused->result >= 0)
		return;
	if (audit_event(broker, session->row.id, "credential.refused", refused->result, NULL) < 0)
		log_error("credential.refused", "%lld: not on record", (long long)refused->session);
	session_end(broker, session, refused->result, NULL);
}

int session_from_vault(struct broker *broker, struct channel *vault, struct message *message)
{
	const struct msg_session *which = message->payload;

	switch (message->type) {
	case MSG_SECRET_WANTED:
		on_secret_wanted(broker, vault, which->session);
		return 0;
	case MSG_SECRET_REFUSED:
		on_secret_refused(broker, message->payload);
		return 0;
	default:
		return 0; /* an answer that came after its question was given up */
	}
}

static void on_worker_started(struct broker *broker, uint32_t serial, int result)
{
	if (result >= 0)
		return;
	for (struct session *session = broker->sessions.first; session != NULL;
		session = session->next) {
		if (session->worker_serial != serial)
			continue;
		session->worker = false;
		session_end(broker, session, result, NULL);
		return;
	}
	probe_worker_started(broker, serial, result);
}

static void on_worker_exited(struct broker *broker, const struct msg_worker_exited *exited)
{
	struct session *session = session_by_id(broker, exited->session);

	if (session == NULL) {
		probe_worker_exited(broker, exited->session);
		return;
	}
	session->worker = false;
	log_info("worker.exited", "session %lld, status %d", (long long)exited->session,
		exited->status);
	/* The recorder says why, when it has written the last of it; the tick is the fallback. */
	if (session->row.state != SESSION_ENDED)
		session->orphaned_at = clock_monotonic_ms();
	else
		session_settle(broker, session);
}

int session_from_supervisor(struct broker *broker, struct message *message)
{
	switch (message->type) {
	case MSG_WORKER_STARTED:
		on_worker_started(broker, message->serial,
			((const struct msg_result *)message->payload)->result);
		return 0;
	case MSG_WORKER_EXITED:
		on_worker_exited(broker, message->payload);
		return 0;
	case MSG_WORKERS:
		sessions_workers(broker, message->tail, message->tail_len);
		return 0;
	case MSG_RELOAD_ANSWER:
	case MSG_GENERATIONS:
		return renewal_from_supervisor(broker, message);
	default:
		return -ERR_MALFORMED;
	}
}

void sessions_recorder_gone(struct broker *broker, const struct channel *recorder)
{
	struct session *session, *next;

	for (session = broker->sessions.first; session != NULL; session = next) {
		next = session->next;
		if (session->recorder != recorder)
			continue;
		session->recorder = NULL;
		/* It hangs up on a broker that retires, and has them still: the next one asks it.
		 */
		if (!session->recorder_knows || broker->retiring)
			continue;
		session->recorder_knows = session->recording = false;
		if (session->row.state != SESSION_ENDED) {
			session_end(broker, session, -ERR_RECORDER_DIED, NULL);
			continue;
		}
		receipt_make(broker, session->row.id);
		session_settle(broker, session);
	}
}
