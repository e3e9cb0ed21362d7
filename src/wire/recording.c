/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording.h"

#include <sodium.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "wire/view.h"

#define CHAIN_CONTEXT "sallyport recording 1"
#define SIGNATURE_CONTEXT "sallyport recording head 1"
#define ASSOCIATED_LEN (HASH_LEN + RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN)
#define ID_DIGITS (SESSION_ID_SIZE - 1)
#define SIGNED_LEN (sizeof(SIGNATURE_CONTEXT) + ID_DIGITS + 8 + 4 + HASH_LEN)

static void hash_two(
	uint8_t out[HASH_LEN], const void *a, size_t a_len, const void *b, size_t b_len)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, HASH_LEN);
	crypto_generichash_update(&state, a, a_len);
	crypto_generichash_update(&state, b, b_len);
	crypto_generichash_final(&state, out, HASH_LEN);
}

static void header_fixed(uint8_t out[RECORDING_HEADER_LEN], const struct recording_header *header)
{
	memset(out, 0, RECORDING_HEADER_LEN);
	memcpy(out, RECORDING_MAGIC, 8);
	put16(out + 8, header->version);
	out[10] = header->aead;
	out[11] = header->compression;
	out[12] = header->chain;
	out[13] = header->signature;
	out[14] = header->input;
	put64(out + 16, (uint64_t)header->started_ms);
	memcpy(out + 24, header->session_id, ID_DIGITS);
	memcpy(out + 64, header->public_key, sizeof(header->public_key));
	memcpy(out + 96, header->certificate, sizeof(header->certificate));
	put32(out + 160, header->key_version);
	put16(out + 164, header->wrapped_len);
	put32(out + 168, header->facts_len);
}

int recording_header_write(
	struct buf *out, const struct recording_header *header, uint8_t ret_head[HASH_LEN])
{
	uint8_t bytes[RECORDING_HEADER_MAX];
	size_t len = RECORDING_HEADER_LEN;

	if (header->wrapped_len > RECORDING_WRAPPED_MAX || header->facts_len > RECORDING_FACTS_MAX)
		return -ERR_TOO_LARGE;
	header_fixed(bytes, header);
	memcpy(bytes + len, header->wrapped, header->wrapped_len);
	len += header->wrapped_len;
	memcpy(bytes + len, header->facts, header->facts_len);
	len += header->facts_len;
	hash_two(ret_head, CHAIN_CONTEXT, sizeof(CHAIN_CONTEXT), bytes, len);
	memcpy(bytes + len, ret_head, RECORDING_CHECK_LEN);
	return buf_append(out, bytes, len + RECORDING_CHECK_LEN);
}

static int header_supported(const uint8_t *bytes, const struct recording_header *header)
{
	if (header->version != RECORDING_VERSION ||
		header->aead != RECORDING_AEAD_XCHACHA20_POLY1305 ||
		header->compression != RECORDING_COMPRESSION_ZSTD ||
		header->chain != RECORDING_CHAIN_BLAKE2B_256 ||
		header->signature != RECORDING_SIGNATURE_ED25519)
		return 0;
	if (header->input > 1 || bytes[15] != 0 || get16(bytes + 166) != 0 ||
		get32(bytes + 172) != 0)
		return 0;
	return header->wrapped_len <= RECORDING_WRAPPED_MAX &&
	       header->facts_len <= RECORDING_FACTS_MAX;
}

static void header_parse(const uint8_t *bytes, struct recording_header *ret_header)
{
	ret_header->version = get16(bytes + 8);
	ret_header->aead = bytes[10];
	ret_header->compression = bytes[11];
	ret_header->chain = bytes[12];
	ret_header->signature = bytes[13];
	ret_header->input = bytes[14];
	ret_header->started_ms = (int64_t)get64(bytes + 16);
	memcpy(ret_header->session_id, bytes + 24, ID_DIGITS);
	memcpy(ret_header->public_key, bytes + 64, sizeof(ret_header->public_key));
	memcpy(ret_header->certificate, bytes + 96, sizeof(ret_header->certificate));
	ret_header->key_version = get32(bytes + 160);
	ret_header->wrapped_len = get16(bytes + 164);
	ret_header->facts_len = get32(bytes + 168);
}

