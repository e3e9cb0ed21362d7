/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "recorder/chunk.h"
#include "wire/recording.h"

/* An installation and one recording of it, made without the vault's process. */
struct fixture {
	uint8_t installation_public[32], installation_secret[64];
	uint8_t vault_public[32], vault_secret[32];
	struct recording_header header;
	uint8_t key[RECORDING_KEY_LEN];
};
#define FIXTURE_SESSION "0123456789abcdef0123456789abcdef01234567"
#define FIXTURE_FACTS                                                                              \
	"{\"user\":\"ana\",\"username\":\"root\",\"device\":\"db1\",\"application\":\"portal\"}"

void fixture_init(struct fixture *fixture);
/* Certifies public_key and wraps key into fixture->header. */
void fixture_certify(struct fixture *fixture, const uint8_t public_key[32],
	const uint8_t key[RECORDING_KEY_LEN]);

/*
 * A whole recording in memory: `chunks` chunks of three frames, a signature after every second. One
 * in `every` begins with a keyframe of two parts, "screen" and its number; 0: none does.
 */
struct made {
	struct buf file;
	size_t header_len;
	size_t records[256]; /* where each record starts */
	uint8_t types[256];
	unsigned record_count;
};
void made_keyframes(struct made *made, struct fixture *fixture, unsigned chunks, unsigned every);
void made_init(struct made *made, struct fixture *fixture, unsigned chunks, bool ended);
/* The chunk a byte of the file belongs to; 0: none (header, signature, end). */
unsigned made_chunk_at(const struct made *made, size_t offset);

/* A descriptor that reads these bytes, or an empty one; never on a disk. */
int fixture_file(const void *bytes, size_t len);
/* A new empty directory; fixture_remove() takes it away with its files. */
int fixture_directory(char path[64]);
void fixture_remove(const char *path);
