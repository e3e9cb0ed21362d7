/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/keyring_file.c"

#include "fixture.h"

static const uint8_t material[ROOT_MATERIAL_LEN] = "thirty-two bytes, not more, 1234";

static void make(struct fixture *f, const struct keyring_lock *lock)
{
	fixture_begin(f);
	assert_int_equal(keyring_create(f->directory, lock, material), 0);
}

static int load(const struct fixture *f)
{
	struct keyring *keyring;
	int r = keyring_load(f->directory, &keyring);
	if (r == 0) {
		r = keyring_open(keyring, material);
		keyring_destroy(keyring);
	}
	return r;
}

static struct keyring_lock lock_of(enum root_source source)
{
	struct keyring_lock lock = { .source = source };
	if (source == SOURCE_PASSPHRASE) {
		lock.passes = 1;
		lock.memory = MEMORY_LEAST;
	}
	if (source == SOURCE_TOKEN)
		lock.wrapped_len = 62;
	memset(lock.wrapped, 0x77, lock.wrapped_len);
	memset(lock.salt, 0x55, source == SOURCE_PASSPHRASE || source == SOURCE_TOKEN ? 16 : 0);
	return lock;
}

static void test_every_source_comes_back(void **state)
{
	for (int source = SOURCE_ROOT_KEY; source <= SOURCE_TOKEN; source++) {
		struct fixture f;
		struct keyring_lock lock = lock_of(source);
		uint8_t file[FILE_MAX];
		make(&f, &lock);
		assert_int_equal(fixture_read(&f, "keyring", file, sizeof file),
			FILE_LEN(1, lock.wrapped_len));
		assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
		assert_memory_equal(keyring_lock(f.keyring), &lock, sizeof lock);
		assert_int_equal(load(&f), 0);
		fixture_finish(&f);
	}
}

static void test_nothing_in_clear(void **state)
{
	struct fixture f;
	uint8_t file[FILE_MAX];
	fixture_installation(&f);
	size_t len = fixture_read(&f, "keyring", file, sizeof file);
	assert_null(memmem(file, len, keyring_root(f.keyring, 1), KEY_LEN));
	assert_null(memmem(file, len, keyring_recording_secret(f.keyring, 1), KEY_LEN));
	assert_null(memmem(file, len, f.keyring->keys->installation_seed, KEY_LEN));
	assert_null(memmem(file, len, f.keyring->keys->master, KEY_LEN));
	fixture_finish(&f);
}

/* Each bit is either looked at when the file is read, or under the seal. */
static void test_every_byte_counts(void **state)
{
	struct fixture f;
	struct keyring_lock lock = lock_of(SOURCE_TOKEN);
	uint8_t file[FILE_MAX];
	make(&f, &lock);
	size_t len = fixture_read(&f, "keyring", file, sizeof file);
	for (size_t i = 0; i < len; i++) {
		uint8_t bit = (uint8_t)(1u << (i % 8));
		file[i] ^= bit;
		fixture_write(&f, "keyring", file, len, 0600);
		int r = load(&f);
		if (r != -ERR_MALFORMED && r != -ERR_CRYPTO)
			fail_msg("byte %zu was changed: %d", i, r);
		file[i] ^= bit;
	}
	for (size_t cut = 0; cut < len; cut += 7) {
		fixture_write(&f, "keyring", file, cut, 0600);
		assert_int_equal(load(&f), -ERR_MALFORMED);
	}
	file[len] = 0;
	fixture_write(&f, "keyring", file, len + 1, 0600);
	assert_int_equal(load(&f), -ERR_MALFORMED);
	fixture_finish(&f);
}

/* Changes one number of the head of a good file of that source. */
static int load_with(enum root_source source, size_t at, unsigned bytes, uint64_t value)
{
	struct fixture f;
	struct keyring_lock lock = lock_of(source);
	uint8_t file[FILE_MAX];
	make(&f, &lock);
	size_t len = fixture_read(&f, "keyring", file, sizeof file);
	for (unsigned i = 0; i < bytes; i++)
		file[at + i] = (uint8_t)(value >> (8 * i));
	fixture_write(&f, "keyring", file, len, 0600);
	int r = keyring_load(f.directory, &f.keyring);
	fixture_finish(&f);
	return r;
}

