/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

static void check_pem(const struct fixture *f, const char *pem)
{
	struct keyring *keyring;
	uint8_t public[32];
	size_t len = sizeof public;
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_ED25519);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, public, &len), 1);
	assert_int_equal(keyring_load(f->directory, &keyring), 0);
	assert_memory_equal(public, keyring_installation_public(keyring), 32);
	keyring_destroy(keyring);
	EVP_PKEY_free(key);
	BIO_free(bio);
}

static unsigned mode_of(const struct fixture *f, const char *name)
{
	struct stat status;
	assert_int_equal(fstatat(f->directory, name, &status, 0), 0);
	return status.st_mode & 0777;
}

static void test_with_a_key_file(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, NULL, pem), 0);
	check_pem(&f, pem);
	assert_int_equal(mode_of(&f, "root.key"), 0600);
	assert_int_equal(mode_of(&f, "keyring"), 0600);
	fixture_finish(&f);
}

static void test_never_twice(void **state)
{
	struct fixture f;
	char pem[512];
	uint8_t before[4096], after[4096];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, NULL, pem), 0);
	size_t len = fixture_read(&f, "keyring", before, sizeof before);
	assert_int_equal(running_init(&f, NULL, pem), 1);
	assert_string_equal(pem, "");
	assert_int_equal(running_init(&f, "a passphrase", pem), 1);
	assert_int_equal(fixture_read(&f, "keyring", after, sizeof after), len);
	assert_memory_equal(before, after, len);
	fixture_finish(&f);
}

static void test_with_a_passphrase(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, "correct horse\n", pem), 0);
	check_pem(&f, pem);
	assert_false(fixture_has(&f, "root.key"));
	fixture_finish(&f);
}

static void test_empty_passphrase(void **state)
{
	struct fixture f;
	char pem[512];
	fixture_begin(&f);
	assert_int_equal(running_init(&f, "\n", pem), 1);
	assert_false(fixture_has(&f, "keyring"));
	assert_false(fixture_has(&f, "root.key"));
	fixture_finish(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_a_key_file),
		cmocka_unit_test(test_never_twice),
		cmocka_unit_test(test_with_a_passphrase),
		cmocka_unit_test(test_empty_passphrase),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
