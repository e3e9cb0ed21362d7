/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire/format.h"

#define PROGRAMS_MAX 32
#define PROGRAM_NAME_SIZE 64
#define PROGRAM_PREFIX "sallyport-"

/*
 * The executables of one generation, open: a process that died is started again from the same one,
 * whatever was put in its place on disk meanwhile.
 */
struct programs {
	unsigned count;
	struct program {
		char name[PROGRAM_NAME_SIZE];
		int fd;
	} rows[PROGRAMS_MAX];
};

/* All of ours that lie in the directory. -ERR_SYSTEM, -ERR_FULL and words. */
int programs_open(struct programs *programs, const char *directory, char complaint[REASON_SIZE]);
void programs_close(struct programs *programs);
int program_find(const struct programs *programs, const char *name); /* stays theirs; -1 */
/*
 * The wire format that all of them speak. -ERR_MALFORMED and words: they do not belong together, or
 * one is no executable of ours.
 */
int programs_format(const struct programs *programs, char ret_format[WIRE_FORMAT_SIZE],
	char complaint[REASON_SIZE]);
