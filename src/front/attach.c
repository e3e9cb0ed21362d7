/* SPDX-License-Identifier: Apache-2.0 */
#include "front/attach.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "front/answers.h"
#include "front/forwarded.h"
#include "front/front.h"
#include "front/relay.h"
#include "wire/view.h"

#define COOKIE_NAME_SIZE 64

/* In words the page knows as passing. */
static const struct msg_result again = { -ERR_PEER_GONE };

static void refuse_handshake(struct connection *connection, int status)
{
	static const char body[] = "WebSocket version 13 is spoken here.\n";
	struct head head = { .status = 426,
		.type = "text/plain; charset=utf-8",
		.extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" };
	if (status == 426)
		connection_answer(connection, &head, body, sizeof body - 1);
	else
		connection_error(
			connection, status == 403 ? ERR_ATTACH_REFUSED : ERR_MALFORMED, NULL);
}

/* The cookie that redeeming this session's URL set. */
static bool find_cookie(
	const struct http_request *request, const char *session, char ret_cookie[TOKEN_SIZE])
{
	char name[COOKIE_NAME_SIZE];
	struct slice value;
	snprintf(name, sizeof name, "__Host-sallyport-%.16s", session);
	return http_cookie(request, name, &value) && value.len == TOKEN_SIZE - 1 &&
	       text_copy_len(ret_cookie, TOKEN_SIZE, value.at, value.len) == 0 &&
	       strspn(ret_cookie, "0123456789abcdef") == TOKEN_SIZE - 1;
}

void attach_begin(struct connection *connection, const struct http_request *request,
	const char session[SESSION_ID_SIZE])
{
	struct front *front = connection->front;
	char accept[WEBSOCKET_ACCEPT_SIZE], cookie[TOKEN_SIZE];
	int status = websocket_handshake(request, front->origin, accept);
	if (status == 0 && !find_cookie(request, session, cookie))
		status = 403;
	if (status != 0) {
		refuse_handshake(connection, status);
		return;
	}
	struct relay *relay = relay_create(connection);
	if (!relay) {
		connection_error(connection, ERR_SYSTEM, NULL);
		return;
	}
	connection->relay = relay;
	memcpy(relay->accept, accept, sizeof relay->accept);
	memcpy(relay->prove.session, session, SESSION_ID_SIZE);
	memcpy(relay->prove.cookie, cookie, TOKEN_SIZE);
	relay->prove.peer =
		forwarded_client(request, &connection->peer, front->settings->api_trusted_proxies);
	struct msg_attach_ask ask;
	memset(&ask, 0, sizeof ask);
	memcpy(ask.session, session, SESSION_ID_SIZE);
	memcpy(ask.cookie, cookie, TOKEN_SIZE);
	ask.peer = relay->prove.peer;
	relay->broker_number = front->broker_number;
	connection_ask(connection, MSG_ATTACH_ASK, &ask, NULL, 0);
	mem_wipe(&ask, sizeof ask);
	mem_wipe(cookie, sizeof cookie);
}

/* 101, and from here on frames. */
static void upgrade(struct connection *connection)
{
	CLEANUP(buf_finish) struct buf out = BUF(HTTP_HEAD_MAX);
	char lines[192];
	struct head head = { .status = 101, .extra = lines, .wall_ms = clock_wall_ms() };
	snprintf(lines, sizeof lines,
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
		"Sec-WebSocket-Protocol: " WEBSOCKET_PROTOCOL "\r\n",
		connection->relay->accept);
	connection->state = CONNECTION_PROOF;
	connection->deadline = clock_monotonic_ms() + PROOF_MS;
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){ RELAY_UNSENT_MAX },
		sizeof(int));
	if (head_write(&out, &head) < 0)
		connection_close(connection);
	else
		connection_send(connection, out.data, out.len);
}

static void send_frame(struct connection *connection, uint8_t type, const void *payload, size_t len)
{
	CLEANUP(buf_finish) struct buf frame = BUF(VIEW_HEADER_LEN + VIEW_FRAME_MAX);
	if (view_write(&frame, type, payload, len) < 0)
		connection_close(connection);
	else
		relay_send(connection, WEBSOCKET_BINARY, frame.data, frame.len);
}

void attach_challenged(struct connection *connection, const struct msg_challenge *challenge)
{
	if (connection->front->stopping) { /* the front that accepts now will do it */
		attach_refused(connection, &again);
		return;
	}
	memcpy(connection->relay->prove.challenge, challenge->challenge,
		sizeof challenge->challenge);
	upgrade(connection);
	if (connection->state != CONNECTION_CLOSED)
		send_frame(connection, VIEW_CHALLENGE, challenge->challenge,
			sizeof challenge->challenge);
}

void attach_refused(struct connection *connection, const struct msg_result *result)
{
	uint8_t payload[4 + REASON_SIZE];
	const char *words = error_text(result->result);
	size_t len = MIN(strlen(words), (size_t)REASON_SIZE);
	put32(payload, (uint32_t)result->result);
	memcpy(payload + 4, words, len);
	if (connection->state == CONNECTION_WAITING || connection->state == CONNECTION_REQUEST)
		upgrade(connection);
	if (connection->state == CONNECTION_CLOSED)
		return;
	send_frame(connection, VIEW_REFUSED, payload, 4 + len);
	relay_end(connection, WEBSOCKET_POLICY);
}

void attach_granted(struct connection *connection, struct message *message)
{
	connection->state = CONNECTION_RELAY;
	connection->deadline = 0;
	if (message->fd_count != 1 || relay_start(connection->relay, STEAL_FD(message->fds[0])) < 0)
		relay_end(connection, WEBSOCKET_AWAY);
}

static void prove(struct connection *connection, const struct view_frame *frame)
{
	struct relay *relay = connection->relay;
	const uint8_t *payload = relay->proof + VIEW_HEADER_LEN;
	struct msg_prove *message = &relay->prove;
	message->offset = get64(payload);
	message->columns = get16(payload + 8);
	message->rows = get16(payload + 10);
	memcpy(message->signature, payload + 12, sizeof message->signature);
	message->page = frame->len >= PROOF_PAGE_AT + 8 ? get64(payload + PROOF_PAGE_AT) : 0;
	if (relay->broker_number != connection->front->broker_number) {
		attach_refused(connection, &again); /* who made the challenge is gone */
		return;
	}
	connection_ask(connection, MSG_ATTACH_PROVE, message, NULL, 0);
	mem_wipe(message, sizeof *message);
}

size_t attach_proof(struct connection *connection, const uint8_t *bytes, size_t len)
{
	struct relay *relay = connection->relay;
	struct view_frame frame;
	size_t before = relay->proof_len, take = MIN(len, sizeof relay->proof - before);
	memcpy(relay->proof + before, bytes, take);
	relay->proof_len = (uint8_t)(before + take);
	int r = view_next(relay->proof, relay->proof_len, &frame);
	if (r < 0 || (relay->proof_len > 0 && relay->proof[0] != VIEW_PROOF)) {
		relay_end(connection, WEBSOCKET_POLICY);
	} else if (r > 0) {
		relay->proven = true;
		take = (size_t)r - before; /* what follows is for the recorder */
		prove(connection, &frame);
	}
	return take;
}
