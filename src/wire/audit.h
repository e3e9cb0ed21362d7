/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

/*
 * What the gateway swears to, as it is chained, stored, sent to the witness and verified: rows of
 * the audit trail, heads of it, heads of recordings. Formats: docs/formats/audit.md.
 */
struct audit_row {
	int64_t sequence; /* from 1, without holes */
	int64_t at;
	char event[48];        /* "session.created" */
	char actor[NAME_SIZE]; /* "application:portal", "user:ana", "administrator:0", "gateway" */
	char from[ADDRESS_SIZE];
	char object[NAME_SIZE]; /* "session:4711", "device:db1" */
	int32_t result;         /* 0 or -ERR_... */
	char detail[1024];      /* JSON object */
	uint8_t before[HASH_LEN], hash[HASH_LEN];
};

/* A key that a broker made at its start; the vault's word on it may come later, or never. */
struct signer {
	uint8_t trail[HASH_LEN]; /* the chain it signs for: hash of its first row */
	uint8_t public_key[32];
	uint8_t certified;       /* 0 or not: it crosses walls */
	uint8_t certificate[64]; /* certificate.h, when certified */
};

/* Signed in the transaction that wrote the row: everything up to it is as it was then. */
struct audit_head {
	int64_t sequence, at;
	uint8_t hash[HASH_LEN]; /* of that row */
	uint8_t signature[64];
	struct signer signer;
};

#define RECEIPT_MAX 8192 /* bytes of its text */

/* What a session came to, as a broker swears to it: docs/formats/receipt.md. */
struct receipt {
	char text[RECEIPT_MAX + 1];
	uint8_t signature[64];
	struct signer signer;
};

/* The signature a write of a recording ended with, and what it takes to check it alone. */
struct recording_head {
	char session_id[SESSION_ID_SIZE];
	uint8_t last;    /* the recording's end is signed */
	uint64_t number; /* of the signature in its file, from 1; not itself signed */
	uint64_t chunks;
	uint32_t ms;
	uint8_t head[HASH_LEN];
	uint8_t signature[64];
	uint8_t public_key[32];
	uint8_t certificate[64];
	uint32_t key_version;
	uint8_t facts_hash[HASH_LEN];
};
