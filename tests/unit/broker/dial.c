/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

/* What the kernel says is the test's to choose: an error, or whom it connected. */
static int pretended_getpeername(int fd, struct sockaddr *address, socklen_t *len);
static int pretended_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
static int pretended_connect(int fd, const struct sockaddr *address, socklen_t len);
#define getpeername pretended_getpeername
#define getsockopt pretended_getsockopt
#define connect pretended_connect
#include "broker/dial.c"
#undef getpeername
#undef getsockopt
#undef connect

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "failing.h"

static struct {
	const struct sockaddr *peer;
	bool peer_gone;
	int socket_error, getsockopt_error;
	int connect_error; /* -1: connected at once */
} pretended;

static int pretended_getpeername(int fd, struct sockaddr *address, socklen_t *len)
{
	if (pretended.peer_gone) {
		errno = ENOTCONN;
		return -1;
	}
	if (pretended.peer == NULL)
		return getpeername(fd, address, len);
	bool six = pretended.peer->sa_family == AF_INET6;
	*len = six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	memcpy(address, pretended.peer, *len);
	return 0;
}

static int pretended_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	errno = pretended.getsockopt_error;
	if (errno != 0)
		return -1;
	if (pretended.socket_error == 0)
		return getsockopt(fd, level, name, value, len);
	memcpy(value, &pretended.socket_error, sizeof pretended.socket_error);
	return 0;
}

static int pretended_connect(int fd, const struct sockaddr *address, socklen_t len)
{
	int r = connect(fd, address, len);

	if (pretended.connect_error != 0)
		errno = pretended.connect_error;
	return pretended.connect_error == 0 ? r : pretended.connect_error < 0 ? 0 : -1;
}

struct outcome {
	struct loop *loop;
	int calls, r, fd;
};

static void on_outcome(void *context, int r, int fd)
{
	struct outcome *outcome = context;

	outcome->calls++;
	outcome->r = r;
	outcome->fd = fd;
	loop_stop(outcome->loop);
}

static int listen_somewhere(uint16_t *ret_port)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof here;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&here, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
	*ret_port = ntohs(here.sin_port);
	return fd;
}

/* No waiting for more to send, and a target that is gone is noticed. */
static void check_options(int fd)
{
	static const int rows[][3] = { { IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, TARGET_UNANSWERED_MS } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int value = -1;
		socklen_t len = sizeof value;
		assert_int_equal(getsockopt(fd, rows[i][0], rows[i][1], &value, &len), 0);
		assert_int_equal(value, rows[i][2]);
	}
	assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

static int dial(const char *text, uint16_t port, const char *own_text)
{
	struct outcome outcome = { .fd = -1 };
	struct dial_own own = dial_own_from(own_text);
	struct address address;
	struct dial *dialed;

	assert_int_equal(loop_create(&outcome.loop), 0);
	assert_int_equal(address_parse(&address, text), 0);
	assert_int_equal(
		dial_start(outcome.loop, &address, port, 300, &own, on_outcome, &outcome, &dialed),
		0);
	assert_int_equal(outcome.calls, 0); /* never from inside */
	loop_run(outcome.loop);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.fd >= 0, outcome.r == 0);
	if (outcome.r == 0)
		check_options(outcome.fd);
	fd_closep(&outcome.fd);
	loop_destroy(outcome.loop);
	return outcome.r;
}

static void test_outcomes(void **state)
{
	uint16_t port;
	char own[64];
	int listener = listen_somewhere(&port);

	(void)state;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), 0);
	/* ourselves, by name and by "any address" */
	snprintf(own, sizeof own, "127.0.0.1:%u", port);
	assert_int_equal(dial("127.0.0.1", port, own), -ERR_ADDRESS_FORBIDDEN);
	snprintf(own, sizeof own, "0.0.0.0:%u", port);
	assert_int_equal(dial("127.0.0.1", port, own), -ERR_ADDRESS_FORBIDDEN);
	snprintf(own, sizeof own, "[::]:%u", port);
	assert_int_equal(dial("127.0.0.1", port, own), -ERR_ADDRESS_FORBIDDEN);
	close(listener);
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_UNREACHABLE);
	assert_int_equal(dial("169.254.169.254", 80, "127.0.0.1:1"), -ERR_ADDRESS_FORBIDDEN);
	assert_int_equal(dial("224.0.0.1", 80, "127.0.0.1:1"), -ERR_ADDRESS_FORBIDDEN);
	assert_int_equal(dial("0.0.0.0", 80, "127.0.0.1:1"), -ERR_ADDRESS_FORBIDDEN);
}

