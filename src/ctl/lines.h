/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file as lines, however long it is; memory does not grow. */
#define LINES_BUFFER (128 * 1024)

struct lines {
	int fd; /* not owned, read from where it stands */
	char *buffer;
	size_t at, len;
	bool eof;
	uint64_t passed; /* bytes of the file before `at` */
	uint64_t number; /* of the line that was given last, from 1 */
};

struct lines_line {
	const char *text; /* without its newline; valid until the next call */
	size_t len;
	uint64_t offset;
	bool whole; /* ends with a newline; one that is too long is not, and has no text */
};

int lines_init(struct lines *lines, int fd); /* -ERR_SYSTEM */
void lines_finish(struct lines *lines);
int lines_next(struct lines *lines, struct lines_line *ret_line); /* 1, 0 at the end, -ERR_SYSTEM */
