/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "wire/line.h"

/*
 * Heads that somebody outside kept: a witness's file, a syslog receiver's, a webhook's. The file is
 * hostile until proven. A head that agrees with what is verified needs no proof; one that does not
 * is believed only when its signature and the installation's word on the key are right.
 *
 *	witness_open(&witness, fd, installation_public)
 *	witness_load_trail(&witness, trail)		or witness_load_recording(&witness, id)
 *	witness_compare(&witness, 1, hash) ..		what is verified, in ascending order
 *	witness_close(&witness, last)			then look at witness.report
 */
#define WITNESS_HEADS_MAX (8 * 1024 * 1024)
#define WITNESS_KEYS_MAX 4096 /* of brokers: one a start */
#define WITNESS_TRAILS_MAX 64 /* others in the same file that are looked at */

struct witness_report {
	uint64_t heads;  /* of this chain */
	uint64_t agreed; /* of them the same as here */
	uint64_t forged; /* of them different, and not signed by this installation */
	bool disagrees;  /* a genuine head is another than here */
	uint64_t disagrees_at;
	uint64_t beyond; /* newest genuine head after the last one here; 0: none */
	uint32_t beyond_ms;
	bool other_trail; /* the installation certified another trail */
};

struct witness_head {
	uint64_t at; /* sequence of a row, number of a signature */
	uint64_t offset;
	uint8_t hash[HASH_LEN];
};

struct witness_key {
	uint8_t public_key[32];
	bool good;
};

struct witness {
	int fd;
	const uint8_t *installation_public;
	struct witness_head *heads;
	size_t count, cap, next;
	struct witness_key *keys;
	size_t key_count;
	uint8_t trails[WITNESS_TRAILS_MAX][HASH_LEN];
	unsigned trail_count;
	struct witness_report report;
};

/* fd must be seekable and stays the caller's, like the key. */
void witness_open(struct witness *witness, int fd, const uint8_t installation_public[32]);
/* -ERR_SYSTEM, -ERR_TOO_LARGE (more heads than WITNESS_HEADS_MAX). */
int witness_load_trail(struct witness *witness, const uint8_t trail[HASH_LEN]);
int witness_load_recording(struct witness *witness, const char *session_id);
void witness_compare(struct witness *witness, uint64_t at, const uint8_t hash[HASH_LEN]);
void witness_close(struct witness *witness, uint64_t last); /* frees; the report stays */

json_t *witness_report_json(const struct witness_report *report);
void witness_report_print(const struct witness_report *report, FILE *out); /* a line for people */
