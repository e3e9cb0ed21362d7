/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/keyring.c"

#include <sys/resource.h>

#include "failing.h"
#include "fixture.h"

static const uint8_t one[ROOT_MATERIAL_LEN] = "the first thirty-two bytes, 1234",
		     two[ROOT_MATERIAL_LEN] = "the other thirty-two bytes, 1234";
static const struct keyring_lock by_credential = { .source = SOURCE_CREDENTIAL };

static void test_round_trip(void **state)
{
	struct fixture f;
	uint8_t signature[64];
	fixture_installation(&f);
	assert_false(keyring_sealed(f.keyring));
	assert_int_equal(keyring_newest(f.keyring), 1);
	assert_int_equal(keyring_oldest(f.keyring), 1);
	assert_int_equal(keyring_sign(f.keyring, "words", 5, signature), 0);
	assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)"words", 5,
				 keyring_installation_public(f.keyring)),
		0);

	struct keyring *again = fixture_open(&f);
	assert_memory_equal(keyring_root(again, 1), keyring_root(f.keyring, 1), KEY_LEN);
	assert_memory_equal(
		keyring_installation_id(again), keyring_installation_id(f.keyring), KEYRING_ID_LEN);
	assert_null(keyring_root(again, 0));
	assert_null(keyring_root(again, 2));
	keyring_destroy(again);
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
	uint8_t before[4096], after[4096];
	fixture_installation(&f);
	size_t len = fixture_read(&f, "keyring", before, sizeof before);
	assert_int_equal(keyring_create(f.directory, &by_credential, one), -ERR_EXISTS);
	assert_int_equal(fixture_read(&f, "keyring", after, sizeof after), len);
	assert_memory_equal(before, after, len);
	fixture_finish(&f);
}

static void everything_is_closed(const struct keyring *keyring)
{
	uint8_t bytes[64];
	static const struct keys nothing;
	assert_true(keyring_sealed(keyring));
	assert_int_equal(keyring_newest(keyring), 0);
	assert_int_equal(keyring_oldest(keyring), 0);
	assert_int_equal(keyring_newest_made(keyring), 0);
	assert_null(keyring_root(keyring, 1));
	assert_null(keyring_master(keyring));
	assert_null(keyring_recording_secret(keyring, 1));
	assert_int_equal(keyring_recording_public(keyring, 1, bytes), -ERR_NOT_FOUND);
	assert_int_equal(keyring_sign(keyring, "x", 1, bytes), -ERR_SEALED);
	assert_memory_equal(keyring->keys, &nothing, sizeof nothing);
}

static void test_opens_with_its_material_alone(void **state)
{
	struct fixture f;
	fixture_begin(&f);
	assert_int_equal(keyring_create(f.directory, &by_credential, one), 0);
	assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
	everything_is_closed(f.keyring);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), -ERR_SEALED);
	assert_int_equal(keyring_retire(f.keyring, f.directory), -ERR_SEALED);
	assert_int_equal(keyring_open(f.keyring, two), -ERR_CRYPTO);
	everything_is_closed(f.keyring);
	assert_int_equal(keyring_open(f.keyring, one), 0);
	assert_int_equal(keyring_newest(f.keyring), 1);
	assert_int_equal(keyring_open(f.keyring, one), -ERR_WRONG_MOMENT);
	fixture_finish(&f);
}

/* A token's module sees the material: it must not be enough. */
static void test_the_salt_is_part_of_a_tokens_key(void **state)
{
	struct keyring_lock lock = { .source = SOURCE_TOKEN, .wrapped_len = 1 };
	struct keyring keyring = { .lock = lock };
	uint8_t first[KEY_LEN];
	keyring.keys = guarded_create(sizeof *keyring.keys);
	master_derive(&keyring, one);
	memcpy(first, keyring.keys->master, KEY_LEN);
	keyring.lock.salt[15] = 1;
	master_derive(&keyring, one);
	assert_memory_not_equal(first, keyring.keys->master, KEY_LEN);
	/* For the others it is as it always was. */
	keyring.lock.source = SOURCE_ROOT_KEY;
	master_derive(&keyring, one);
	crypto_generichash(
		first, KEY_LEN, (const uint8_t *)"sallyport keyring master", 24, one, 32);
	assert_memory_equal(first, keyring.keys->master, KEY_LEN);
	guarded_destroy(keyring.keys);
}

