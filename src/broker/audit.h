/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/address.h"
#include "base/json.h"
#include "base/limits.h"

/*
 * Writes audit rows: inside the open transaction (turn.h), chained to the row before. The head is
 * kept in memory; whoever undoes a transaction or savepoint puts the older head back.
 */
struct broker;
struct audit {
	int64_t sequence;
	uint8_t hash[HASH_LEN];
	uint8_t trail[HASH_LEN]; /* hash of the first row: names the chain */
};

int audit_load(struct broker *broker); /* the head, from the store */

/* One row in the making. The detail is a JSON object being written; room is what a row holds. */
struct note {
	struct buf text;
	struct json json;
};
void note_begin(struct note *note);
void note_finish(struct note *note); /* for CLEANUP */

/*
 * from and note may be NULL. A detail that does not fit is replaced by {"too_large":true}: the row
 * is more important than its detail.
 */
int audit_write(struct broker *broker, const char *event, const char *actor,
	const struct address *from, const char *object, int result, struct note *note);
