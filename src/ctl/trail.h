/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ctl/witness_file.h"
#include "wire/audit.h"

/*
 * Proves an audit trail from its rows and heads, wherever they come from, with the installation's
 * public key and nothing else.
 */
enum trail_verdict {
	TRAIL_INTACT,    /* every row is under a certified head */
	TRAIL_CUT,       /* the witness has heads after the last row here */
	TRAIL_ALTERED,   /* see altered, altered_last, how */
	TRAIL_DISAGREES, /* the witness has another head, or another trail */
	TRAIL_FOREIGN,   /* a head's key is not certified by this installation */
	TRAIL_UNPROVEN,  /* the rows after `proven` are not signed, or not by a certified key */
	TRAIL_EMPTY,     /* no rows */
};

struct trail_report {
	enum trail_verdict verdict;
	int64_t first, last; /* rows that fit together */
	int64_t proven;      /* up to here under a certified head; 0: none */
	int64_t heads;
	int64_t altered, altered_last; /* the first, and the last that may be */
	const char *how;
	bool compared; /* with a witness */
	struct witness_report witness;
};

struct trail {
	const uint8_t *installation_public;
	struct witness *witness; /* or NULL; loaded with the first head */
	struct trail_report *report;
	uint8_t head[HASH_LEN];
	uint8_t trail[HASH_LEN]; /* as its first row or first head says */
	bool trail_known, witness_loaded;
	int64_t signed_up_to; /* last row with a right signature, certified or not */
	struct signer good;   /* certified, checked last */
	bool done;            /* a verdict was found */
	int error;
};

/* witness may be NULL; it is opened and not yet loaded. */
void trail_begin(struct trail *trail, const uint8_t installation_public[32],
	struct witness *witness, struct trail_report *report);
/* The trail does not begin with row 1: what came before, believed until a head says so too. */
void trail_goes_on(struct trail *trail, int64_t after, const uint8_t hash[HASH_LEN]);
/* In their order, a head after the row it signs. Return 0, or 1 when there is a verdict already. */
int trail_row(struct trail *trail, const struct audit_row *row);
int trail_head(struct trail *trail, const struct audit_head *head);
/* Something that stands where the next row should be. */
void trail_broken(struct trail *trail, const char *how);
/* 0, or what kept the witness from being read. */
int trail_end(struct trail *trail);

/* trail_source.c: the whole of a store, or of a mirror's file. -ERR_STORE, -ERR_SYSTEM. */
struct store;
int trail_from_store(struct trail *trail, struct store *store);
int trail_from_mirror(struct trail *trail, int fd);

const char *trail_verdict_name(enum trail_verdict verdict); /* "intact", "witness disagrees" .. */
/* One line for people. */
const char *trail_verdict_text(const struct trail_report *report, char out[REASON_SIZE]);
