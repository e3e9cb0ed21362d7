/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/syslog.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "witness/tls.h"

#define PORT_TCP 514
#define PORT_TLS 6514

static void on_socket(void *context, uint32_t events);
static void write_batch(struct syslog *syslog, struct outlet *outlet);

int syslog_init(struct syslog *syslog, const char *where, bool cef, const char *authorities)
{
	char name[MESSAGE_HOST_SIZE] = "";

	*syslog = (struct syslog){ .fd = -1, .cef = cef };
	gethostname(name, sizeof name - 1);
	message_host(name, syslog->host);
	if (strncmp(where, "tcp://", 6) == 0)
		return lookup_parse(where, "tcp://", PORT_TCP, &syslog->lookup);
	int r = lookup_parse(where, "tls://", PORT_TLS, &syslog->lookup);
	return r < 0 ? r : tls_client(authorities, &syslog->tls);
}

static void drop(struct syslog *syslog)
{
	watch_remove(STEAL(syslog->watch));
	timer_cancel(STEAL(syslog->timer));
	SSL_free(STEAL(syslog->session));
	fd_closep(&syslog->fd);
	syslog->stage = SYSLOG_CLOSED;
	syslog->written = 0;
}

#define FAIL(syslog, outlet, ...)                                                                  \
	do {                                                                                       \
		drop(syslog);                                                                      \
		outlet_failed(outlet, __VA_ARGS__);                                                \
	} while (0)

/* ---- the connection ---- */

static void on_connect_late(void *context)
{
	struct outlet *outlet = context;
	struct syslog *syslog = outlet->self;

	syslog->timer = NULL;
	FAIL(syslog, outlet, "%s: no answer in time", syslog->lookup.host);
}

static int begin_connect(struct syslog *syslog, const struct sockaddr_storage *to)
{
	socklen_t len = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in);
	int on = 1;

	syslog->fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (syslog->fd < 0)
		return -ERR_SYSTEM;
	setsockopt(syslog->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(syslog->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (connect(syslog->fd, (const struct sockaddr *)to, len) < 0 && errno != EINPROGRESS)
		return -ERR_SYSTEM;
	return 0;
}

static void start(struct syslog *syslog, struct outlet *outlet)
{
	struct loop *loop = outlet->host->loop;

	if (syslog->lookup.count == 0) {
		outlet_failed(outlet, "%s: no address", syslog->lookup.host);
		return;
	}
	syslog->stage = SYSLOG_CONNECTING;
	unsigned address = syslog->address++ % syslog->lookup.count;
	if (begin_connect(syslog, &syslog->lookup.addresses[address]) < 0 ||
		loop_watch(loop, syslog->fd, EPOLLOUT, on_socket, outlet, &syslog->watch) < 0 ||
		loop_after(loop, SYSLOG_CONNECT_MS, on_connect_late, outlet, &syslog->timer) < 0)
		FAIL(syslog, outlet, "%s: %s", syslog->lookup.host, strerror(errno));
}

static void opened(struct syslog *syslog, struct outlet *outlet)
{
	syslog->stage = SYSLOG_OPEN;
	timer_cancel(STEAL(syslog->timer));
	write_batch(syslog, outlet);
}

static void shake_hands(struct syslog *syslog, struct outlet *outlet)
{
	char why[WITNESS_WHY_SIZE];

	ERR_clear_error(); /* what an older call left would be taken for this one's */
	int r = SSL_do_handshake(syslog->session);

	if (r == 1) {
		opened(syslog, outlet);
		return;
	}
	switch (SSL_get_error(syslog->session, r)) {
	case SSL_ERROR_WANT_READ:
		watch_set(syslog->watch, EPOLLIN);
		return;
	case SSL_ERROR_WANT_WRITE:
		watch_set(syslog->watch, EPOLLOUT);
		return;
	default:
		tls_why(syslog->session, why);
		FAIL(syslog, outlet, "%s", why);
	}
}

static void connected(struct syslog *syslog, struct outlet *outlet)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(syslog->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0) {
		FAIL(syslog, outlet, "%s: %s", syslog->lookup.host, strerror(error));
	} else if (syslog->tls == NULL) {
		opened(syslog, outlet);
	} else if (tls_session(syslog->tls, syslog->lookup.host, syslog->lookup.literal, syslog->fd,
			   &syslog->session) < 0) {
		FAIL(syslog, outlet, "TLS cannot be begun");
	} else {
		syslog->stage = SYSLOG_HANDSHAKE;
		shake_hands(syslog, outlet);
	}
}

/* ---- a batch ---- */

