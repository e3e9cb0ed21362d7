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
	recording_record_head(bytes, RECORDING_CHUNK, RECORDING_BODY_MAX);
	assert_int_equal(recording_record_next(bytes, sizeof(bytes), &record), 0); /* cut */
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
	struct recording_chunk chunk = { 5, 10, 20, 100, 3, 1, NULL, 0 }, back;
	struct recording_record whole = { RECORDING_CHUNK, sizeof(record) - RECORDING_RECORD_LEN,
		record + RECORDING_RECORD_LEN };

	recording_record_head(record, RECORDING_CHUNK, whole.len);
	recording_chunk_write(record + RECORDING_RECORD_LEN, &chunk);
	recording_seal(sealed, (const uint8_t *)"hello", 5, key, head, record);
	assert_int_equal(recording_chunk_read(&whole, &back), 0);
	assert_int_equal(back.number, 5);
	assert_int_equal(back.end_ms, 20);
	assert_int_equal(back.frames, 3);
	assert_int_equal(back.flags, RECORDING_CHUNK_KEYFRAME);
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
	struct recording_chunk chunk = { 1, 10, 10, RECORDING_PLAIN_MAX, 1, 0, NULL, 0 };

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
	chunk.start_ms = 10;
	chunk.flags = 2; /* one that nobody knows */
	recording_chunk_write(body, &chunk);
	assert_int_equal(recording_chunk_read(&record, &chunk), -ERR_MALFORMED);
	chunk.flags = 0;
	recording_chunk_write(body, &chunk);
	assert_int_equal(recording_chunk_read(&record, &chunk), 0);
	body[23] = 1; /* zero in this version */
	assert_int_equal(recording_chunk_read(&record, &chunk), -ERR_MALFORMED);
	body[23] = 0;
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

/* ---- docs/formats/recording.md to the byte, with no help of the code's own numbers */

