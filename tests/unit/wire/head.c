/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/head.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint8_t installation[32], installation_secret[64];

static struct audit_head signed_head(uint8_t secret[64])
{
	struct audit_head head = { .sequence = 0x0102030405060708, .at = 1763906709123 };

	memset(head.hash, 0xaa, sizeof head.hash);
	memset(head.signer.trail, 0xbb, sizeof head.signer.trail);
	crypto_sign_keypair(head.signer.public_key, secret);
	audit_head_sign(&head, secret);
	return head;
}

/* The page of the format, in other words than the code's. */
static void test_what_is_signed_is_as_drawn(void **state)
{
	uint8_t secret[64], bytes[103] = "sallyport audit head 1";
	static const uint8_t sequence[8] = { 8, 7, 6, 5, 4, 3, 2, 1 };
	struct audit_head head = signed_head(secret);

	memset(bytes + 23, 0xbb, 32);
	memcpy(bytes + 55, sequence, 8);
	for (int i = 0; i < 8; i++)
		bytes[63 + i] = (uint8_t)(INT64_C(1763906709123) >> (8 * i));
	memset(bytes + 71, 0xaa, 32);
	assert_int_equal(sizeof bytes, AUDIT_LEN);
	assert_int_equal(crypto_sign_verify_detached(
				 head.signature, bytes, sizeof bytes, head.signer.public_key),
		0);
	assert_int_equal(audit_head_check(&head), 0);
}

static void test_every_field_is_signed(void **state)
{
	uint8_t secret[64];
	const struct audit_head head = signed_head(secret);
	struct audit_head changed = head;

	changed.sequence++;
	assert_int_equal(audit_head_check(&changed), -ERR_CRYPTO);
	changed = head;
	changed.at++;
	assert_int_equal(audit_head_check(&changed), -ERR_CRYPTO);
	changed = head;
	changed.hash[31] ^= 1;
	assert_int_equal(audit_head_check(&changed), -ERR_CRYPTO);
	changed = head;
	changed.signer.trail[0] ^= 1;
	assert_int_equal(audit_head_check(&changed), -ERR_CRYPTO);
	changed = head;
	changed.signature[5] ^= 1;
	assert_int_equal(audit_head_check(&changed), -ERR_CRYPTO);
	changed = head;
	changed.signer.public_key[5] ^= 1;
	assert_int_equal(audit_head_check(&changed), -ERR_CRYPTO);
}

static void certify(struct signer *signer, enum certificate_purpose purpose)
{
	struct certificate certificate = { .purpose = purpose };
	uint8_t bytes[CERTIFICATE_LEN];

	if (purpose == CERTIFICATE_RECORDING)
		memset(certificate.session_id, '0', SESSION_ID_SIZE - 1);
	memcpy(certificate.subject, signer->trail, HASH_LEN);
	memcpy(certificate.public_key, signer->public_key, 32);
	assert_int_equal(certificate_layout(&certificate, bytes), 0);
	crypto_sign_detached(signer->certificate, NULL, bytes, sizeof bytes, installation_secret);
	signer->certified = true;
}

static void test_a_signer_needs_the_installations_word(void **state)
{
	uint8_t secret[64], stranger[32];
	struct signer signer = signed_head(secret).signer;

	assert_int_equal(signer_check(&signer, installation), -ERR_CRYPTO);
	certify(&signer, CERTIFICATE_BROKER);
	assert_int_equal(signer_check(&signer, installation), 0);
	crypto_sign_keypair(stranger, secret);
	assert_int_equal(signer_check(&signer, stranger), -ERR_CRYPTO);
	signer.trail[0] ^= 1; /* another chain's */
	assert_int_equal(signer_check(&signer, installation), -ERR_CRYPTO);
	signer.trail[0] ^= 1;
	signer.certified = false;
	assert_int_equal(signer_check(&signer, installation), -ERR_CRYPTO);
	certify(&signer, CERTIFICATE_RECORDING);
	assert_int_equal(signer_check(&signer, installation), -ERR_CRYPTO);
}

