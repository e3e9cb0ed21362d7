/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the vault with a passphrase: right and wrong ones, from what Argon2id made of it to the
 * keys. Argon2id itself is the library's, and looks at memory by what it computed: that is its way.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "check.h"

static int derive(unsigned char *out, unsigned long long len, const char *passphrase,
	unsigned long long passphrase_len, const unsigned char *salt, unsigned long long passes,
	size_t memory, int algorithm)
{
	PUBLIC(passphrase, passphrase_len);
	int r = crypto_pwhash(
		out, len, passphrase, passphrase_len, salt, passes, memory, algorithm);
	SECRET((void *)passphrase, passphrase_len);
	SECRET(out, len);
	return r;
}

/* Everybody may know how many keys there are and when they were made, nobody the keys. */
static int decrypt(unsigned char *out, unsigned long long *ret_len, unsigned char *unused,
	const unsigned char *in, unsigned long long len, const unsigned char *bound,
	unsigned long long bound_len, const unsigned char *nonce, const unsigned char *key)
{
	int r = verdict(crypto_aead_xchacha20poly1305_ietf_decrypt(
		out, ret_len, unused, in, len, bound, bound_len, nonce, key));
	for (size_t at = 32; r == 0 && at + 16 <= len; at += 80)
		PUBLIC(out + at, 16);
	return r;
}

static int public_of(unsigned char *ret_public, unsigned char *secret, const unsigned char *seed)
{
	int r = crypto_sign_seed_keypair(ret_public, secret, seed);
	PUBLIC(ret_public, 32);
	return verdict(r);
}

#define crypto_pwhash(...) derive(__VA_ARGS__)
#define crypto_aead_xchacha20poly1305_ietf_decrypt decrypt
#define crypto_sign_seed_keypair public_of
#include "vault/source.c"
#undef LEN
#include "vault/keyring.c"
#undef NONCE_LEN
#undef TAG_LEN
#include "vault/keyring_file.c"

static int open_with(struct keyring *keyring, const char *text)
{
	CLEANUP(secret_destroyp) struct secret *passphrase = secret_create(text, strlen(text));
	uint8_t material[ROOT_MATERIAL_LEN];

	SECRET((void *)secret_reveal(passphrase), strlen(text));
	int r = source_passphrase(keyring_lock(keyring), passphrase, material);
	return r < 0 ? r : keyring_open(keyring, material);
}

int main(void)
{
	char path[] = "/tmp/sallyport-constant-XXXXXX", file[64];
	CLEANUP(secret_destroyp) struct secret *passphrase = secret_create("right words", 11);
	struct keyring_lock lock = { .source = SOURCE_PASSPHRASE,
		.passes = crypto_pwhash_OPSLIMIT_MIN,
		.memory = crypto_pwhash_MEMLIMIT_MIN };
	uint8_t material[ROOT_MATERIAL_LEN];
	struct keyring *keyring;

	if (sodium_init() < 0 || mkdtemp(path) == NULL)
		return 1;
	lock.memory = MAX(lock.memory, (uint64_t)MEMORY_LEAST);
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = source_passphrase(&lock, passphrase, material);
	PUBLIC(material, sizeof material); /* making it is not looked at */
	if (r == 0)
		r = keyring_create(directory, &lock, material);
	if (r == 0)
		r = keyring_load(directory, &keyring);
	if (r == 0 && open_with(keyring, "wrong words") != -ERR_CRYPTO)
		r = 1;
	if (r == 0)
		r = open_with(keyring, "right words");
	if (r == 0 && keyring_newest(keyring) != 1)
		r = 1;
	keyring_destroy(keyring);
	snprintf(file, sizeof file, "%s/keyring", path);
	unlink(file);
	rmdir(path);
	return r == 0 ? 0 : 1;
}
