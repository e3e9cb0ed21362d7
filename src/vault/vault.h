/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vault/grant.h"
#include "vault/intake.h"
#include "vault/keyring.h"
#include "vault/release.h"
#include "wire/process.h"

#define JOBS_MAX 16 /* secrets being read from descriptors at once */

struct vault;

/* A question that waits for its secret to come in through a descriptor. */
struct job {
	struct vault *vault;
	struct intake *intake; /* NULL: free */
	enum msg_type type;    /* SEAL or UNSEAL */
	uint32_t serial;
	struct msg_seal question;
};

struct vault {
	struct process process;
	struct channel *broker, *recorder;
	int directory;
	struct keyring *keyring;
	struct release_log log;
	struct grants grants;
	struct job jobs[JOBS_MAX];
};

/* answer.c: one function per row of messages.def that this process receives. */
message_fn vault_answer;
void vault_jobs_drop(struct vault *vault); /* nobody waits for the answers any more */
void vault_title(const struct vault *vault);
/* create.c: makes a new installation's keys; the exit status. */
int vault_create(void);
