/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/attach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/context.h"
#include "broker/throttle.h"

static int send_result(
	struct channel *front, enum msg_type type, uint32_t serial, int result, int fd)
{
	struct msg_result payload = { result };

	return channel_send(front, type, serial, &payload, NULL, 0, fd >= 0 ? &fd : NULL, fd >= 0);
}

/* The person's cookie and, when one is pinned, the person's address. */
static int row_fits(const struct session_row *row, const char *cookie, const struct address *peer)
{
	struct address pinned;
	uint8_t hash[HASH_LEN];

	hash_token(hash, cookie, strlen(cookie));
	if (!mem_equal_secret(hash, row->cookie_hash, HASH_LEN))
		return -ERR_ATTACH_REFUSED;
	if (row->remote_addr[0] == 0)
		return 0;
	if (address_parse(&pinned, row->remote_addr) < 0 || !address_equal(&pinned, peer))
		return -ERR_ATTACH_REFUSED;
	return 0;
}

/* Troubles that pass: a page that hears of one asks again. They end sessions too. */
static bool is_passing(int why)
{
	switch (-why) {
	case ERR_PEER_GONE:
	case ERR_TIMED_OUT:
	case ERR_AGAIN:
	case ERR_STORE:
	case ERR_FULL:
		return true;
	default:
		return false;
	}
}

/* Whoever had a right to the session is told how it ended; everybody else nothing. */
static int find_ended(struct broker *broker, const char *session_id, const char *cookie,
	const struct address *peer)
{
	struct session_row row;

	if (store_session_by_session_id(broker->store, session_id, &row) < 0 ||
		row.state == SESSION_CREATED || row_fits(&row, cookie, peer) < 0)
		return -ERR_ATTACH_REFUSED;
	if (row.state != SESSION_ENDED && broker->node.shared)
		return -ERR_PEER_GONE; /* it lives on another node: the page may get there */
	return row.end_why < 0 && !is_passing(row.end_why) ? row.end_why : -ERR_SESSION_OVER;
}

static int find(struct broker *broker, const char *session_id, const char *cookie,
	const struct address *peer, struct session **ret_session)
{
	struct session *session = session_by_session_id(broker, session_id);

	if (session == NULL || session->row.state == SESSION_ENDED)
		return find_ended(broker, session_id, cookie, peer);
	if (session->row.state == SESSION_CREATED)
		return -ERR_ATTACH_REFUSED;
	int r = row_fits(&session->row, cookie, peer);
	if (r == 0)
		*ret_session = session;
	return r;
}

/* The oldest gives way: who asks again and again only loses his own. */
static struct challenge *challenge_new(struct session *session)
{
	struct challenge *oldest = &session->challenges[0];

	for (unsigned i = 1; i < CHALLENGES_MAX; i++)
		if (session->challenges[i].until < oldest->until)
			oldest = &session->challenges[i];
	random_bytes(oldest->bytes, sizeof oldest->bytes);
	oldest->until = clock_monotonic_ms() + CHALLENGE_MS;
	return oldest;
}

static bool challenge_take(struct session *session, const uint8_t bytes[32])
{
	uint64_t now = clock_monotonic_ms();

	for (unsigned i = 0; i < CHALLENGES_MAX; i++) {
		struct challenge *challenge = &session->challenges[i];
		if (challenge->until > now && mem_equal_secret(challenge->bytes, bytes, 32)) {
			*challenge = (struct challenge){ 0 };
			return true;
		}
	}
	return false;
}

static void audit_refused(
	struct broker *broker, const char *session_id, const struct address *peer, int r)
{
	CLEANUP(note_finish) struct note note;
	char object[NAME_SIZE];
	unsigned omitted;

	if (!throttle_audited(broker->throttle, peer, clock_monotonic_ms(), &omitted) ||
		turn_open(broker) < 0)
		return;
	note_begin(&note);
	if (omitted > 0)
		json_number(&note.json, "omitted_before", omitted);
	snprintf(object, sizeof object, "session_id:%s", session_id);
	audit_write(broker, "attach.refused", "stranger", peer, object, r, &note);
}

int attach_ask(struct broker *broker, struct channel *front, struct message *message)
{
	const struct msg_attach_ask *ask = message->payload;
	struct session *session = NULL;
	struct msg_challenge challenge = { { 0 } };

	if (!TEXT_VALID(ask->session) || !TEXT_VALID(ask->cookie))
		return -ERR_MALFORMED;
	int r = find(broker, ask->session, ask->cookie, &ask->peer, &session);
	if (r < 0) {
		if (r == -ERR_ATTACH_REFUSED)
			audit_refused(broker, ask->session, &ask->peer, r);
		send_result(front, MSG_ATTACH_REFUSED, message->serial, r, -1);
		return 0;
	}
	memcpy(challenge.challenge, challenge_new(session)->bytes, 32);
	channel_send(front, MSG_ATTACH_CHALLENGE, message->serial, &challenge, NULL, 0, NULL, 0);
	return 0;
}

static void viewer_fill(
	struct session *session, const struct msg_prove *prove, struct msg_viewer *viewer)
{
	memset(viewer, 0, sizeof *viewer);
	viewer->session = session->row.id;
	viewer->viewer = ++session->last_viewer;
	viewer->offset = prove->offset;
	viewer->page = prove->page;
	viewer->columns = prove->columns;
	viewer->rows = prove->rows;
	memcpy(viewer->who, session->row.user, sizeof viewer->who);
	address_format(&prove->peer, viewer->from);
}

