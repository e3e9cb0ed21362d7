/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "wire/recording.h"
#include "wire/recording_key.h"

/*
 * Recordings whose certificate, chain and signatures are right and whose content is the fuzzer's:
 * cryptography must not be what stops it.
 */
#define BUILD_SESSION "0123456789abcdef0123456789abcdef01234567"
#define BUILD_MAX (1024 * 1024)

struct build {
	uint8_t installation_public[32], installation_secret[64];
	uint8_t public_key[32], secret_key[64];
	uint8_t key[RECORDING_KEY_LEN];
	struct recording_header header;
	struct buf file;
	uint8_t head[HASH_LEN];
};

static inline struct build *build_new(void)
{
	static const uint8_t seeds[2][crypto_sign_SEEDBYTES] = { { 1 }, { 2 } };
	static const char facts[] = "{\"user\":\"ana\",\"device\":\"db1\"}";
	struct certificate certificate = {
		.purpose = CERTIFICATE_RECORDING, .key_version = 1, .session_id = BUILD_SESSION
	};
	uint8_t layout[CERTIFICATE_LEN];
	struct build *build = calloc(1, sizeof(*build));

	assert(build != NULL && sodium_init() >= 0);
	crypto_sign_seed_keypair(build->installation_public, build->installation_secret, seeds[0]);
	crypto_sign_seed_keypair(build->public_key, build->secret_key, seeds[1]);
	build->file = BUF(BUILD_MAX);
	build->header = (struct recording_header){ .version = RECORDING_VERSION,
		.aead = 1,
		.compression = 1,
		.chain = 1,
		.signature = 1,
		.key_version = 1,
		.session_id = BUILD_SESSION,
		.facts_len = sizeof(facts) - 1 };
	memcpy(build->header.facts, facts, sizeof(facts) - 1);
	memcpy(build->header.public_key, build->public_key, 32);
	memcpy(certificate.public_key, build->public_key, 32);
	hash_sha256(certificate.subject, facts, sizeof(facts) - 1);
	assert(certificate_layout(&certificate, layout) == 0);
	crypto_sign_detached(build->header.certificate, NULL, layout, sizeof(layout),
		build->installation_secret);
	return build;
}

static inline void build_begin(struct build *build)
{
	buf_clear(&build->file);
	assert(recording_header_write(&build->file, &build->header, build->head) == 0);
}

/* A record with this body, chained. False when the file is full. */
static inline int build_record(struct build *build, uint8_t type, const void *body, uint32_t len)
{
	uint8_t *record;

	if (buf_reserve(&build->file, RECORDING_RECORD_LEN + len + RECORDING_CHECK_LEN, &record) <
		0)
		return 0;
	recording_record_head(record, type, len);
	memcpy(record + RECORDING_RECORD_LEN, body, len);
	recording_chain(build->head, record, RECORDING_RECORD_LEN + len);
	memcpy(record + RECORDING_RECORD_LEN + len, build->head, RECORDING_CHECK_LEN);
	buf_commit(&build->file, RECORDING_RECORD_LEN + len + RECORDING_CHECK_LEN);
	return 1;
}

static inline int build_signature(struct build *build, uint64_t chunks, uint32_t ms)
{
	uint8_t body[RECORDING_SIGNATURE_LEN];

	recording_sign(body, build->secret_key, BUILD_SESSION, chunks, ms, build->head);
	return build_record(build, RECORDING_SIGNATURE, body, sizeof(body));
}

static inline int build_chunk(
	struct build *build, const struct recording_chunk *chunk, const uint8_t *packed, size_t len)
{
	uint32_t body = (uint32_t)(RECORDING_CHUNK_LEN + len + RECORDING_TAG_LEN);
	uint8_t *record = malloc(RECORDING_RECORD_LEN + body);

	assert(record != NULL);
	recording_record_head(record, RECORDING_CHUNK, body);
	recording_chunk_write(record + RECORDING_RECORD_LEN, chunk);
	recording_seal(record + RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN, packed, len, build->key,
		build->head, record);
	int r = build_record(build, RECORDING_CHUNK, record + RECORDING_RECORD_LEN, body);
	free(record);
	return r;
}

/* The same memory file every time: a new one per run would be most of the time. */
static inline int build_file(const void *bytes, size_t len)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("recording", MFD_CLOEXEC);
	assert(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	assert(write(fd, bytes, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}
