/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/attach.h"
#include "wire/view.h"

#define SIGNATURE_DER_MAX 80 /* SEQUENCE of two INTEGERs of at most 33 bytes */
#define PROOF_LEN (sizeof(VIEW_PROOF_CONTEXT) + SESSION_ID_SIZE - 1 + 32)

struct prover {
	EVP_PKEY_CTX *keys;
	EVP_MD *sha256;
};

static int warm_up(struct prover *prover);

int prover_create(struct prover **ret_prover)
{
	struct prover *prover = calloc(1, sizeof *prover);

	if (prover == NULL)
		return -ERR_SYSTEM;
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	prover->keys = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	prover->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (prover->keys == NULL || prover->sha256 == NULL ||
		EVP_PKEY_fromdata_init(prover->keys) <= 0 || warm_up(prover) < 0) {
		prover_destroy(prover);
		return -ERR_CRYPTO;
	}
	*ret_prover = prover;
	return 0;
}

void prover_destroy(struct prover *prover)
{
	if (prover == NULL)
		return;
	EVP_PKEY_CTX_free(prover->keys);
	EVP_MD_free(prover->sha256);
	free(prover);
}

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static int key_make(struct prover *prover, const uint8_t public_key[65], EVP_PKEY **ret_key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)"P-256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)public_key, 65),
		OSSL_PARAM_construct_end(),
	};

	/* 4: uncompressed. Whether the point is on the curve is checked when it is read. */
	if (public_key[0] != 4 ||
		EVP_PKEY_fromdata(prover->keys, ret_key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		return -ERR_MALFORMED;
	return 0;
}

int prover_key_check(struct prover *prover, const uint8_t public_key[65])
{
	CLEANUP(key_freep) EVP_PKEY *key = NULL;
	int r = key_make(prover, public_key, &key);

	if (r < 0)
		return r;
	EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	r = check != NULL && EVP_PKEY_public_check(check) > 0 ? 0 : -ERR_MALFORMED;
	EVP_PKEY_CTX_free(check);
	return r;
}

/* WebCrypto gives r || s; the library wants DER. Length, or -ERR_ATTACH_REFUSED. */
static int signature_convert(const uint8_t signature[64], uint8_t der[SIGNATURE_DER_MAX])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
	uint8_t *end = der;
	int len = -1;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) > 0)
		len = i2d_ECDSA_SIG(pair, &end);
	else
		BN_free(r), BN_free(s);
	ECDSA_SIG_free(pair);
	return len > 0 ? len : -ERR_ATTACH_REFUSED;
}

static void proof_fill(uint8_t out[PROOF_LEN], const char *session_id, const uint8_t challenge[32])
{
	memcpy(out, VIEW_PROOF_CONTEXT, sizeof(VIEW_PROOF_CONTEXT)); /* with its NUL */
	out += sizeof(VIEW_PROOF_CONTEXT);
	memcpy(out, session_id, SESSION_ID_SIZE - 1);
	memcpy(out + SESSION_ID_SIZE - 1, challenge, 32);
}

int prover_verify(struct prover *prover, const uint8_t public_key[65], const char *session_id,
	const uint8_t challenge[32], const uint8_t signature[64])
{
	CLEANUP(key_freep) EVP_PKEY *key = NULL;
	uint8_t der[SIGNATURE_DER_MAX], proof[PROOF_LEN];
	int len = signature_convert(signature, der);

	if (len < 0 || strlen(session_id) != SESSION_ID_SIZE - 1 ||
		key_make(prover, public_key, &key) < 0)
		return -ERR_ATTACH_REFUSED;
	proof_fill(proof, session_id, challenge);
	EVP_MD_CTX *verify = EVP_MD_CTX_new();
	int right = verify != NULL &&
		    EVP_DigestVerifyInit_ex(verify, NULL, "SHA256", NULL, NULL, key, NULL) > 0 &&
		    EVP_DigestVerify(verify, der, (size_t)len, proof, sizeof proof) == 1;
	EVP_MD_CTX_free(verify);
	return right ? 0 : -ERR_ATTACH_REFUSED;
}

/* One verification before the walls: whatever the library fetches lazily is there afterwards. */
static int warm_up(struct prover *prover)
{
	static const uint8_t generator[65] = { 4, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47,
		0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
		0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2,
		0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
		0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
		0xf5 };
	static const char session_id[] = "0000000000000000000000000000000000000000";
	uint8_t challenge[32] = { 0 }, signature[64] = { [31] = 1, [63] = 1 };

	if (prover_key_check(prover, generator) < 0)
		return -ERR_CRYPTO;
	return prover_verify(prover, generator, session_id, challenge, signature) < 0 ? 0
										      : -ERR_CRYPTO;
}
