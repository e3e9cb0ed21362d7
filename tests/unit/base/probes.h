/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The villain: what a worker that was taken over would try (probes.def). */
struct spoils {
	int socket; /* a connected stream socket */
	int file;   /* open for reading */
	void *page; /* 4,096 bytes of its own memory, readable and writable */
	pid_t parent;
};

struct probe {
	const char *class; /* "E1": of what the sandbox has to stop */
	const char *name;
	long (*attempt)(struct spoils spoils); /* negative with errno, or what it got */
	bool reading; /* in a sanitized build an error instead of death will do */
};

extern const struct probe probes[];
extern const unsigned probe_count;
