/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/mem.h"

#define TARGET_UNANSWERED_MS 120000 /* unacknowledged data until a dead target is given up */

struct dial {
	struct watch *watch;
	struct timer *timer;
	int fd;
	int failed; /* known before the loop could say it */
	struct dial_own own;
	dial_fn *fn;
	void *context;
};

static void dial_free(struct dial *dial)
{
	watch_remove(STEAL(dial->watch));
	timer_cancel(STEAL(dial->timer));
	fd_closep(&dial->fd);
	free(dial);
}

void dial_cancel(struct dial *dial)
{
	if (dial != NULL)
		dial_free(dial);
}

static void dial_finish(struct dial *dial, int r)
{
	dial_fn *fn = dial->fn;
	void *context = dial->context;

	watch_remove(STEAL(dial->watch));
	int fd = r == 0 ? STEAL_FD(dial->fd) : -1;
	dial_free(dial);
	fn(context, r, fd);
}

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
	"both families have it in one place");

static uint16_t port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in in;

	memcpy(&in, address, sizeof in);
	return ntohs(in.sin_port);
}

/* Judged by the connected socket, not by what was asked for. */
static int peer_check(const struct dial *dial)
{
	struct sockaddr_storage there = { 0 }, here = { 0 };
	socklen_t there_len = sizeof there, here_len = sizeof here;
	struct address peer, self;

	if (getpeername(dial->fd, (struct sockaddr *)&there, &there_len) < 0 ||
		getsockname(dial->fd, (struct sockaddr *)&here, &here_len) < 0 ||
		address_from_sockaddr(&peer, (struct sockaddr *)&there) < 0)
		return -ERR_TARGET_UNREACHABLE;
	int r = address_from_sockaddr(&self, (struct sockaddr *)&here);
	assert(r == 0); /* both ends are of one family */
	if (address_forbidden(&peer))
		return -ERR_ADDRESS_FORBIDDEN;
	if (port_of(&there) != dial->own.port)
		return 0;
	/* Talking to an address of this host: both ends are the same one. */
	if (address_equal(&peer, &dial->own.address) || address_equal(&peer, &self))
		return -ERR_ADDRESS_FORBIDDEN;
	return 0;
}

static void on_ready(void *context, uint32_t events)
{
	struct dial *dial = context;
	int error = 0;
	socklen_t len = sizeof error;

	(void)events;
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0)
		dial_finish(
			dial, error == ETIMEDOUT ? -ERR_TARGET_SILENT : -ERR_TARGET_UNREACHABLE);
	else
		dial_finish(dial, peer_check(dial));
}

static void on_time(void *context)
{
	struct dial *dial = context;

	dial->timer = NULL;
	dial_finish(dial, dial->failed != 0 ? dial->failed : -ERR_TARGET_SILENT);
}

static void options_set(int fd)
{
	int yes = 1, ms = TARGET_UNANSWERED_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

/* 0: under way. */
static int connect_begin(struct dial *dial, const struct address *address, uint16_t port)
{
	struct sockaddr_storage sockaddr;
	socklen_t len = address_to_sockaddr(address, port, &sockaddr);

	if (address_forbidden(address)) /* "none" is */
		return -ERR_ADDRESS_FORBIDDEN;
	dial->fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dial->fd < 0)
		return -ERR_TARGET_UNREACHABLE;
	options_set(dial->fd);
	if (connect(dial->fd, (struct sockaddr *)&sockaddr, len) < 0 && errno != EINPROGRESS)
		return -ERR_TARGET_UNREACHABLE;
	return 0;
}

int dial_start(struct loop *loop, const struct address *address, uint16_t port, unsigned ms,
	const struct dial_own *own, dial_fn *fn, void *context, struct dial **ret_dial)
{
	struct dial *dial = calloc(1, sizeof *dial);

	if (dial == NULL)
		return -ERR_SYSTEM;
	*dial = (struct dial){ .fd = -1, .own = *own, .fn = fn, .context = context };
	dial->failed = connect_begin(dial, address, port);
	int r = loop_after(loop, dial->failed != 0 ? 0 : ms, on_time, dial, &dial->timer);
	if (r == 0 && dial->failed == 0)
		r = loop_watch(loop, dial->fd, EPOLLOUT, on_ready, dial, &dial->watch);
	if (r < 0) {
		dial_free(dial);
		return r;
	}
	*ret_dial = dial;
	return 0;
}

struct dial_own dial_own_from(const char *listen)
{
	struct dial_own own = { 0 };
	char host[ADDRESS_SIZE];
	const char *colon = strrchr(listen, ':');

	if (colon == NULL)
		return own;
	own.port = (uint16_t)strtoul(colon + 1, NULL, 10);
	size_t skip = listen[0] == '[' ? 1 : 0;
	size_t len = (size_t)(colon - listen) - 2 * skip;
	if ((size_t)(colon - listen) < 2 * skip ||
		text_copy_len(host, sizeof host, listen + skip, len) < 0 ||
		address_parse(&own.address, host) < 0)
		own.address.family = 0;
	return own;
}