int recording_header_read(const uint8_t *bytes, size_t len, struct recording_header *ret_header,
	uint8_t ret_head[HASH_LEN])
{
	uint8_t digits[ID_DIGITS / 2];
	size_t whole;

	memset(ret_header, 0, sizeof(*ret_header));
	if (memcmp(bytes, RECORDING_MAGIC, MIN(len, (size_t)8)) != 0)
		return -ERR_MALFORMED;
	if (len < RECORDING_HEADER_LEN)
		return 0;
	header_parse(bytes, ret_header);
	if (!header_supported(bytes, ret_header) ||
		hex_decode(digits, sizeof(digits), ret_header->session_id, ID_DIGITS) < 0)
		return -ERR_MALFORMED;
	whole = RECORDING_HEADER_LEN + ret_header->wrapped_len + ret_header->facts_len;
	if (len < whole + RECORDING_CHECK_LEN)
		return 0;
	memcpy(ret_header->wrapped, bytes + RECORDING_HEADER_LEN, ret_header->wrapped_len);
	memcpy(ret_header->facts, bytes + RECORDING_HEADER_LEN + ret_header->wrapped_len,
		ret_header->facts_len);
	hash_two(ret_head, CHAIN_CONTEXT, sizeof(CHAIN_CONTEXT), bytes, whole);
	if (memcmp(ret_head, bytes + whole, RECORDING_CHECK_LEN) != 0)
		return -ERR_CRYPTO;
	return (int)(whole + RECORDING_CHECK_LEN);
}

/*
 * Not a proof, only manners: a length that was changed is told from a file that was cut short.
 */
static uint16_t fold(uint8_t type, uint32_t len)
{
	return (uint16_t)(len ^ len >> 16 ^ (uint32_t)type * 0x0101 ^ 0x5352);
}

void recording_record_head(uint8_t out[RECORDING_RECORD_LEN], uint8_t type, uint32_t len)
{
	out[0] = type;
	out[1] = 0;
	put16(out + 2, fold(type, len));
	put32(out + 4, len);
}

void recording_chain(uint8_t head[HASH_LEN], const uint8_t *record, size_t len)
{
	uint8_t next[HASH_LEN];

	hash_two(next, head, HASH_LEN, record, len);
	memcpy(head, next, HASH_LEN);
}

int recording_record_next(const uint8_t *bytes, size_t len, struct recording_record *ret_record)
{
	uint32_t body;

	if (len < RECORDING_RECORD_LEN)
		return 0;
	body = get32(bytes + 4);
	if (bytes[0] == 0 || bytes[1] != 0 || get16(bytes + 2) != fold(bytes[0], body) ||
		body > RECORDING_BODY_MAX)
		return -ERR_MALFORMED;
	if (len < RECORDING_RECORD_LEN + body + RECORDING_CHECK_LEN)
		return 0;
	ret_record->type = bytes[0];
	ret_record->len = body;
	ret_record->body = bytes + RECORDING_RECORD_LEN;
	return (int)(RECORDING_RECORD_LEN + body + RECORDING_CHECK_LEN);
}

void recording_chunk_write(uint8_t out[RECORDING_CHUNK_LEN], const struct recording_chunk *chunk)
{
	put64(out, chunk->number);
	put32(out + 8, chunk->start_ms);
	put32(out + 12, chunk->end_ms);
	put32(out + 16, chunk->plain_len);
	put16(out + 20, chunk->frames);
	out[22] = chunk->flags;
	out[23] = 0;
}

int recording_chunk_read(const struct recording_record *record, struct recording_chunk *ret_chunk)
{
	if (record->type != RECORDING_CHUNK ||
		record->len < RECORDING_CHUNK_LEN + RECORDING_TAG_LEN)
		return -ERR_MALFORMED;
	ret_chunk->number = get64(record->body);
	ret_chunk->start_ms = get32(record->body + 8);
	ret_chunk->end_ms = get32(record->body + 12);
	ret_chunk->plain_len = get32(record->body + 16);
	ret_chunk->frames = get16(record->body + 20);
	ret_chunk->flags = record->body[22];
	ret_chunk->sealed = record->body + RECORDING_CHUNK_LEN;
	ret_chunk->sealed_len = record->len - RECORDING_CHUNK_LEN;
	if (ret_chunk->plain_len > RECORDING_PLAIN_MAX || ret_chunk->start_ms > ret_chunk->end_ms ||
		(ret_chunk->flags & ~RECORDING_CHUNK_KEYFRAME) != 0 || record->body[23] != 0)
		return -ERR_MALFORMED;
	return 0;
}

static void associated(uint8_t out[ASSOCIATED_LEN],
	uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES], const uint8_t head[HASH_LEN],
	const uint8_t *record)
{
	memcpy(out, head, HASH_LEN);
	memcpy(out + HASH_LEN, record, RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN);
	memset(nonce, 0, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
	memcpy(nonce, record + RECORDING_RECORD_LEN, 8);
}

void recording_seal(uint8_t *out, const uint8_t *plain, size_t len,
	const uint8_t key[RECORDING_KEY_LEN], const uint8_t head[HASH_LEN], const uint8_t *record)
{
	uint8_t data[ASSOCIATED_LEN], nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

	associated(data, nonce, head, record);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out, NULL, plain, len, data, sizeof(data), NULL, nonce, key);
}

