/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/chain.c"

#include <errno.h>

#include "failing.h"
#include "fixture.h"

static void every_record_is_chained(void **state)
{
	struct fixture fixture;
	struct chain chain;
	struct recording_header *back = malloc(sizeof(*back));
	struct recording_record record;
	uint8_t public_key[32], key[32] = { 0 }, head[HASH_LEN], before[HASH_LEN], *place;
	size_t len;

	fixture_init(&fixture);
	chain_init(&chain, FIXTURE_SESSION, public_key);
	fixture_certify(&fixture, public_key, key);
	assert_int_equal(chain_header(&chain, &fixture.header), 0);
	assert_int_equal(chain_room(&chain, 5, &place), 0);
	recording_record_head(place, RECORDING_OPTIONAL, 5);
	memcpy(place + RECORDING_RECORD_LEN, "hello", 5);
	chain_add(&chain, place, 5);
	assert_int_equal(chain_sign(&chain), 0);
	assert_int_equal(chain.produced, chain.len);
	uint8_t *bytes = chain_take(&chain, &len);
	assert_int_equal(chain.len, 0);
	assert_null(chain_take(&chain, &(size_t){ 0 }));

	int at = recording_header_read(bytes, len, back, head);
	assert_true(at > 0);
	for (int i = 0; i < 2; i++) {
		int r = recording_record_next(bytes + at, len - (size_t)at, &record);
		assert_true(r > 0);
		memcpy(before, head, HASH_LEN);
		recording_chain(head, bytes + at, (size_t)r - RECORDING_CHECK_LEN);
		assert_memory_equal(
			head, bytes + at + r - RECORDING_CHECK_LEN, RECORDING_CHECK_LEN);
		at += r;
	}
	assert_int_equal(at, len);
	assert_int_equal(
		recording_signature_check(&record, public_key, FIXTURE_SESSION, 0, 0, before), 0);
	assert_memory_equal(head, chain.head, HASH_LEN);
	free(bytes);
	free(back);
	chain_finish(&chain);
	assert_int_equal(chain.secret_key[0], 0);
}

static void ceiling(void **state)
{
	struct chain chain;
	uint8_t public_key[32], *place;

	chain_init(&chain, FIXTURE_SESSION, public_key);
	while (chain.len + RECORDING_BODY_MAX + 16 <= CHAIN_WAITING_MAX) {
		assert_int_equal(chain_room(&chain, RECORDING_BODY_MAX, &place), 0);
		recording_record_head(place, RECORDING_OPTIONAL, RECORDING_BODY_MAX);
		memset(place + 8, 0, RECORDING_BODY_MAX);
		chain_add(&chain, place, RECORDING_BODY_MAX);
	}
	assert_int_equal(chain_room(&chain, RECORDING_BODY_MAX, &place), -ERR_TOO_LARGE);
	/* To the last byte, and not one more. */
	size_t left = CHAIN_WAITING_MAX - chain.len - RECORDING_RECORD_LEN - RECORDING_CHECK_LEN;
	assert_int_equal(chain_room(&chain, left + 1, &place), -ERR_TOO_LARGE);
	assert_int_equal(chain_room(&chain, left, &place), 0);
	recording_record_head(place, RECORDING_OPTIONAL, (uint32_t)left);
	memset(place + RECORDING_RECORD_LEN, 0, left);
	chain_add(&chain, place, left);
	assert_int_equal(chain.len, CHAIN_WAITING_MAX);
	assert_int_equal(chain_sign(&chain), -ERR_TOO_LARGE);
	assert_int_equal(chain_end(&chain, &(struct recording_end){ 0 }), -ERR_TOO_LARGE);
	assert_int_equal(chain.len, CHAIN_WAITING_MAX);
	chain_finish(&chain);
}

static void end_record(void **state)
{
	struct chain chain;
	struct recording_end end = { .why = -ERR_DISK, .exit_status = -1, .reason = "full" }, back;
	struct recording_record record;
	uint8_t public_key[32];

	chain_init(&chain, FIXTURE_SESSION, public_key);
	assert_int_equal(chain_end(&chain, &end), 0);
	assert_int_equal(recording_record_next(chain.bytes, chain.len, &record), chain.len);
	assert_int_equal(recording_end_read(&record, &back), 0);
	assert_int_equal(back.why, -ERR_DISK);
	assert_string_equal(back.reason, "full");
	chain_finish(&chain);
}

static void headers_that_cannot_be(void **state)
{
	struct fixture fixture;
	struct chain chain;
	uint8_t public_key[32], key[32] = { 0 };

	fixture_init(&fixture);
	chain_init(&chain, FIXTURE_SESSION, public_key);
	fixture_certify(&fixture, public_key, key);
	fixture.header.facts_len = RECORDING_FACTS_MAX + 1;
	assert_int_equal(chain_header(&chain, &fixture.header), -ERR_TOO_LARGE);
	assert_int_equal(chain.produced, 0);
	chain_finish(&chain);
}

static void without_memory(void **state)
{
	struct fixture fixture;
	struct chain chain;
	uint8_t public_key[32], key[32] = { 0 };

	fixture_init(&fixture);
	FAILING(FAILING_MEMORY) {
		chain_init(&chain, FIXTURE_SESSION, public_key);
		fixture_certify(&fixture, public_key, key);
		int r = chain_header(&chain, &fixture.header);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_int_equal(chain.len > 0, r == 0);
		chain_finish(&chain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_is_chained),
		cmocka_unit_test(ceiling),
		cmocka_unit_test(end_record),
		cmocka_unit_test(headers_that_cannot_be),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
