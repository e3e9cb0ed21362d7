/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dial.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

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
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
