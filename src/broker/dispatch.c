/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dispatch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/a2a.h"
#include "broker/context.h"
#include "broker/fields.h"
#include "broker/route.h"
#include "broker/throttle.h"

/* Calls that wait for something are found again when their peer goes. */
static void deferred_add(struct broker *broker, struct call *call)
{
	call->head = NULL;
	call->next = broker->calls.deferred;
	broker->calls.deferred = call;
}

static void deferred_remove(struct broker *broker, struct call *call)
{
	struct call **at = &broker->calls.deferred;

	while (*at != call) {
		assert(*at != NULL); /* what is deferred is in the list until it is resumed */
		at = &(*at)->next;
	}
	*at = call->next;
	call->next = NULL;
}

void dispatch_forget(struct broker *broker, const struct channel *channel)
{
	for (struct call *call = broker->calls.deferred; call != NULL; call = call->next)
		if (call->channel == channel)
			call->channel = NULL;
	lists_forget(broker, channel);
}

/* What an endpoint was about to answer before its work was undone. */
static void unsay(struct call *call)
{
	call->raw = false;
	call->message = NULL;
}

static void reply(struct broker *broker, void *context, int result)
{
	struct call *call = context;

	broker->figures.calls++;
	if (result < 0) { /* the transaction failed: whatever was decided did not happen */
		unsay(call);
		call->result = result;
	}
	if (call->result < 0)
		broker->figures.refused++;
	list_answer(call);
}

static const char *refusal_event(int r)
{
	switch (-r) {
	case ERR_NO_CREDENTIALS:
	case ERR_TOKEN_INVALID:
	case ERR_CLIENT_INVALID:
	case ERR_SIGNATURE_INVALID:
	case ERR_THROTTLED:
		return "authentication.refused";
	case ERR_NOT_AUTHORIZED:
	case ERR_READ_ONLY:
	case ERR_REFERER_REFUSED:
		return "authorization.denied";
	default:
		return "call.refused";
	}
}

/* Somebody whose identity is not proved could otherwise write as much as he likes. */
static bool refusal_audited(struct broker *broker, struct call *call, int r)
{
	unsigned omitted;

	if (call->door == DOOR_CONTROL || call->principal.authorization_id != 0)
		return true;
	if (r == -ERR_ROUTE_UNKNOWN || r == -ERR_METHOD_NOT_ALLOWED)
		return false; /* nothing there was asked for */
	bool audited =
		throttle_audited(broker->throttle, &call->peer, clock_monotonic_ms(), &omitted);
	if (omitted > 0)
		json_number(call_audit(call), "omitted_before", omitted);
	return audited;
}

static int audit_call(struct broker *broker, struct call *call, int r)
{
	const struct endpoint *endpoint = call->endpoint;
	const char *event = endpoint != NULL ? endpoint->audit : NULL;

	if (r < 0 && !refusal_audited(broker, call, r))
		return 0;
	if (r == 0 && call->event != NULL)
		event = call->event;
	if (r == 0 && event == NULL)
		return 0;
	struct json *json = call_audit(call);
	json_text(json, "trace", call->trace);
	if (call->principal.authorization_id != 0)
		json_id(json, "authorization", call->principal.authorization_id);
	if (r < 0) {
		if (endpoint != NULL && event != NULL)
			json_text(json, "asked", event);
		json_text(json, "why", call->message != NULL ? call->message : error_text(r));
		event = refusal_event(r);
	}
	int written = audit_write(broker, event, call->actor,
		call->peer.family != 0 ? &call->peer : NULL, call->object, r, &call->note);
	note_finish(&call->note); /* it is closed: what has to be said instead begins another */
	call->note_begun = false;
	return written;
}

static int identify(struct broker *broker, struct call *call)
{
	if (call->door == DOOR_CONTROL) {
		snprintf(call->actor, sizeof call->actor, "administrator:%u", call->principal.uid);
		return 0;
	}
	snprintf(call->actor, sizeof call->actor, "stranger");
	if (call->endpoint->need == NEED_NOBODY)
		return 0;
	int r = a2a_identify(broker, call);
	return r < 0 ? r : a2a_rights(call);
}

/* What comes before the endpoint's own work; nothing here is undone with it (a spent nonce stays).
 */
static int prepare(struct broker *broker, struct call *call)
{
	int r = call->door == DOOR_API ? a2a_call_rate(broker, call) : 0;

	if (r == 0)
		r = route_find(broker->routes, call, call->head->method, call->head->path);
	if (r == 0)
		r = identify(broker, call);
	return r == 0 ? fields_check(call) : r;
}

/* Without its audit row nothing is answered: what cannot be written is an error of its own. */
static int refuse(struct broker *broker, struct call *call, int r)
{
	int audited = audit_call(broker, call, r);

	return audited < 0 ? audited : r;
}

