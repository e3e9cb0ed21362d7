/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire/audit.h"
#include "wire/messages.h"

/*
 * Signs the audit trail as it grows: each transaction that wrote a row ends with a signed head, so
 * no row is durable without a signature over it and everything before it. The key is made when the
 * broker starts and dies with it; the vault certifies it. Until the vault can (it is sealed, or
 * away) heads are signed all the same and the certificate, when it comes, covers them: what an
 * administrator does to a sealed gateway is on record. Meanwhile no session opens.
 */
struct broker;

#define HEADS_AHEAD 32 /* commits on their way to the disk that are told apart */
#define HEAD_ASK_MS 2000

struct head {
	uint8_t secret_key[64];
	int64_t signer; /* row of the key */
	bool stored;    /* that row is there */
	bool fresh;     /* this turn has a head */
	int refused;    /* why there is no certificate yet */
	uint64_t asked_at;
	struct audit_head newest;  /* signed last */
	struct audit_head durable; /* newest that is on disk: what may be told outside */
	struct {
		uint64_t mark; /* of the store */
		struct audit_head head;
	} ahead[HEADS_AHEAD]; /* oldest first */
	unsigned ahead_count;
};

int head_create(struct head *head);
void head_destroy(struct head *head); /* wipes the key */

/* turn.c: before the commit; after it; and when everything up to this mark is on disk. */
int head_seal(struct broker *broker);
void head_committed(struct broker *broker, uint64_t mark);
void head_durable(struct broker *broker, uint64_t mark);

/* Asks the vault to certify, if it has not yet and was not asked just now. */
void head_ask(struct broker *broker);
void head_certified(struct broker *broker, const struct msg_broker_certified *certified);
int head_ready(const struct broker *broker); /* 0 when certified, or why not */
