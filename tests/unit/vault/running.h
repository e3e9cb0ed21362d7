/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fixture.h"

#include "base/loop.h"
#include "wire/process.h"
#include "wire/wire.h"

/*
 * The real sallyport-vault, in its sandbox, with this test as its supervisor, broker and recorder.
 * The program's path is the test's only argument.
 */
struct running {
	struct fixture f;
	struct loop *loop;
	pid_t pid;
	struct channel *supervisor, *broker, *recorder;
	bool ready, gone;
	unsigned wanted, refused;
	int why; /* of the last refusal */
};

extern const char *running_program;

/* Makes an installation through --init: prints into pem; passphrase may be NULL. Exit status. */
int running_init(const struct fixture *f, const char *passphrase, char pem[512]);
/* Starts on the installation in running->f. uid 0 stays what it is. */
void running_start(struct running *running, uint32_t uid);
void running_begin(struct running *running); /* fixture, init, start */
/* STOP, and waits: it must end by itself with status 0. */
void running_stop(struct running *running);
void running_finish(struct running *running);
/* Serves the channels for a while, or until *flag. */
void running_serve(struct running *running, const bool *flag);
void running_new_broker(struct running *running); /* as after a restart of the broker */

/* Questions; each fails the test when no answer of that type comes. The reply is the caller's. */
void running_ask(struct running *running, enum msg_type type, const void *payload, const void *tail,
	size_t tail_len, int fd, enum msg_type expect, struct message *ret_reply);
struct msg_vault_state running_state(struct running *running, enum msg_type type, const char *text);
/* A pipe that holds the text and its end; the reading end. */
int running_pipe(const char *text, size_t len);
