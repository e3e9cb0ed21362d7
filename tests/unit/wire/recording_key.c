/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_key.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SESSION "00112233445566778899aabbccddeeff00112233"

struct keys {
	uint8_t public[32], secret[32], key[32], wrapped[RECORDING_WRAPPED_LEN];
};

static struct keys wrapped(void)
{
	struct keys keys;

	crypto_box_keypair(keys.public, keys.secret);
	memset(keys.key, 7, sizeof keys.key);
	assert_int_equal(recording_key_wrap(SESSION, keys.key, keys.public, keys.wrapped), 0);
	return keys;
}

static int unwrap(const struct keys *keys, const char *session_id, uint8_t ret_key[32])
{
	return recording_key_unwrap(session_id, keys->wrapped, keys->public, keys->secret, ret_key);
}

static void test_comes_back(void **state)
{
	struct keys keys = wrapped();
	uint8_t back[32];

	assert_int_equal(unwrap(&keys, SESSION, back), 0);
	assert_memory_equal(keys.key, back, 32);
}

static void test_only_for_its_session(void **state)
{
	char other[SESSION_ID_SIZE] = SESSION, bad[SESSION_ID_SIZE] = SESSION;
	struct keys keys = wrapped();
	uint8_t back[32];

	other[5] = 'e';
	bad[5] = '/';
	assert_int_equal(unwrap(&keys, other, back), -ERR_CRYPTO);
	assert_int_equal(unwrap(&keys, bad, back), -ERR_MALFORMED);
	assert_int_equal(
		recording_key_wrap(bad, keys.key, keys.public, keys.wrapped), -ERR_MALFORMED);
}

static void test_every_byte_counts(void **state)
{
	struct keys keys = wrapped();
	uint8_t back[32];

	for (unsigned i = 0; i < sizeof keys.wrapped; i++) {
		keys.wrapped[i] ^= 1;
		assert_int_equal(unwrap(&keys, SESSION, back), -ERR_CRYPTO);
		keys.wrapped[i] ^= 1;
	}
	assert_int_equal(unwrap(&keys, SESSION, back), 0);
}

/* The second key is another thing under the same one: neither is taken for the other. */
static void test_second_key(void **state)
{
	struct keys keys = wrapped();
	uint8_t second[RECORDING_SECRETS_WRAPPED_LEN], back[32];

	assert_int_equal(recording_secrets_wrap(SESSION, keys.key, keys.public, second), 0);
	assert_int_equal(
		recording_secrets_unwrap(SESSION, second, keys.public, keys.secret, back), 0);
	assert_memory_equal(keys.key, back, 32);
	assert_int_equal(
		recording_key_unwrap(SESSION, second, keys.public, keys.secret, back), -ERR_CRYPTO);
	memcpy(second, keys.wrapped, sizeof keys.wrapped);
	assert_int_equal(recording_secrets_unwrap(SESSION, second, keys.public, keys.secret, back),
		-ERR_CRYPTO);
	/* Of the right length, and sealed for the vault, but for another purpose. */
	uint8_t plain[RECORDING_SESSION_LEN + 32 + 8] = SESSION;
	memcpy(plain + RECORDING_SESSION_LEN + 32, "secretz", 8);
	assert_int_equal(crypto_box_seal(second, plain, sizeof plain, keys.public), 0);
	assert_int_equal(recording_secrets_unwrap(SESSION, second, keys.public, keys.secret, back),
		-ERR_CRYPTO);
}

static int prepare(void **state)
{
	return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_only_for_its_session),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_second_key),
	};
	return cmocka_run_group_tests(tests, prepare, NULL);
}
