/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/certify.c"

#include "fixture.h"

#define SESSION "00112233445566778899aabbccddeeff00112233"

static struct msg_certify question(void)
{
	struct msg_certify message = { .session = 7 };
	memset(message.public_key, 1, 32);
	memset(message.facts_hash, 2, 32);
	text_copy(message.session_id, sizeof message.session_id, SESSION);
	return message;
}

static struct certificate certificate_of(const struct msg_certify *message, uint32_t key_version)
{
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING,
		.key_version = key_version };
	memcpy(certificate.public_key, message->public_key, 32);
	memcpy(certificate.subject, message->facts_hash, 32);
	memcpy(certificate.session_id, message->session_id, sizeof certificate.session_id);
	return certificate;
}

static void test_certificate_verifies_without_vault(void **state)
{
	struct fixture f;
	struct msg_certified answer;
	struct msg_certify message = question();
	fixture_installation(&f);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	certify_recording(f.keyring, &message, &answer);
	assert_int_equal(answer.result, 0);
	assert_int_equal(answer.session, 7);
	assert_int_equal(answer.key_version, 2);
	struct certificate certificate = certificate_of(&message, 2);
	assert_int_equal(certificate_verify(&certificate, answer.signature,
				 keyring_installation_public(f.keyring)),
		0);
	certificate.subject[31] ^= 1;
	assert_int_equal(certificate_verify(&certificate, answer.signature,
				 keyring_installation_public(f.keyring)),
		-ERR_CRYPTO);
	fixture_finish(&f);
}

static void test_bad_session_id(void **state)
{
	struct fixture f;
	struct msg_certified answer;
	struct msg_certify message = question();
	fixture_installation(&f);
	message.session_id[3] = '/';
	certify_recording(f.keyring, &message, &answer);
	assert_int_equal(answer.result, -ERR_MALFORMED);
	memset(message.session_id, 'a', sizeof message.session_id);
	certify_recording(f.keyring, &message, &answer);
	assert_int_equal(answer.result, -ERR_MALFORMED);
	fixture_finish(&f);
}

static struct msg_recording_open wrapped(const struct msg_certified *answer, const uint8_t key[32])
{
	struct msg_recording_open message = { .wrapped_len = RECORDING_WRAPPED_LEN,
		.key_version = answer->key_version };
	text_copy(message.session_id, sizeof message.session_id, SESSION);
	assert_int_equal(
		recording_key_wrap(SESSION, key, answer->recording_public, message.wrapped), 0);
	return message;
}

static void test_key_comes_back(void **state)
{
	struct fixture f;
	struct msg_certified answer;
	struct msg_certify message = question();
	uint8_t key[32], back[32];
	memset(key, 5, sizeof key);
	fixture_installation(&f);
	certify_recording(f.keyring, &message, &answer);
	struct msg_recording_open open = wrapped(&answer, key);
	assert_int_equal(keyring_rotate(f.keyring, f.directory, NULL, NULL), 0);
	assert_int_equal(certify_open(f.keyring, &open, back), 0);
	assert_memory_equal(key, back, 32);

	struct msg_recording_open wrong = open;
	wrong.session_id[0] = 'f';
	assert_int_equal(certify_open(f.keyring, &wrong, back), -ERR_CRYPTO);
	wrong = open;
	wrong.key_version = 2;
	assert_int_equal(certify_open(f.keyring, &wrong, back), -ERR_CRYPTO);
	wrong.key_version = 3;
	assert_int_equal(certify_open(f.keyring, &wrong, back), -ERR_NOT_FOUND);
	wrong = open;
	wrong.wrapped_len--;
	assert_int_equal(certify_open(f.keyring, &wrong, back), -ERR_MALFORMED);
	for (unsigned i = 0; i < RECORDING_WRAPPED_LEN; i++) {
		wrong = open;
		wrong.wrapped[i] ^= 1;
		assert_int_equal(certify_open(f.keyring, &wrong, back), -ERR_CRYPTO);
	}
	fixture_finish(&f);
}

