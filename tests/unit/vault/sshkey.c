/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/sshkey.c"

#include "fixture.h"

/* Every key here is made by ssh-keygen, and every signature is checked by it. */
struct sort {
	const char *type, *bits, *format; /* as ssh-keygen takes them; format NULL: its own */
	uint32_t flags;
	const char *algorithm;
};
static const struct sort sorts[] = {
	{ "ed25519", "256", NULL, 0, "ssh-ed25519" },
	{ "ecdsa", "256", NULL, 0, "ecdsa-sha2-nistp256" },
	{ "ecdsa", "384", NULL, 0, "ecdsa-sha2-nistp384" },
	{ "ecdsa", "521", NULL, 0, "ecdsa-sha2-nistp521" },
	{ "ecdsa", "256", "PEM", 0, "ecdsa-sha2-nistp256" },
	{ "ecdsa", "521", "PKCS8", 0, "ecdsa-sha2-nistp521" },
	{ "rsa", "2048", NULL, SSHKEY_FLAG_SHA256, "rsa-sha2-256" },
	{ "rsa", "3072", NULL, SSHKEY_FLAG_SHA512, "rsa-sha2-512" },
	{ "rsa", "2048", "PEM", SSHKEY_FLAG_SHA512, "rsa-sha2-512" },
	{ "rsa", "2048", "PKCS8", SSHKEY_FLAG_SHA256, "rsa-sha2-256" },
};

static int parse_bytes(const char *bytes, size_t len, struct sshkey **ret_key)
{
	struct secret *secret = secret_create(bytes, len);
	assert_non_null(secret);
	int r = sshkey_parse(secret, ret_key);
	secret_destroy(secret);
	return r;
}

static int parse_file(const struct fixture *f, const char *name, struct sshkey **ret_key)
{
	char text[SECRET_MAX];
	size_t len = fixture_read(f, name, text, sizeof text);
	return parse_bytes(text, len, ret_key);
}

/* key.pub: "type base64 comment" */
static void check_public(const struct fixture *f, const struct sshkey *key)
{
	char text[8192], encoded[BASE64_SIZE(SSHKEY_BLOB_MAX)];
	size_t len = fixture_read(f, "key.pub", text, sizeof text - 1), blob_len;
	text[len] = '\0';
	const uint8_t *blob = sshkey_blob(key, &blob_len);
	base64_encode(encoded, blob, blob_len);
	size_t type_len = strlen(sshkey_type(key));
	assert_memory_equal(text, sshkey_type(key), type_len);
	assert_int_equal(text[type_len], ' ');
	assert_memory_equal(text + type_len + 1, encoded, strlen(encoded));
	assert_int_equal(text[type_len + 1 + strlen(encoded)], ' ');
}

static void put_sshsig(struct buf *out, const void *message, size_t len)
{
	uint8_t hash[HASH_LEN];
	hash_sha256(hash, message, len);
	sshwire_put_word(out, "test");
	sshwire_put_word(out, "");
	sshwire_put_word(out, "sha256");
	sshwire_put_string(out, hash, sizeof hash);
}

/* Wraps our signature in OpenSSH's PROTOCOL.sshsig and lets ssh-keygen judge it. */
static int judge(const struct fixture *f, const struct sshkey *key, uint32_t flags, bool spoil)
{
	static const char message[] = "what is to be signed";
	static const char *const argv[] = { "ssh-keygen", "-Y", "check-novalidate", "-n", "test",
		"-s", "signature", NULL };
	CLEANUP(buf_finish) struct buf data = BUF(8192);
	CLEANUP(buf_finish) struct buf blob = BUF(8192);
	CLEANUP(buf_finish) struct buf file = BUF(8192);
	char encoded[BASE64_SIZE(8192)], armored[16384];
	size_t key_len;
	const uint8_t *key_blob = sshkey_blob(key, &key_len);

	buf_append(&data, "SSHSIG", 6);
	put_sshsig(&data, message, sizeof message - 1);
	assert_int_equal(sshkey_sign(key, flags, data.data, data.len, &blob), 0);
	if (spoil)
		blob.data[blob.len - 3] ^= 1;
	buf_append(&file, "SSHSIG", 6);
	sshwire_put_u32(&file, 1);
	sshwire_put_string(&file, key_blob, key_len);
	sshwire_put_word(&file, "test");
	sshwire_put_word(&file, "");
	sshwire_put_word(&file, "sha256");
	sshwire_put_string(&file, blob.data, blob.len);
	base64_encode(encoded, file.data, file.len);
	int len = snprintf(armored, sizeof armored,
		"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n", encoded);
	fixture_write(f, "signature", armored, (size_t)len, 0600);
	return fixture_run(f, message, argv);
}

static void check_fingerprint(const struct fixture *f, const struct sshkey *key)
{
	char words[REASON_SIZE], command[512], text[512];
	sshkey_describe(key, words);
	snprintf(command, sizeof command, "ssh-keygen -l -f key.pub > list");
	const char *argv[] = { "sh", "-c", command, NULL };
	assert_int_equal(fixture_run(f, NULL, argv), 0);
	size_t len = fixture_read(f, "list", text, sizeof text - 1);
	text[len] = '\0';
	const char *fingerprint = strchr(words, ' ') + 1;
	assert_memory_equal(fingerprint, "SHA256:", 7);
	assert_int_equal(strlen(fingerprint), 7 + 43);
	assert_non_null(strstr(text, fingerprint));
}

