/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

int lines_init(struct lines *lines, int fd)
{
	*lines = (struct lines){ .fd = fd, .buffer = malloc(LINES_BUFFER) };
	return lines->buffer != NULL ? 0 : -ERR_SYSTEM;
}

void lines_finish(struct lines *lines)
{
	free(lines->buffer);
	*lines = (struct lines){ .fd = -1 };
}

/* Something more behind what is there, or the end of the file. */
static int fill(struct lines *lines)
{
	ssize_t got;

	memmove(lines->buffer, lines->buffer + lines->at, lines->len - lines->at);
	lines->len -= lines->at;
	lines->at = 0;
	do {
		got = read(lines->fd, lines->buffer + lines->len, LINES_BUFFER - lines->len);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -ERR_SYSTEM;
	lines->eof = got == 0;
	lines->len += (size_t)got;
	return 0;
}

static void pass(struct lines *lines, size_t len)
{
	lines->at += len;
	lines->passed += len;
}

static char *find_end(const struct lines *lines)
{
	return memchr(lines->buffer + lines->at, '\n', lines->len - lines->at);
}

/* A line that does not fit: nothing of it is given. */
static int pass_line(struct lines *lines)
{
	char *end;
	int r = 0;

	while ((end = find_end(lines)) == NULL && !lines->eof && r == 0) {
		pass(lines, lines->len - lines->at);
		r = fill(lines);
	}
	pass(lines, end != NULL ? (size_t)(end - (lines->buffer + lines->at)) + 1
				: lines->len - lines->at);
	return r < 0 ? r : 1;
}

static bool room_left(const struct lines *lines)
{
	return lines->len - lines->at < LINES_BUFFER;
}

int lines_next(struct lines *lines, struct lines_line *ret_line)
{
	char *end;
	int r = 0;

	while ((end = find_end(lines)) == NULL && !lines->eof && room_left(lines) && r == 0)
		r = fill(lines);
	if (r < 0)
		return r;
	if (lines->at == lines->len)
		return 0;
	lines->number++;
	ret_line->text = lines->buffer + lines->at;
	ret_line->offset = lines->passed;
	ret_line->whole = end != NULL;
	ret_line->len = (size_t)((end != NULL ? end : lines->buffer + lines->len) - ret_line->text);
	if (end == NULL && !lines->eof) {
		ret_line->len = 0;
		return pass_line(lines);
	}
	pass(lines, ret_line->len + (end != NULL));
	return 1;
}