static void test_seal_and_open_again(void **state)
{
	struct fixture f;
	uint8_t root[KEY_LEN];
	fixture_begin(&f);
	assert_int_equal(keyring_create(f.directory, &by_credential, one), 0);
	assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
	assert_int_equal(keyring_open(f.keyring, one), 0);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, &by_credential, two), 0);
	memcpy(root, keyring_root(f.keyring, 2), KEY_LEN);
	keyring_seal(f.keyring);
	everything_is_closed(f.keyring);
	/* Without the file: what was written last is what is opened. */
	unlinkat(f.directory, "keyring", 0);
	assert_int_equal(keyring_open(f.keyring, one), -ERR_CRYPTO);
	assert_int_equal(keyring_open(f.keyring, two), 0);
	assert_memory_equal(keyring_root(f.keyring, 2), root, KEY_LEN);
	fixture_finish(&f);
}

static void test_another_process_takes_over(void **state)
{
	struct fixture f;
	struct keyring *other;
	uint8_t master[KEY_LEN];
	fixture_installation(&f);
	memcpy(master, keyring_master(f.keyring), KEY_LEN);
	assert_int_equal(keyring_load(f.directory, &other), 0);
	master[0] ^= 1;
	assert_int_equal(keyring_open_master(other, master), -ERR_CRYPTO);
	everything_is_closed(other);
	master[0] ^= 1;
	assert_int_equal(keyring_open_master(other, master), 0);
	assert_memory_equal(keyring_root(other, 1), keyring_root(f.keyring, 1), KEY_LEN);
	assert_int_equal(keyring_open_master(other, master), -ERR_WRONG_MOMENT);
	/* It can rotate: nothing is missing. */
	assert_int_equal(keyring_rotate(other, f.directory, NULL, NULL), 0);
	keyring_destroy(other);
	other = fixture_open(&f);
	assert_int_equal(keyring_newest(other), 2);
	keyring_destroy(other);
	fixture_finish(&f);
}

/* What a vault that was open gives its successor opens the same file, whatever it was made of. */
static void test_rotate(void **state)
{
	struct fixture f;
	uint8_t first[KEY_LEN], a[32], b[32];
	fixture_installation(&f);
	memcpy(first, keyring_root(f.keyring, 1), KEY_LEN);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	assert_int_equal(keyring_newest(f.keyring), 2);
	assert_int_equal(keyring_oldest(f.keyring), 1);
	assert_memory_equal(first, keyring_root(f.keyring, 1), KEY_LEN);
	assert_memory_not_equal(first, keyring_root(f.keyring, 2), KEY_LEN);
	assert_int_equal(keyring_recording_public(f.keyring, 1, a), 0);
	assert_int_equal(keyring_recording_public(f.keyring, 2, b), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(keyring_recording_public(f.keyring, 3, b), -ERR_NOT_FOUND);
	assert_true(keyring_newest_made(f.keyring) > 0);

	struct keyring *again = fixture_open(&f);
	assert_int_equal(keyring_newest(again), 2);
	assert_memory_equal(keyring_root(again, 2), keyring_root(f.keyring, 2), KEY_LEN);
	assert_memory_equal(
		keyring_installation_public(again), keyring_installation_public(f.keyring), 32);
	assert_false(fixture_has(&f, "keyring.new"));
	keyring_destroy(again);

	f.keyring->count = KEYRING_VERSIONS_MAX;
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), -ERR_FULL);
	fixture_finish(&f);
}

