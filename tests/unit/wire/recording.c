/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

static struct recording_header *sample(void)
{
	struct recording_header *header = calloc(1, sizeof(*header));

	*header = (struct recording_header){ .version = 1,
		.aead = 1,
		.compression = 1,
		.chain = 1,
		.signature = 1,
		.input = 1,
		.started_ms = 0x0102030405060708,
		.session_id = "00112233445566778899aabbccddeeff00112233",
		.key_version = 9,
		.wrapped_len = 120,
		.facts_len = 2,
		.facts = "{}" };
	return header;
}

static void header_round_trip(void **state)
{
	struct recording_header *header = sample(), *back = calloc(1, sizeof(*back));
	struct buf out = BUF(RECORDING_HEADER_MAX);
	uint8_t head[HASH_LEN], head_back[HASH_LEN];

	assert_int_equal(recording_header_write(&out, header, head), 0);
	assert_int_equal(out.len, RECORDING_HEADER_LEN + 120 + 2 + 8);
	assert_memory_equal(out.data, "SALLYREC\1\0", 10);
	assert_int_equal(recording_header_read(out.data, out.len, back, head_back), out.len);
	assert_memory_equal(head, head_back, HASH_LEN);
	assert_memory_equal(header, back, sizeof(*header));
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(recording_header_read(out.data, len, back, head_back), 0);
	for (size_t at = 0; at < out.len; at++) {
		out.data[at] ^= 0x10;
		int r = recording_header_read(out.data, out.len, back, head_back);
		assert_true(r == -ERR_MALFORMED || r == -ERR_CRYPTO || r == 0);
		out.data[at] ^= 0x10;
	}
	buf_finish(&out);
	free(header);
	free(back);
}

static void header_limits(void **state)
{
	struct recording_header *header = sample();
	struct buf out = BUF(RECORDING_HEADER_MAX);
	uint8_t head[HASH_LEN];

	header->facts_len = RECORDING_FACTS_MAX;
	header->wrapped_len = RECORDING_WRAPPED_MAX;
	assert_int_equal(recording_header_write(&out, header, head), 0);
	assert_int_equal(
		recording_header_read(out.data, out.len, header, head), RECORDING_HEADER_MAX);
	header->facts_len = RECORDING_FACTS_MAX + 1;
	assert_int_equal(recording_header_write(&out, header, head), -ERR_TOO_LARGE);
	header->facts_len = 0;
	header->wrapped_len = RECORDING_WRAPPED_MAX + 1;
	assert_int_equal(recording_header_write(&out, header, head), -ERR_TOO_LARGE);
	buf_finish(&out);
	header->wrapped_len = 0;
	header->version = 2;
	assert_int_equal(recording_header_write(&out, header, head), 0);
	assert_int_equal(recording_header_read(out.data, out.len, header, head), -ERR_MALFORMED);
	assert_int_equal(header->version, 2);
	buf_finish(&out);
	free(header);
}