int recording_open(uint8_t *out, const struct recording_chunk *chunk,
	const uint8_t key[RECORDING_KEY_LEN], const uint8_t head[HASH_LEN], const uint8_t *record)
{
	uint8_t data[ASSOCIATED_LEN], nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

	associated(data, nonce, head, record);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, chunk->sealed,
		    chunk->sealed_len, data, sizeof(data), nonce, key) != 0)
		return -ERR_CRYPTO;
	return 0;
}

static void signed_bytes(uint8_t out[SIGNED_LEN], const char *session_id, uint64_t chunks,
	uint32_t ms, const uint8_t head[HASH_LEN])
{
	memcpy(out, SIGNATURE_CONTEXT, sizeof(SIGNATURE_CONTEXT));
	out += sizeof(SIGNATURE_CONTEXT);
	memcpy(out, session_id, ID_DIGITS);
	put64(out + ID_DIGITS, chunks);
	put32(out + ID_DIGITS + 8, ms);
	memcpy(out + ID_DIGITS + 12, head, HASH_LEN);
}

void recording_sign(uint8_t out[RECORDING_SIGNATURE_LEN], const uint8_t secret_key[64],
	const char *session_id, uint64_t chunks, uint32_t ms, const uint8_t head[HASH_LEN])
{
	uint8_t message[SIGNED_LEN];

	signed_bytes(message, session_id, chunks, ms, head);
	put64(out, chunks);
	put32(out + 8, ms);
	put32(out + 12, 0);
	crypto_sign_detached(out + 16, NULL, message, sizeof(message), secret_key);
}

int recording_signature_check(const struct recording_record *record, const uint8_t public_key[32],
	const char *session_id, uint64_t chunks, uint32_t ms, const uint8_t head[HASH_LEN])
{
	uint8_t message[SIGNED_LEN];

	if (record->type != RECORDING_SIGNATURE || record->len != RECORDING_SIGNATURE_LEN ||
		get64(record->body) != chunks || get32(record->body + 8) != ms ||
		get32(record->body + 12) != 0)
		return -ERR_MALFORMED;
	signed_bytes(message, session_id, chunks, ms, head);
	if (crypto_sign_verify_detached(record->body + 16, message, sizeof(message), public_key) !=
		0)
		return -ERR_CRYPTO;
	return 0;
}

size_t recording_end_write(uint8_t *out, const struct recording_end *end)
{
	size_t len = strnlen(end->reason, REASON_SIZE - 1);

	put32(out, (uint32_t)end->why);
	put32(out + 4, (uint32_t)end->exit_status);
	put32(out + 8, end->ms);
	put32(out + 12, 0);
	put64(out + 16, end->output_bytes);
	put64(out + 24, end->input_bytes);
	put64(out + 32, end->chunks);
	put64(out + 40, (uint64_t)end->ended_ms);
	memcpy(out + RECORDING_END_LEN, end->reason, len);
	return RECORDING_END_LEN + len;
}

int recording_end_read(const struct recording_record *record, struct recording_end *ret_end)
{
	const uint8_t *body = record->body;

	if (record->type != RECORDING_END || record->len < RECORDING_END_LEN ||
		get32(body + 12) != 0)
		return -ERR_MALFORMED;
	memset(ret_end, 0, sizeof(*ret_end));
	ret_end->why = (int32_t)get32(body);
	ret_end->exit_status = (int32_t)get32(body + 4);
	ret_end->ms = get32(body + 8);
	ret_end->output_bytes = get64(body + 16);
	ret_end->input_bytes = get64(body + 24);
	ret_end->chunks = get64(body + 32);
	ret_end->ended_ms = (int64_t)get64(body + 40);
	if (text_copy_len(ret_end->reason, sizeof(ret_end->reason), body + RECORDING_END_LEN,
		    record->len - RECORDING_END_LEN) < 0)
		return -ERR_MALFORMED;
	return 0;
}

void recording_frame_write(uint8_t out[RECORDING_FRAME_LEN], const struct recording_frame *frame)
{
	put32(out, frame->ms);
	out[4] = frame->type;
	out[5] = 0;
	put16(out + 6, frame->viewer);
	put32(out + 8, frame->len);
}

int recording_frame_next(const uint8_t *bytes, size_t len, struct recording_frame *ret_frame)
{
	if (len == 0)
		return 0;
	if (len < RECORDING_FRAME_LEN || bytes[5] != 0)
		return -ERR_MALFORMED;
	ret_frame->ms = get32(bytes);
	ret_frame->type = bytes[4];
	ret_frame->viewer = get16(bytes + 6);
	ret_frame->len = get32(bytes + 8);
	ret_frame->payload = bytes + RECORDING_FRAME_LEN;
	if (ret_frame->len > VIEW_FRAME_MAX || ret_frame->len > len - RECORDING_FRAME_LEN)
		return -ERR_MALFORMED;
	return (int)(RECORDING_FRAME_LEN + ret_frame->len);
}