static void test_sort(const struct sort *sort)
{
	struct fixture f;
	struct sshkey *key = NULL;
	fixture_keygen(&f, sort->type, sort->bits, sort->format, "");
	assert_int_equal(parse_file(&f, "key", &key), 0);
	assert_int_equal(sshkey_prove(key), 0);
	check_public(&f, key);
	check_fingerprint(&f, key);
	assert_string_equal(sshkey_algorithm(key, sort->flags), sort->algorithm);
	assert_int_equal(judge(&f, key, sort->flags, false), 0);
	assert_int_not_equal(judge(&f, key, sort->flags, true), 0);
	sshkey_destroy(key);
	fixture_finish(&f);
}

static void test_every_sort(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(sorts); i++)
		test_sort(&sorts[i]);
}

static void test_encrypted_is_said(void **state)
{
	static const char *const formats[] = { NULL, "PEM", "PKCS8" };
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		struct fixture f;
		struct sshkey *key;
		fixture_keygen(&f, "ecdsa", "256", formats[i], "passphrase");
		assert_int_equal(parse_file(&f, "key", &key), -ERR_KEY_ENCRYPTED);
		fixture_finish(&f);
	}
}

static void test_weak_and_strange_keys(void **state)
{
	struct fixture f;
	struct sshkey *key;
	fixture_keygen(&f, "rsa", "1024", NULL, "");
	assert_int_equal(parse_file(&f, "key", &key), -ERR_KEY_UNREADABLE);
	assert_int_equal(parse_file(&f, "key.pub", &key), -ERR_KEY_UNREADABLE);
	fixture_finish(&f);
	fixture_begin(&f);
	const char *argv[] = { "openssl", "genpkey", "-algorithm", "X25519", "-out", "key", NULL };
	assert_int_equal(fixture_run(&f, NULL, argv), 0);
	assert_int_equal(parse_file(&f, "key", &key), -ERR_KEY_UNREADABLE);
	const char *curve[] = { "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
		"ec_paramgen_curve:secp256k1", "-out", "key", NULL };
	assert_int_equal(fixture_run(&f, NULL, curve), 0);
	assert_int_equal(parse_file(&f, "key", &key), -ERR_KEY_UNREADABLE);
	assert_int_equal(parse_bytes("", 0, &key), -ERR_KEY_UNREADABLE);
	assert_int_equal(parse_bytes("hunter2", 7, &key), -ERR_KEY_UNREADABLE);
	fixture_finish(&f);
}

static void test_pkcs8_ed25519_from_openssl(void **state)
{
	struct fixture f;
	struct sshkey *key;
	fixture_begin(&f);
	const char *argv[] = { "openssl", "genpkey", "-algorithm", "ED25519", "-out", "key", NULL };
	assert_int_equal(fixture_run(&f, NULL, argv), 0);
	assert_int_equal(parse_file(&f, "key", &key), 0);
	assert_string_equal(sshkey_type(key), "ssh-ed25519");
	assert_int_equal(judge(&f, key, 0, false), 0);
	sshkey_destroy(key);
	fixture_finish(&f);
}

/* A file whose halves were mixed: the public numbers of one key, the private ones of another. */
static void test_halves_belong_together(void **state)
{
	struct fixture f;
	struct sshkey *key, *other;
	fixture_keygen(&f, "ecdsa", "256", NULL, "");
	assert_int_equal(parse_file(&f, "key", &key), 0);
	fixture_finish(&f);
	fixture_keygen(&f, "ecdsa", "256", NULL, "");
	assert_int_equal(parse_file(&f, "key", &other), 0);
	fixture_finish(&f);

	OSSL_PARAM *own = NULL, *foreign = NULL;
	assert_int_equal(EVP_PKEY_todata(key->pkey, EVP_PKEY_KEYPAIR, &own), 1);
	assert_int_equal(EVP_PKEY_todata(other->pkey, EVP_PKEY_PUBLIC_KEY, &foreign), 1);
	OSSL_PARAM *into = OSSL_PARAM_locate(own, OSSL_PKEY_PARAM_PUB_KEY);
	const OSSL_PARAM *from = OSSL_PARAM_locate_const(foreign, OSSL_PKEY_PARAM_PUB_KEY);
	assert_int_equal(into->data_size, from->data_size);
	memcpy(into->data, from->data, from->data_size);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *mixed = NULL;
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &mixed, EVP_PKEY_KEYPAIR, own), 1);
	EVP_PKEY_free(key->pkey);
	key->pkey = mixed;
	assert_int_equal(sshkey_prove(key), -ERR_KEY_UNREADABLE);
	assert_int_equal(sshkey_prove(other), 0);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(own);
	OSSL_PARAM_free(foreign);
	sshkey_destroy(key);
	sshkey_destroy(other);
}

static void test_sha1_is_never_done(void **state)
{
	struct fixture f;
	struct sshkey *key;
	CLEANUP(buf_finish) struct buf out = BUF(4096);
	fixture_keygen(&f, "rsa", "2048", NULL, "");
	assert_int_equal(parse_file(&f, "key", &key), 0);
	assert_null(sshkey_algorithm(key, 0));
	assert_null(sshkey_algorithm(key, SSHKEY_FLAG_SHA256 | SSHKEY_FLAG_SHA512));
	assert_null(sshkey_algorithm(key, 8));
	assert_int_equal(sshkey_sign(key, 0, "x", 1, &out), -ERR_MALFORMED);
	assert_int_equal(out.len, 0);
	sshkey_destroy(key);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sort),
		cmocka_unit_test(test_encrypted_is_said),
		cmocka_unit_test(test_weak_and_strange_keys),
		cmocka_unit_test(test_pkcs8_ed25519_from_openssl),
		cmocka_unit_test(test_halves_belong_together),
		cmocka_unit_test(test_sha1_is_never_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
