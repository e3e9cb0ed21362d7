/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/certify.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/recording_key.h"

static int sign(const struct keyring *keyring, const struct certificate *certificate,
	uint8_t ret_signature[64])
{
	uint8_t layout[CERTIFICATE_LEN];
	int r = certificate_layout(certificate, layout);
	return r < 0 ? r : keyring_sign(keyring, layout, sizeof layout, ret_signature);
}

void certify_recording(const struct keyring *keyring, const struct msg_certify *question,
	struct msg_certified *ret_answer)
{
	struct certificate certificate = { .purpose = CERTIFICATE_RECORDING,
		.key_version = keyring_newest(keyring) };
	memset(ret_answer, 0, sizeof *ret_answer);
	ret_answer->session = question->session;
	ret_answer->key_version = certificate.key_version;
	if (certificate.key_version == 0) {
		ret_answer->result = -ERR_SEALED;
		return;
	}
	memcpy(certificate.session_id, question->session_id, sizeof certificate.session_id);
	memcpy(certificate.subject, question->facts_hash, sizeof certificate.subject);
	memcpy(certificate.public_key, question->public_key, sizeof certificate.public_key);
	int r = sign(keyring, &certificate, ret_answer->signature);
	if (r == 0)
		r = keyring_recording_public(
			keyring, certificate.key_version, ret_answer->recording_public);
	ret_answer->result = r;
}

void certify_broker(const struct keyring *keyring, const struct msg_broker_certify *question,
	struct msg_broker_certified *ret_answer)
{
	struct certificate certificate = { .purpose = CERTIFICATE_BROKER };
	memset(ret_answer, 0, sizeof *ret_answer);
	memcpy(ret_answer->public_key, question->public_key, sizeof ret_answer->public_key);
	memcpy(certificate.subject, question->trail, sizeof certificate.subject);
	memcpy(certificate.public_key, question->public_key, sizeof certificate.public_key);
	ret_answer->result = keyring_sealed(keyring)
				     ? -ERR_SEALED
				     : sign(keyring, &certificate, ret_answer->certificate);
}

int certify_open(const struct keyring *keyring, const struct msg_recording_open *question,
	uint8_t ret_key[32])
{
	uint8_t public[32];
	if (keyring_sealed(keyring))
		return -ERR_SEALED;
	if (question->secrets > 1 ||
		question->wrapped_len !=
			(question->secrets ? RECORDING_SECRETS_WRAPPED_LEN : RECORDING_WRAPPED_LEN))
		return -ERR_MALFORMED;
	int r = keyring_recording_public(keyring, question->key_version, public);
	if (r < 0)
		return r;
	return (question->secrets ? recording_secrets_unwrap : recording_key_unwrap)(
		question->session_id, question->wrapped, public,
		keyring_recording_secret(keyring, question->key_version), ret_key);
}