/* One is never opened as the other: each opening is on record as what it was. */
static void test_second_key(void **state)
{
	struct fixture f;
	struct msg_certified answer;
	struct msg_certify message = question();
	uint8_t key[32], back[32];
	memset(key, 5, sizeof key);
	fixture_installation(&f);
	certify_recording(f.keyring, &message, &answer);
	struct msg_recording_open data = wrapped(&answer, key), second = data;
	second.secrets = 1;
	assert_int_equal(certify_open(f.keyring, &second, back), -ERR_MALFORMED);
	second.wrapped_len = RECORDING_SECRETS_WRAPPED_LEN;
	assert_int_equal(certify_open(f.keyring, &second, back), -ERR_CRYPTO);
	assert_int_equal(
		recording_secrets_wrap(SESSION, key, answer.recording_public, second.wrapped), 0);
	assert_int_equal(certify_open(f.keyring, &second, back), 0);
	assert_memory_equal(key, back, 32);
	second.secrets = 0;
	assert_int_equal(certify_open(f.keyring, &second, back), -ERR_MALFORMED);
	second.wrapped_len = RECORDING_WRAPPED_LEN;
	assert_int_equal(certify_open(f.keyring, &second, back), -ERR_CRYPTO);
	second.secrets = 2;
	assert_int_equal(certify_open(f.keyring, &second, back), -ERR_MALFORMED);
	fixture_finish(&f);
}

static void test_broker(void **state)
{
	struct fixture f;
	struct msg_broker_certify message;
	struct msg_broker_certified answer;
	struct certificate certificate = { .purpose = CERTIFICATE_BROKER };
	memset(message.public_key, 1, 32);
	memset(message.trail, 2, HASH_LEN);
	memset(certificate.public_key, 1, 32);
	memset(certificate.subject, 2, HASH_LEN);
	fixture_installation(&f);
	const uint8_t *public = keyring_installation_public(f.keyring);
	certify_broker(f.keyring, &message, &answer);
	assert_int_equal(answer.result, 0);
	assert_memory_equal(answer.public_key, message.public_key, 32);
	assert_int_equal(certificate_verify(&certificate, answer.certificate, public), 0);
	certificate.subject[0] ^= 1;
	assert_int_equal(certificate_verify(&certificate, answer.certificate, public), -ERR_CRYPTO);

	/* What a broker has certified is no recording's key, even of the same fields. */
	certificate = certificate_of(&(struct msg_certify){ 0 }, 0);
	memset(certificate.public_key, 1, 32);
	memset(certificate.subject, 2, HASH_LEN);
	text_copy(certificate.session_id, sizeof certificate.session_id, SESSION);
	assert_int_equal(certificate_verify(&certificate, answer.certificate, public), -ERR_CRYPTO);
	fixture_finish(&f);
}

static void test_sealed(void **state)
{
	struct fixture f;
	struct msg_certified answer;
	struct msg_certify message = question();
	struct msg_recording_open open = { .wrapped_len = RECORDING_WRAPPED_LEN };
	uint8_t key[32];
	fixture_installation(&f);
	keyring_seal(f.keyring);
	certify_recording(f.keyring, &message, &answer);
	assert_int_equal(answer.result, -ERR_SEALED);
	assert_int_equal(certify_open(f.keyring, &open, key), -ERR_SEALED);
	struct msg_broker_certify broker = { { 0 } };
	struct msg_broker_certified certified;
	certify_broker(f.keyring, &broker, &certified);
	assert_int_equal(certified.result, -ERR_SEALED);
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate_verifies_without_vault),
		cmocka_unit_test(test_bad_session_id),
		cmocka_unit_test(test_key_comes_back),
		cmocka_unit_test(test_second_key),
		cmocka_unit_test(test_broker),
		cmocka_unit_test(test_sealed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
