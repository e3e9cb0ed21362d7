/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/limits.h"
#include "base/mem.h"

/* Its newline, and one to see that there is more. */
#define ROOM (SECRET_MAX + 2)

struct intake {
	int fd;
	bool strip_newline, always_ready;
	struct watch *watch;
	struct timer *deadline; /* for a file: the moment to read it */
	intake_fn *fn;
	void *context;
	char *bytes; /* ROOM of them, guarded */
	size_t len;
};

void intake_destroy(struct intake *intake)
{
	if (intake == NULL)
		return;
	watch_remove(intake->watch);
	timer_cancel(intake->deadline);
	fd_closep(&intake->fd);
	guarded_destroy(intake->bytes);
	free(intake);
}

static int secret_from(const struct intake *intake, struct secret **ret_secret)
{
	size_t len = intake->len;
	if (intake->strip_newline && len > 0 && intake->bytes[len - 1] == '\n')
		len--;
	if (len == 0)
		return -ERR_PARAMETER_INVALID;
	if (len > SECRET_MAX)
		return -ERR_TOO_LARGE;
	*ret_secret = secret_create(intake->bytes, len);
	return *ret_secret == NULL ? -ERR_SYSTEM : 0;
}

static void intake_done(struct intake *intake, int r)
{
	struct secret *secret = NULL;
	intake_fn *fn = intake->fn;
	void *context = intake->context;
	if (r == 0)
		r = secret_from(intake, &secret);
	intake_destroy(intake);
	fn(context, r, secret);
}

/* 1 at the end, 0 when there may be more later. */
static int intake_read(struct intake *intake)
{
	while (intake->len < ROOM) {
		ssize_t n = read(intake->fd, intake->bytes + intake->len, ROOM - intake->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -ERR_CLOSED;
		if (n == 0)
			return 1;
		intake->len += (size_t)n;
	}
	return -ERR_TOO_LARGE;
}

static void on_readable(void *context, uint32_t events)
{
	struct intake *intake = context;
	int r = intake_read(intake);
	if (r != 0)
		intake_done(intake, r < 0 ? r : 0);
}

static void on_deadline(void *context)
{
	struct intake *intake = context;
	intake->deadline = NULL;
	if (!intake->always_ready) {
		intake_done(intake, -ERR_TIMED_OUT);
		return;
	}
	int r = intake_read(intake);
	intake_done(intake, r < 0 ? r : 0);
}

/* A read must never wait. Terminals are not taken: their flags are shared with a person's shell. */
static int prepare(int fd, bool *ret_file)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -ERR_MALFORMED;
	*ret_file = S_ISREG(status.st_mode);
	if (*ret_file)
		return 0;
	if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode))
		return -ERR_MALFORMED;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -ERR_SYSTEM;
	return 0;
}

static int intake_begin(struct intake *intake, struct loop *loop)
{
	int r = prepare(intake->fd, &intake->always_ready);
	if (r == 0)
		intake->bytes = guarded_create(ROOM);
	if (r == 0 && intake->bytes == NULL)
		r = -ERR_SYSTEM;
	if (r == 0 && !intake->always_ready)
		r = loop_watch(loop, intake->fd, EPOLLIN, on_readable, intake, &intake->watch);
	if (r == 0)
		r = loop_after(loop, intake->always_ready ? 0 : INTAKE_MS, on_deadline, intake,
			&intake->deadline);
	return r;
}

int intake_create(struct loop *loop, int fd, bool strip_newline, intake_fn *fn, void *context,
	struct intake **ret_intake)
{
	struct intake *intake = calloc(1, sizeof *intake);
	if (intake == NULL) {
		close(fd);
		return -ERR_SYSTEM;
	}
	*intake = (struct intake){
		.fd = fd, .strip_newline = strip_newline, .fn = fn, .context = context
	};
	int r = intake_begin(intake, loop);
	if (r < 0) {
		intake_destroy(intake);
		return r;
	}
	*ret_intake = intake;
	return 0;
}

int intake_pour(int fd, const void *bytes, size_t len)
{
	bool file;
	int r = prepare(fd, &file);
	if (r < 0)
		return r;
	ssize_t n;
	do {
		n = write(fd, bytes, len);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : -ERR_CLOSED;
}
