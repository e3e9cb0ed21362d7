/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/prover.c"

#include "house.h"

static const char session_id[] = "0123456789abcdef0123456789abcdef01234567";

static EVP_PKEY *make(uint8_t public_key[65])
{
	size_t len;
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(
		EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, public_key, 65, &len),
		1);
	return key;
}

static void sign(EVP_PKEY *key, const uint8_t challenge[32], uint8_t signature[64])
{
	uint8_t proof[PROOF_LEN], der[128];
	const uint8_t *at = der;
	size_t len = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	proof_fill(proof, session_id, challenge);
	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, der, &len, proof, sizeof proof), 1);
	EVP_MD_CTX_free(context);
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32);
	ECDSA_SIG_free(pair);
}

static void test_proof(void **state)
{
	struct prover *prover;
	uint8_t public_key[65], other[65], challenge[32] = { 1, 2, 3 }, signature[64];
	static const char elsewhere[] = "1123456789abcdef0123456789abcdef01234567";

	(void)state;
	assert_int_equal(prover_create(&prover), 0);
	EVP_PKEY *key = make(public_key), *stranger = make(other);
	for (int round = 0; round < 50; round++) { /* r and s with and without leading zeros */
		challenge[0] = (uint8_t)round;
		sign(key, challenge, signature);
		assert_int_equal(
			prover_verify(prover, public_key, session_id, challenge, signature), 0);
	}
	assert_int_equal(prover_verify(prover, other, session_id, challenge, signature),
		-ERR_ATTACH_REFUSED);
	assert_int_equal(prover_verify(prover, public_key, elsewhere, challenge, signature),
		-ERR_ATTACH_REFUSED);
	assert_int_equal(prover_verify(prover, public_key, "short", challenge, signature),
		-ERR_ATTACH_REFUSED);
	challenge[31] ^= 1;
	assert_int_equal(prover_verify(prover, public_key, session_id, challenge, signature),
		-ERR_ATTACH_REFUSED);
	challenge[31] ^= 1;
	memset(signature, 0, sizeof signature);
	assert_int_equal(prover_verify(prover, public_key, session_id, challenge, signature),
		-ERR_ATTACH_REFUSED);
	memset(signature, 255, sizeof signature);
	assert_int_equal(prover_verify(prover, public_key, session_id, challenge, signature),
		-ERR_ATTACH_REFUSED);
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
	prover_destroy(prover);
}

static void test_keys(void **state)
{
	struct prover *prover;
	uint8_t public_key[65], zero[65] = { 4 };

	(void)state;
	assert_int_equal(prover_create(&prover), 0);
	EVP_PKEY *key = make(public_key);
	assert_int_equal(prover_key_check(prover, public_key), 0);
	public_key[64] ^= 1;
	assert_int_equal(prover_key_check(prover, public_key), -ERR_MALFORMED);
	assert_int_equal(prover_key_check(prover, zero), -ERR_MALFORMED);
	zero[0] = 0;
	assert_int_equal(prover_key_check(prover, zero), -ERR_MALFORMED);
	EVP_PKEY_free(key);
	prover_destroy(prover);
	prover_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
