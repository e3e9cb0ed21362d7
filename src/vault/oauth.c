/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/oauth.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/secret.h"
#include "vault/envelope.h"

/* Two secrets, each at most three times as long when encoded, and what stands between them. */
#define KEY_MAX (2 * 3 * SECRET_MAX + 1)

/* Secrets made here are their own encoding: how long it takes says nothing about them. */
static int key_append(struct buf *key, const struct secret *secret)
{
	if (percent_plain(secret_reveal(secret), secret_len(secret)))
		return buf_append(key, secret_reveal(secret), secret_len(secret));
	return percent_encode(key, secret_reveal(secret), secret_len(secret));
}

/* RFC 5849 section 3.4.2: both secrets, percent-encoded, joined by '&'. */
static int signature_make(const struct secret *consumer, const struct secret *token, bool sha256,
	const uint8_t *base, size_t base_len, uint8_t out[EVP_MAX_MD_SIZE], unsigned *ret_len)
{
	CLEANUP(buf_finish_wiped) struct buf key = BUF(KEY_MAX);
	int r = key_append(&key, consumer);
	if (r == 0)
		r = buf_append_text(&key, "&");
	if (r == 0)
		r = key_append(&key, token);
	if (r < 0)
		return r;
	const EVP_MD *digest = sha256 ? EVP_sha256() : EVP_sha1();
	if (HMAC(digest, key.data, (int)key.len, base, base_len, out, ret_len) == NULL)
		return -ERR_CRYPTO;
	return 0;
}

static int signature_compare(
	const struct msg_signature *question, const uint8_t *right, unsigned right_len)
{
	uint8_t sent[sizeof question->signature];
	size_t text_len = strnlen(question->signature, sizeof question->signature);
	if (text_len == sizeof question->signature)
		return -ERR_MALFORMED;
	int len = base64_decode(sent, sizeof sent, question->signature, text_len);
	if (len < 0 || (unsigned)len != right_len || !mem_equal_secret(sent, right, right_len))
		return -ERR_SIGNATURE_INVALID;
	return 0;
}

int oauth_check(const struct keyring *keyring, const struct msg_signature *question,
	const uint8_t *tail, size_t tail_len)
{
	uint64_t want = (uint64_t)question->consumer_len + question->token_len + question->base_len;
	if (want != tail_len)
		return -ERR_MALFORMED;
	CLEANUP(secret_destroyp) struct secret *consumer = NULL;
	CLEANUP(secret_destroyp) struct secret *token = NULL;
	int r = envelope_open(keyring, &question->consumer, SECRET_TOKEN, tail,
		question->consumer_len, &consumer);
	if (r < 0)
		return r;
	tail += question->consumer_len;
	r = envelope_open(
		keyring, &question->token, SECRET_TOKEN, tail, question->token_len, &token);
	if (r < 0)
		return r;
	tail += question->token_len;

	uint8_t right[EVP_MAX_MD_SIZE];
	unsigned right_len;
	r = signature_make(
		consumer, token, question->sha256, tail, question->base_len, right, &right_len);
	if (r == 0)
		r = signature_compare(question, right, right_len);
	mem_wipe(right, sizeof right);
	return r;
}
