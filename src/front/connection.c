/* SPDX-License-Identifier: Apache-2.0 */
#include "front/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "front/front.h"
#include "front/question.h"
#include "front/relay.h"
#include "front/request.h"

#define READ_BURST 16           /* records taken from one client before others get their turn */
#define LINGER_BYTES_MAX 262144 /* that a client may still send after our last byte */

static void on_event(void *context, uint32_t events);

static void link_in(struct connection *connection)
{
	struct front *front = connection->front;
	connection->next = front->connections;
	if (connection->next)
		connection->next->previous = connection;
	front->connections = connection;
	front->connection_count++;
}

static void link_out(struct connection *connection)
{
	struct front *front = connection->front;
	if (connection->next)
		connection->next->previous = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		front->connections = connection->next;
	front->connection_count--;
}

int connection_open(struct front *front, int fd, const struct address *peer)
{
	CLEANUP(fd_closep) int owned = fd;
	int r = crowd_join(front->crowd, peer);
	if (r < 0)
		return r;
	struct connection *connection = calloc(1, sizeof *connection);
	SSL *tls = connection ? SSL_new(front->tls) : NULL;
	if (!tls || SSL_set_fd(tls, fd) != 1 ||
		loop_watch(front->loop, fd, EPOLLIN, on_event, connection, &connection->watch) <
			0) {
		SSL_free(tls);
		free(connection);
		crowd_leave(front->crowd, peer);
		return -ERR_SYSTEM;
	}
	connection->front = front;
	connection->tls = tls;
	connection->fd = STEAL_FD(owned);
	connection->peer = *peer;
	connection->in.max = CONNECTION_IN_MAX;
	connection->out.max = CONNECTION_OUT_MAX;
	connection->deadline = clock_monotonic_ms() + HANDSHAKE_MS;
	link_in(connection);
	return 0;
}

/* What unfinished business holds, for the ceiling on all of it. */
static void account(struct connection *connection)
{
	size_t holds = connection->in.cap + connection->out.cap;
	connection->front->held += holds - connection->held;
	connection->held = holds;
}

void connection_close(struct connection *connection)
{
	struct front *front = connection->front;
	if (connection->state == CONNECTION_CLOSED)
		return;
	connection->state = CONNECTION_CLOSED;
	question_drop(connection);
	relay_destroy(STEAL(connection->relay));
	watch_remove(STEAL(connection->watch));
	SSL_free(STEAL(connection->tls));
	fd_closep(&connection->fd);
	buf_finish(&connection->in);
	buf_finish(&connection->out);
	account(connection);
	crowd_leave(front->crowd, &connection->peer);
	link_out(connection);
	connection->next = front->buried;
	front->buried = connection;
}

/* Callers up the stack still hold what was closed below them: freed when the turn is over. */
void connection_bury(struct front *front)
{
	struct connection **at = &front->again;
	while (*at)
		if ((*at)->state == CONNECTION_CLOSED)
			*at = (*at)->next_again;
		else
			at = &(*at)->next_again;
	while (front->buried) {
		struct connection *connection = front->buried;
		front->buried = connection->next;
		free(connection);
	}
}

static bool wants_read(const struct connection *connection)
{
	switch (connection->state) {
	case CONNECTION_HANDSHAKE:
	case CONNECTION_LINGER:
		return true;
	case CONNECTION_REQUEST:
		return connection->out.len == 0;
	case CONNECTION_WAITING:
		return connection->in.len == 0 && !connection->half_closed;
	case CONNECTION_PROOF:
	case CONNECTION_RELAY:
		return relay_wants_input(connection->relay);
	default:
		return false;
	}
}

static void update(struct connection *connection)
{
	uint32_t events = connection->tls_wants;
	if (connection->state == CONNECTION_CLOSED)
		return;
	account(connection);
	if (wants_read(connection) && !(connection->state == CONNECTION_HANDSHAKE && events))
		events |= EPOLLIN;
	if (connection->out.len > 0)
		events |= EPOLLOUT;
	watch_set(connection->watch, events);
}