/* Resolved or redirected as it may be: the connected socket decides. */
static void test_the_peer_decides(void **state)
{
	static const struct {
		const char *peer;
		int r;
	} rows[] = { { "127.0.0.1", -ERR_ADDRESS_FORBIDDEN }, /* us: both ends are one */
		{ "10.1.2.3", 0 }, { "2001:db8::1", 0 }, { "::1", 0 },
		{ "169.254.169.254", -ERR_ADDRESS_FORBIDDEN },
		{ "fe80::1", -ERR_ADDRESS_FORBIDDEN }, { "2001:db8::7", -ERR_ADDRESS_FORBIDDEN } };
	struct sockaddr_storage sockaddr;
	uint16_t port;
	char own[64];
	int listener = listen_somewhere(&port);

	snprintf(own, sizeof own, "[2001:db8::7]:%u", port);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address peer;
		assert_int_equal(address_parse(&peer, rows[i].peer), 0);
		socklen_t len = address_to_sockaddr(&peer, port, &sockaddr);
		assert_true(len > 0);
		pretended.peer = (struct sockaddr *)&sockaddr;
		int r = dial("127.0.0.1", port, own);
		if (r != rows[i].r)
			fail_msg("%s: %d", rows[i].peer, r);
	}
	/* Our own listener under another of this host's addresses. */
	snprintf(own, sizeof own, "192.0.2.1:%u", port);
	pretended.peer = NULL;
	assert_int_equal(dial("127.0.0.1", port, own), -ERR_ADDRESS_FORBIDDEN);
	/* Another port of the address we listen on is somebody else. */
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), 0);
	sockaddr.ss_family = AF_UNIX;
	pretended.peer = (struct sockaddr *)&sockaddr;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_UNREACHABLE);
	pretended.peer = NULL;
	close(listener);
}

static void test_what_the_kernel_says(void **state)
{
	uint16_t port;
	int listener = listen_somewhere(&port);

	pretended.socket_error = ETIMEDOUT;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_SILENT);
	pretended.socket_error = EHOSTUNREACH;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_UNREACHABLE);
	pretended.socket_error = 0;
	pretended.getsockopt_error = EBADF;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_UNREACHABLE);
	pretended.getsockopt_error = 0;
	pretended.connect_error = ENETUNREACH;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_UNREACHABLE);
	pretended.connect_error = -1;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), 0);
	pretended.connect_error = 0;
	pretended.peer_gone = true;
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_UNREACHABLE);
	pretended.peer_gone = false;
	FAILING("socket") {
		int r = dial("127.0.0.1", port, "127.0.0.1:1");
		assert_int_equal(r, failing_struck() ? -ERR_TARGET_UNREACHABLE : 0);
	}
	FAILING("getsockname") {
		int r = dial("127.0.0.1", port, "127.0.0.1:1");
		assert_int_equal(r, failing_struck() ? -ERR_TARGET_UNREACHABLE : 0);
	}
	close(listener);
}

/* Nobody accepts and the kernel's own queue is full: no answer at all. */
static void test_a_silent_target(void **state)
{
	uint16_t port;
	int listener = listen_somewhere(&port), fillers[8];
	struct sockaddr_in there = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	assert_int_equal(listen(listener, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&there, sizeof there);
	}
	assert_int_equal(dial("127.0.0.1", port, "127.0.0.1:1"), -ERR_TARGET_SILENT);
	for (size_t i = 0; i < ARRAY_LEN(fillers); i++)
		close(fillers[i]);
	close(listener);
}

static void test_without_memory(void **state)
{
	struct dial_own own = { 0 };
	struct address address;
	struct loop *loop;
	struct dial *dialed = NULL;
	uint16_t port;
	int listener = listen_somewhere(&port);

	assert_int_equal(address_parse(&address, "127.0.0.1"), 0);
	assert_int_equal(loop_create(&loop), 0);
	FAILING(FAILING_MEMORY) {
		int r = dial_start(loop, &address, port, 300, &own, NULL, NULL, &dialed);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		dial_cancel(STEAL(dialed));
	}
	loop_destroy(loop);
	close(listener);
}

static void test_own(void **state)
{
	struct dial_own own = dial_own_from("[2001:db8::1]:443");
	char text[ADDRESS_SIZE];

	(void)state;
	assert_int_equal(own.port, 443);
	assert_string_equal(address_format(&own.address, text), "2001:db8::1");
	own = dial_own_from("127.0.0.1:8443");
	assert_int_equal(own.port, 8443);
	assert_string_equal(address_format(&own.address, text), "127.0.0.1");
	assert_int_equal(dial_own_from("").port, 0);
	assert_int_equal(dial_own_from(":80").address.family, 0);
	assert_int_equal(dial_own_from("[:80").address.family, 0);
	assert_int_equal(dial_own_from("[]:80").address.family, 0);
	assert_int_equal(dial_own_from("[]:80").port, 80);
	own = dial_own_from("a-name-that-is-longer-than-any-address-could-ever-be-written:80");
	assert_int_equal(own.address.family, 0);
	assert_int_equal(own.port, 80);
}

static void test_cancel(void **state)
{
	struct outcome outcome = { .fd = -1 };
	struct dial_own own = { 0 };
	struct address address;
	struct dial *dialed;
	uint16_t port;
	int listener = listen_somewhere(&port);

	(void)state;
	assert_int_equal(loop_create(&outcome.loop), 0);
	assert_int_equal(address_parse(&address, "127.0.0.1"), 0);
	assert_int_equal(
		dial_start(outcome.loop, &address, port, 300, &own, on_outcome, &outcome, &dialed),
		0);
	dial_cancel(dialed);
	dial_cancel(NULL);
	assert_int_equal(outcome.calls, 0);
	loop_destroy(outcome.loop);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_the_peer_decides),
		cmocka_unit_test(test_what_the_kernel_says),
		cmocka_unit_test(test_a_silent_target),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
