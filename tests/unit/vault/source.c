/* SPDX-License-Identifier: Apache-2.0 */
#define SOURCE_PASSES 1
#define SOURCE_MEMORY (8u << 20)
#include "vault/source.c"

#include <sys/mman.h>
#include <sys/resource.h>

#include "failing.h"
#include "fixture.h"

/* --- root.key ------------------------------------------------------------------------------- */

static int open_with_root_key(struct fixture *f, const void *key, size_t len, mode_t mode)
{
	fixture_write(f, "root.key", key, len, mode);
	keyring_seal(f->keyring);
	return source_root_key_open(f->directory, f->keyring);
}

static void test_root_key_is_checked(void **state)
{
	struct fixture f;
	uint8_t key[64] = { 0 };
	fixture_installation(&f);
	fixture_read(&f, "root.key", key, LEN);
	assert_int_equal(open_with_root_key(&f, key, LEN, 0600), 0);
	assert_int_equal(open_with_root_key(&f, key, LEN, 0400), 0);
	assert_int_equal(open_with_root_key(&f, key, LEN, 0640), -ERR_NOT_AUTHORIZED);
	assert_int_equal(open_with_root_key(&f, key, LEN, 0604), -ERR_NOT_AUTHORIZED);
	assert_int_equal(open_with_root_key(&f, key, LEN, 0610), -ERR_NOT_AUTHORIZED);
	assert_int_equal(open_with_root_key(&f, key, LEN - 1, 0600), -ERR_MALFORMED);
	assert_int_equal(open_with_root_key(&f, key, LEN + 1, 0600), -ERR_TOO_LARGE);
	key[31] ^= 1;
	assert_int_equal(open_with_root_key(&f, key, LEN, 0600), -ERR_CRYPTO);
	key[31] ^= 1;
	unlinkat(f.directory, "root.key", 0);
	assert_int_equal(source_root_key_open(f.directory, f.keyring), -ERR_NOT_FOUND);
	fixture_write(&f, "elsewhere", key, LEN, 0600);
	assert_int_equal(symlinkat("elsewhere", f.directory, "root.key"), 0);
	assert_int_equal(source_root_key_open(f.directory, f.keyring), -ERR_SYSTEM);
	fixture_finish(&f);
}

static void test_root_key_that_is_there_is_used(void **state)
{
	struct fixture f;
	struct keyring_lock lock;
	uint8_t key[LEN], material[LEN];
	fixture_begin(&f);
	memset(key, 7, sizeof key);
	fixture_write(&f, "root.key", key, sizeof key, 0600);
	assert_int_equal(source_root_key_make(f.directory, &lock, material), 0);
	assert_memory_equal(key, material, LEN);
	assert_int_equal(lock.source, SOURCE_ROOT_KEY);
	fixture_write(&f, "root.key", key, 3, 0600);
	assert_int_equal(source_root_key_make(f.directory, &lock, material), -ERR_MALFORMED);
	fixture_finish(&f);
}

/* Everything a rotation does, up to a crash after so many of its steps. */
static void rotate_until(struct fixture *f, unsigned steps)
{
	struct keyring_lock lock;
	uint8_t material[LEN];
	if (steps-- == 0)
		return;
	assert_int_equal(source_root_key_renew(f->directory, &lock, material), 0);
	if (steps-- == 0)
		return;
	assert_int_equal(keyring_rotate(f->keyring, f->directory, &lock, material), 0);
	if (steps-- == 0)
		return;
	assert_int_equal(source_root_key_settle(f->directory, true), 0);
}

static void test_root_key_survives_every_crash_of_a_rotation(void **state)
{
	for (unsigned steps = 0; steps <= 3; steps++) {
		struct fixture f;
		uint8_t root[LEN];
		fixture_installation(&f);
		rotate_until(&f, steps);
		memcpy(root, keyring_root(f.keyring, 1), LEN);
		keyring_destroy(f.keyring);
		f.keyring = fixture_open(&f);
		assert_int_equal(keyring_newest(f.keyring), steps < 2 ? 1 : 2);
		assert_memory_equal(keyring_root(f.keyring, 1), root, LEN);
		assert_true(fixture_has(&f, "root.key"));
		assert_false(fixture_has(&f, "root.key.new"));
		rotate_until(&f, 3);
		keyring_destroy(f.keyring);
		f.keyring = fixture_open(&f);
		assert_int_equal(keyring_newest(f.keyring), steps < 2 ? 2 : 3);
		fixture_finish(&f);
	}
}

/* Half a file under the other name is no key, and no reason not to start. */
static void test_half_a_new_root_key(void **state)
{
	struct fixture f;
	fixture_installation(&f);
	fixture_write(&f, "root.key.new", "half", 4, 0600);
	keyring_destroy(f.keyring);
	f.keyring = fixture_open(&f);
	assert_false(fixture_has(&f, "root.key.new"));
	fixture_finish(&f);
}

/* The new key could not be moved over the old one: it is in use where it is, and never overwritten.
 */
