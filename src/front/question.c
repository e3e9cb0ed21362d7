/* SPDX-License-Identifier: Apache-2.0 */
#include "front/question.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "front/answers.h"
#include "front/attach.h"
#include "front/call.h"
#include "front/front.h"
#include "front/open.h"
#include "front/relay.h"

static const char retry_lines[] = "Retry-After: 1\r\n";

/* The question cannot be answered: each asker has its own way to say so. */
static void failed(struct connection *connection, enum msg_type question, int error)
{
	const char *lines = error == -ERR_PEER_GONE || error == -ERR_FULL ? retry_lines : NULL;
	const struct msg_result result = { error };
	switch (question) {
	case MSG_ATTACH_ASK:
		attach_refused(connection, &result); /* in words the page knows as passing */
		break;
	case MSG_ATTACH_PROVE:
		relay_end(connection, WEBSOCKET_AWAY);
		break;
	case MSG_TICKET_REDEEM:
		answer_refusal(connection, error, lines);
		break;
	default:
		if (connection->streaming)
			connection_close(connection);
		else
			connection_error(connection, error, lines);
	}
}

void connection_ask(struct connection *connection, enum msg_type question, const void *payload,
	const void *tail, size_t tail_len)
{
	struct front *front = connection->front;
	int r = -ERR_PEER_GONE;
	if (front->broker) {
		if (++front->serial == 0)
			front->serial = 1;
		connection->serial = front->serial;
		connection->asked = front->broker;
		r = channel_send(front->broker, question, connection->serial, payload, tail,
			tail_len, NULL, 0);
	}
	if (r < 0) {
		connection->serial = 0;
		failed(connection, question, r);
		return;
	}
	struct connection **bucket = &front->waiting[connection->serial % WAITING_BUCKETS];
	connection->question = question;
	connection->next_waiting = *bucket;
	*bucket = connection;
	connection->deadline = clock_monotonic_ms() + BROKER_MS;
	if (connection->state == CONNECTION_REQUEST)
		connection->state = CONNECTION_WAITING;
}

void connection_forget(struct connection *connection)
{
	if (connection->serial == 0)
		return;
	struct connection **at = &connection->front->waiting[connection->serial % WAITING_BUCKETS];
	while (*at != connection)
		at = &(*at)->next_waiting;
	*at = connection->next_waiting;
	connection->serial = 0;
}

/* Of a list: its last part was passed on, or no more of it is wanted. */
static int say_more(struct channel *channel, uint32_t serial, int result)
{
	const struct msg_result more = { result };
	return channel_send(channel, MSG_API_MORE, serial, &more, NULL, 0, NULL, 0);
}

void question_more(struct connection *connection)
{
	connection->asks = false;
	connection->deadline = clock_monotonic_ms() + BROKER_MS;
	if (say_more(connection->asked, connection->serial, 0) < 0)
		connection_close(connection);
}

void question_drop(struct connection *connection)
{
	if (connection->serial != 0 && connection->streaming &&
		connection->question == MSG_API_CALL)
		say_more(connection->asked, connection->serial, -ERR_CLOSED);
	connection_forget(connection);
}

/* An answer nobody waits for any more: because the client went away, or its time was up. */
static void unwanted(struct front *front, struct channel *channel, struct message *message)
{
	if (message->type == MSG_ATTACH_GRANTED && message->fd_count == 1)
		relay_farewell(message->fds[0], front->stopping ? GAP_RENEWED : GAP_LOST);
	if (message->type == MSG_API_REPLY &&
		((const struct msg_api_reply *)message->payload)->more == REPLY_ASKS)
		say_more(channel, message->serial, -ERR_CLOSED);
}

static struct connection *find(const struct front *front, uint32_t serial)
{
	struct connection *connection = front->waiting[serial % WAITING_BUCKETS];
	while (connection && connection->serial != serial)
		connection = connection->next_waiting;
	return connection;
}

static bool answers(enum msg_type answer, enum msg_type question)
{
	switch (answer) {
	case MSG_API_REPLY:
		return question == MSG_API_CALL;
	case MSG_TICKET_REDEEMED:
		return question == MSG_TICKET_REDEEM;
	case MSG_ATTACH_CHALLENGE:
		return question == MSG_ATTACH_ASK;
	case MSG_ATTACH_GRANTED:
		return question == MSG_ATTACH_PROVE;
	case MSG_ATTACH_REFUSED:
		return question == MSG_ATTACH_ASK || question == MSG_ATTACH_PROVE;
	default:
		return false;
	}
}

int question_answered(void *context, struct channel *channel, struct message *message)
{
	struct front *front = context;
	struct connection *connection = message->serial ? find(front, message->serial) : NULL;
	if (!connection) {
		unwanted(front, channel, message);
		return 0;
	}
	if (!answers(message->type, connection->question))
		return -ERR_MALFORMED;
	if (message->type == MSG_API_REPLY) {
		if (!call_reply(connection, message->payload, message->tail, message->tail_len))
			return -ERR_MALFORMED;
	} else {
		connection_forget(connection);
		if (message->type == MSG_TICKET_REDEEMED)
			open_reply(connection, message->payload);
		else if (message->type == MSG_ATTACH_CHALLENGE)
			attach_challenged(connection, message->payload);
		else if (message->type == MSG_ATTACH_REFUSED)
			attach_refused(connection, message->payload);
		else
			attach_granted(connection, message);
	}
	connection_resume(connection);
	return 0;
}

/* Whom `channel` owes an answer. Each failing may change the list: begun anew after it. */
static void fail_asked(struct front *front, unsigned bucket, const struct channel *channel)
{
	struct connection *connection = front->waiting[bucket];
	while (connection) {
		if (connection->asked != channel) {
			connection = connection->next_waiting;
			continue;
		}
		connection_forget(connection);
		failed(connection, connection->question, -ERR_PEER_GONE);
		connection_resume(connection);
		connection = front->waiting[bucket];
	}
}

void question_gone(void *context, struct channel *channel)
{
	struct front *front = context;
	if (front->broker == channel) {
		log_warning("broker.gone", "calls are refused until it is back");
		front->broker = NULL;
	}
	for (unsigned i = 0; i < BROKERS_MAX; i++)
		if (front->earlier[i] == channel)
			front->earlier[i] = NULL;
	channel_destroy(channel);
	for (unsigned i = 0; i < WAITING_BUCKETS; i++)
		fail_asked(front, i, channel);
}
