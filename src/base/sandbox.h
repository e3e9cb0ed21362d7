/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The walls, asked for by role and never assembled at the call site. sandbox.c holds one table:
 * per role the system calls (seccomp, everything else kills the process) and the directories
 * (Landlock, where the kernel has it). Called last, before the first byte from outside is read.
 */
enum sandbox_role {
	SANDBOX_FRONT,      /* its sockets; accept; no file, no connect */
	SANDBOX_BROKER,     /* its store directory; connect, accept; no exec */
	SANDBOX_VAULT,      /* memory and its descriptors; appends to its release log */
	SANDBOX_RECORDER,   /* creates files beneath its directory; no network */
	SANDBOX_WORKER,     /* the descriptors it was born with; no socket, no open, no exec */
	SANDBOX_READER,     /* offline verify and export: reads one file */
	SANDBOX_WITNESS,    /* appends beneath its directories; connect; no exec */
	SANDBOX_BROKER_FAR, /* the store is a server's: a Unix socket to it, files only read */
};

/*
 * dir: descriptor of the one directory the role may use beneath, or -1. Returns 0, or -ERR_SYSTEM
 * when seccomp cannot be had: the caller must exit. A kernel without Landlock is logged, never
 * silent. Sets no_new_privs.
 */
int sandbox_enter(enum sandbox_role role, int dir);
/* The same with more than one directory; -1 among them is none. */
#define SANDBOX_DIRS_MAX 4
int sandbox_enter_dirs(enum sandbox_role role, const int *dirs, unsigned count);
/*
 * Gives root away: supplementary groups, gid, uid, all capabilities; when root_dir >= 0 chroots
 * into it first. Nothing to do (and 0) when not root. Checked by trying to get it back.
 */
int sandbox_drop(unsigned uid, int root_dir);
/*
 * Gives all capabilities away, the bounding set where that is permitted. For who has come to some
 * without being root: a process that was copied, not executed, into a user namespace has all of it.
 */
int sandbox_powerless(void);
