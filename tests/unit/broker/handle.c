/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/handle.c"

#include "house.h"

#include "failing.h"
#include "failing_store.h"

#define ID "0123456789abcdef0123456789abcdef01234567"

static void test_one_key(void **state)
{
	struct broker *broker = ((struct house *)*state)->broker;
	uint8_t key[HASH_LEN];

	memcpy(key, broker->handle_key, HASH_LEN);
	assert_int_equal(handle_begin(broker), 0);
	assert_memory_equal(broker->handle_key, key, HASH_LEN);
	assert_int_equal(store_fact_set(broker->store, fact, "abc"), 0);
	assert_int_equal(handle_begin(broker), -ERR_MALFORMED);
	assert_int_equal(store_fact_set(broker->store, fact, "abcd"), 0);
	assert_int_equal(handle_begin(broker), -ERR_MALFORMED);
}

/* No store, no key: not even one of its own. */
static void test_store_fails(void **state)
{
	struct broker *broker = ((struct house *)*state)->broker;
	unsigned run = 0;

	failing_store(broker->store);
	FAILING(FAILING_STORE) {
		int r = handle_begin(broker);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
		run++;
	}
	assert_int_equal(run, 2);
}

static void test_none_yet(void **state)
{
	struct house *house = *state;
	unsigned run = 0;

	turn_close(house->broker);
	house_tamper(house, "DELETE FROM facts WHERE name = 'handle_key'");
	failing_store(house->broker->store);
	FAILING(FAILING_STORE) {
		int r = handle_begin(house->broker);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
		run++;
	}
	assert_int_equal(run, 3); /* reading, writing, and nothing failed */
}

/* The row's neighbours are those of its session; all else is the hash's. */
static void test_neighbours(void **state)
{
	const struct broker *broker = ((struct house *)*state)->broker;
	char token[TOKEN_SIZE], other[TOKEN_SIZE];
	uint8_t hash[HASH_LEN], again[HASH_LEN], whole[HASH_LEN], hint[HANDLE_HINT];

	handle_token_make(broker, ID, token, hash);
	assert_int_equal(strlen(token), TOKEN_SIZE - 1);
	hex_decode(hint, sizeof hint, ID, 16);
	assert_memory_equal(hash, hint, HANDLE_HINT);
	hash_token(whole, token, TOKEN_SIZE - 1);
	assert_memory_equal(hash + HANDLE_HINT, whole, HASH_LEN - HANDLE_HINT);
	assert_int_equal(handle_token_hash(broker, token, again), 0);
	assert_memory_equal(hash, again, HASH_LEN);
	handle_token_make(broker, ID, other, again);
	assert_memory_equal(hash, again, HANDLE_HINT);
	assert_memory_not_equal(hash + HANDLE_HINT, again + HANDLE_HINT, HASH_LEN - HANDLE_HINT);
}

/* The hint is not to be seen without the key: the same session's differ in every byte's bits. */
static void test_hidden(void **state)
{
	const struct broker *broker = ((struct house *)*state)->broker;
	uint8_t bytes[32], ever[HANDLE_HINT] = { 0 }, always[HANDLE_HINT];

	memset(always, 0xff, sizeof always);
	for (int i = 0; i < 100; i++) {
		handle_make(broker, ID, bytes, sizeof bytes);
		for (int b = 0; b < HANDLE_HINT; b++) {
			ever[b] |= bytes[HANDLE_RANDOM_LEAST + b];
			always[b] &= bytes[HANDLE_RANDOM_LEAST + b];
		}
	}
	for (int b = 0; b < HANDLE_HINT; b++) {
		assert_int_equal(ever[b], 0xff);
		assert_int_equal(always[b], 0);
	}
}

static void test_another_key_finds_nothing(void **state)
{
	struct broker *broker = ((struct house *)*state)->broker;
	char token[TOKEN_SIZE];
	uint8_t hash[HASH_LEN], again[HASH_LEN];

	handle_token_make(broker, ID, token, hash);
	broker->handle_key[0] ^= 1;
	assert_int_equal(handle_token_hash(broker, token, again), 0);
	assert_memory_not_equal(hash, again, HANDLE_HINT);
}

static void test_no_token(void **state)
{
	const struct broker *broker = ((struct house *)*state)->broker;
	char token[TOKEN_SIZE + 2];
	uint8_t hash[HASH_LEN];

	handle_token_make(broker, ID, token, hash);
	token[10] = 'g';
	assert_int_equal(handle_token_hash(broker, token, hash), -ERR_MALFORMED);
	token[10] = 'a';
	token[62] = 0;
	assert_int_equal(handle_token_hash(broker, token, hash), -ERR_MALFORMED);
	memset(token, 'a', sizeof token - 1);
	token[sizeof token - 1] = 0;
	assert_int_equal(handle_token_hash(broker, token, hash), -ERR_MALFORMED);
	assert_int_equal(handle_token_hash(broker, "", hash), -ERR_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_key),
		TEST(test_store_fails),
		TEST(test_none_yet),
		TEST(test_neighbours),
		TEST(test_hidden),
		TEST(test_another_key_finds_nothing),
		TEST(test_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