static void test_heads_that_are_refused(void **state)
{
	static const struct {
		enum root_source source;
		size_t at;
		unsigned bytes;
		uint64_t value;
	} rows[] = {
		{ SOURCE_ROOT_KEY, 8, 1, 0 }, /* layouts there are not */
		{ SOURCE_ROOT_KEY, 8, 1, 3 },
		{ SOURCE_ROOT_KEY, 9, 1, 0 }, /* sources there are not */
		{ SOURCE_ROOT_KEY, 9, 1, 5 },
		{ SOURCE_ROOT_KEY, 9, 1, SOURCE_PASSPHRASE }, /* without its costs */
		{ SOURCE_ROOT_KEY, 9, 1, SOURCE_TOKEN },      /* with nothing wrapped */
		{ SOURCE_TOKEN, 9, 1, SOURCE_ROOT_KEY },      /* with something wrapped */
		{ SOURCE_ROOT_KEY, 12, 4, 1 },                /* costs of no passphrase */
		{ SOURCE_ROOT_KEY, 16, 8, MEMORY_LEAST },
		{ SOURCE_PASSPHRASE, 12, 4, 0 }, /* costs out of bounds */
		{ SOURCE_PASSPHRASE, 12, 4, PASSES_MAX + 1 },
		{ SOURCE_PASSPHRASE, 16, 8, MEMORY_LEAST - 1 },
		{ SOURCE_PASSPHRASE, 16, 8, MEMORY_MAX + 1 },
		{ SOURCE_PASSPHRASE, 16, 8, UINT64_C(1) << 40 },
		{ SOURCE_ROOT_KEY, 88, 4, 0 }, /* versions */
		{ SOURCE_ROOT_KEY, 88, 4, 2 },
		{ SOURCE_ROOT_KEY, 88, 4, KEYRING_VERSIONS_MAX + 1 },
		{ SOURCE_ROOT_KEY, 88, 4, UINT32_MAX },
		{ SOURCE_TOKEN, 92, 4, 61 }, /* wrapped */
		{ SOURCE_TOKEN, 92, 4, WRAPPED_MAX + 1 },
		{ SOURCE_TOKEN, 92, 4, UINT32_MAX },
		{ SOURCE_TOKEN, 8, 1, LAYOUT_OLD }, /* which knows no tokens */
		{ SOURCE_CREDENTIAL, 8, 1, LAYOUT_OLD },
	};
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		int r = load_with(rows[i].source, rows[i].at, rows[i].bytes, rows[i].value);
		if (r != -ERR_MALFORMED)
			fail_msg("row %u was read: %d", i, r);
	}
	assert_int_equal(load_with(SOURCE_PASSPHRASE, 16, 8, MEMORY_MAX), 0);
	assert_int_equal(load_with(SOURCE_PASSPHRASE, 12, 4, PASSES_MAX), 0);
	assert_int_equal(load_with(SOURCE_ROOT_KEY, 8, 1, LAYOUT_OLD), 0);
	assert_int_equal(load_with(SOURCE_PASSPHRASE, 8, 1, LAYOUT_OLD), 0);
}

/* As the first version wrote it: the head has another number, the body no marks. */
static void test_the_old_layout_is_read_and_written_anew(void **state)
{
	struct fixture f;
	struct keyring_lock lock = lock_of(SOURCE_ROOT_KEY);
	uint8_t file[FILE_MAX], root[KEY_LEN];
	make(&f, &lock);
	assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
	assert_int_equal(keyring_open(f.keyring, material), 0);
	struct keyring *keyring = f.keyring;
	memcpy(root, keyring_root(keyring, 1), KEY_LEN);
	size_t head = head_write(keyring, LAYOUT_OLD, file), len = FILE_LEN(1, 0);
	memset(file + head, 9, NONCE_LEN);
	body_write(keyring);
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + head + NONCE_LEN, NULL,
		keyring->keys->body, BODY_LEN(1), file, head, NULL, file + head,
		keyring->keys->master);
	fixture_write(&f, "keyring", file, len, 0600);
	keyring_destroy(STEAL(f.keyring));

	assert_int_equal(keyring_load(f.directory, &f.keyring), 0);
	assert_int_equal(keyring_open(f.keyring, material), 0);
	assert_memory_equal(keyring_root(f.keyring, 1), root, KEY_LEN);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	assert_int_equal(keyring_retire(f.keyring, f.directory), 0);
	fixture_read(&f, "keyring", file, sizeof file);
	assert_int_equal(file[8], LAYOUT);
	assert_int_equal(load(&f), 0);
	fixture_finish(&f);
}

/* A file of one version with that word where it says whether its root key was erased. */
static void write_erased(struct keyring *keyring, int directory, uint8_t erased)
{
	uint8_t *body = keyring->keys->body, *at = keyring->file + HEAD_LEN;
	body_write(keyring);
	body[KEY_LEN + 4] = erased;
	crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE_LEN, NULL, body, BODY_LEN(1),
		keyring->file, HEAD_LEN, NULL, at, keyring->keys->master);
	assert_int_equal(
		file_replace(directory, NAME, NAME ".new", keyring->file, keyring->file_len), 0);
}

/* A body that opens and is nonsense: whoever holds the master key may be a newer version. */
static void test_bodies_that_are_refused(void **state)
{
	for (unsigned i = 0; i < 5; i++) {
		struct fixture f;
		fixture_installation(&f);
		struct keys *keys = f.keyring->keys;
		if (i == 0)
			keys->versions[0].number = 2;
		else if (i == 1)
			keys->versions[0].erased = true; /* the newest must not be */
		else if (i == 2)
			keys->installation_seed[0] ^= 1;
		if (i == 4) /* neither erased nor not */
			write_erased(f.keyring, f.directory, 2);
		else
			assert_int_equal(keyring_file_write(f.keyring, f.directory), 0);
		keyring_seal(f.keyring);
		int r = source_root_key_open(f.directory, f.keyring);
		assert_int_equal(r, i == 3 ? 0 : i == 2 ? -ERR_CRYPTO : -ERR_MALFORMED);
		fixture_finish(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_source_comes_back),
		cmocka_unit_test(test_nothing_in_clear),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_heads_that_are_refused),
		cmocka_unit_test(test_the_old_layout_is_read_and_written_anew),
		cmocka_unit_test(test_bodies_that_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
