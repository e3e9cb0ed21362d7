/* SPDX-License-Identifier: Apache-2.0 */
#include "driver_double.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"

struct driver_double driver_double;

void driver_double_reset(void)
{
	buf_finish(&driver_double.typed);
	secret_destroy(driver_double.secret);
	memset(&driver_double, 0, sizeof driver_double);
	driver_double.typed = BUF(1024 * 1024);
	driver_double.most_input = 1024 * 1024;
	driver_double.wants = EPOLLIN;
}

static int open_session(struct worker *worker, int target, void **ret_session)
{
	driver_double.worker = worker;
	driver_double.target = target;
	*ret_session = &driver_double;
	return 0;
}

static int turn(void *session)
{
	driver_double.turns++;
	if (driver_double.on_turn != NULL)
		driver_double.on_turn(&driver_double);
	return driver_double.turn_result;
}

static int on_secret(void *session, struct secret *secret)
{
	driver_double.secret = secret;
	driver_double.agreed = true;
	return 0;
}

static ssize_t input(void *session, const uint8_t *bytes, size_t len)
{
	size_t taken = MIN(len, (size_t)MAX(driver_double.most_input, (ssize_t)0));

	if (driver_double.most_input < 0)
		return driver_double.most_input;
	driver_double.most_input -= (ssize_t)taken;
	return buf_append(&driver_double.typed, bytes, taken) < 0 ? -1 : (ssize_t)taken;
}

static int resize(void *session, const struct screen *screen)
{
	driver_double.resizes++;
	driver_double.screen = *screen;
	return 0;
}

static int keepalive(void *session)
{
	driver_double.keepalives++;
	return 0;
}

static uint32_t wants(void *session)
{
	return session == NULL ? 0 : driver_double.wants;
}

static void close_session(void *session)
{
	if (session == NULL)
		return;
	driver_double.closed++;
	close(driver_double.target);
}

const struct driver driver = {
	.name = "double",
	.proves_itself = true,
	.open = open_session,
	.turn = turn,
	.secret = on_secret,
	.input = input,
	.resize = resize,
	.keepalive = keepalive,
	.wants = wants,
	.close = close_session,
};