static void le(uint8_t *out, uint64_t value, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

static void header_as_drawn(void **state)
{
	struct recording_header *header = sample(), *back = calloc(1, sizeof(*back));
	uint8_t expected[176 + 5 + 2 + 8] = "SALLYREC\1\0\1\1\1\1\1", head[32], hash[32];
	struct buf out = BUF(RECORDING_HEADER_MAX);

	for (unsigned i = 0; i < 64; i++) {
		header->certificate[i] = (uint8_t)(100 + i);
		header->public_key[i % 32] = (uint8_t)(200 + i % 32);
	}
	header->wrapped_len = 5;
	memcpy(header->wrapped, "wrapp", 5);
	le(expected + 16, 0x0102030405060708, 8);
	memcpy(expected + 24, "00112233445566778899aabbccddeeff00112233", 40);
	memcpy(expected + 64, header->public_key, 32);
	memcpy(expected + 96, header->certificate, 64);
	le(expected + 160, 9, 4);
	le(expected + 164, 5, 2);
	le(expected + 168, 2, 4);
	memcpy(expected + 176, "wrapp{}", 7);
	crypto_generichash_state hashing;
	crypto_generichash_init(&hashing, NULL, 0, 32);
	crypto_generichash_update(&hashing, (const uint8_t *)"sallyport recording 1", 22);
	crypto_generichash_update(&hashing, expected, 183);
	crypto_generichash_final(&hashing, hash, 32);
	memcpy(expected + 183, hash, 8);
	assert_int_equal(recording_header_write(&out, header, head), 0);
	assert_int_equal(out.len, sizeof(expected));
	assert_memory_equal(out.data, expected, sizeof(expected));
	assert_memory_equal(head, hash, 32);
	assert_int_equal(recording_header_read(expected, sizeof(expected), back, head), 191);
	assert_memory_equal(header, back, sizeof(*header));
	assert_memory_equal(head, hash, 32);
	buf_finish(&out);
	free(header);
	free(back);
}

/* One field that this version does not know, everything else and the check as they should be. */
static void header_knows_what_it_knows(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
	} rows[] = { { 8, 2 }, { 9, 1 }, { 10, 0 }, { 10, 2 }, { 11, 2 }, { 12, 2 }, { 13, 2 },
		{ 14, 2 }, { 15, 1 }, { 24, 'g' }, { 63, 'G' }, { 166, 1 }, { 167, 1 }, { 172, 1 },
		{ 173, 1 }, { 174, 1 }, { 175, 1 }, { 165, 1 }, { 169, 0x20 }, { 170, 1 },
		{ 171, 1 } };
	struct recording_header *header = sample(), *back = calloc(1, sizeof(*back));
	struct buf out = BUF(RECORDING_HEADER_MAX);
	uint8_t head[32];

	assert_int_equal(recording_header_write(&out, header, head), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t copy[RECORDING_HEADER_MAX] = { 0 };
		memcpy(copy, out.data, out.len);
		copy[rows[i].at] = rows[i].value;
		hash_two(head, CHAIN_CONTEXT, sizeof(CHAIN_CONTEXT), copy, out.len - 8);
		memcpy(copy + out.len - 8, head, 8);
		int r = recording_header_read(copy, sizeof(copy), back, head);
		if (r != -ERR_MALFORMED)
			fail_msg("byte %u is %u: %d", rows[i].at, rows[i].value, r);
	}
	/* Not typed, and not encrypted by another number: 0 is a value of its own. */
	header->input = 0;
	buf_clear(&out);
	assert_int_equal(recording_header_write(&out, header, head), 0);
	assert_int_equal(recording_header_read(out.data, out.len, back, head), out.len);
	assert_int_equal(back->input, 0);
	/* What does not begin as one is none, whether whole or not. */
	for (size_t at = 0; at < 8; at++) {
		out.data[at] ^= 1;
		assert_int_equal(
			recording_header_read(out.data, out.len, back, head), -ERR_MALFORMED);
		assert_int_equal(recording_header_read(out.data, 8, back, head), -ERR_MALFORMED);
		assert_int_equal(recording_header_read(out.data, at, back, head), 0);
		out.data[at] ^= 1;
	}
	/* A check that is not of these bytes is another answer. */
	out.data[out.len - 1] ^= 1;
	assert_int_equal(recording_header_read(out.data, out.len, back, head), -ERR_CRYPTO);
	out.data[out.len - 1] ^= 1;
	out.data[177] ^= 1;
	assert_int_equal(recording_header_read(out.data, out.len, back, head), -ERR_CRYPTO);
	buf_finish(&out);
	free(header);
	free(back);
}

static void records_as_drawn(void **state)
{
	uint8_t head[8], expected[8] = { 3, 0, 0, 0, 0x78, 0x56, 0x34, 0x12 };
	struct recording_chunk chunk = { 0x0102030405060708, 0x11121314, 0x15161718, 0x191a1b1c,
		0x1d1e, 0x1f, NULL, 0 };
	uint8_t body[24];

	uint32_t len = 0x12345678;
	le(expected + 2, (len ^ len >> 16 ^ 3 * 0x101 ^ 0x5352) & 0xffff, 2);
	memset(head, 0xff, sizeof(head));
	recording_record_head(head, RECORDING_END, len);
	assert_memory_equal(head, expected, 8);
	recording_chunk_write(body, &chunk);
	assert_memory_equal(body,
		"\x08\7\6\5\4\3\2\1\x14\x13\x12\x11\x18\x17\x16\x15\x1c\x1b\x1a\x19\x1e\x1d\x1f"
		"\0",
		24);
}

