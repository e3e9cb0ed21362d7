/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/sshkey_openssh.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/limits.h"
#include "base/mem.h"

#define ARMOR_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define ARMOR_END "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC "openssh-key-v1" /* and its NUL */
#define BLOCK 8                /* padding of the cipher "none" */
#define NUMBERS_MAX 9

/* Numbers on their way into OpenSSL; each is wiped when it is freed. */
struct numbers {
	OSSL_PARAM_BLD *build;
	BIGNUM *kept[NUMBERS_MAX];
	unsigned count;
	bool failed;
};

static void numbers_finish(struct numbers *numbers)
{
	for (unsigned i = 0; i < numbers->count; i++)
		BN_clear_free(numbers->kept[i]);
	OSSL_PARAM_BLD_free(numbers->build);
}

static BIGNUM *numbers_push(struct numbers *numbers, const char *name, BIGNUM *number)
{
	if (number == NULL || numbers->count == NUMBERS_MAX) {
		BN_clear_free(number);
		numbers->failed = true;
		return NULL;
	}
	BN_set_flags(number, BN_FLG_CONSTTIME);
	numbers->kept[numbers->count++] = number;
	if (name != NULL && OSSL_PARAM_BLD_push_BN(numbers->build, name, number) != 1)
		numbers->failed = true;
	return number;
}

static BIGNUM *number_from(struct sshspan span)
{
	BIGNUM *number = BN_secure_new();
	if (number != NULL && BN_bin2bn(span.bytes, (int)span.len, number) == NULL) {
		BN_clear_free(number);
		return NULL;
	}
	return number;
}

static int pkey_make(struct numbers *numbers, const char *algorithm, EVP_PKEY **ret_pkey)
{
	OSSL_PARAM *params = numbers->failed ? NULL : OSSL_PARAM_BLD_to_param(numbers->build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	EVP_PKEY *pkey = NULL;
	int r = -ERR_KEY_UNREADABLE;
	if (params != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
		EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) == 1) {
		*ret_pkey = pkey;
		r = 0;
	}
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return r;
}

/* d modulo (prime - 1): the file does not hold it, OpenSSL wants it. */
static BIGNUM *exponent_for(const BIGNUM *d, const BIGNUM *prime)
{
	BN_CTX *context = BN_CTX_secure_new();
	BIGNUM *less = BN_secure_new(), *exponent = BN_secure_new();
	bool good = context != NULL && less != NULL && exponent != NULL && d != NULL &&
		    prime != NULL && BN_sub(less, prime, BN_value_one()) == 1 &&
		    !BN_is_zero(less) && BN_mod(exponent, d, less, context) == 1;
	BN_clear_free(less);
	BN_CTX_free(context);
	if (good)
		return exponent;
	BN_clear_free(exponent);
	return NULL;
}

static int rsa_read(struct sshwire *wire, EVP_PKEY **ret_pkey)
{
	struct sshspan n, e, d, inverse, p, q;
	if (sshwire_mpint(wire, &n) < 0 || sshwire_mpint(wire, &e) < 0 ||
		sshwire_mpint(wire, &d) < 0 || sshwire_mpint(wire, &inverse) < 0 ||
		sshwire_mpint(wire, &p) < 0 || sshwire_mpint(wire, &q) < 0)
		return -ERR_KEY_UNREADABLE;
	CLEANUP(numbers_finish) struct numbers numbers = { .build = OSSL_PARAM_BLD_new() };
	if (numbers.build == NULL)
		return -ERR_SYSTEM;
	numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_N, number_from(n));
	numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_E, number_from(e));
	BIGNUM *d_number = numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_D, number_from(d));
	BIGNUM *p_number = numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_FACTOR1, number_from(p));
	BIGNUM *q_number = numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_FACTOR2, number_from(q));
	numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_EXPONENT1, exponent_for(d_number, p_number));
	numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_EXPONENT2, exponent_for(d_number, q_number));
	numbers_push(&numbers, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, number_from(inverse));
	return pkey_make(&numbers, "RSA", ret_pkey);
}

static int ecdsa_read(struct sshwire *wire, const struct curve *curve, EVP_PKEY **ret_pkey)
{
	struct sshspan point, d;
	if (sshwire_word(wire, curve->name) < 0 || sshwire_string(wire, &point) < 0 ||
		sshwire_mpint(wire, &d) < 0 || point.len != 1 + 2 * curve->bytes ||
		d.len > curve->bytes)
		return -ERR_KEY_UNREADABLE;
	CLEANUP(numbers_finish) struct numbers numbers = { .build = OSSL_PARAM_BLD_new() };
	if (numbers.build == NULL)
		return -ERR_SYSTEM;
	if (OSSL_PARAM_BLD_push_utf8_string(
		    numbers.build, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) != 1 ||
		OSSL_PARAM_BLD_push_octet_string(
			numbers.build, OSSL_PKEY_PARAM_PUB_KEY, point.bytes, point.len) != 1)
		return -ERR_SYSTEM;
	numbers_push(&numbers, OSSL_PKEY_PARAM_PRIV_KEY, number_from(d));
	return pkey_make(&numbers, "EC", ret_pkey);
}

