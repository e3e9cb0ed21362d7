/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/loop.h"
#include "wire/format.h"
#include "wire/wire.h"

/*
 * How every process but the supervisor and the workers opens: one paragraph, sandbox last.
 *
 *	struct process process;
 *	process_begin(&process, argc, argv, PARTY_VAULT);   what it was given, until GO
 *	int log = process_fd(&process, "release-log");	    -1 when it was not given
 *	process_drop(&process, SANDBOX_VAULT, -1);	    root away, then the walls
 *	process_on_peer(&process, meet, &vault);	    now, and after a peer's restart
 *	return process_run(&process);			    READY, the loop until STOP
 */
#define PROCESS_PEERS_MAX GENERATION_ROWS_MAX

struct process {
	enum party self;
	struct loop *loop;
	struct settings settings;
	struct channel *supervisor;
	bool started; /* START came */
	uint32_t uid;
	struct {
		char name[32];
		int fd;
	} given[16];
	unsigned given_count;
	struct {
		struct msg_peer peer;
		int fd;
	} waiting[PROCESS_PEERS_MAX]; /* peers that came before process_on_peer() */
	unsigned waiting_count;
	uint32_t generation;  /* counts reloads, from 1 */
	bool going, stopping; /* GO came, STOP came */
	void (*peer_fn)(void *context, const struct msg_peer *peer, int fd);
	void (*stop_fn)(void *context);
	strike_fn *strike_fn;
	void (*retire_fn)(void *context);
	/* broker: what the supervisor says about workers; vault: about its token */
	message_fn *supervisor_fn;
	void *context;
};

/* Exits with a line on stderr when the supervisor's words are not what this build expects. */
void process_begin(struct process *process, int argc, char **argv, enum party self);
int process_fd(struct process *process, const char *name); /* ownership moves to the caller */
/* Title of ps: "sallyport-front: 41 connections". */
void process_title(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* For workers, which have no supervisor channel: title area, limits, no core dumps. */
void process_begin_bare(int argc, char **argv, const char *name);
/* Drops root (chroot into dir when root and dir >= 0), enters the sandbox. Exits on failure. */
void process_drop(struct process *process, int sandbox_role, int dir);
/* The same with more directories: the chroot is the first. */
void process_drop_dirs(struct process *process, int sandbox_role, const int *dirs, unsigned count);
/* fn owns the descriptor it is given. Called at once for peers that already came. */
void process_on_peer(
	struct process *process, void (*fn)(void *, const struct msg_peer *, int), void *context);
/* fn is called on STOP or when the supervisor is gone; it ends the loop itself when it is done. */
void process_on_stop(struct process *process, void (*fn)(void *));
/* fn is called when a peer was struck (wire_on_strike), after the supervisor was told. */
void process_on_strike(struct process *process, strike_fn *fn);
/*
 * fn is called on FINISH: a newer process takes what is new from now on. It lets what there is come
 * to its end, then ends the loop itself; STOP may still come. Without it, FINISH is STOP.
 */
void process_on_retire(struct process *process, void (*fn)(void *));
int process_run(struct process *process);