static void read_again(struct connection *connection)
{
	struct front *front = connection->front;
	if (connection->again)
		return;
	connection->again = true;
	connection->next_again = front->again;
	front->again = connection;
	front_again(front);
}

void connection_resume(struct connection *connection)
{
	if (connection->state == CONNECTION_REQUEST && connection->in.len > 0 &&
		connection->out.len == 0)
		request_pump(connection);
	if ((connection->state == CONNECTION_PROOF || connection->state == CONNECTION_RELAY) &&
		connection->in.len > 0) {
		struct buf early = connection->in;
		connection->in = BUF(CONNECTION_IN_MAX);
		relay_take(connection, early.data, early.len);
		buf_finish(&early);
	}
	if (connection->state == CONNECTION_CLOSED)
		return;
	if (connection->state != CONNECTION_LINGER && wants_read(connection) &&
		SSL_has_pending(connection->tls))
		read_again(connection);
	update(connection);
}

/* Everything is sent. */
static void say_goodbye(struct connection *connection)
{
	tls_goodbye(connection->tls);
	if (!connection->swallow) {
		connection_close(connection);
		return;
	}
	/* Closing now would reset the connection and with it our answer, were bytes still unread.
	 */
	shutdown(connection->fd, SHUT_WR);
	connection->state = CONNECTION_LINGER;
	connection->deadline = clock_monotonic_ms() + LINGER_MS;
	connection->body_len = 0;
}

void connection_last(struct connection *connection)
{
	if (connection->state == CONNECTION_CLOSED || connection->state == CONNECTION_LINGER)
		return;
	connection->state = CONNECTION_LAST;
	connection->deadline = 0;
	if (connection->out.len == 0)
		say_goodbye(connection);
}

static void linger(struct connection *connection)
{
	struct front *front = connection->front;
	ssize_t got = recv(connection->fd, front->scratch, sizeof front->scratch, MSG_DONTWAIT);
	if (got > 0)
		connection->body_len += (uint32_t)got;
	if (got <= 0 || connection->body_len > LINGER_BYTES_MAX)
		connection_close(connection);
}

/* Writes as much as goes. Bytes written, or negative: the connection is closed. */
static ssize_t write_some(struct connection *connection, const uint8_t *bytes, size_t len)
{
	size_t done = 0;
	while (done < len) {
		uint32_t wants = 0;
		int n = tls_write(connection->tls, bytes + done, len - done, &wants);
		if (n == -ERR_AGAIN) {
			connection->tls_wants |= (uint8_t)(wants & EPOLLIN);
			break;
		}
		if (n < 0) {
			connection_close(connection);
			return n;
		}
		done += (size_t)n;
	}
	return (ssize_t)done;
}

void connection_send(struct connection *connection, const void *bytes, size_t len)
{
	ssize_t done = 0;
	if (connection->state == CONNECTION_CLOSED || connection->state == CONNECTION_LINGER)
		return;
	if (connection->out.len == 0)
		done = write_some(connection, bytes, len);
	if (done < 0 || (size_t)done == len)
		return;
	bool waits = connection->out.len > 0;
	if (buf_append(&connection->out, (const uint8_t *)bytes + done, len - (size_t)done) < 0) {
		connection_close(connection);
		return;
	}
	if (!waits)
		connection->write_deadline = clock_monotonic_ms() + WRITE_MS;
	watch_set(connection->watch, EPOLLOUT);
}

static void flush(struct connection *connection)
{
	ssize_t done = write_some(connection, connection->out.data, connection->out.len);
	if (done < 0)
		return;
	if (done > 0) {
		buf_consume(&connection->out, (size_t)done);
		connection->write_deadline = clock_monotonic_ms() + WRITE_MS;
	}
	if (connection->out.len > 0)
		return;
	connection->write_deadline = 0;
	if (connection->state == CONNECTION_LAST)
		say_goodbye(connection);
	else if (connection->relay)
		relay_drained(connection);
	else if (connection->asks)
		question_more(connection);
}

