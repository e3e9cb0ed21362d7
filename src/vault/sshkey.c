/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/sshkey.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "vault/sshkey_openssh.h"
#include "vault/sshwire.h"

#define RSA_BITS_LEAST 2048
#define RSA_BITS_MAX 16384
#define POINT_MAX 133 /* uncompressed point of nistp521 */

struct sshkey {
	const struct curve *curve; /* ECDSA only */
	const char *type;
	EVP_PKEY *pkey;
	struct buf blob;
};

static const struct curve curves[] = {
	{ "ecdsa-sha2-nistp256", "nistp256", "prime256v1", 32, "SHA256" },
	{ "ecdsa-sha2-nistp384", "nistp384", "secp384r1", 48, "SHA384" },
	{ "ecdsa-sha2-nistp521", "nistp521", "secp521r1", 66, "SHA512" },
};

const struct curve *curve_find(struct sshspan type)
{
	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (sshspan_is(type, curves[i].type))
			return &curves[i];
	return NULL;
}

static const struct curve *curve_of(const EVP_PKEY *pkey)
{
	char group[64];
	if (EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (strcmp(group, curves[i].group) == 0)
			return &curves[i];
	return NULL;
}

void pkey_freep(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void bignum_freep(BIGNUM **number)
{
	BN_free(*number);
}

static void context_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void signature_freep(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
}

/* --- the public blob ------------------------------------------------------------------------ */

static int put_number(struct buf *out, const EVP_PKEY *pkey, const char *name)
{
	CLEANUP(bignum_freep) BIGNUM *number = NULL;
	uint8_t bytes[RSA_BITS_MAX / 8];
	if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1 ||
		(size_t)BN_num_bytes(number) > sizeof bytes)
		return -ERR_KEY_UNREADABLE;
	int len = BN_bn2bin(number, bytes);
	return sshwire_put_mpint(out, bytes, (size_t)len);
}

static int blob_rsa(struct sshkey *key)
{
	int bits = EVP_PKEY_get_bits(key->pkey);
	if (bits < RSA_BITS_LEAST || bits > RSA_BITS_MAX)
		return -ERR_KEY_UNREADABLE;
	key->type = "ssh-rsa";
	int r = sshwire_put_word(&key->blob, key->type);
	if (r == 0)
		r = put_number(&key->blob, key->pkey, OSSL_PKEY_PARAM_RSA_E);
	if (r == 0)
		r = put_number(&key->blob, key->pkey, OSSL_PKEY_PARAM_RSA_N);
	return r;
}

static int blob_ecdsa(struct sshkey *key)
{
	uint8_t point[POINT_MAX];
	size_t len;
	key->curve = curve_of(key->pkey);
	if (key->curve == NULL)
		return -ERR_KEY_UNREADABLE;
	key->type = key->curve->type;
	EVP_PKEY_set_utf8_string_param(
		key->pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	if (EVP_PKEY_get_octet_string_param(
		    key->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1 ||
		len != 1 + 2 * key->curve->bytes || point[0] != 4)
		return -ERR_KEY_UNREADABLE;
	int r = sshwire_put_word(&key->blob, key->type);
	if (r == 0)
		r = sshwire_put_word(&key->blob, key->curve->name);
	return r < 0 ? r : sshwire_put_string(&key->blob, point, len);
}

static int blob_ed25519(struct sshkey *key)
{
	uint8_t public[32];
	size_t len = sizeof public;
	if (EVP_PKEY_get_raw_public_key(key->pkey, public, &len) != 1 || len != sizeof public)
		return -ERR_KEY_UNREADABLE;
	key->type = "ssh-ed25519";
	int r = sshwire_put_word(&key->blob, key->type);
	return r < 0 ? r : sshwire_put_string(&key->blob, public, len);
}

static int blob_make(struct sshkey *key)
{
	switch (EVP_PKEY_get_base_id(key->pkey)) {
	case EVP_PKEY_RSA:
		return blob_rsa(key);
	case EVP_PKEY_EC:
		return blob_ecdsa(key);
	case EVP_PKEY_ED25519:
		return blob_ed25519(key);
	default:
		return -ERR_KEY_UNREADABLE;
	}
}

/* --- reading -------------------------------------------------------------------------------- */

/* Asked only when the file is encrypted: says so, and gives up. */
static int passphrase_wanted(char *out, int size, int writing, void *context)
{
	*(bool *)context = true;
	return -1;
}

static int pem_parse(const char *text, size_t len, EVP_PKEY **ret_pkey)
{
	bool encrypted = false;
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	if (bio == NULL)
		return -ERR_SYSTEM;
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, passphrase_wanted, &encrypted);
	BIO_free(bio);
	if (pkey == NULL)
		return encrypted ? -ERR_KEY_ENCRYPTED : -ERR_KEY_UNREADABLE;
	*ret_pkey = pkey;
	return 0;
}

static int key_make(EVP_PKEY *pkey, struct sshspan claimed, struct sshkey **ret_key)
{
	CLEANUP(sshkey_destroyp) struct sshkey *key = calloc(1, sizeof *key);
	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return -ERR_SYSTEM;
	}
	key->pkey = pkey;
	key->blob = BUF(SSHKEY_BLOB_MAX);
	int r = blob_make(key);
	if (r < 0)
		return r;
	struct sshspan blob = { key->blob.data, key->blob.len };
	if (claimed.bytes != NULL && !sshspan_equal(claimed, blob))
		return -ERR_KEY_UNREADABLE;
	*ret_key = STEAL(key);
	return 0;
}

int sshkey_parse(const struct secret *text, struct sshkey **ret_key)
{
	const char *bytes = secret_reveal(text);
	size_t len = secret_len(text);
	EVP_PKEY *pkey = NULL;
	CLEANUP(buf_finish) struct buf claimed = BUF(SSHKEY_BLOB_MAX);
	int r;
	while (len > 0 && strchr(" \t\r\n", bytes[0]) != NULL) {
		bytes++;
		len--;
	}
	if (openssh_armored(bytes, len))
		r = openssh_parse(bytes, len, &pkey, &claimed);
	else
		r = pem_parse(bytes, len, &pkey);
	if (r < 0)
		return r;
	return key_make(pkey, (struct sshspan){ claimed.data, claimed.len }, ret_key);
}

void sshkey_destroy(struct sshkey *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	buf_finish(&key->blob);
	free(key);
}

void sshkey_destroyp(struct sshkey **key)
{
	sshkey_destroy(*key);
	*key = NULL;
}

/* --- what it says of itself ----------------------------------------------------------------- */

const char *sshkey_type(const struct sshkey *key)
{
	return key->type;
}

const uint8_t *sshkey_blob(const struct sshkey *key, size_t *ret_len)
{
	*ret_len = key->blob.len;
	return key->blob.data;
}

void sshkey_describe(const struct sshkey *key, char out[REASON_SIZE])
{
	uint8_t hash[HASH_LEN];
	char text[BASE64_SIZE(HASH_LEN)];
	hash_sha256(hash, key->blob.data, key->blob.len);
	base64_encode(text, hash, sizeof hash);
	text[strcspn(text, "=")] = '\0'; /* ssh-keygen prints it without padding */
	snprintf(out, REASON_SIZE, "%s SHA256:%s", key->type, text);
}

/* --- signing -------------------------------------------------------------------------------- */

const char *sshkey_algorithm(const struct sshkey *key, uint32_t flags)
{
	if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_RSA)
		return flags == 0 ? key->type : NULL;
	if (flags == SSHKEY_FLAG_SHA512)
		return "rsa-sha2-512";
	return flags == SSHKEY_FLAG_SHA256 ? "rsa-sha2-256" : NULL;
}

