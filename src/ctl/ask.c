/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/guarded.h"
#include "base/mem.h"
#include "ctl/cli.h"

#define INTERRUPT 3 /* what Ctrl-C is while it sends no signal */

/* One line, a byte at a time: what was typed ahead behind it is the shell's. Length, or -1. */
static int read_line(char *line)
{
	int len = 0;

	for (;;) {
		char c;
		ssize_t n = read(STDIN_FILENO, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || c == INTERRUPT || (n == 0 && len == 0))
			return -1;
		if (n == 0 || c == '\n')
			return len;
		if (len == ASK_SECRET_MAX)
			return -1;
		line[len++] = c;
	}
}

/* Ctrl-C is a character meanwhile: a signal would leave the terminal without its echo. */
static int ask_once(const char *prompt, char *line)
{
	struct termios before, hidden;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -1;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	hidden.c_lflag |= ICANON;
	fputs(prompt, stderr);
	fflush(stderr);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) < 0)
		return -1;
	int len = read_line(line);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return len;
}

static int put_into_pipe(const char *line, int len, int *ret_fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cli_fail("%s", strerror(errno));
	bool whole = write(ends[1], line, (size_t)len) == len; /* a pipe takes more at once */
	close(ends[1]);
	if (!whole) {
		close(ends[0]);
		return cli_fail("%s", strerror(errno));
	}
	*ret_fd = ends[0];
	return CLI_OK;
}

static int ask(const char *prompt, bool twice, char *line, char *again, int *ret_fd)
{
	int len = ask_once(prompt, line);

	if (len <= 0)
		return cli_fail("nothing was given");
	if (twice && (ask_once("Once more: ", again) != len ||
			     !mem_equal_secret(line, again, (size_t)len)))
		return cli_fail("that is not what was typed first");
	return put_into_pipe(line, len, ret_fd);
}

int ask_secret(const char *prompt, int twice, int *ret_fd)
{
	if (!isatty(STDIN_FILENO)) {
		*ret_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return *ret_fd >= 0 ? CLI_OK : cli_fail("standard input: %s", strerror(errno));
	}
	char *line = guarded_create(ASK_SECRET_MAX), *again = guarded_create(ASK_SECRET_MAX);
	int r = line == NULL || again == NULL ? cli_fail("no memory")
					      : ask(prompt, twice, line, again, ret_fd);
	guarded_destroy(line);
	guarded_destroy(again);
	return r;
}