/* Bytes in scratch, whoever they are for. */
static void take(struct connection *connection, uint8_t *bytes, size_t len)
{
	switch (connection->state) {
	case CONNECTION_REQUEST:
	case CONNECTION_WAITING:
		request_take(connection, bytes, len);
		break;
	case CONNECTION_PROOF:
	case CONNECTION_RELAY:
		relay_take(connection, bytes, len);
		break;
	default:
		break;
	}
}

/* The client closed its side, in order or not. */
static void ended(struct connection *connection, int why)
{
	if (connection->state == CONNECTION_WAITING && why == -ERR_CLOSED) {
		connection->half_closed = true;
		connection->close_after = true;
		return;
	}
	connection_close(connection);
}

static void read_some(struct connection *connection)
{
	struct front *front = connection->front;
	for (int i = 0; i < READ_BURST && wants_read(connection); i++) {
		uint32_t wants = 0;
		int n = tls_read(connection->tls, front->scratch, sizeof front->scratch, &wants);
		if (n == -ERR_AGAIN) {
			connection->tls_wants |= (uint8_t)(wants & EPOLLOUT);
			return;
		}
		if (n < 0) {
			ended(connection, n);
			return;
		}
		take(connection, front->scratch, (size_t)n);
		if (connection->state == CONNECTION_CLOSED ||
			connection->state == CONNECTION_LINGER || !SSL_has_pending(connection->tls))
			return;
	}
}

/*
 * We say nothing when the handshake is done. A client that does not switch off Nagle's algorithm
 * holds its request back until its last message is acknowledged, which would be after 40 ms.
 */
static void acknowledge(const struct connection *connection)
{
	int on = 1;

	setsockopt(connection->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void shake_hands(struct connection *connection)
{
	uint32_t wants = 0;
	int r = tls_handshake(connection->tls, &wants);
	if (r == -ERR_AGAIN) {
		connection->tls_wants = (uint8_t)wants;
		return;
	}
	if (r < 0) {
		connection_close(connection);
		return;
	}
	connection->state = CONNECTION_REQUEST;
	connection->deadline = clock_monotonic_ms() + HEAD_MS;
	read_some(connection);
	if (connection->state == CONNECTION_REQUEST && connection->in.len == 0)
		acknowledge(connection);
}

static void on_event(void *context, uint32_t events)
{
	struct connection *connection = context;
	bool readable = events & (EPOLLIN | EPOLLHUP | EPOLLERR);
	uint8_t wanted = connection->tls_wants;
	connection->tls_wants = 0;
	if (connection->state == CONNECTION_HANDSHAKE) {
		shake_hands(connection);
	} else if (connection->state == CONNECTION_LINGER) {
		linger(connection);
	} else if ((events & (EPOLLHUP | EPOLLERR)) && !wants_read(connection)) {
		connection_close(connection); /* nobody is there to take the answer */
	} else {
		if ((events & EPOLLOUT || wanted & EPOLLIN) && connection->out.len > 0)
			flush(connection);
		if ((readable || wanted & EPOLLOUT) && connection->state != CONNECTION_CLOSED &&
			connection->state != CONNECTION_LINGER)
			read_some(connection);
	}
	connection_resume(connection);
}

void connection_again(struct front *front)
{
	struct connection *connection = STEAL(front->again);
	while (connection) {
		struct connection *next = STEAL(connection->next_again);
		connection->again = false;
		if (connection->state != CONNECTION_CLOSED &&
			connection->state != CONNECTION_LINGER)
			read_some(connection);
		connection_resume(connection);
		connection = next;
	}
}

void connection_timeout(struct connection *connection)
{
	switch (connection->state) {
	case CONNECTION_REQUEST:
		if (connection->in.len > 0)
			connection_refuse(connection, ERR_REQUEST_TIMEOUT);
		else
			connection_last(connection);
		break;
	case CONNECTION_WAITING:
		question_drop(connection);
		if (connection->streaming)
			connection_close(connection);
		else
			connection_error(connection, ERR_TIMED_OUT, NULL);
		break;
	case CONNECTION_PROOF:
	case CONNECTION_RELAY:
		relay_timeout(connection);
		break;
	default:
		connection_close(connection);
	}
	connection_resume(connection);
}
