/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <libssh/libssh.h>
#include <libssh/callbacks.h>

#include "drivers/driver.h"

/*
 * One SSH session as a walk through steps; every step is a function that goes as far as it can
 * without waiting. login.c holds those between the host key and the shell.
 */
#define SSH_STEPS                                                                                  \
	STEP(CONNECT, step_connect) /* versions, key exchange, host key */                         \
	STEP(METHODS, step_methods) /* which logins the target offers */                           \
	STEP(VAULT, step_vault)     /* the vault decides and the audit line is written */          \
	STEP(PASSWORD, step_password)                                                              \
	STEP(INTERACTIVE, step_interactive)                                                        \
	STEP(KEY, step_key)                                                                        \
	STEP(CHANNEL, step_channel) /* a channel, a terminal, a shell */                           \
	STEP(TERMINAL, step_terminal)                                                              \
	STEP(SHELL, step_shell)                                                                    \
	STEP(LIVE, step_live)                                                                      \
	STEP(CLOSING, step_closing) /* the exit status may still be on its way */

enum ssh_step {
#define STEP(name, function) STEP_##name,
	SSH_STEPS
#undef STEP
		STEP_COUNT
};

struct ssh {
	struct worker *worker;
	ssh_session session;
	ssh_channel channel;
	enum ssh_step step;
	bool agreed;           /* the vault did */
	struct secret *secret; /* from the vault's answer until the target has it */
	int agent;             /* the vault's, until the target has a signature; then -1 */
	bool secret_used;
	unsigned rounds; /* of keyboard-interactive questions */
	struct ssh_channel_callbacks_struct callbacks;
	size_t gathered_len; /* bytes of output that wait in `gathered` */
	char signal[32];     /* that ended the target's program */
	int exit_status;
	uint64_t closing_since; /* clock_monotonic_ms() */
};

/* Step functions return this or a negative error; STEP_GO after they set ssh->step. */
enum { STEP_WAIT = 0, STEP_GO = 1, STEP_AGAIN = 2 };

int step_methods(struct ssh *ssh);
int step_vault(struct ssh *ssh);
int step_password(struct ssh *ssh);
int step_interactive(struct ssh *ssh);
int step_key(struct ssh *ssh);
/* Ends the session with what libssh says went wrong. */
int ssh_fault(struct ssh *ssh, const char *doing);
