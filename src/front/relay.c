/* SPDX-License-Identifier: Apache-2.0 */
#include "front/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "front/attach.h"
#include "front/front.h"

#define PULL_BURST 4 /* chunks taken from one recorder stream before others get their turn */

static void on_recorder(void *context, uint32_t events);

struct relay *relay_create(struct connection *connection)
{
	struct relay *relay = calloc(1, sizeof *relay);
	if (relay) {
		relay->connection = connection;
		relay->fd = -1;
		relay->inward.max = RELAY_INWARD_MAX;
	}
	return relay;
}

/*
 * The last frame to the recorder says why the page is gone; without one it takes the front for
 * dead. What does not fit in now would be cut, which the recorder reads as a broken connection.
 * So it reads a frame of the page that was cut: nothing may follow that, or it would be made whole
 * by bytes that nobody typed.
 */
void relay_farewell(int fd, uint8_t why)
{
	uint8_t frame[VIEW_HEADER_LEN + 1] = { VIEW_FAREWELL, 0, 0, 0, 1 };
	frame[VIEW_HEADER_LEN] = why;
	/* Has it hung up before us, or takes nothing, it will think what it may. */
	send(fd, frame, sizeof frame, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void say_farewell(struct relay *relay)
{
	ssize_t done = 0;
	if (relay->fd < 0)
		return;
	if (relay->inward.len > 0)
		done = send(relay->fd, relay->inward.data, relay->inward.len,
			MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done == (ssize_t)relay->inward.len && !relay->cut && view_edge_whole(&relay->edge))
		relay_farewell(relay->fd, relay->why != 0 ? relay->why : GAP_LOST);
}

static void hang_up(struct relay *relay)
{
	say_farewell(relay);
	watch_remove(STEAL(relay->watch));
	fd_closep(&relay->fd);
	buf_finish(&relay->inward);
}

void relay_destroy(struct relay *relay)
{
	if (!relay)
		return;
	hang_up(relay);
	mem_wipe(relay, sizeof *relay);
	free(relay);
}

bool relay_wants_input(const struct relay *relay)
{
	if (relay->closing)
		return true; /* for the page's close frame */
	return relay->connection->serial == 0 && relay->inward.len == 0;
}

void relay_send(
	struct connection *connection, enum websocket_opcode opcode, const void *bytes, size_t len)
{
	uint8_t frame[WEBSOCKET_HEADER_MAX + 512];
	size_t header = websocket_header(frame, opcode, len);
	if (header + len > sizeof frame) {
		connection_close(connection); /* larger ones are made in place: see pull() */
		return;
	}
	memcpy(frame + header, bytes, len);
	connection_send(connection, frame, header + len);
}

static void send_close(struct connection *connection, uint16_t code)
{
	uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	relay_send(connection, WEBSOCKET_CLOSE, payload, sizeof payload);
}

void relay_end(struct connection *connection, enum websocket_code code)
{
	struct relay *relay = connection->relay;
	if (connection->state == CONNECTION_CLOSED || relay->closing)
		return;
	relay->closing = true;
	hang_up(relay);
	connection->deadline = clock_monotonic_ms() + FAREWELL_MS;
	send_close(connection, (uint16_t)code);
}

void relay_timeout(struct connection *connection)
{
	connection_forget(connection);
	if (connection->relay->closing)
		connection_close(connection);
	else
		relay_end(
			connection, connection->relay->proven ? WEBSOCKET_AWAY : WEBSOCKET_POLICY);
}

static void update(struct relay *relay)
{
	uint32_t events = relay->connection->out.len == 0 ? EPOLLIN : 0;
	if (relay->inward.len > 0)
		events |= EPOLLOUT;
	if (relay->watch)
		watch_set(relay->watch, events);
}

/*
 * To the recorder: what it takes. When it has hung up, input has nowhere to go and is dropped, but
 * its last words, why the session ended, may still wait to be read: pull() meets the end.
 */
static ssize_t push(struct relay *relay, const uint8_t *bytes, size_t len)
{
	ssize_t done = send(relay->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done >= 0)
		return done;
	if (errno == EPIPE || errno == ECONNRESET)
		return (ssize_t)len;
	return errno == EAGAIN || errno == EINTR ? 0 : -ERR_CLOSED;
}

static void push_inward(struct relay *relay)
{
	ssize_t done = push(relay, relay->inward.data, relay->inward.len);
	if (done < 0)
		relay_end(relay->connection, WEBSOCKET_AWAY);
	else
		buf_consume(&relay->inward, (size_t)done);
}

/* To the page: what is waiting, in frames as large as it is. */
static void pull(struct relay *relay)
{
	struct connection *connection = relay->connection;
	uint8_t header[WEBSOCKET_HEADER_MAX],
		*payload = connection->front->scratch + WEBSOCKET_HEADER_MAX;
	for (int i = 0; i < PULL_BURST && connection->out.len == 0; i++) {
		ssize_t got = recv(relay->fd, payload, RELAY_CHUNK_MAX, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (got <= 0) {
			relay_end(connection, WEBSOCKET_AWAY);
			return;
		}
		size_t header_len = websocket_header(header, WEBSOCKET_BINARY, (size_t)got);
		memcpy(payload - header_len, header, header_len);
		connection_send(connection, payload - header_len, header_len + (size_t)got);
		if (connection->state == CONNECTION_CLOSED)
			return;
		if (got < RELAY_CHUNK_MAX && !relay->hung)
			break;
	}
	update(relay);
}

static void on_recorder(void *context, uint32_t events)
{
	struct relay *relay = context;
	struct connection *connection = relay->connection;
	if ((events & EPOLLOUT) && relay->inward.len > 0)
		push_inward(relay);
	if (connection->state == CONNECTION_CLOSED || relay->closing)
		return;
	if (connection->out.len == 0) {
		pull(relay);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		/* It cannot be unwatched otherwise; what it left is read when the page takes it. */
		relay->hung = true;
		watch_remove(STEAL(relay->watch));
	}
	connection_resume(connection);
}

int relay_start(struct relay *relay, int fd)
{
	relay->fd = fd;
	int r = loop_watch(
		relay->connection->front->loop, fd, EPOLLIN, on_recorder, relay, &relay->watch);
	if (r < 0)
		return r;
	if (relay->inward.len > 0)
		push_inward(relay);
	if (!relay->closing)
		update(relay);
	return 0;
}

void relay_drained(struct connection *connection)
{
	struct relay *relay = connection->relay;
	if (relay->pong_due && !relay->closing) {
		relay->pong_due = false;
		relay_send(connection, WEBSOCKET_PONG, relay->pong, relay->pong_len);
	}
	if (connection->state == CONNECTION_RELAY && !relay->closing)
		pull(relay);
}

/* While older bytes wait, only the newest ping is remembered (RFC 6455 section 5.5.3). */
static void answer_ping(struct connection *connection, const struct websocket_piece *ping)
{
	struct relay *relay = connection->relay;
	if (connection->out.len == 0) {
		relay_send(connection, WEBSOCKET_PONG, ping->bytes, ping->len);
		return;
	}
	relay->pong_due = true;
	relay->pong_len = (uint8_t)ping->len;
	memcpy(relay->pong, ping->bytes, ping->len);
}

static void keep_inward(struct connection *connection, const uint8_t *bytes, size_t len)
{
	struct relay *relay = connection->relay;
	if (buf_append(&relay->inward, bytes, len) == 0)
		return;
	relay->cut = true;
	relay_end(connection, WEBSOCKET_POLICY);
}

/* Payload of the page's messages: the proof first, then the recorder's. */
static void forward(struct connection *connection, const uint8_t *bytes, size_t len)
{
	struct relay *relay = connection->relay;
	if (len > 0 && !relay->proven && !relay->closing) {
		size_t used = attach_proof(connection, bytes, len);
		bytes += used;
		len -= used;
	}
	if (len == 0 || connection->state == CONNECTION_CLOSED || relay->closing)
		return;
	view_edge_pass(&relay->edge, bytes, len);
	if (connection->state != CONNECTION_RELAY || relay->inward.len > 0) {
		keep_inward(connection, bytes, len);
		return;
	}
	ssize_t done = push(relay, bytes, len);
	if (done < 0)
		relay_end(connection, WEBSOCKET_AWAY);
	else if ((size_t)done < len)
		keep_inward(connection, bytes + done, len - (size_t)done);
	if (!relay->closing)
		update(relay);
}

/* The page closes, or answers our close: the last word is said. */
static void closed(struct connection *connection, uint16_t code)
{
	struct relay *relay = connection->relay;
	if (!relay->closing) {
		bool meant = code == WEBSOCKET_NORMAL || code == WEBSOCKET_AWAY;
		relay->closing = true;
		relay->why = meant ? GAP_CLOSED : GAP_LOST;
		hang_up(relay);
		send_close(connection, code == WEBSOCKET_NO_CODE ? WEBSOCKET_NORMAL : code);
	}
	connection_last(connection);
}

void relay_take(struct connection *connection, uint8_t *bytes, size_t len)
{
	struct relay *relay = connection->relay;
	struct websocket_piece piece;
	size_t used = 0, gathered = 0;
	int r;
	/* Payloads move up behind each other, so that one read is one write to the recorder. */
	while ((r = websocket_next(&relay->websocket, bytes, len, &used, &piece)) > 0) {
		if (piece.opcode == WEBSOCKET_BINARY) {
			memmove(bytes + gathered, piece.bytes, piece.len);
			gathered += piece.len;
		} else if (piece.opcode == WEBSOCKET_PING && !relay->closing) {
			answer_ping(connection, &piece);
		} else if (piece.opcode == WEBSOCKET_CLOSE) {
			break;
		}
		if (connection->state == CONNECTION_CLOSED)
			return;
	}
	forward(connection, bytes, gathered);
	if (connection->state == CONNECTION_CLOSED)
		return;
	if (r > 0) {
		closed(connection, piece.code);
	} else if (r < 0) {
		relay->websocket.closed = true; /* nothing more of it can be understood */
		relay_end(connection, (enum websocket_code) - r);
		connection->swallow = true;
		connection_last(connection);
	}
}