/* The receiver's machine has it when nothing of ours is unacknowledged. */
static void on_poll(void *context)
{
	struct outlet *outlet = context;
	struct syslog *syslog = outlet->self;
	int waiting = 0;

	syslog->timer = NULL;
	if (ioctl(syslog->fd, TIOCOUTQ, &waiting) < 0) {
		FAIL(syslog, outlet, "%s: %s", syslog->lookup.host, strerror(errno));
	} else if (waiting == 0) {
		syslog->written = 0;
		outlet_took(outlet);
	} else if (clock_monotonic_ms() > syslog->deadline ||
		   loop_after(outlet->host->loop, SYSLOG_POLL_MS, on_poll, outlet, &syslog->timer) <
			   0) {
		FAIL(syslog, outlet, "%s: takes nothing", syslog->lookup.host);
	}
}

static void on_take_late(void *context)
{
	struct outlet *outlet = context;
	struct syslog *syslog = outlet->self;

	syslog->timer = NULL;
	FAIL(syslog, outlet, "%s: takes nothing", syslog->lookup.host);
}

/* Bytes written, 0: not now, or -1. */
static ssize_t put(struct syslog *syslog, const uint8_t *bytes, size_t len)
{
	if (syslog->session == NULL) {
		ssize_t done = send(syslog->fd, bytes, len, MSG_NOSIGNAL);
		return done < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : done;
	}
	ERR_clear_error();
	int done = SSL_write(syslog->session, bytes, (int)MIN(len, (size_t)16384));
	if (done > 0)
		return done;
	int error = SSL_get_error(syslog->session, done);
	return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ ? 0 : -1;
}

static void write_rest(struct syslog *syslog, struct outlet *outlet)
{
	struct buf *batch = &outlet->batch;

	while (syslog->written < batch->len) {
		ssize_t done =
			put(syslog, batch->data + syslog->written, batch->len - syslog->written);
		if (done < 0) {
			FAIL(syslog, outlet, "%s: the connection broke", syslog->lookup.host);
			return;
		}
		if (done == 0) {
			watch_set(syslog->watch, EPOLLIN | EPOLLOUT);
			return;
		}
		syslog->written += (size_t)done;
	}
	watch_set(syslog->watch, EPOLLIN);
	timer_cancel(STEAL(syslog->timer));
	on_poll(outlet);
}

static void write_batch(struct syslog *syslog, struct outlet *outlet)
{
	syslog->deadline = clock_monotonic_ms() + SYSLOG_TAKE_MS;
	if (loop_after(outlet->host->loop, SYSLOG_TAKE_MS, on_take_late, outlet, &syslog->timer) <
		0)
		FAIL(syslog, outlet, "no memory");
	else
		write_rest(syslog, outlet);
}

/* A receiver has nothing to say: what comes is the end, or the housekeeping of TLS. */
static bool is_over(struct syslog *syslog)
{
	char nothing[256];

	if (syslog->session == NULL) {
		ssize_t got = recv(syslog->fd, nothing, sizeof nothing, 0);
		return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
	}
	ERR_clear_error();
	int got = SSL_read(syslog->session, nothing, sizeof nothing);
	if (got > 0)
		return false;
	int error = SSL_get_error(syslog->session, got);
	return error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}

static void on_socket(void *context, uint32_t events)
{
	struct outlet *outlet = context;
	struct syslog *syslog = outlet->self;

	if (syslog->stage == SYSLOG_CONNECTING) {
		connected(syslog, outlet);
	} else if (syslog->stage == SYSLOG_HANDSHAKE) {
		shake_hands(syslog, outlet);
	} else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && is_over(syslog)) {
		FAIL(syslog, outlet, "%s: closed the connection", syslog->lookup.host);
	} else if ((events & EPOLLOUT) != 0) {
		write_rest(syslog, outlet);
	}
}

/* ---- the outlet ---- */

static void syslog_send(struct outlet *outlet)
{
	struct syslog *syslog = outlet->self;

	if (syslog->stage == SYSLOG_OPEN)
		write_batch(syslog, outlet);
	else if (syslog->stage == SYSLOG_CLOSED)
		start(syslog, outlet);
}

static void syslog_look(struct outlet *outlet)
{
	(void)outlet; /* the socket says by itself what there is to say */
}

static void syslog_close(struct outlet *outlet)
{
	struct syslog *syslog = outlet->self;

	if (syslog->session != NULL && syslog->stage == SYSLOG_OPEN)
		SSL_shutdown(syslog->session);
	drop(syslog);
	SSL_CTX_free(STEAL(syslog->tls));
}

static int syslog_write(struct outlet *outlet, const struct line *line, struct buf *out)
{
	const struct syslog *syslog = outlet->self;

	return message_write(out, line, syslog->host, syslog->cef);
}

const struct outlet_kind syslog_kind = {
	.send = syslog_send,
	.look = syslog_look,
	.close = syslog_close,
	.write = syslog_write,
};
