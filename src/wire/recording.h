/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/limits.h"

/*
 * The recording on disk, version 1, drawn to the byte in docs/formats/recording.md. One file is one
 * session: a header, then records until the end. All numbers are little endian.
 *
 *   record   u8 type, u8 zero, u16 fold, u32 length, body[length], u64 check
 *
 * A head is BLAKE2b-256 over the head before it and the record without its check; the first is over
 * a context and the header. The check is the head's first eight bytes: it names the record that was
 * changed, the signatures prove that none was. Every byte is under the chain.
 *
 * Version rule: a reader refuses another version. Record types from 0x80 may be skipped by a reader
 * that does not know them, others may not; a changed body is a new type. Frames inside chunks
 * follow the version rule of view.h.
 */
#define RECORDING_MAGIC "SALLYREC"
#define RECORDING_VERSION 1
#define RECORDING_SUFFIX ".rec"
#define RECORDING_AEAD_XCHACHA20_POLY1305 1
#define RECORDING_COMPRESSION_ZSTD 1
#define RECORDING_CHAIN_BLAKE2B_256 1
#define RECORDING_SIGNATURE_ED25519 1
#define RECORDING_KEY_LEN 32
#define RECORDING_TAG_LEN 16
#define RECORDING_WRAPPED_MAX 160
#define RECORDING_FACTS_MAX 8192
#define RECORDING_HEADER_LEN 176 /* before the wrapped key */
#define RECORDING_HEADER_MAX                                                                       \
	(RECORDING_HEADER_LEN + RECORDING_WRAPPED_MAX + RECORDING_FACTS_MAX + 8)

#define RECORDING_RECORD_LEN 8 /* before the body */
#define RECORDING_CHECK_LEN 8  /* after it */
#define RECORDING_BODY_MAX (68 * 1024)
#define RECORDING_CHUNK_LEN 24 /* of the body, before the sealed bytes */
#define RECORDING_FRAME_LEN 12 /* before a recorded frame's payload */
#define RECORDING_PLAIN_MAX (VIEW_FRAME_MAX + RECORDING_FRAME_LEN)
#define RECORDING_SIGNATURE_LEN 80
#define RECORDING_END_LEN 48 /* before the reason */
enum recording_type {
	RECORDING_CHUNK = 1,
	RECORDING_SIGNATURE = 2,
	RECORDING_END = 3,
	RECORDING_OPTIONAL = 0x80, /* this and above: skipped when unknown */
};

/* A frame of recordings only. u8 type of input, u8[3] zero, u32 length: typed, not kept. */
#define RECORDING_WITHHELD 0xf0

struct recording_header {
	uint16_t version;
	uint8_t aead, compression, chain, signature;
	uint8_t input; /* 1: what was typed is in it */
	int64_t started_ms;
	char session_id[SESSION_ID_SIZE];
	uint8_t public_key[32];  /* Ed25519 */
	uint8_t certificate[64]; /* certificate.h */
	uint32_t key_version;
	uint16_t wrapped_len;
	uint8_t wrapped[RECORDING_WRAPPED_MAX]; /* recording_certificate.h: the data key */
	uint32_t facts_len;
	char facts[RECORDING_FACTS_MAX + 1]; /* JSON; from outside, escape before printing */
};

struct recording_record {
	uint8_t type;
	uint32_t len;
	const uint8_t *body;
};

#define RECORDING_CHUNK_KEYFRAME 1 /* flag: its first frame is part 0 of a KEYFRAME */

struct recording_chunk {
	uint64_t number; /* from 1 */
	uint32_t start_ms, end_ms;
	uint32_t plain_len;
	uint16_t frames;
	uint8_t flags;
	const uint8_t *sealed;
	uint32_t sealed_len;
};

struct recording_end {
	int32_t why, exit_status;
	uint32_t ms;
	uint64_t output_bytes, input_bytes, chunks;
	int64_t ended_ms; /* since 1970 */
	char reason[REASON_SIZE];
};

struct recording_frame {
	uint32_t ms; /* since the frame before, or since the chunk's start_ms */
	uint8_t type;
	uint16_t viewer; /* who typed, joined or left; 0: nobody */
	uint32_t len;
	const uint8_t *payload;
};

/* Appends the header with its check and gives the first head. */
int recording_header_write(
	struct buf *out, const struct recording_header *header, uint8_t ret_head[HASH_LEN]);
/*
 * Returns the header's whole length; 0 when more bytes are needed; -ERR_MALFORMED when it is none
 * or of another version (ret_header->version says which); -ERR_CRYPTO when its check does not
 * match.
 */
int recording_header_read(const uint8_t *bytes, size_t len, struct recording_header *ret_header,
	uint8_t ret_head[HASH_LEN]);

/* The eight bytes before a body. */
void recording_record_head(uint8_t out[RECORDING_RECORD_LEN], uint8_t type, uint32_t len);
/* head becomes the head after record[len] (head and body, without check). */
void recording_chain(uint8_t head[HASH_LEN], const uint8_t *record, size_t len);
/* Whole length of the first record; 0 when more bytes are needed; -ERR_MALFORMED. Checks no check.
 */
int recording_record_next(const uint8_t *bytes, size_t len, struct recording_record *ret_record);

void recording_chunk_write(uint8_t out[RECORDING_CHUNK_LEN], const struct recording_chunk *chunk);
int recording_chunk_read(const struct recording_record *record, struct recording_chunk *ret_chunk);
/*
 * XChaCha20-Poly1305 with the chunk's number as nonce (the key belongs to one recording) and the
 * head before it, the record head and the chunk head as associated data. `record` points to the
 * record head; out has room for len + RECORDING_TAG_LEN.
 */
void recording_seal(uint8_t *out, const uint8_t *plain, size_t len,
	const uint8_t key[RECORDING_KEY_LEN], const uint8_t head[HASH_LEN], const uint8_t *record);
int recording_open(uint8_t *out, const struct recording_chunk *chunk,
	const uint8_t key[RECORDING_KEY_LEN], const uint8_t head[HASH_LEN], const uint8_t *record);

/* Body of a signature record: what is signed is drawn in docs/formats/recording.md. */
void recording_sign(uint8_t out[RECORDING_SIGNATURE_LEN], const uint8_t secret_key[64],
	const char *session_id, uint64_t chunks, uint32_t ms, const uint8_t head[HASH_LEN]);
/* -ERR_MALFORMED when it does not speak of this many chunks and this moment. */
int recording_signature_check(const struct recording_record *record, const uint8_t public_key[32],
	const char *session_id, uint64_t chunks, uint32_t ms, const uint8_t head[HASH_LEN]);

/* Returns the body's length; out has room for RECORDING_END_LEN + REASON_SIZE. */
size_t recording_end_write(uint8_t *out, const struct recording_end *end);
int recording_end_read(const struct recording_record *record, struct recording_end *ret_end);

void recording_frame_write(uint8_t out[RECORDING_FRAME_LEN], const struct recording_frame *frame);
/* Length of the first frame in the plain bytes of a chunk; 0 at the end; -ERR_MALFORMED. */
int recording_frame_next(const uint8_t *bytes, size_t len, struct recording_frame *ret_frame);
