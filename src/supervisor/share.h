/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Who gets the processor when there is not enough for all. Where a control group is ours to divide
 * (cgroup v2: systemd's Delegate=yes, or a container of our own), it has three parts:
 *
 *	gateway		front, broker, vault, recorder		weight 400
 *	sessions	the supervisor, and the workers born of it	100
 *	heavy		workers that take all they can get		 10
 *
 * Elsewhere workers are born nicer than the others, and heavy ones become as nice as can be. A
 * worker is heavy when it took four fifths of a processor for ten seconds, and light again when it
 * took less than half of one for five.
 */
struct supervisor;
struct worker;

struct share {
	bool divided;                 /* there are groups */
	int gateway, sessions, heavy; /* cgroup.procs of each */
	uint64_t looked_at;           /* clock_monotonic_ms() of the last look */
};

/* What a look keeps of a worker. */
struct appetite {
	uint64_t used;   /* nanoseconds of processor time at the last look */
	unsigned hungry; /* looks in a row at which it took nearly all there was */
	bool heavy;
};

/* Finds and divides our group. Never fails: without one, niceness has to do, and the log says so.
 */
void share_open(struct share *share);
void share_close(struct share *share);
void share_service(const struct share *share, pid_t pid); /* a service was born: to its part */
/* Looks at every worker from now on, as long as there is one. */
void share_watch(struct supervisor *supervisor);
