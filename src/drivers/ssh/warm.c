/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/warm.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "base/mem.h"

/* A cipher's first context looks up everything that it needs. */
static void warm_cipher(const EVP_CIPHER *cipher)
{
	static const unsigned char zeros[EVP_MAX_KEY_LENGTH];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	if (context != NULL)
		EVP_EncryptInit_ex(context, cipher, NULL, zeros, zeros);
	EVP_CIPHER_CTX_free(context);
}

static void warm_digest(const EVP_MD *digest)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned int len;

	EVP_Digest("", 0, out, &len, digest, NULL);
}

/* The base point times one: a public key of nobody. */
static void warm_exchange(int type)
{
	static const unsigned char one[32] = { 1 };
	EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(type, NULL, one, sizeof one);
	EVP_PKEY_CTX *context = ours != NULL ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
	unsigned char secret[32];
	size_t len = sizeof secret;

	if (context != NULL && EVP_PKEY_derive_init(context) == 1 &&
		EVP_PKEY_derive_set_peer(context, ours) == 1)
		EVP_PKEY_derive(context, secret, &len);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(ours);
}

/* A signature of zeros, which is wrong: it is looked at all the same. */
static void warm_verification(int type)
{
	static const unsigned char zeros[64];
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(type, NULL, zeros, 32);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (key != NULL && context != NULL &&
		EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1)
		EVP_DigestVerify(context, zeros, sizeof zeros, zeros, 0);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
}

void ssh_warm(void)
{
	const EVP_CIPHER *const ciphers[] = { EVP_aes_256_gcm(), EVP_aes_128_gcm(),
		EVP_aes_256_ctr(), EVP_aes_128_ctr() };
	const EVP_MD *const digests[] = { EVP_sha1(), EVP_sha256(), EVP_sha512() };

	for (unsigned i = 0; i < ARRAY_LEN(ciphers); i++)
		warm_cipher(ciphers[i]);
	for (unsigned i = 0; i < ARRAY_LEN(digests); i++)
		warm_digest(digests[i]);
	warm_exchange(EVP_PKEY_X25519);
	warm_verification(EVP_PKEY_ED25519);
	EVP_KDF_free(EVP_KDF_fetch(NULL, "SSHKDF", NULL));
	EVP_MAC_free(EVP_MAC_fetch(NULL, "HMAC", NULL));
}
