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
	struct settings *settings; /* NULL: as they are without a sallyport.conf */
	struct {                   /* beside the directory */
		const char *name;
		int fd;
	} given[2];
	/*
	 * The token, when there is one: 0 answers, 1 says nothing, 2 hangs up. Its PIN is in `pin`,
	 * which is "" when the vault left it to the settings.
	 */
	int (*token)(struct running *running, const struct msg_token_question *question,
		struct msg_token_answer *ret_answer);
	char pin[64];
	unsigned token_starts;
	struct channel *token_channel;
	uint32_t waits_for; /* serial of running_state_later() */
	bool answered;
	struct msg_vault_state answer;
	struct msg_vault_state state; /* the last one that came unasked */
	unsigned states;
	struct loop *loop;
	pid_t pid;
	struct channel *supervisor, *broker, *recorder;
	bool ready, gone;
	unsigned wanted, refused;
	int why;      /* of the last refusal */
	int heritage; /* given as "handover", if it is one: 0 is none */
};

extern const char *running_program;

/* Makes an installation through --init: prints into pem; passphrase may be NULL. Exit status. */
int running_init(const struct fixture *f, const char *passphrase, char pem[512]);
/* The same with the word of a source and its descriptors, -1 for none. */
int running_init_from(
	const struct fixture *f, const char *source, int secret, int token, char pem[512]);
/* Starts on the installation in running->f. uid 0 stays what it is. */
void running_start(struct running *running, uint32_t uid);
void running_begin(struct running *running); /* fixture, init, start */
/* The same for a passphrase, cheap to try; running->settings are kept. */
void running_begin_passphrase(struct running *running, const char *words);
/* STOP, and waits: it must end by itself with status 0. */
void running_stop(struct running *running);
void running_finish(struct running *running);
/* Serves the channels for a while, or until *flag. */
void running_serve(struct running *running, const bool *flag);
void running_new_broker(struct running *running); /* as after a restart of the broker */
/* As during a reload: another broker beside the one there is, which the caller ends. */
struct channel *running_next_broker(struct running *running);
/* The socket between it and another vault, as the supervisor makes it; the other one's end. */
int running_heritage(struct running *running);
/* FINISH was told: it ends by itself, status 0. */
void running_await_end(struct running *running);

/* Questions; each fails the test when no answer of that type comes. The reply is the caller's. */
void running_ask(struct running *running, enum msg_type type, const void *payload, const void *tail,
	size_t tail_len, int fd, enum msg_type expect, struct message *ret_reply);
struct msg_vault_state running_state(struct running *running, enum msg_type type, const char *text);
/* The same, while the loop runs: the vault asks its token meanwhile. */
struct msg_vault_state running_state_later(
	struct running *running, enum msg_type type, const char *text);
/*
 * A token that wraps by a change a test can see through, and knows its PIN; and an installation
 * whose keyring it opens, started. pin is what the settings say of it.
 */
#define RUNNING_PIN "1234"
#define RUNNING_XOR 0x5a
int running_honest_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer);
void running_begin_token(struct running *running, struct settings *settings, const char *pin);
/* A pipe that holds the text and its end; the reading end. */
int running_pipe(const char *text, size_t len);