static void test_root_key_that_cannot_be_moved(void **state)
{
	struct fixture f;
	struct keyring_lock lock;
	uint8_t material[LEN];
	fixture_installation(&f);
	rotate_until(&f, 2);
	unlinkat(f.directory, "root.key", 0);
	assert_int_equal(mkdirat(f.directory, "root.key", 0700), 0);
	assert_int_equal(source_root_key_settle(f.directory, true), -ERR_SYSTEM);
	keyring_seal(f.keyring);
	assert_int_equal(source_root_key_open(f.directory, f.keyring), 0);
	assert_int_equal(source_root_key_renew(f.directory, &lock, material), -ERR_EXISTS);
	keyring_seal(f.keyring);
	assert_int_equal(source_root_key_open(f.directory, f.keyring), 0);
	assert_int_equal(unlinkat(f.directory, "root.key", AT_REMOVEDIR), 0);
	fixture_finish(&f);
}

static void test_failed_rotation_takes_its_key_back(void **state)
{
	struct fixture f;
	struct keyring_lock lock;
	uint8_t material[LEN];
	fixture_installation(&f);
	assert_int_equal(source_root_key_renew(f.directory, &lock, material), 0);
	fixture_file_limit(100);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, &lock, material), -ERR_SYSTEM);
	fixture_file_limit(RLIM_INFINITY);
	assert_int_equal(source_root_key_settle(f.directory, false), 0);
	assert_false(fixture_has(&f, "root.key.new"));
	keyring_seal(f.keyring);
	assert_int_equal(source_root_key_open(f.directory, f.keyring), 0);
	fixture_finish(&f);
}

/* --- a passphrase --------------------------------------------------------------------------- */

static void test_passphrase(void **state)
{
	struct keyring_lock lock, other;
	uint8_t first[LEN], second[LEN];
	struct secret *right = secret_create("correct horse", 13);
	struct secret *wrong = secret_create("correct house", 13);
	assert_int_equal(source_passphrase_new(right, &lock, first), 0);
	assert_int_equal(lock.source, SOURCE_PASSPHRASE);
	assert_int_equal(source_passphrase(&lock, right, second), 0);
	assert_memory_equal(first, second, LEN);
	assert_int_equal(source_passphrase(&lock, wrong, second), 0);
	assert_memory_not_equal(first, second, LEN);
	/* A salt each: equal passphrases of two installations are not equal keys. */
	assert_int_equal(source_passphrase_new(right, &other, second), 0);
	assert_memory_not_equal(first, second, LEN);
	assert_memory_not_equal(lock.salt, other.salt, sizeof lock.salt);
	secret_destroy(right);
	secret_destroy(wrong);
}

static void test_passphrase_without_the_memory_for_it(void **state)
{
	struct keyring_lock lock = {
		.source = SOURCE_PASSPHRASE, .passes = 1, .memory = UINT64_C(1) << 44
	};
	uint8_t material[LEN];
	struct secret *passphrase = secret_create("x", 1);
	assert_int_equal(source_passphrase(&lock, passphrase, material), -ERR_SYSTEM);
	secret_destroy(passphrase);
}

/* --- a credential --------------------------------------------------------------------------- */

static int credential_of(const char *bytes, size_t len, uint8_t material[LEN])
{
	struct keyring_lock lock = { .source = 0 };
	int fd = memfd_create("credential", MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, len), len);
	int r = source_credential(fd, &lock, material);
	if (r == 0) {
		assert_int_equal(lock.source, SOURCE_CREDENTIAL);
		/* It is read from its start each time. */
		assert_int_equal(source_credential(fd, &lock, material), 0);
	}
	close(fd);
	return r;
}

static void test_credential(void **state)
{
	static const char bytes[] = "0123456789abcdef0123456789abcdef!";
	struct keyring_lock lock;
	uint8_t material[LEN] = { 0 };
	assert_int_equal(credential_of(bytes, 32, material), 0);
	assert_memory_equal(material, bytes, LEN);
	assert_int_equal(credential_of(bytes, 31, material), -ERR_MALFORMED);
	assert_int_equal(credential_of(bytes, 33, material), -ERR_MALFORMED);
	assert_int_equal(credential_of(bytes, 0, material), -ERR_MALFORMED);
	assert_int_equal(source_credential(-1, &lock, material), -ERR_SYSTEM);
	int fd = memfd_create("credential", MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, 32), 32);
	FAILING_WITH("pread64", EINTR)
		assert_int_equal(source_credential(fd, &lock, material), 0);
	FAILING_WITH("pread64", FAILING_SHORT) {
		int r = source_credential(fd, &lock, material);
		assert_int_equal(r, failing_struck() ? -ERR_MALFORMED : 0);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_key_is_checked),
		cmocka_unit_test(test_root_key_that_is_there_is_used),
		cmocka_unit_test(test_root_key_survives_every_crash_of_a_rotation),
		cmocka_unit_test(test_half_a_new_root_key),
		cmocka_unit_test(test_root_key_that_cannot_be_moved),
		cmocka_unit_test(test_failed_rotation_takes_its_key_back),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_passphrase_without_the_memory_for_it),
		cmocka_unit_test(test_credential),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
