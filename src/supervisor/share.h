/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Who gets the processor when there is not enough for all. Where a control group is ours to divide
 * (cgroup v2: systemd's Delegate=yes, or a container of our own), it has three parts:
 *
 *	gateway		front, broker, vault, recorder, witness	weight 400
 *	sessions	the supervisor, and the workers born of it	100
 *	heavy		workers that take all they can get		 10
 *
 * Elsewhere workers are born nicer than the others, and heavy ones become as nice as can be.
 *
 * Every five seconds each worker is looked at. Hungry is who ran, or waited to run, four fifths of
 * the time. Where the kernel hides who waited (a unit's ProtectProc=): who ran that much, or, when
 * the workers together took half of all processors, half as much as the hungriest. Twice in a row
 * is heavy: for a minute, and twice as long each time it comes to that again.
 */
struct supervisor;
struct worker;

struct share {
	bool divided;                 /* there are groups */
	bool blind;                   /* who waits to run is not shown to us */
	int gateway, sessions, heavy; /* cgroup.procs of each */
	uint64_t looked_at;           /* clock_monotonic_ms() of the last look */
};

/* What a look keeps of a worker. */
struct appetite {
	uint64_t used, took;  /* nanoseconds: at the last look, since the one before */
	unsigned hungry;      /* looks in a row at which it was */
	uint64_t heavy_until; /* clock_monotonic_ms(); 0: it is not */
	unsigned times;       /* it was heavy before */
};

/* Finds and divides our group. Never fails: without one, niceness has to do, and the log says so.
 */
void share_open(struct share *share);
void share_close(struct share *share);
void share_service(const struct share *share, pid_t pid); /* a service was born: to its part */
/* Looks at every worker from now on, as long as there is one. */
void share_watch(struct supervisor *supervisor);
