/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/head.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/certificate.h"
#include "wire/recording.h"

#define AUDIT_LABEL "sallyport audit head 1" /* signed with its NUL */
#define AUDIT_LEN (sizeof AUDIT_LABEL + HASH_LEN + 8 + 8 + HASH_LEN)
#define RECEIPT_LABEL "sallyport receipt 1"

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_number(uint8_t *at, int64_t number)
{
	for (unsigned i = 0; i < 8; i++)
		at[i] = (uint8_t)((uint64_t)number >> (8 * i));
	return at + 8;
}

static void layout(const struct audit_head *head, uint8_t out[AUDIT_LEN])
{
	uint8_t *at = put(out, AUDIT_LABEL, sizeof AUDIT_LABEL);

	at = put(at, head->signer.trail, HASH_LEN);
	at = put_number(at, head->sequence);
	at = put_number(at, head->at);
	put(at, head->hash, HASH_LEN);
}

void audit_head_sign(struct audit_head *head, const uint8_t secret_key[64])
{
	uint8_t bytes[AUDIT_LEN];

	layout(head, bytes);
	crypto_sign_detached(head->signature, NULL, bytes, sizeof bytes, secret_key);
}

int audit_head_check(const struct audit_head *head)
{
	uint8_t bytes[AUDIT_LEN];

	layout(head, bytes);
	return crypto_sign_verify_detached(
		       head->signature, bytes, sizeof bytes, head->signer.public_key) == 0
		       ? 0
		       : -ERR_CRYPTO;
}

static int receipt_layout(
	const char *text, size_t len, uint8_t out[sizeof RECEIPT_LABEL + RECEIPT_MAX])
{
	if (len > RECEIPT_MAX)
		return -ERR_TOO_LARGE;
	put(put(out, RECEIPT_LABEL, sizeof RECEIPT_LABEL), text, len);
	return 0;
}

int receipt_sign(
	const char *text, size_t len, const uint8_t secret_key[64], uint8_t ret_signature[64])
{
	uint8_t bytes[sizeof RECEIPT_LABEL + RECEIPT_MAX];
	int r = receipt_layout(text, len, bytes);

	if (r == 0)
		crypto_sign_detached(
			ret_signature, NULL, bytes, sizeof RECEIPT_LABEL + len, secret_key);
	return r;
}

int receipt_check(
	const char *text, size_t len, const uint8_t signature[64], const uint8_t public_key[32])
{
	uint8_t bytes[sizeof RECEIPT_LABEL + RECEIPT_MAX];

	if (receipt_layout(text, len, bytes) < 0 ||
		crypto_sign_verify_detached(
			signature, bytes, sizeof RECEIPT_LABEL + len, public_key) != 0)
		return -ERR_CRYPTO;
	return 0;
}

int signer_check(const struct signer *signer, const uint8_t installation_public[32])
{
	struct certificate certificate = { .purpose = CERTIFICATE_BROKER };

	if (!signer->certified)
		return -ERR_CRYPTO;
	memcpy(certificate.subject, signer->trail, HASH_LEN);
	memcpy(certificate.public_key, signer->public_key, sizeof certificate.public_key);
	return certificate_verify(&certificate, signer->certificate, installation_public);
}

/* As the signature's record in the file would say it. */
static int recording_signature_verify(const struct recording_head *head)
{
	uint8_t body[RECORDING_SIGNATURE_LEN] = { 0 };
	struct recording_record record = { RECORDING_SIGNATURE, sizeof body, body };

	put_number(body, (int64_t)head->chunks);
	for (unsigned i = 0; i < 4; i++)
		body[8 + i] = (uint8_t)(head->ms >> (8 * i));
	put(body + 16, head->signature, sizeof head->signature);
	return recording_signature_check(
		&record, head->public_key, head->session_id, head->chunks, head->ms, head->head);
}

int recording_head_check(const struct recording_head *head, const uint8_t installation_public[32])
{
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING,
		.key_version = head->key_version };

	memcpy(certificate.session_id, head->session_id, sizeof certificate.session_id);
	memcpy(certificate.subject, head->facts_hash, HASH_LEN);
	memcpy(certificate.public_key, head->public_key, sizeof certificate.public_key);
	if (certificate_verify(&certificate, head->certificate, installation_public) < 0)
		return -ERR_CRYPTO;
	return recording_signature_verify(head);
}
