/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "wire/line.h"

/* An audit trail of an installation that exists in this test alone: rows, and heads of some. */
#define PAST_ROWS 1200

struct past {
	uint8_t installation[32], installation_secret[64];
	uint8_t key_secret[64]; /* of signer */
	struct signer signer;
	unsigned count, head_count;
	struct audit_row rows[PAST_ROWS];
	struct audit_head heads[PAST_ROWS];
};

/* A head after every `every` rows, and after the last. The caller frees. */
struct past *past_create(unsigned rows, unsigned every);
void past_certify(const struct past *past, struct signer *signer);
/* A new key, certified, from this head on. */
void past_new_key(struct past *past, unsigned head);
/* Hashes rows from this index on as somebody would who has no key. */
void past_rechain(struct past *past, unsigned from);
void past_sign(struct past *past, unsigned head); /* as the broker would */
/* Lines of a mirror: rows from this index on, each head after its row. */
void past_mirror(const struct past *past, unsigned from, struct buf *out);
void past_heads(const struct past *past, struct buf *out); /* heads alone */
struct store;
void past_store(const struct past *past, struct store *store);
int past_file(const struct buf *text); /* a descriptor that reads this */