static int ed25519_read(struct sshwire *wire, EVP_PKEY **ret_pkey)
{
	struct sshspan public, private;
	if (sshwire_string(wire, &public) < 0 || sshwire_string(wire, &private) < 0 ||
		public.len != 32 || private.len != 64 ||
		memcmp(private.bytes + 32, public.bytes, 32) != 0)
		return -ERR_KEY_UNREADABLE;
	*ret_pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private.bytes, 32);
	return *ret_pkey == NULL ? -ERR_KEY_UNREADABLE : 0;
}

static int key_read(struct sshwire *wire, EVP_PKEY **ret_pkey)
{
	struct sshspan type;
	if (sshwire_string(wire, &type) < 0)
		return -ERR_KEY_UNREADABLE;
	if (sshspan_is(type, "ssh-rsa"))
		return rsa_read(wire, ret_pkey);
	if (sshspan_is(type, "ssh-ed25519"))
		return ed25519_read(wire, ret_pkey);
	const struct curve *curve = curve_find(type);
	return curve == NULL ? -ERR_KEY_UNREADABLE : ecdsa_read(wire, curve, ret_pkey);
}

/* After the comment: 1, 2, 3 .. up to a whole block. */
static bool padding_valid(struct sshwire wire)
{
	if (wire.left >= BLOCK)
		return false;
	for (size_t i = 0; i < wire.left; i++)
		if (wire.at[i] != i + 1)
			return false;
	return true;
}

static int private_part_read(struct sshspan part, EVP_PKEY **ret_pkey)
{
	struct sshwire wire = SSHWIRE(part.bytes, part.len);
	struct sshspan comment;
	uint32_t check[2];
	CLEANUP(pkey_freep) EVP_PKEY *pkey = NULL;
	if (part.len % BLOCK != 0 || sshwire_u32(&wire, &check[0]) < 0 ||
		sshwire_u32(&wire, &check[1]) < 0 || check[0] != check[1])
		return -ERR_KEY_UNREADABLE;
	int r = key_read(&wire, &pkey);
	if (r < 0)
		return r;
	if (sshwire_string(&wire, &comment) < 0 || !padding_valid(wire))
		return -ERR_KEY_UNREADABLE;
	*ret_pkey = STEAL(pkey);
	return 0;
}

static int container_read(
	const uint8_t *bytes, size_t len, EVP_PKEY **ret_pkey, struct buf *claimed)
{
	struct sshspan cipher, derivation, options, public, private;
	uint32_t count;
	if (len < sizeof MAGIC || memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
		return -ERR_KEY_UNREADABLE;
	struct sshwire wire = SSHWIRE(bytes + sizeof MAGIC, len - sizeof MAGIC);
	if (sshwire_string(&wire, &cipher) < 0 || sshwire_string(&wire, &derivation) < 0 ||
		sshwire_string(&wire, &options) < 0 || sshwire_u32(&wire, &count) < 0)
		return -ERR_KEY_UNREADABLE;
	if (!sshspan_is(cipher, "none") || !sshspan_is(derivation, "none"))
		return -ERR_KEY_ENCRYPTED;
	if (options.len != 0 || count != 1 || sshwire_string(&wire, &public) < 0 ||
		sshwire_string(&wire, &private) < 0 || wire.left != 0)
		return -ERR_KEY_UNREADABLE;
	if (public.len == 0 || buf_append(claimed, public.bytes, public.len) < 0)
		return -ERR_KEY_UNREADABLE;
	return private_part_read(private, ret_pkey);
}

bool openssh_armored(const char *text, size_t len)
{
	size_t begin = sizeof ARMOR_BEGIN - 1;
	return len > begin && memcmp(text, ARMOR_BEGIN, begin) == 0;
}

/* The base64 digits between the armor lines, without white space. 0 when there is no end line. */
static size_t digits_collect(const char *text, size_t len, char *out)
{
	size_t count = 0, end = sizeof ARMOR_END - 1;
	for (size_t i = sizeof ARMOR_BEGIN - 1; i < len; i++) {
		char c = text[i];
		if (c == '-')
			return len - i >= end && memcmp(text + i, ARMOR_END, end) == 0 ? count : 0;
		if (c != '\n' && c != '\r' && c != ' ' && c != '\t')
			out[count++] = c;
	}
	return 0;
}

int openssh_parse(const char *text, size_t len, EVP_PKEY **ret_pkey, struct buf *claimed)
{
	if (len > SECRET_MAX)
		return -ERR_KEY_UNREADABLE;
	/* Digits and bytes of the key in one guarded place. */
	char *digits = guarded_create(2 * SECRET_MAX);
	if (digits == NULL)
		return -ERR_SYSTEM;
	uint8_t *bytes = (uint8_t *)digits + SECRET_MAX;
	size_t count = digits_collect(text, len, digits);
	int decoded = base64_decode(bytes, SECRET_MAX, digits, count);
	int r = -ERR_KEY_UNREADABLE;
	if (decoded > 0)
		r = container_read(bytes, (size_t)decoded, ret_pkey, claimed);
	guarded_destroy(digits);
	return r;
}