static void test_rotate_under_a_new_master_key(void **state)
{
	struct fixture f;
	struct keyring *again;
	struct keyring_lock token = {
		.source = SOURCE_TOKEN, .wrapped_len = 5, .wrapped = "abcde", .salt = "salt"
	};
	fixture_begin(&f);
	assert_int_equal(keyring_create(f.directory, &by_credential, one), 0);
	assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
	assert_int_equal(keyring_open(f.keyring, one), 0);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, &token, two), 0);
	assert_int_equal(keyring_load(f.directory, &again), 0);
	assert_memory_equal(keyring_lock(again), &token, sizeof token);
	assert_int_equal(keyring_open(again, one), -ERR_CRYPTO);
	assert_int_equal(keyring_open(again, two), 0);
	assert_int_equal(keyring_newest(again), 2);
	keyring_destroy(again);
	fixture_finish(&f);
}

static void test_retire_erases_for_good(void **state)
{
	struct fixture f;
	uint8_t root[2][KEY_LEN], recording[KEY_LEN];
	static const uint8_t zeros[KEY_LEN];
	fixture_installation(&f);
	assert_int_equal(keyring_retire(f.keyring, f.directory), 0); /* nothing to do */
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	memcpy(root[0], keyring_root(f.keyring, 1), KEY_LEN);
	memcpy(root[1], keyring_root(f.keyring, 3), KEY_LEN);
	memcpy(recording, keyring_recording_secret(f.keyring, 1), KEY_LEN);
	assert_int_equal(keyring_retire(f.keyring, f.directory), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(keyring_newest(f.keyring), 3);
		assert_int_equal(keyring_oldest(f.keyring), 3);
		assert_null(keyring_root(f.keyring, 1));
		assert_null(keyring_root(f.keyring, 2));
		assert_memory_equal(keyring_root(f.keyring, 3), root[1], KEY_LEN);
		/* Old recordings are read with theirs. */
		assert_memory_equal(keyring_recording_secret(f.keyring, 1), recording, KEY_LEN);
		assert_memory_equal(f.keyring->keys->versions[0].root, zeros, KEY_LEN);
		assert_null(memmem(f.keyring->keys, sizeof *f.keyring->keys, root[0], KEY_LEN));
		keyring_destroy(f.keyring);
		f.keyring = fixture_open(&f);
	}
	/* And a rotation after it goes on from there. */
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	assert_int_equal(keyring_oldest(f.keyring), 3);
	fixture_finish(&f);
}

static void test_crash_before_the_rename(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	/* What a crash leaves: part of a new file under the other name. */
	fixture_write(&f, "keyring.new", "SALLYKEY half", 13, 0600);
	struct keyring *again = fixture_open(&f);
	assert_int_equal(keyring_newest(again), 1);
	keyring_destroy(again);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	assert_false(fixture_has(&f, "keyring.new"));
	again = fixture_open(&f);
	assert_int_equal(keyring_newest(again), 2);
	keyring_destroy(again);
	fixture_finish(&f);
}

static void test_disk_full_changes_nothing(void **state)
{
	struct fixture f;
	uint8_t root[KEY_LEN], master[KEY_LEN];
	static const uint8_t zeros[KEY_LEN];
	fixture_installation(&f);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	memcpy(root, keyring_root(f.keyring, 1), KEY_LEN);
	memcpy(master, keyring_master(f.keyring), KEY_LEN);
	struct keyring_lock before = *keyring_lock(f.keyring);
	fixture_file_limit(100);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, &by_credential, two), -ERR_SYSTEM);
	assert_int_equal(keyring_retire(f.keyring, f.directory), -ERR_SYSTEM);
	fixture_file_limit(RLIM_INFINITY);
	assert_int_equal(keyring_newest(f.keyring), 2);
	assert_null(keyring_root(f.keyring, 3));
	assert_memory_equal(f.keyring->keys->versions[2].root, zeros, KEY_LEN);
	assert_memory_equal(keyring_root(f.keyring, 1), root, KEY_LEN);
	assert_memory_equal(keyring_master(f.keyring), master, KEY_LEN);
	assert_memory_equal(keyring_lock(f.keyring), &before, sizeof before);
	struct keyring *again = fixture_open(&f);
	assert_int_equal(keyring_newest(again), 2);
	keyring_destroy(again);
	/* What it holds is what it writes the next time. */
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	again = fixture_open(&f);
	assert_int_equal(keyring_newest(again), 3);
	assert_memory_equal(keyring_root(again, 1), root, KEY_LEN);
	keyring_destroy(again);
	fixture_finish(&f);
}