static void record_head(void **state)
{
	uint8_t bytes[32] = { 0 };
	struct recording_record record;

	recording_record_head(bytes, RECORDING_SIGNATURE, 16);
	assert_int_equal(recording_record_next(bytes, sizeof(bytes), &record), 32);
	assert_int_equal(record.type, RECORDING_SIGNATURE);
	assert_int_equal(record.len, 16);
	assert_ptr_equal(record.body, bytes + 8);
	for (size_t len = 0; len < sizeof(bytes); len++)
		assert_int_equal(recording_record_next(bytes, len, &record), 0);
	/* A changed length is malformed, not a file that was cut. */
	for (unsigned bit = 0; bit < 64; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(
			recording_record_next(bytes, sizeof(bytes), &record), -ERR_MALFORMED);
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	recording_record_head(bytes, RECORDING_CHUNK, RECORDING_BODY_MAX + 1);
	assert_int_equal(recording_record_next(bytes, sizeof(bytes), &record), -ERR_MALFORMED);
	recording_record_head(bytes, 0, 16);
	assert_int_equal(recording_record_next(bytes, sizeof(bytes), &record), -ERR_MALFORMED);
}

static void chain_order(void **state)
{
	uint8_t a[HASH_LEN] = { 0 }, b[HASH_LEN] = { 0 };

	recording_chain(a, (const uint8_t *)"one", 3);
	recording_chain(a, (const uint8_t *)"two", 3);
	recording_chain(b, (const uint8_t *)"two", 3);
	recording_chain(b, (const uint8_t *)"one", 3);
	assert_memory_not_equal(a, b, HASH_LEN);
}

static void seal_and_open(void **state)
{
	uint8_t record[RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN + 5 + RECORDING_TAG_LEN];
	uint8_t *sealed = record + RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN;
	uint8_t key[RECORDING_KEY_LEN] = { 1 }, head[HASH_LEN] = { 2 }, plain[16];
	struct recording_chunk chunk = { 5, 10, 20, 100, 3, NULL, 0 }, back;
	struct recording_record whole = { RECORDING_CHUNK, sizeof(record) - RECORDING_RECORD_LEN,
		record + RECORDING_RECORD_LEN };

	recording_record_head(record, RECORDING_CHUNK, whole.len);
	recording_chunk_write(record + RECORDING_RECORD_LEN, &chunk);
	recording_seal(sealed, (const uint8_t *)"hello", 5, key, head, record);
	assert_int_equal(recording_chunk_read(&whole, &back), 0);
	assert_int_equal(back.number, 5);
	assert_int_equal(back.end_ms, 20);
	assert_int_equal(back.frames, 3);
	assert_int_equal(recording_open(plain, &back, key, head, record), 0);
	assert_memory_equal(plain, "hello", 5);
	/* Bound to everything before it: its own head and the chain's. */
	for (size_t at = 0; at < sizeof(record); at++) {
		record[at] ^= 1;
		assert_int_equal(recording_open(plain, &back, key, head, record), -ERR_CRYPTO);
		record[at] ^= 1;
	}
	head[31] ^= 1;
	assert_int_equal(recording_open(plain, &back, key, head, record), -ERR_CRYPTO);
	head[31] ^= 1;
	key[31] ^= 1;
	assert_int_equal(recording_open(plain, &back, key, head, record), -ERR_CRYPTO);
}

static void chunk_limits(void **state)
{
	uint8_t body[RECORDING_CHUNK_LEN + RECORDING_TAG_LEN];
	struct recording_record record = { RECORDING_CHUNK, sizeof(body), body };
	struct recording_chunk chunk = { 1, 10, 10, RECORDING_PLAIN_MAX, 1, NULL, 0 };

	recording_chunk_write(body, &chunk);
	assert_int_equal(recording_chunk_read(&record, &chunk), 0);
	record.len--;
	assert_int_equal(recording_chunk_read(&record, &chunk), -ERR_MALFORMED);
	record.len++;
	chunk.plain_len = RECORDING_PLAIN_MAX + 1;
	recording_chunk_write(body, &chunk);
	assert_int_equal(recording_chunk_read(&record, &chunk), -ERR_MALFORMED);
	chunk.plain_len = 1;
	chunk.start_ms = 11;
	recording_chunk_write(body, &chunk);
	assert_int_equal(recording_chunk_read(&record, &chunk), -ERR_MALFORMED);
	record.type = RECORDING_END;
	assert_int_equal(recording_chunk_read(&record, &chunk), -ERR_MALFORMED);
}

static void signature(void **state)
{
	static const char id[] = "00112233445566778899aabbccddeeff00112233";
	uint8_t public_key[32], secret_key[64], body[RECORDING_SIGNATURE_LEN],
		head[HASH_LEN] = { 7 };
	struct recording_record record = { RECORDING_SIGNATURE, sizeof(body), body };

	crypto_sign_keypair(public_key, secret_key);
	recording_sign(body, secret_key, id, 12, 3456, head);
	assert_int_equal(recording_signature_check(&record, public_key, id, 12, 3456, head), 0);
	assert_int_equal(
		recording_signature_check(&record, public_key, id, 13, 3456, head), -ERR_MALFORMED);
	assert_int_equal(
		recording_signature_check(&record, public_key, id, 12, 3457, head), -ERR_MALFORMED);
	assert_int_equal(recording_signature_check(&record, public_key,
				 "10112233445566778899aabbccddeeff00112233", 12, 3456, head),
		-ERR_CRYPTO);
	head[0] ^= 1;
	assert_int_equal(
		recording_signature_check(&record, public_key, id, 12, 3456, head), -ERR_CRYPTO);
	head[0] ^= 1;
	record.type = RECORDING_OPTIONAL;
	assert_int_equal(
		recording_signature_check(&record, public_key, id, 12, 3456, head), -ERR_MALFORMED);
	record.type = RECORDING_SIGNATURE;
	record.len--;
	assert_int_equal(
		recording_signature_check(&record, public_key, id, 12, 3456, head), -ERR_MALFORMED);
	record.len++;
	assert_int_equal(recording_signature_check(&record, public_key, id, 12, 3456, head), 0);
	for (size_t bit = 0; bit < sizeof(body) * 8; bit++) {
		body[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_true(recording_signature_check(&record, public_key, id, 12, 3456, head) < 0);
		body[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
}

static void end_round_trip(void **state)
{
	uint8_t body[RECORDING_END_LEN + REASON_SIZE];
	struct recording_end end = { -ERR_DISK, -1, 99, 1, 2, 3, 4, "the disk is full" }, back;
	struct recording_record record = { RECORDING_END, 0, body };

	record.len = (uint32_t)recording_end_write(body, &end);
	assert_int_equal(record.len, RECORDING_END_LEN + 16);
	assert_int_equal(recording_end_read(&record, &back), 0);
	assert_memory_equal(&end, &back, sizeof(end));
	record.type = RECORDING_CHUNK;
	assert_int_equal(recording_end_read(&record, &back), -ERR_MALFORMED);
	record.type = RECORDING_END;
	body[12] = 1; /* a reserved byte */
	assert_int_equal(recording_end_read(&record, &back), -ERR_MALFORMED);
	body[12] = 0;
	assert_int_equal(recording_end_read(&record, &back), 0);
	body[RECORDING_END_LEN + 3] = 0;
	assert_int_equal(recording_end_read(&record, &back), -ERR_MALFORMED);
	record.len = RECORDING_END_LEN - 1;
	assert_int_equal(recording_end_read(&record, &back), -ERR_MALFORMED);
}

static void frames(void **state)
{
	uint8_t bytes[RECORDING_FRAME_LEN + 3] = { 0 };
	struct recording_frame frame = { 1000, VIEW_KEYS, 7, 3, NULL }, back;

	recording_frame_write(bytes, &frame);
	assert_int_equal(recording_frame_next(bytes, sizeof(bytes), &back), sizeof(bytes));
	assert_int_equal(back.ms, 1000);
	assert_int_equal(back.viewer, 7);
	assert_int_equal(back.type, VIEW_KEYS);
	assert_int_equal(recording_frame_next(bytes, 0, &back), 0);
	for (size_t len = 1; len < sizeof(bytes); len++)
		assert_int_equal(recording_frame_next(bytes, len, &back), -ERR_MALFORMED);
	bytes[5] = 1; /* reserved */
	assert_int_equal(recording_frame_next(bytes, sizeof(bytes), &back), -ERR_MALFORMED);
	bytes[5] = 0;
	put32(bytes + 8, 0xffffffff);
	assert_int_equal(recording_frame_next(bytes, sizeof(bytes), &back), -ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_round_trip),
		cmocka_unit_test(header_limits),
		cmocka_unit_test(record_head),
		cmocka_unit_test(chain_order),
		cmocka_unit_test(seal_and_open),
		cmocka_unit_test(chunk_limits),
		cmocka_unit_test(signature),
		cmocka_unit_test(end_round_trip),
		cmocka_unit_test(frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
