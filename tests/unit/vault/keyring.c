/* SPDX-License-Identifier: Apache-2.0 */
#define KEYRING_PASSES 1
#define KEYRING_MEMORY (8u << 20)
#include "vault/keyring.c"

#include <sys/resource.h>

#include "fixture.h"

static void test_round_trip(void **state)
{
	struct fixture f;
	uint8_t signature[64];
	fixture_installation(&f);
	assert_false(keyring_sealed(f.keyring));
	assert_int_equal(keyring_newest(f.keyring), 1);
	assert_int_equal(keyring_sign(f.keyring, "words", 5, signature), 0);
	assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)"words", 5,
				 keyring_installation_public(f.keyring)),
		0);

	struct keyring *again;
	assert_int_equal(keyring_load(f.directory, &again), 0);
	assert_memory_equal(keyring_root(again, 1), keyring_root(f.keyring, 1), KEY_LEN);
	assert_memory_equal(
		keyring_installation_id(again), keyring_installation_id(f.keyring), KEYRING_ID_LEN);
	assert_null(keyring_root(again, 0));
	assert_null(keyring_root(again, 2));
	keyring_destroy(again);
	fixture_finish(&f);
}

static void test_nothing_in_clear(void **state)
{
	struct fixture f;
	uint8_t file[FILE_MAX];
	fixture_installation(&f);
	size_t len = fixture_read(&f, "keyring", file, sizeof file);
	assert_int_equal(len, FILE_LEN(1));
	assert_null(memmem(file, len, keyring_root(f.keyring, 1), KEY_LEN));
	assert_null(memmem(file, len, keyring_recording_secret(f.keyring, 1), KEY_LEN));
	assert_null(memmem(file, len, f.keyring->keys->installation_seed, KEY_LEN));
	assert_null(memmem(file, len, f.keyring->keys->master, KEY_LEN));
	fixture_finish(&f);
}

static void test_two_installations_differ(void **state)
{
	struct fixture a, b;
	fixture_installation(&a);
	fixture_installation(&b);
	assert_memory_not_equal(keyring_root(a.keyring, 1), keyring_root(b.keyring, 1), KEY_LEN);
	assert_memory_not_equal(keyring_installation_id(a.keyring),
		keyring_installation_id(b.keyring), KEYRING_ID_LEN);
	fixture_finish(&a);
	fixture_finish(&b);
}

static void test_create_refuses_to_overwrite(void **state)
{
	struct fixture f;
	uint8_t before[FILE_MAX], after[FILE_MAX];
	fixture_installation(&f);
	size_t len = fixture_read(&f, "keyring", before, sizeof before);
	assert_int_equal(keyring_create(f.directory, NULL), -ERR_EXISTS);
	assert_int_equal(fixture_read(&f, "keyring", after, sizeof after), len);
	assert_memory_equal(before, after, len);

	/* A passphrase beside a root.key would look as if the file opened something. */
	unlinkat(f.directory, "keyring", 0);
	struct secret *passphrase = secret_create("tell nobody", 11);
	assert_int_equal(keyring_create(f.directory, passphrase), -ERR_EXISTS);
	secret_destroy(passphrase);
	fixture_finish(&f);
}

static void test_create_goes_on_after_a_crash(void **state)
{
	struct fixture f;
	uint8_t key[KEY_LEN], kept[KEY_LEN];
	fixture_begin(&f);
	memset(key, 7, sizeof key);
	fixture_write(&f, "root.key", key, sizeof key, 0600);
	assert_int_equal(keyring_create(f.directory, NULL), 0);
	assert_int_equal(fixture_read(&f, "root.key", kept, sizeof kept), KEY_LEN);
	assert_memory_equal(key, kept, KEY_LEN);
	assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
	fixture_finish(&f);
}

static int load_with_root_key(struct fixture *f, const void *key, size_t len, mode_t mode)
{
	struct keyring *keyring = NULL;
	fixture_write(f, "root.key", key, len, mode);
	int r = keyring_load(f->directory, &keyring);
	keyring_destroy(keyring);
	return r;
}