static void test_receipts(void **state)
{
	static const char text[] = "{\"receipt\":1}";
	static char long_text[RECEIPT_MAX + 1];
	uint8_t public[32], secret[64], signature[64];
	char changed[sizeof text];

	crypto_sign_keypair(public, secret);
	assert_int_equal(receipt_sign(text, sizeof text - 1, secret, signature), 0);
	assert_int_equal(receipt_check(text, sizeof text - 1, signature, public), 0);
	assert_int_equal(receipt_check(text, sizeof text - 2, signature, public), -ERR_CRYPTO);
	for (size_t i = 0; i < sizeof text - 1; i++) {
		memcpy(changed, text, sizeof text);
		changed[i] ^= 1;
		assert_int_equal(
			receipt_check(changed, sizeof text - 1, signature, public), -ERR_CRYPTO);
	}
	memset(long_text, 'x', sizeof long_text);
	assert_int_equal(receipt_sign(long_text, RECEIPT_MAX, secret, signature), 0);
	assert_int_equal(receipt_check(long_text, RECEIPT_MAX, signature, public), 0);
	assert_int_equal(
		receipt_sign(long_text, RECEIPT_MAX + 1, secret, signature), -ERR_TOO_LARGE);
	assert_int_equal(receipt_check(long_text, RECEIPT_MAX + 1, signature, public), -ERR_CRYPTO);
}

/* A head of the trail that somebody gives out as a receipt: the words before it are others. */
static void test_a_head_is_no_receipt(void **state)
{
	uint8_t secret[64], bytes[AUDIT_LEN];
	struct audit_head head = signed_head(secret);

	layout(&head, bytes);
	assert_int_equal(
		receipt_check((char *)bytes, sizeof bytes, head.signature, head.signer.public_key),
		-ERR_CRYPTO);
}

static struct recording_head recording_head(void)
{
	struct recording_head head = { .number = 3, .chunks = 41, .ms = 12345, .key_version = 2 };
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING, .key_version = 2 };
	uint8_t secret[64], bytes[CERTIFICATE_LEN], body[RECORDING_SIGNATURE_LEN];

	memset(head.session_id, 'a', SESSION_ID_SIZE - 1);
	memset(head.head, 9, HASH_LEN);
	memset(head.facts_hash, 8, HASH_LEN);
	crypto_sign_keypair(head.public_key, secret);
	memcpy(certificate.session_id, head.session_id, SESSION_ID_SIZE);
	memcpy(certificate.subject, head.facts_hash, HASH_LEN);
	memcpy(certificate.public_key, head.public_key, 32);
	assert_int_equal(certificate_layout(&certificate, bytes), 0);
	crypto_sign_detached(head.certificate, NULL, bytes, sizeof bytes, installation_secret);
	recording_sign(body, secret, head.session_id, head.chunks, head.ms, head.head);
	memcpy(head.signature, body + 16, sizeof head.signature);
	return head;
}

static void test_a_recordings_head_stands_alone(void **state)
{
	const struct recording_head head = recording_head();
	struct recording_head changed = head;

	assert_int_equal(recording_head_check(&head, installation), 0);
	changed.chunks++;
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
	changed = head;
	changed.ms++;
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
	changed = head;
	changed.head[0] ^= 1;
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
	changed = head;
	changed.session_id[0] = 'b';
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
	changed = head;
	changed.session_id[0] = 'x';
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
	changed = head;
	changed.facts_hash[0] ^= 1;
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
	changed = head;
	changed.key_version++;
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
	changed = head;
	changed.public_key[0] ^= 1;
	assert_int_equal(recording_head_check(&changed, installation), -ERR_CRYPTO);
}

static int prepare(void **state)
{
	if (sodium_init() < 0)
		return -1;
	crypto_sign_keypair(installation, installation_secret);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_signed_is_as_drawn),
		cmocka_unit_test(test_every_field_is_signed),
		cmocka_unit_test(test_a_signer_needs_the_installations_word),
		cmocka_unit_test(test_receipts),
		cmocka_unit_test(test_a_head_is_no_receipt),
		cmocka_unit_test(test_a_recordings_head_stands_alone),
	};
	return cmocka_run_group_tests(tests, prepare, NULL);
}
