/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "witness/outlet.h"

/*
 * A file of JSON lines that is appended to and synced with every batch: the mirror of the trail, or
 * heads alone. When it was renamed, a new one is begun under its name; a mirror's next file begins
 * with a line that says what came before. Half a line at its end, from a crash, is cut off.
 */
struct file {
	int directory; /* owned */
	char name[256];
	int fd; /* -1: to be opened */
	int64_t size;
};

extern const struct outlet_kind file_kind;

/* directory is the file's from here on. */
void file_init(struct file *file, int directory, const char *path);
