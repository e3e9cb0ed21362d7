/* SPDX-License-Identifier: Apache-2.0 */
#include "front/front.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "front/question.h"
#include "front/relay.h"
#include "wire/process.h"

/* A browser's idea of it: scheme and authority in lower case, without path and default port. */
static void set_origin(struct front *front)
{
	static const char scheme[] = "https://", port[] = ":443";
	const char *url = front->settings->gateway_public_url;
	if (strncmp(url, scheme, sizeof scheme - 1) != 0)
		return;
	size_t len = sizeof scheme - 1 + strcspn(url + sizeof scheme - 1, "/?#");
	if (text_copy_len(front->origin, sizeof front->origin, url, len) < 0)
		return;
	for (char *p = front->origin; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	if (len > sizeof port && strcmp(front->origin + len - (sizeof port - 1), port) == 0)
		front->origin[len - (sizeof port - 1)] = '\0';
}

/* Names one call in logs, audit and answers: 16 digits, never the same twice. */
void front_trace(struct front *front, char ret_trace[TRACE_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	front->trace += UINT64_C(0x9e3779b97f4a7c15);
	for (int i = 0; i < TRACE_SIZE - 1; i++)
		ret_trace[i] = digits[front->trace >> (60 - 4 * i) & 15];
	ret_trace[TRACE_SIZE - 1] = '\0';
}

static void end_loop_when_empty(struct front *front)
{
	if (front->stopping && front->connection_count == 0)
		loop_stop(front->loop);
}

static void on_turn(void *context)
{
	struct front *front = context;
	connection_bury(front);
	end_loop_when_empty(front);
}

static void on_again(void *context)
{
	struct front *front = context;
	front->again_timer = NULL;
	connection_again(front);
}

void front_again(struct front *front)
{
	if (!front->again_timer)
		loop_after(front->loop, 0, on_again, front, &front->again_timer);
}

static void watch_listeners(struct front *front, uint32_t events)
{
	for (unsigned i = 0; i < front->listener_count; i++)
		if (front->listeners[i].watch)
			watch_set(front->listeners[i].watch, events);
}

/* Connections get scarce, and this one only waits for its next request. */
static bool idle_when_crowded(
	const struct front *front, const struct connection *connection, uint64_t now)
{
	return front->connection_count > front->connection_most - front->connection_most / 4 &&
	       connection->state == CONNECTION_REQUEST && connection->in.len == 0 &&
	       connection->deadline > now + HEAD_MS &&
	       connection->deadline + IDLE_CROWDED_MS <= now + IDLE_MS;
}

static bool overdue(const struct front *front, const struct connection *connection, uint64_t now)
{
	if (connection->write_deadline && connection->state != CONNECTION_RELAY &&
		connection->write_deadline <= now)
		return true;
	if (idle_when_crowded(front, connection, now))
		return true;
	return connection->deadline && connection->deadline <= now;
}

static void on_sweep(void *context)
{
	struct front *front = context;
	uint64_t now = clock_monotonic_ms();
	front->sweep = NULL;
	for (struct connection *connection = front->connections, *next; connection;
		connection = next) {
		next = connection->next;
		if (!overdue(front, connection, now))
			continue;
		if (connection->write_deadline && connection->write_deadline <= now)
			connection_close(connection); /* takes nothing: there is nobody to tell */
		else
			connection_timeout(connection);
	}
	if (front->titled != front->connection_count || front->stopping)
		process_title("%u connection%s%s", front->connection_count,
			front->connection_count == 1 ? "" : "s",
			front->stopping ? ", retired" : "");
	front->titled = front->connection_count;
	watch_listeners(front, EPOLLIN);
	if (now >= front->ticket_keys_due) {
		tls_renew_tickets(front->tls);
		front->ticket_keys_due = now + TICKET_KEYS_MS;
	}
	loop_after(front->loop, SWEEP_MS, on_sweep, front, &front->sweep);
}

static void accept_failed(struct front *front)
{
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
		return;
	log_warning("front.full", "no more descriptors or memory for connections");
	watch_listeners(front, 0); /* until the next sweep */
}

static void on_connect(void *context, uint32_t events)
{
	struct front *front = context;
	for (unsigned i = 0; i < front->listener_count; i++) {
		for (int n = 0; n < ACCEPT_BURST && front->listeners[i].watch; n++) {
			struct sockaddr_storage from;
			socklen_t from_len = sizeof from;
			struct address peer;
			int fd = accept4(front->listeners[i].fd, (struct sockaddr *)&from,
				&from_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd < 0) {
				accept_failed(front);
				break;
			}
			if (front->connection_count >= front->connection_most ||
				address_from_sockaddr(&peer, (struct sockaddr *)&from) < 0)
				fd_closep(&fd);
			else
				connection_open(front, fd, &peer);
		}
	}
}

/* Options that accepted sockets inherit: answers leave at once, dead clients are noticed. */
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 120000 },
	};
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