static void test_root_key_is_checked(void **state)
{
	struct fixture f;
	uint8_t key[64] = { 0 };
	fixture_installation(&f);
	fixture_read(&f, "root.key", key, KEY_LEN);
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN, 0600), 0);
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN, 0400), 0);
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN, 0640), -ERR_NOT_AUTHORIZED);
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN, 0604), -ERR_NOT_AUTHORIZED);
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN, 0610), -ERR_NOT_AUTHORIZED);
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN - 1, 0600), -ERR_MALFORMED);
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN + 1, 0600), -ERR_TOO_LARGE);
	key[31] ^= 1;
	assert_int_equal(load_with_root_key(&f, key, KEY_LEN, 0600), -ERR_CRYPTO);

	struct keyring *keyring;
	unlinkat(f.directory, "root.key", 0);
	assert_int_equal(keyring_load(f.directory, &keyring), -ERR_NOT_FOUND);
	key[31] ^= 1;
	fixture_write(&f, "elsewhere", key, KEY_LEN, 0600);
	assert_int_equal(symlinkat("elsewhere", f.directory, "root.key"), 0);
	assert_int_equal(keyring_load(f.directory, &keyring), -ERR_SYSTEM);
	fixture_finish(&f);
}

static void test_every_byte_counts(void **state)
{
	struct fixture f;
	uint8_t file[FILE_MAX];
	struct keyring *keyring;
	fixture_installation(&f);
	size_t len = fixture_read(&f, "keyring", file, sizeof file);
	for (size_t i = 0; i < len; i++) {
		/* Two bytes nobody reads are still under the seal: they are written as zero. */
		uint8_t bit = (uint8_t)(1u << (i % 8));
		bool zero = i == 10 || i == 11 || (i >= 92 && i < 96);
		file[i] ^= bit;
		fixture_write(&f, "keyring", file, len, 0600);
		int r = keyring_load(f.directory, &keyring);
		if (zero)
			assert_int_equal(r, -ERR_MALFORMED);
		else if (r == 0)
			fail_msg("byte %zu was changed and nobody noticed", i);
		file[i] ^= bit;
	}
	for (size_t cut = 0; cut < len; cut += 7) {
		fixture_write(&f, "keyring", file, cut, 0600);
		assert_int_equal(keyring_load(f.directory, &keyring), -ERR_MALFORMED);
	}
	fixture_finish(&f);
}

static void test_passphrase(void **state)
{
	struct fixture f;
	fixture_begin(&f);
	struct secret *right = secret_create("correct horse", 13);
	struct secret *wrong = secret_create("correct house", 13);
	assert_int_equal(keyring_create(f.directory, right), 0);
	assert_false(fixture_has(&f, "root.key"));
	assert_int_equal(keyring_load(f.directory, &f.keyring), 0);

	uint8_t signature[64];
	assert_true(keyring_sealed(f.keyring));
	assert_int_equal(keyring_newest(f.keyring), 0);
	assert_null(keyring_root(f.keyring, 1));
	assert_int_equal(keyring_sign(f.keyring, "x", 1, signature), -ERR_SEALED);
	assert_int_equal(keyring_rotate(f.keyring, f.directory), -ERR_SEALED);

	assert_int_equal(keyring_unseal(f.keyring, wrong), -ERR_CRYPTO);
	assert_true(keyring_sealed(f.keyring));
	assert_int_equal(keyring_unseal(f.keyring, right), 0);
	assert_int_equal(keyring_newest(f.keyring), 1);
	assert_int_equal(keyring_unseal(f.keyring, right), -ERR_WRONG_MOMENT);

	/* A rotation keeps the passphrase. */
	assert_int_equal(keyring_rotate(f.keyring, f.directory), 0);
	struct keyring *again;
	assert_int_equal(keyring_load(f.directory, &again), 0);
	assert_int_equal(keyring_unseal(again, right), 0);
	assert_int_equal(keyring_newest(again), 2);
	keyring_destroy(again);
	secret_destroy(right);
	secret_destroy(wrong);
	fixture_finish(&f);
}