static int run(struct broker *broker, struct call *call,
	int (*resume)(struct broker *broker, struct call *call, int result), int result)
{
	call->deferred = false;
	broker->answering = call;
	int r = resume != NULL ? resume(broker, call, result)
			       : call->endpoint->answer(broker, call);
	broker->answering = NULL;
	return r;
}

/* answer(), or resume(), and the audit row, behind one savepoint: both or neither. */
static int work(struct broker *broker, struct call *call,
	int (*resume)(struct broker *broker, struct call *call, int result), int result)
{
	struct savepoint savepoint;
	int r = turn_savepoint(broker, &savepoint);

	if (r < 0)
		return r;
	r = run(broker, call, resume, result);
	if (r == -ERR_AGAIN && call->deferred) {
		turn_keep(
			broker, &savepoint); /* or the turn fails: what it waits for comes anyway */
		return r;
	}
	if (r == 0) {
		r = audit_call(broker, call, 0);
		if (r == 0)
			r = turn_keep(broker, &savepoint);
		if (r == 0)
			return 0;
		unsay(call);
	}
	int undone = turn_undo(broker, &savepoint, r);
	return undone < 0 ? undone : refuse(broker, call, r);
}

/* Without a savepoint, which costs as much as a write: see endpoint.h. */
static int work_writes_last(struct broker *broker, struct call *call)
{
	uint64_t before = store_changes(broker->store);
	int r = run(broker, call, NULL, 0);

	if (r == 0)
		return audit_call(broker, call, 0);
	if (store_changes(broker->store) == before)
		return refuse(broker, call, r);
	broker->turn.poisoned = true;
	return r;
}

int dispatch_run(struct broker *broker, struct call *call)
{
	int r = prepare(broker, call);

	if (r < 0)
		return refuse(broker, call, r);
	return call->endpoint->writes_last ? work_writes_last(broker, call)
					   : work(broker, call, NULL, 0);
}

static void finish(struct broker *broker, struct call *call, int r)
{
	if (r == -ERR_AGAIN && call->deferred) {
		deferred_add(broker, call);
		return;
	}
	call->result = r;
	turn_answer(broker, reply, call);
}

void dispatch_resume(struct broker *broker, struct call *call, int result)
{
	deferred_remove(broker, call);
	int r = turn_open(broker);
	if (r < 0) {
		reply(broker, call, r);
		return;
	}
	call->now = clock_wall_ms();
	finish(broker, call, work(broker, call, call->resume, result));
}

/* Text that a client sent may be anything but endless: front was to see to its end. */
#define ENDED(array) (memchr(array, 0, sizeof(array)) != NULL)

static bool head_whole(const struct msg_api_call *head)
{
	return ENDED(head->method) && ENDED(head->path) && ENDED(head->raw_path) &&
	       ENDED(head->host) && ENDED(head->scheme) && ENDED(head->authorization) &&
	       ENDED(head->referer) && ENDED(head->user_agent) && TEXT_VALID(head->trace);
}

static void take_head(struct call *call, struct message *message, enum door door, uint32_t uid)
{
	call->head = message->payload;
	call->serial = message->serial;
	call->door = call->principal.door = door;
	call->principal.uid = uid;
	call->now = clock_wall_ms();
	memcpy(call->trace, call->head->trace, sizeof call->trace);
	if (call->trace[0] == 0)
		random_hex(call->trace, sizeof call->trace / 2);
	if (door == DOOR_API)
		call->peer = call->head->peer;
	assert(message->fd_count <= ARRAY_LEN(call->fds)); /* wire/messages.def */
	for (unsigned i = 0; i < message->fd_count; i++)
		call->fds[i] = STEAL_FD(message->fds[i]);
}

/* No room for another call: said without one. */
static void refuse_full(struct channel *channel, enum door door, uint32_t serial)
{
	static const char body[] = "{\"message\":\"A limit of the gateway is reached\"}";
	struct msg_api_reply full = {
		.status = 503, .content_type = "application/json", .header = "Retry-After: 1\r\n"
	};

	channel_send(channel, door == DOOR_API ? MSG_API_REPLY : MSG_CONTROL_REPLY, serial, &full,
		body, sizeof body - 1, NULL, 0);
}

int dispatch_message(struct broker *broker, struct channel *channel, enum door door, uint32_t uid,
	struct message *message)
{
	if (!head_whole(message->payload))
		return -ERR_MALFORMED;
	struct call *call = call_create(broker);
	if (call == NULL) {
		refuse_full(channel, door, message->serial);
		return 0;
	}
	take_head(call, message, door, uid);
	call->channel = channel;
	turn_part(broker);
	int r = turn_open(broker);
	if (r < 0) {
		reply(broker, call, r);
		return 0;
	}
	r = TEXT_VALID(call->head->path) ? 0 : -ERR_MALFORMED;
	if (r == 0)
		r = fields_read(call, message->tail, message->tail_len);
	finish(broker, call, r < 0 ? r : dispatch_run(broker, call));
	return 0;
}