int front_listen(struct front *front, int fd)
{
	struct listener *listener = &front->listeners[front->listener_count];
	if (front->listener_count == LISTENERS_MAX)
		return -ERR_FULL;
	set_options(fd);
	int r = loop_watch(front->loop, fd, EPOLLIN, on_connect, front, &listener->watch);
	if (r < 0)
		return r;
	listener->fd = fd;
	front->listener_count++;
	return 0;
}

static void set_aside(struct front *front, struct channel *broker)
{
	unsigned at = 0;
	if (!broker)
		return;
	while (at < BROKERS_MAX - 1 && front->earlier[at])
		at++;
	if (front->earlier[at])
		question_gone(front, front->earlier[at]);
	front->earlier[at] = broker;
	channel_last(broker);
}

void front_broker(struct front *front, int fd, uint32_t generation)
{
	set_aside(front, STEAL(front->broker));
	front->broker_number++;
	if (channel_create(front->loop, fd, PARTY_FRONT, PARTY_BROKER, question_answered,
		    question_gone, front, &front->broker) < 0) {
		log_error("front.broker", "no memory for the channel to the broker");
		fd_closep(&fd);
		return;
	}
	channel_set_generation(front->broker, generation);
}

int front_init(struct front *front, struct loop *loop, const struct settings *settings,
	SSL_CTX *tls, unsigned connection_most)
{
	memset(front, 0, sizeof *front);
	front->loop = loop;
	front->settings = settings;
	front->tls = tls;
	front->connection_most = connection_most;
	front->titled = UINT_MAX;
	front->ticket_keys_due = clock_monotonic_ms() + TICKET_KEYS_MS;
	front->crowd = crowd_create(connection_most / ADDRESS_PART + 1);
	if (!front->crowd)
		return -ERR_SYSTEM;
	random_bytes(&front->trace, sizeof front->trace);
	set_origin(front);
	loop_every_turn(loop, on_turn, front);
	return loop_after(loop, SWEEP_MS, on_sweep, front, &front->sweep);
}

static void close_listeners(struct front *front)
{
	for (unsigned i = 0; i < front->listener_count; i++) {
		watch_remove(STEAL(front->listeners[i].watch));
		fd_closep(&front->listeners[i].fd);
	}
}

void front_finish(struct front *front)
{
	close_listeners(front);
	while (front->connections)
		connection_close(front->connections);
	connection_bury(front);
	timer_cancel(STEAL(front->sweep));
	timer_cancel(STEAL(front->again_timer));
	channel_destroy(STEAL(front->broker));
	for (unsigned i = 0; i < BROKERS_MAX; i++)
		channel_destroy(STEAL(front->earlier[i]));
	crowd_destroy(STEAL(front->crowd));
	form_finish(&front->form);
}

static void on_stop_late(void *context)
{
	struct front *front = context;
	loop_stop(front->loop);
}

/* Nobody new; each connection that is there is told by `part`; the end comes after `ms` at last. */
static void leave(struct front *front, void (*part)(struct connection *), uint64_t ms)
{
	struct timer *late;
	front->stopping = true;
	close_listeners(front);
	for (struct connection *connection = front->connections, *next; connection;
		connection = next) {
		next = connection->next;
		part(connection);
		connection_resume(connection);
	}
	if (loop_after(front->loop, ms, on_stop_late, front, &late) < 0)
		loop_stop(front->loop);
}

static void stop_connection(struct connection *connection)
{
	if (connection->state == CONNECTION_RELAY || connection->state == CONNECTION_PROOF)
		relay_end(connection, WEBSOCKET_AWAY);
	else if (connection->state == CONNECTION_HANDSHAKE ||
		 (connection->state == CONNECTION_REQUEST && connection->in.len == 0))
		connection_close(connection);
}

/* Also in the middle of retiring: then there is no time for what that lets go on. */
void front_stop(struct front *front)
{
	if (front->stopped)
		return;
	front->stopped = true;
	leave(front, stop_connection, STOP_MS);
}

/* One connection of a front that retires; nothing that is under way is cut. */
static void retire_connection(struct connection *connection)
{
	uint64_t idle_until = clock_monotonic_ms() + RETIRE_IDLE_MS;
	switch (connection->state) {
	case CONNECTION_PROOF:
	case CONNECTION_RELAY:
		if (connection->relay->why == 0)
			connection->relay->why = GAP_RENEWED;
		connection_forget(connection); /* a proof that is being looked at */
		relay_end(connection, WEBSOCKET_RESTART);
		break;
	case CONNECTION_WAITING:
		connection->close_after = true;
		break;
	case CONNECTION_REQUEST:
		if (connection->in.len == 0)
			connection->deadline = MIN(connection->deadline, idle_until);
		break;
	default:
		break;
	}
}

void front_retire(struct front *front)
{
	if (!front->stopping)
		leave(front, retire_connection, RETIRE_MS);
}