static void test_passphrase_costs_are_bounded(void **state)
{
	struct fixture f;
	uint8_t file[FILE_MAX];
	struct keyring *keyring;
	fixture_begin(&f);
	struct secret *passphrase = secret_create("x", 1);
	assert_int_equal(keyring_create(f.directory, passphrase), 0);
	size_t len = fixture_read(&f, "keyring", file, sizeof file);
	bytes_put64(file + 16, UINT64_C(1) << 40);
	fixture_write(&f, "keyring", file, len, 0600);
	assert_int_equal(keyring_load(f.directory, &keyring), -ERR_MALFORMED);
	bytes_put64(file + 16, KEYRING_MEMORY);
	bytes_put32(file + 12, 1000000);
	fixture_write(&f, "keyring", file, len, 0600);
	assert_int_equal(keyring_load(f.directory, &keyring), -ERR_MALFORMED);
	secret_destroy(passphrase);
	fixture_finish(&f);
}

static void test_rotate(void **state)
{
	struct fixture f;
	uint8_t first[KEY_LEN], a[32], b[32];
	fixture_installation(&f);
	memcpy(first, keyring_root(f.keyring, 1), KEY_LEN);
	assert_int_equal(keyring_rotate(f.keyring, f.directory), 0);
	assert_int_equal(keyring_newest(f.keyring), 2);
	assert_memory_equal(first, keyring_root(f.keyring, 1), KEY_LEN);
	assert_memory_not_equal(first, keyring_root(f.keyring, 2), KEY_LEN);
	assert_int_equal(keyring_recording_public(f.keyring, 1, a), 0);
	assert_int_equal(keyring_recording_public(f.keyring, 2, b), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(keyring_recording_public(f.keyring, 3, b), -ERR_NOT_FOUND);

	struct keyring *again;
	assert_int_equal(keyring_load(f.directory, &again), 0);
	assert_int_equal(keyring_newest(again), 2);
	assert_memory_equal(keyring_root(again, 2), keyring_root(f.keyring, 2), KEY_LEN);
	assert_memory_equal(
		keyring_installation_public(again), keyring_installation_public(f.keyring), 32);
	assert_false(fixture_has(&f, "keyring.new"));
	keyring_destroy(again);

	f.keyring->count = KEYRING_VERSIONS_MAX;
	assert_int_equal(keyring_rotate(f.keyring, f.directory), -ERR_FULL);
	fixture_finish(&f);
}

static void test_crash_before_the_rename(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	/* What a crash leaves: part of a new file under the other name. */
	fixture_write(&f, "keyring.new", "SALLYKEY half", 13, 0600);
	struct keyring *again;
	assert_int_equal(keyring_load(f.directory, &again), 0);
	assert_int_equal(keyring_newest(again), 1);
	keyring_destroy(again);
	assert_int_equal(keyring_rotate(f.keyring, f.directory), 0);
	assert_false(fixture_has(&f, "keyring.new"));
	assert_int_equal(keyring_load(f.directory, &again), 0);
	assert_int_equal(keyring_newest(again), 2);
	keyring_destroy(again);
	fixture_finish(&f);
}

static void test_disk_full_changes_nothing(void **state)
{
	struct fixture f;
	struct keyring *again;
	fixture_installation(&f);
	fixture_file_limit(100);
	assert_int_equal(keyring_rotate(f.keyring, f.directory), -ERR_SYSTEM);
	fixture_file_limit(RLIM_INFINITY);
	assert_int_equal(keyring_newest(f.keyring), 1);
	assert_null(keyring_root(f.keyring, 2));
	assert_int_equal(keyring_load(f.directory, &again), 0);
	assert_int_equal(keyring_newest(again), 1);
	keyring_destroy(again);
	assert_int_equal(keyring_rotate(f.keyring, f.directory), 0);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nothing_in_clear),
		cmocka_unit_test(test_two_installations_differ),
		cmocka_unit_test(test_create_refuses_to_overwrite),
		cmocka_unit_test(test_create_goes_on_after_a_crash),
		cmocka_unit_test(test_root_key_is_checked),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_passphrase_costs_are_bounded),
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_crash_before_the_rename),
		cmocka_unit_test(test_disk_full_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
