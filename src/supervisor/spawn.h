/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "supervisor/supervisor.h"

/* spawn.c: the only file that forks and executes. */
pid_t spawn_service(struct supervisor *supervisor, const struct service *service, int channel);
/* A worker that waits to be copied, worker/template.h. channel: its end towards us. */
pid_t spawn_template(const char *driver, int program, int channel);
/* fds: target, view, vault, birth. Adds to supervisor->workers. */
int spawn_worker(
	struct supervisor *supervisor, const struct msg_worker_start *start, const int fds[4]);
int worker_add(struct supervisor *supervisor, pid_t pid, int64_t session);
/* fds: channel to the vault, PIN. */
pid_t spawn_token(struct supervisor *supervisor, const int fds[2]);
void spawn_kill(struct supervisor *supervisor, int64_t session);
struct worker *spawn_find(struct supervisor *supervisor, pid_t pid);
void spawn_forget(struct supervisor *supervisor, struct worker *worker);
/* Runs a program of ours that only looks at what it is given, and waits for it. Its exit status. */
int spawn_trial(int program, char *const argv[], unsigned ms);
/* This process becomes the program, with its environment. Returns only when it cannot. */
int spawn_here(int program, char *const argv[]);

/* templates.c: one process per driver, of which workers are copies. */
/* The pid of a new worker, a child of ours; -1 with errno: execute one instead. */
pid_t template_fork(struct supervisor *supervisor, const char *driver, int program,
	const struct msg_worker_fork *fork, const int fds[4]);
bool template_reaped(struct supervisor *supervisor, pid_t pid); /* was it one? It is forgotten. */
/* The next worker is copied from another template: another executable, or none at all. */
void templates_stop(struct supervisor *supervisor);
