/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vault/grant.h"
#include "vault/handover.h"
#include "vault/intake.h"
#include "vault/keyring.h"
#include "vault/opening.h"
#include "vault/release.h"
#include "vault/token.h"
#include "wire/process.h"

#define JOBS_MAX 16 /* secrets being read from descriptors at once */

struct vault;

/* A question that waits for its secret to come in through a descriptor. */
struct job {
	struct vault *vault;
	struct intake *intake; /* NULL: free */
	enum msg_type type;    /* SEAL, UNSEAL or ROTATE */
	uint32_t serial;
	struct msg_seal question;
};

struct vault {
	struct process process;
	struct channel *broker;
	struct channel *recorders[PROCESS_PEERS_MAX]; /* retired ones may still begin a recording */
	struct channel *next_broker; /* that has been introduced, while the old one still speaks */
	struct handover *heir;       /* a vault that takes our place */
	int heritage;                /* what we got from the vault before us came through it; -1 */
	bool retired;                /* ends with its last grant */
	int directory;
	struct keyring *keyring;
	struct opening opening;
	struct token token;
	struct release_log log;
	struct grants grants;
	struct job jobs[JOBS_MAX];
};

/* answer.c: one function per row of messages.def that this process receives. */
message_fn vault_answer;
message_fn vault_answer_recorder; /* of whom there may be several: it goes to the one that asked */
void vault_jobs_drop(struct vault *vault); /* nobody waits for the answers any more */
/* Takes a question with its one descriptor, to be answered when the secret has come in. */
int vault_job_start(struct vault *vault, struct message *message, struct job **ret_job);
void vault_title(const struct vault *vault);
/* VAULT_STATE: as the answer to that question, or serial 0: because it changed. */
int vault_tell_state(struct vault *vault, uint32_t serial, int result);
void vault_die(const char *event, const char *words) __attribute__((noreturn));
/* create.c: makes a new installation's keys; the exit status. */
int vault_create(int argc, char **argv);
/*
 * backup_key.c: the key of a backup, 32 bytes on standard output, from the passphrase that standard
 * input reads as: --backup-key SALT PASSES MEMORY. The exit status.
 */
int vault_backup_key(int argc, char **argv);