static void seal_as_drawn(void **state)
{
	uint8_t record[8 + 24 + 5 + 16], key[32] = { 1, 2, 3 }, head[32] = { 4, 5, 6 };
	uint8_t nonce[24] = { 0 }, bound[32 + 8 + 24], plain[5];
	struct recording_chunk chunk = { 0x0102030405060708, 10, 20, 100, 3, 0, NULL, 0 };

	recording_record_head(record, RECORDING_CHUNK, 24 + 5 + 16);
	recording_chunk_write(record + 8, &chunk);
	recording_seal(record + 32, (const uint8_t *)"hello", 5, key, head, record);
	le(nonce, 0x0102030405060708, 8);
	memcpy(bound, head, 32);
	memcpy(bound + 32, record, 32);
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, record + 32,
				 21, bound, sizeof(bound), nonce, key),
		0);
	assert_memory_equal(plain, "hello", 5);
}

static void signature_as_drawn(void **state)
{
	static const char id[] = "00112233445566778899aabbccddeeff00112233";
	uint8_t public_key[32], secret_key[64], body[80], head[32] = { 7, 8, 9 };
	uint8_t text[27 + 40 + 8 + 4 + 32] = "sallyport recording head 1";

	crypto_sign_keypair(public_key, secret_key);
	memset(body, 0xff, sizeof(body));
	recording_sign(body, secret_key, id, 0x0102030405060708, 0x11121314, head);
	assert_memory_equal(body, "\x08\7\6\5\4\3\2\1\x14\x13\x12\x11\0\0\0\0", 16);
	memcpy(text + 27, id, 40);
	memcpy(text + 67, body, 12);
	memcpy(text + 79, head, 32);
	assert_int_equal(crypto_sign_verify_detached(body + 16, text, sizeof(text), public_key), 0);
}

static void end_as_drawn(void **state)
{
	struct recording_end end = { .why = -2,
		.exit_status = 3,
		.ms = 0x11121314,
		.output_bytes = 0x0102030405060708,
		.input_bytes = 0x2122232425262728,
		.chunks = 0x3132333435363738,
		.ended_ms = 0x4142434445464748,
		.reason = "why" };
	uint8_t body[48 + REASON_SIZE];
	static const uint8_t expected[48 + 3] = "\xfe\xff\xff\xff\3\0\0\0\x14\x13\x12\x11\0\0\0\0"
						"\x08\7\6\5\4\3\2\1\x28\x27\x26\x25\x24\x23\x22\x21"
						"\x38\x37\x36\x35\x34\x33\x32\x31\x48\x47\x46\x45"
						"\x44\x43\x42\x41why";

	memset(body, 0xff, sizeof(body));
	assert_int_equal(recording_end_write(body, &end), 51);
	assert_memory_equal(body, expected, 51);
	/* The longest reason, and its NUL left out. */
	memset(end.reason, 'x', REASON_SIZE - 1);
	end.reason[REASON_SIZE - 1] = 0;
	assert_int_equal(recording_end_write(body, &end), 48 + REASON_SIZE - 1);
	struct recording_record record = { RECORDING_END, 48 + REASON_SIZE - 1, body };
	assert_int_equal(recording_end_read(&record, &end), 0);
	assert_int_equal(strlen(end.reason), REASON_SIZE - 1);
	record.len++;
	assert_int_equal(recording_end_read(&record, &end), -ERR_MALFORMED);
	record.len = 48;
	assert_int_equal(recording_end_read(&record, &end), 0);
	assert_string_equal(end.reason, "");
}

static void frame_as_drawn(void **state)
{
	struct recording_frame frame = { 0x01020304, 0x41, 0x0506, 0x0708, NULL };
	uint8_t out[12];

	memset(out, 0xff, sizeof(out));
	recording_frame_write(out, &frame);
	assert_memory_equal(out, "\4\3\2\1\x41\0\6\5\x08\7\0\0", 12);
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
		cmocka_unit_test(header_as_drawn),
		cmocka_unit_test(header_knows_what_it_knows),
		cmocka_unit_test(records_as_drawn),
		cmocka_unit_test(seal_as_drawn),
		cmocka_unit_test(signature_as_drawn),
		cmocka_unit_test(end_as_drawn),
		cmocka_unit_test(frame_as_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
