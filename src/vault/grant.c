/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/grant.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "vault/agent.h"
#include "vault/envelope.h"
#include "wire/wire.h"

struct grant {
	struct grant *next;
	struct grants *grants;
	struct msg_grant facts;
	uint8_t pin[HASH_LEN]; /* the one the worker named */
	enum grant_state state;
	int fd;
	struct watch *watch;
	struct timer *deadline;
	struct buf in, out, envelope;
	struct secret *secret; /* POURING: goes after what is in out */
	size_t sent;           /* of both; they are wiped when all of it is */
	unsigned requests;
	bool told; /* ASKED: a broker was told */
	struct sshkey *key;
	struct exchange exchange; /* of a key: the one SSH session it may sign for */
	struct agent agent;
};

static void grant_enter(struct grant *grant, enum grant_state next)
{
	static const bool moves[][4] = {
#define MOVE(from, to) [GRANT_##from][GRANT_##to] = true,
		GRANT_MOVES
#undef MOVE
	};
	assert(grant->state < ARRAY_LEN(moves) && moves[grant->state][next]);
	grant->state = next;
}

/* --- life ----------------------------------------------------------------------------------- */

static void grant_destroy(struct grant *grant)
{
	watch_remove(grant->watch);
	timer_cancel(grant->deadline);
	fd_closep(&grant->fd);
	buf_finish_wiped(&grant->in);
	buf_finish(&grant->out);
	secret_destroy(grant->secret);
	buf_finish(&grant->envelope);
	sshkey_destroy(grant->key);
	free(grant);
}

static void grant_unlink(struct grant *grant)
{
	struct grants *grants = grant->grants;
	struct grant **at = &grants->first;
	while (*at != grant)
		at = &(*at)->next;
	*at = grant->next;
	grants->count--;
}

static void grant_end(struct grant *grant, int r)
{
	struct grants *grants = grant->grants;
	struct msg_grant facts = grant->facts;
	grant_unlink(grant);
	grant_destroy(grant);
	grants->events.ended(grants->events.context, &facts, r);
}

/* One FAILURE if the socket takes it, then the end: a second try needs another session. */
static void stream_refuse(int fd)
{
	static const uint8_t failure[] = { 0, 0, 0, 1, AGENT_FAILURE };
	ssize_t n = send(fd, failure, sizeof failure, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)n; /* a worker that does not listen learns it from the end of file */
}

static void grant_refuse(struct grant *grant, int r)
{
	struct grants *grants = grant->grants;
	struct msg_grant facts = grant->facts;
	if (grant->out.len == 0)
		stream_refuse(grant->fd);
	grant_unlink(grant);
	grant_destroy(grant);
	grants->events.refused(grants->events.context, &facts, r);
}

static void on_deadline(void *context)
{
	struct grant *grant = context;
	grant->deadline = NULL;
	grant_end(grant, -ERR_TIMED_OUT);
}

static struct grant *grant_find(struct grants *grants, int64_t session)
{
	for (struct grant *grant = grants->first; grant != NULL; grant = grant->next)
		if (grant->facts.session == session)
			return grant;
	return NULL;
}

/* --- the stream ----------------------------------------------------------------------------- */

static void grant_listen(struct grant *grant)
{
	uint32_t events = 0;
	if (grant->out.len > 0)
		events = EPOLLOUT;
	else if (grant->state == GRANT_WAITING || grant->state == GRANT_SERVING)
		events = EPOLLIN;
	watch_set(grant->watch, events);
}

/* What has not been sent yet. Its number of bytes. */
static size_t grant_pieces(const struct grant *grant, struct iovec pieces[2])
{
	size_t head = grant->out.len, sent = MIN(grant->sent, head);
	pieces[0] = (struct iovec){ grant->out.data + sent, head - sent };
	pieces[1] = (struct iovec){ NULL, 0 };
	if (grant->secret != NULL) {
		sent = grant->sent - sent;
		pieces[1].iov_base = (char *)secret_reveal(grant->secret) + sent;
		pieces[1].iov_len = secret_len(grant->secret) - sent;
	}
	return pieces[0].iov_len + pieces[1].iov_len;
}

