/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "vault/exchange.h"
#include "wire/messages.h"
#include "wire/view.h"

/*
 * A real worker executable, born as the supervisor would, with this process as its recorder and
 * its vault.
 */
enum vault_double {
	VAULT_PASSWORD, /* answers with `secret` */
	VAULT_KEY,      /* agrees, then passes everything on to a real ssh-agent */
	VAULT_REFUSES,
	VAULT_SILENT,
	VAULT_HANGS_UP,
};

struct play {
	struct worker_birth birth;
	enum vault_double vault_double;
	const char *secret;       /* VAULT_PASSWORD */
	const char *agent_socket; /* VAULT_KEY */

	pid_t worker;
	int target, view, vault, agent;
	struct buf in, text, question, states;
	bool hold; /* the recorder does not read */
	unsigned asked, signed_count;
	uint8_t proof[HASH_LEN];
	struct exchange exchange; /* VAULT_KEY: what the worker showed of it, checked */
	uint8_t state;            /* newest STATE */
	uint16_t columns, rows;
	bool ended, closed;
	int why, exit_status, wait_status;
	char words[512];
};

/* Everything but the pins, for `device`; clears the rest. */
void play_init(struct play *play, const char *protocol, const char *username);
int play_dial(unsigned short port);
void play_start(struct play *play, const char *executable, int target);
/* Serves until the condition holds; false after ms. */
typedef bool play_condition(struct play *play, const void *context);
bool play_until(struct play *play, play_condition *condition, const void *context, unsigned ms);
bool play_live(struct play *play, unsigned ms);
bool play_over(struct play *play, unsigned ms);
bool play_shows(struct play *play, const char *text, unsigned ms);
void play_frame(struct play *play, enum view_type type, const void *payload, size_t len);
void play_type(struct play *play, const char *text);
void play_resize(struct play *play, uint16_t columns, uint16_t rows);
/* Ends the worker if it still runs, frees everything; the exit status is in wait_status. */
void play_finish(struct play *play);
long play_memory_kib(const struct play *play, const char *field); /* of /proc/PID/smaps_rollup */

/* A child that does not outlive the test, however that ends. */
pid_t fork_child(void);
/* Programs. Fail the test when they fail. */
pid_t start_program(const char *const argv[]);
void stop_program(pid_t pid);
void run_program(const char *const argv[], const char *input);
void wait_port(unsigned short port);
unsigned short free_port(void);
int listen_on(unsigned short *ret_port);
/* A temporary account with a password; only root can make one. */
struct account {
	char name[32], password[40];
};
void account_make(struct account *account);
void account_remove(const struct account *account);
void write_text(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