static const char *digest_for(const struct sshkey *key, uint32_t flags)
{
	if (key->curve != NULL)
		return key->curve->digest;
	if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_RSA)
		return NULL; /* Ed25519 hashes for itself */
	return flags == SSHKEY_FLAG_SHA512 ? "SHA512" : "SHA256";
}

/* X.509's form of an ECDSA signature into SSH's (RFC 5656 section 3.1.2): two mpints. */
static int signature_ecdsa(const uint8_t *der, size_t len, struct buf *out)
{
	CLEANUP(signature_freep) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
	uint8_t number[POINT_MAX];
	if (signature == NULL)
		return -ERR_CRYPTO;
	const BIGNUM *halves[2] = { ECDSA_SIG_get0_r(signature), ECDSA_SIG_get0_s(signature) };
	CLEANUP(buf_finish) struct buf both = BUF(2 * POINT_MAX);
	for (unsigned i = 0; i < 2; i++) {
		int r = sshwire_put_mpint(&both, number, (size_t)BN_bn2bin(halves[i], number));
		if (r < 0)
			return r;
	}
	return sshwire_put_string(out, both.data, both.len);
}

static int sign(const struct sshkey *key, uint32_t flags, const void *data, size_t len,
	uint8_t *signature, size_t *signature_len)
{
	CLEANUP(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context == NULL)
		return -ERR_SYSTEM;
	if (EVP_DigestSignInit_ex(
		    context, NULL, digest_for(key, flags), NULL, NULL, key->pkey, NULL) != 1 ||
		EVP_DigestSign(context, signature, signature_len, data, len) != 1)
		return -ERR_CRYPTO;
	return 0;
}

int sshkey_sign(
	const struct sshkey *key, uint32_t flags, const void *data, size_t len, struct buf *out)
{
	const char *algorithm = sshkey_algorithm(key, flags);
	uint8_t signature[SSHKEY_SIGNATURE_MAX];
	size_t signature_len = sizeof signature;
	if (algorithm == NULL)
		return -ERR_MALFORMED;
	int r = sign(key, flags, data, len, signature, &signature_len);
	if (r == 0)
		r = sshwire_put_word(out, algorithm);
	if (r < 0)
		return r;
	if (key->curve != NULL)
		return signature_ecdsa(signature, signature_len, out);
	return sshwire_put_string(out, signature, signature_len);
}

/*
 * One signature, verified, says it all. OpenSSL's own check of a pair would look for prime numbers
 * first, and hold every session up for a fifth of a second.
 */
int sshkey_prove(const struct sshkey *key)
{
	static const uint8_t words[] = "does the private half fit the public half?";
	uint32_t flags = EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA ? SSHKEY_FLAG_SHA256 : 0;
	uint8_t signature[SSHKEY_SIGNATURE_MAX];
	size_t len = sizeof signature;
	CLEANUP(context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context == NULL)
		return -ERR_SYSTEM;
	if (sign(key, flags, words, sizeof words, signature, &len) < 0)
		return -ERR_KEY_UNREADABLE;
	if (EVP_DigestVerifyInit_ex(
		    context, NULL, digest_for(key, flags), NULL, NULL, key->pkey, NULL) != 1 ||
		EVP_DigestVerify(context, signature, len, words, sizeof words) != 1)
		return -ERR_KEY_UNREADABLE;
	return 0;
}