/* What the socket takes now. -ERR_CLOSED when the worker is gone. */
static int grant_flush(struct grant *grant)
{
	struct iovec pieces[2];
	while (grant_pieces(grant, pieces) > 0) {
		const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
		ssize_t n = sendmsg(grant->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0)
			return -ERR_CLOSED;
		grant->sent += (size_t)n;
	}
	buf_clear(&grant->out);
	secret_destroyp(&grant->secret);
	grant->sent = 0;
	return 0;
}

static int grant_read(struct grant *grant)
{
	uint8_t *room;
	size_t len = buf_room(&grant->in);
	if (len == 0)
		return -ERR_MALFORMED; /* a whole message fits, and none came of it */
	int r = buf_reserve(&grant->in, len, &room);
	if (r < 0)
		return r;
	ssize_t n = recv(grant->fd, room, len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	if (n <= 0)
		return -ERR_CLOSED;
	buf_commit(&grant->in, (size_t)n);
	return 0;
}

/* --- what the worker says ------------------------------------------------------------------- */

static bool pin_right(const struct msg_grant *facts, const uint8_t pin[HASH_LEN])
{
	static const uint8_t nothing[HASH_LEN];
	if (!facts->pins_required)
		return memcmp(pin, nothing, HASH_LEN) == 0;
	for (unsigned i = 0; i < facts->pin_count; i++)
		if (memcmp(facts->pins[i], pin, HASH_LEN) == 0)
			return true;
	return false;
}

static void grant_ask(struct grant *grant)
{
	struct grant_events *events = &grant->grants->events;
	grant->told = events->wanted(events->context, &grant->facts);
}

static int answer_pin(struct grant *grant, const uint8_t *message, size_t len)
{
	struct sshspan exchange;
	int r = agent_read_pin(message, len, grant->pin, &exchange);
	if (r < 0)
		return r;
	if (!pin_right(&grant->facts, grant->pin))
		return -ERR_HOST_KEY_CHANGED;
	if (grant->facts.kind == SECRET_SSH_KEY) {
		r = exchange_read(exchange, grant->pin, &grant->exchange);
		mem_wipe((uint8_t *)exchange.bytes,
			exchange.len); /* that session's keys are in it */
		if (r < 0)
			return r;
	}
	grant_enter(grant, GRANT_ASKED);
	grant_ask(grant);
	return 0;
}

static int log_release(struct grant *grant, const char *what)
{
	struct release release = { .session_id = grant->facts.session_id,
		.what = what,
		.target = grant->facts.target,
		.username = grant->facts.username,
		.identity = &grant->facts.identity,
		.host_key = grant->facts.pins_required ? grant->pin : NULL };
	return release_log_write(grant->grants->log, grant->grants->keyring, &release);
}

static int answer_sign(struct grant *grant, const uint8_t *message, size_t len)
{
	struct agent_request request;
	int r = agent_check(&grant->agent, message, len, &request);
	if (r == -ERR_NOT_FOUND) /* an honest client may try what this key does not do */
		return agent_write_status(&grant->out, AGENT_FAILURE);
	if (r < 0)
		return r;
	r = log_release(grant, "signature");
	return r < 0 ? r : agent_sign(&grant->agent, &request, &grant->out);
}

static int answer_message(struct grant *grant, const uint8_t *message, size_t len)
{
	if (++grant->requests > AGENT_REQUESTS_MAX)
		return -ERR_THROTTLED;
	if (grant->state == GRANT_WAITING)
		return answer_pin(grant, message, len);
	switch (message[0]) {
	case AGENT_REQUEST_IDENTITIES:
		return agent_write_identities(&grant->out, grant->key);
	case AGENT_SIGN_REQUEST:
		return answer_sign(grant, message, len);
	case AGENT_EXTENSION:
		return -ERR_WRONG_MOMENT; /* a second try at the pin */
	default:
		return agent_write_status(&grant->out, AGENT_FAILURE);
	}
}

/* Every whole message that is there, as long as the worker takes its answers. */
static int grant_work(struct grant *grant)
{
	while ((grant->state == GRANT_WAITING || grant->state == GRANT_SERVING) &&
		grant->out.len == 0) {
		const uint8_t *message;
		size_t len;
		int r = agent_next(&grant->in, &message, &len);
		if (r <= 0)
			return r;
		r = answer_message(grant, message, len);
		if (r < 0)
			return r;
		buf_consume(&grant->in, 4 + len);
		r = grant_flush(grant);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The edge of a grant: what went wrong decides between an end and a refusal. */
static void grant_settle(struct grant *grant, int r)
{
	if (r == -ERR_CLOSED)
		grant_end(grant, 0);
	else if (r < 0)
		grant_refuse(grant, r);
	else if (grant->state == GRANT_POURING && grant->out.len == 0)
		grant_end(grant, 0);
	else
		grant_listen(grant);
}

static void on_stream(void *context, uint32_t events)
{
	struct grant *grant = context;
	int r = 0;
	if (events & EPOLLOUT)
		r = grant_flush(grant);
	if (r == 0 && (events & EPOLLIN))
		r = grant_read(grant);
	else if (r == 0 && (events & (EPOLLHUP | EPOLLERR)))
		r = -ERR_CLOSED;
	if (r == 0)
		r = grant_work(grant);
	grant_settle(grant, r);
}

/* --- what the broker says ------------------------------------------------------------------- */

static int facts_check(const struct grants *grants, const struct msg_grant *facts,
	const void *envelope, size_t len)
{
	struct envelope_head head;
	if (keyring_sealed(grants->keyring))
		return -ERR_SEALED;
	if (!TEXT_VALID(facts->username) || !TEXT_VALID(facts->session_id) ||
		!TEXT_VALID(facts->target))
		return -ERR_MALFORMED;
	/* Tokens are for checking signatures and are never given to anyone. */
	if (facts->kind != SECRET_PASSWORD && facts->kind != SECRET_SSH_KEY)
		return -ERR_NOT_AUTHORIZED;
	if (facts->pin_count > PINS_MAX)
		return -ERR_MALFORMED;
	if (facts->pins_required ? facts->pin_count == 0 : facts->kind == SECRET_SSH_KEY)
		return -ERR_HOST_KEY_UNKNOWN;
	int r = envelope_inspect(envelope, len, &head);
	if (r == 0 && head.kind != facts->kind)
		r = -ERR_CRYPTO;
	return r;
}

static int grant_create(struct grants *grants, const struct msg_grant *facts, const void *envelope,
	size_t len, int fd, struct grant **ret_grant)
{
	struct grant *grant = calloc(1, sizeof *grant);
	if (grant == NULL) {
		close(fd);
		return -ERR_SYSTEM;
	}
	grant->grants = grants;
	grant->facts = *facts;
	grant->state = GRANT_WAITING;
	grant->fd = fd;
	grant->in = BUF(4 + AGENT_MESSAGE_MAX);
	grant->out = BUF(AGENT_REPLY_MAX);
	grant->envelope = BUF(SEALED_MAX);
	int r = buf_append(&grant->envelope, envelope, len);
	if (r == 0)
		r = loop_watch(grants->loop, fd, EPOLLIN, on_stream, grant, &grant->watch);
	if (r == 0)
		r = loop_after(
			grants->loop, grants->patience_ms, on_deadline, grant, &grant->deadline);
	if (r < 0) {
		grant_destroy(grant);
		return r;
	}
	*ret_grant = grant;
	return 0;
}

void grants_give(struct grants *grants, const struct msg_grant *facts, const void *envelope,
	size_t len, int fd)
{
	struct grant *grant;
	int r = facts_check(grants, facts, envelope, len);
	if (r == 0 && grant_find(grants, facts->session) != NULL)
		r = -ERR_EXISTS;
	if (r == 0 && grants->count >= GRANTS_MAX)
		r = -ERR_FULL;
	if (r < 0) {
		stream_refuse(fd);
		close(fd);
	} else {
		r = grant_create(grants, facts, envelope, len, fd, &grant);
	}
	if (r < 0) {
		grants->events.refused(grants->events.context, facts, r);
		return;
	}
	grant->next = grants->first;
	grants->first = grant;
	grants->count++;
}

static int release_key(struct grant *grant, const struct secret *secret)
{
	int r = sshkey_parse(secret, &grant->key);
	if (r < 0)
		return r;
	grant->agent = (struct agent){
		.key = grant->key, .username = grant->facts.username, .exchange = &grant->exchange
	};
	grant_enter(grant, GRANT_SERVING);
	return agent_write_status(&grant->out, AGENT_SUCCESS);
}

static int release_password(struct grant *grant, struct secret *secret)
{
	grant_enter(grant, GRANT_POURING);
	grant->secret = secret;
	return agent_write_secret(&grant->out, secret_len(secret));
}

/* The line first, then the secret: a key's text lives to the end of this function. */
static int grant_release(struct grant *grant)
{
	bool key = grant->facts.kind == SECRET_SSH_KEY;
	int r = log_release(grant, key ? "key" : "password");
	if (r < 0)
		return r;
	CLEANUP(secret_destroyp) struct secret *secret = NULL;
	r = envelope_open(grant->grants->keyring, &grant->facts.identity, grant->facts.kind,
		grant->envelope.data, grant->envelope.len, &secret);
	if (r < 0)
		return r;
	buf_clear(&grant->envelope);
	return key ? release_key(grant, secret) : release_password(grant, STEAL(secret));
}

void grants_release(struct grants *grants, int64_t session)
{
	struct grant *grant = grant_find(grants, session);
	if (grant == NULL)
		return; /* its worker went away meanwhile */
	int r = grant->state == GRANT_ASKED ? grant_release(grant) : -ERR_WRONG_MOMENT;
	if (r < 0)
		buf_clear(&grant->out);
	else
		r = grant_flush(grant);
	if (r == 0)
		r = grant_work(grant); /* what the worker said meanwhile */
	grant_settle(grant, r);
}

void grants_end(struct grants *grants, int64_t session)
{
	struct grant *grant = grant_find(grants, session);
	if (grant != NULL)
		grant_end(grant, 0);
}

void grants_orphan(struct grants *grants, bool replaced)
{
	struct grant *next;
	for (struct grant *grant = grants->first; grant != NULL; grant = next) {
		next = grant->next;
		if (grant->state != GRANT_ASKED || !grant->told)
			continue;
		if (replaced)
			grant->told = false;
		else
			grant_end(grant, -ERR_PEER_GONE);
	}
}

void grants_ask(struct grants *grants)
{
	for (struct grant *grant = grants->first; grant != NULL; grant = grant->next)
		if (grant->state == GRANT_ASKED && !grant->told)
			grant_ask(grant);
}

uint32_t grants_oldest_key(const struct grants *grants)
{
	uint32_t oldest = 0;
	for (const struct grant *grant = grants->first; grant != NULL; grant = grant->next) {
		struct envelope_head head;
		if (envelope_inspect(grant->envelope.data, grant->envelope.len, &head) == 0 &&
			(oldest == 0 || head.key_version < oldest))
			oldest = head.key_version;
	}
	return oldest;
}

void grants_drop(struct grants *grants, int r)
{
	struct grant *next;
	for (struct grant *grant = grants->first; grant != NULL; grant = next) {
		next = grant->next;
		if (grant->state == GRANT_WAITING || grant->state == GRANT_ASKED)
			grant_refuse(grant, r);
		else
			grant_end(grant, 0);
	}
}

void grants_finish(struct grants *grants)
{
	while (grants->first != NULL) {
		struct grant *grant = grants->first;
		grant_unlink(grant);
		grant_destroy(grant);
	}
}