/*
 * The corridor gets one end, the person's front the other. An error: nobody joined. Once the
 * recorder was told, it also tells of the leaving, whatever becomes of the other end.
 */
static int join(const struct session *session, const struct joining *joining)
{
	struct channel *recorder = session->recorder;
	int ends[2];
	int r = joining->channel == NULL ? -ERR_PEER_GONE : wire_pair(SOCK_STREAM, ends);

	if (r < 0)
		return r;
	r = channel_send(recorder, MSG_VIEWER_JOIN, recorder != NULL ? channel_serial(recorder) : 0,
		&joining->viewer, NULL, 0, &ends[0], 1);
	if (r == 0 &&
		send_result(joining->channel, MSG_ATTACH_GRANTED, joining->serial, 0, ends[1]) < 0)
		send_result(
			joining->channel, MSG_ATTACH_REFUSED, joining->serial, -ERR_PEER_GONE, -1);
	close(ends[0]);
	close(ends[1]);
	return r;
}

void attach_join_waiting(struct broker *broker, struct session *session)
{
	(void)broker;
	for (unsigned i = 0; i < session->joining_count; i++) {
		int r = join(session, &session->joining[i]);
		if (r == 0)
			continue;
		session->viewers--;
		send_result(session->joining[i].channel, MSG_ATTACH_REFUSED,
			session->joining[i].serial, r, -1);
	}
	session->joining_count = 0;
}

void attach_refuse_waiting(struct broker *broker, struct session *session, int why)
{
	(void)broker;
	for (unsigned i = 0; i < session->joining_count; i++)
		send_result(session->joining[i].channel, MSG_ATTACH_REFUSED,
			session->joining[i].serial, why < 0 ? why : -ERR_SESSION_OVER, -1);
	session->viewers -= session->joining_count;
	session->joining_count = 0;
}

void attach_forget(struct broker *broker, const struct channel *front)
{
	for (struct session *session = broker->sessions.first; session != NULL;
		session = session->next)
		for (unsigned i = 0; i < session->joining_count; i++)
			if (session->joining[i].channel == front)
				session->joining[i].channel = NULL;
}

/* An attach whose audit line waits for the commit. */
struct attaching {
	int64_t session;
	uint64_t front; /* peer_number() */
	struct joining joining;
};

static void after_attach(struct broker *broker, void *context, int result)
{
	CLEANUP(mem_freep) struct attaching *attaching = context;
	struct session *session = session_by_id(broker, attaching->session);

	attaching->joining.channel = peer_numbered(broker, attaching->front);
	if (result == 0 && (session == NULL || session->row.state == SESSION_ENDED))
		result = -ERR_SESSION_OVER;
	if (result < 0 || session->joining_count == VIEWERS_MAX) {
		send_result(attaching->joining.channel, MSG_ATTACH_REFUSED,
			attaching->joining.serial, result < 0 ? result : -ERR_FULL, -1);
		return;
	}
	session->joining[session->joining_count++] = attaching->joining;
	session->viewers++;
	if (!session->start_asked)
		session_start(broker, session);
	if (session->recording)
		attach_join_waiting(broker, session);
}

static int audit_attached(struct broker *broker, const struct session *session,
	const struct msg_viewer *viewer, const struct address *peer)
{
	CLEANUP(note_finish) struct note note;
	char actor[NAME_SIZE], object[48];

	note_begin(&note);
	json_number(&note.json, "viewer", viewer->viewer);
	json_text(&note.json, "session_id", session->row.session_id);
	snprintf(actor, sizeof actor, "user:%.*s", NAME_SIZE - 6, session->row.user);
	snprintf(object, sizeof object, "session:%lld", (long long)session->row.id);
	return audit_write(broker, "session.attached", actor, peer, object, 0, &note);
}

static int prove(struct broker *broker, struct channel *front, const struct msg_prove *proof,
	uint32_t serial)
{
	struct session *session = NULL;
	int r = find(broker, proof->session, proof->cookie, &proof->peer, &session);

	if (r == 0 && !challenge_take(session, proof->challenge))
		r = -ERR_ATTACH_REFUSED;
	if (r == 0)
		r = prover_verify(broker->prover, session->row.public_key, session->row.session_id,
			proof->challenge, proof->signature);
	if (r == 0 && session->viewers >= VIEWERS_MAX)
		r = -ERR_FULL;
	if (r < 0)
		return r;
	struct attaching *attaching = calloc(1, sizeof *attaching);
	if (attaching == NULL)
		return -ERR_SYSTEM;
	attaching->session = session->row.id;
	attaching->front = peer_number(broker, front);
	attaching->joining.serial = serial;
	viewer_fill(session, proof, &attaching->joining.viewer);
	r = turn_open(broker);
	if (r == 0)
		r = audit_attached(broker, session, &attaching->joining.viewer, &proof->peer);
	if (r < 0) {
		free(attaching);
		return r;
	}
	turn_then(broker, after_attach, attaching);
	return 0;
}

int attach_prove(struct broker *broker, struct channel *front, struct message *message)
{
	const struct msg_prove *proof = message->payload;

	if (!TEXT_VALID(proof->session) || !TEXT_VALID(proof->cookie))
		return -ERR_MALFORMED;
	int r = prove(broker, front, proof, message->serial);
	if (r == 0)
		return 0;
	if (r == -ERR_ATTACH_REFUSED)
		audit_refused(broker, proof->session, &proof->peer, r);
	send_result(front, MSG_ATTACH_REFUSED, message->serial, r, -1);
	return 0;
}
