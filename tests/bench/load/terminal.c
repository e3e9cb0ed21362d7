/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIELDS_MAX 64

const char prompt[] = "[bench]$ ";

struct terminal *terminal_create(char *line)
{
	struct terminal *terminal = calloc(1, sizeof *terminal);
	char **fields = calloc(FIELDS_MAX + 1, sizeof *fields), *rest = strdup(line);
	size_t count = 0;

	if (terminal == NULL || fields == NULL || rest == NULL)
		die("out of memory");
	while (count < FIELDS_MAX && (fields[count] = strsep(&rest, "\t")) != NULL)
		count++;
	terminal->fd = terminal->in = -1;
	terminal->arguments = fields;
	if (strcmp(fields[0], "page") == 0 && count == 4)
		terminal->page = page_create(fields);
	else if (strcmp(fields[0], "ssh") != 0)
		die("not a terminal: %s", fields[0]);
	return terminal;
}

static void begin_ssh(struct terminal *terminal)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	terminal->pid = vfork();
	if (terminal->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* however this program ends */
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp("ssh", terminal->arguments);
		_exit(127);
	}
	if (terminal->pid < 0)
		die("fork: %s", strerror(errno));
	close(in[0]);
	close(out[1]);
	terminal->in = in[1];
	terminal->fd = out[0];
	fcntl(terminal->fd, F_SETFL, O_NONBLOCK);
}

void terminal_begin(struct terminal *terminal)
{
	terminal->began_us = now_us();
	if (terminal->page != NULL)
		page_begin(terminal);
	else
		begin_ssh(terminal);
}

void terminal_close(struct terminal *terminal)
{
	if (terminal->page != NULL) {
		page_destroy(terminal->page);
		return;
	}
	close(terminal->in);
	close(terminal->fd);
	if (terminal->pid > 0) {
		kill(terminal->pid, SIGTERM);
		waitpid(terminal->pid, NULL, 0);
	}
}

static size_t read_ssh(struct terminal *terminal, size_t most)
{
	static uint8_t bytes[READ_PIECE];
	ssize_t got = read(terminal->fd, bytes, most < sizeof bytes ? most : sizeof bytes);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		terminal->ended = true;
		return 0;
	}
	terminal_text(terminal, bytes, (size_t)got);
	return (size_t)got;
}

size_t terminal_read(struct terminal *terminal, size_t most)
{
	return terminal->page != NULL ? page_read(terminal, most) : read_ssh(terminal, most);
}

void terminal_type(struct terminal *terminal, const void *bytes, size_t len)
{
	if (terminal->page != NULL)
		page_type(terminal, bytes, len);
	else if (write(terminal->in, bytes, len) != (ssize_t)len)
		terminal->ended = true;
}

void terminal_text(struct terminal *terminal, const uint8_t *bytes, size_t len)
{
	size_t keep;

	terminal->bytes += len;
	if (len >= TAIL_SIZE) {
		bytes += len - TAIL_SIZE;
		len = TAIL_SIZE;
	}
	keep = TAIL_SIZE - len < terminal->tail_len ? TAIL_SIZE - len : terminal->tail_len;
	memmove(terminal->tail, terminal->tail + terminal->tail_len - keep, keep);
	memcpy(terminal->tail + keep, bytes, len);
	terminal->tail_len = keep + len;
}

bool terminal_ends_with(const struct terminal *terminal, const char *words)
{
	size_t len = strlen(words);

	return terminal->tail_len >= len &&
	       memcmp(terminal->tail + terminal->tail_len - len, words, len) == 0;
}

void terminal_forget(struct terminal *terminal)
{
	terminal->tail_len = 0;
}

bool terminal_wait(struct terminal *terminal, int ms)
{
	struct pollfd wait = { terminal->fd, POLLIN, 0 };

	return poll(&wait, 1, ms) > 0;
}

void terminal_until(struct terminal *terminal, const char *words, int seconds)
{
	uint64_t end = now_us() + (uint64_t)seconds * 1000000;

	while (!terminal_ends_with(terminal, words)) {
		if (terminal_read(terminal, READ_PIECE) > 0)
			continue;
		if (terminal->ended)
			die("ended before \"%s\": %.*s", words, (int)terminal->tail_len,
				terminal->tail);
		if (!terminal_wait(terminal, 1000) && now_us() > end)
			die("no \"%s\" after %d s: %.*s", words, seconds, (int)terminal->tail_len,
				terminal->tail);
	}
}

struct terminal *terminal_only(void)
{
	static char line[8192];
	struct terminal *terminal;

	if (fgets(line, sizeof line, stdin) == NULL)
		die("no terminal on standard input");
	line[strcspn(line, "\n")] = '\0';
	terminal = terminal_create(line);
	terminal_begin(terminal);
	terminal_until(terminal, prompt, OPEN_SECONDS);
	return terminal;
}