/* The machine refuses any one call: nothing has changed. */
static void test_create_without_means(void **state)
{
	FAILING(FAILING_MEMORY " sodium_init openat64 write renameat") {
		struct fixture f;
		failing_end();
		fixture_begin(&f);
		failing_go_on();
		int r = keyring_create(f.directory, &by_credential, one);
		failing_end();
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_int_equal(fixture_has(&f, "keyring"), r == 0);
		assert_false(fixture_has(&f, "keyring.new"));
		fixture_finish(&f);
	}
}

static void test_load_without_means(void **state)
{
	FAILING(FAILING_MEMORY " sodium_init openat64 read fstat64 fsync") {
		struct fixture f;
		failing_end();
		fixture_begin(&f);
		assert_int_equal(keyring_create(f.directory, &by_credential, one), 0);
		failing_go_on();
		int r = keyring_load(f.directory, &f.keyring);
		failing_end();
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_int_equal(f.keyring != NULL, r == 0);
		fixture_finish(&f);
	}
}

/* What it holds after a call that failed is what lies in the file. */
static void as_the_file_says(struct fixture *f, uint32_t oldest, uint32_t newest)
{
	struct keyring *again;
	assert_int_equal(keyring_load(f->directory, &again), 0);
	assert_int_equal(keyring_open_master(again, keyring_master(f->keyring)), 0);
	assert_memory_equal(
		again->keys->versions, f->keyring->keys->versions, sizeof again->keys->versions);
	assert_int_equal(keyring_oldest(again), oldest);
	assert_int_equal(keyring_newest(again), newest);
	keyring_destroy(again);
}

static void test_rotate_and_retire_without_means(void **state)
{
	static const char calls[] = FAILING_MEMORY " openat64 write fsync renameat unlinkat";
	FAILING(calls) {
		struct fixture f;
		failing_end();
		fixture_installation(&f);
		failing_go_on();
		int r = keyring_rotate(f.keyring, f.directory, NULL, NULL);
		failing_end();
		if (r != -ERR_DISK) {
			assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
			as_the_file_says(&f, 1, r == 0 ? 2 : 1);
		}
		fixture_finish(&f);
	}
	FAILING(calls) {
		struct fixture f;
		failing_end();
		fixture_installation(&f);
		assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
		failing_go_on();
		int r = keyring_retire(f.keyring, f.directory);
		failing_end();
		if (r != -ERR_DISK) {
			assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
			as_the_file_says(&f, r == 0 ? 2 : 1, 2);
		}
		fixture_finish(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_two_installations_differ),
		cmocka_unit_test(test_create_refuses_to_overwrite),
		cmocka_unit_test(test_opens_with_its_material_alone),
		cmocka_unit_test(test_the_salt_is_part_of_a_tokens_key),
		cmocka_unit_test(test_seal_and_open_again),
		cmocka_unit_test(test_another_process_takes_over),
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_rotate_under_a_new_master_key),
		cmocka_unit_test(test_retire_erases_for_good),
		cmocka_unit_test(test_crash_before_the_rename),
		cmocka_unit_test(test_disk_full_changes_nothing),
		cmocka_unit_test(test_create_without_means),
		cmocka_unit_test(test_load_without_means),
		cmocka_unit_test(test_rotate_and_retire_without_means),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
