/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/certify.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/recording_certificate.h"

void certify_recording(const struct keyring *keyring, const struct msg_certify *question,
	struct msg_certified *ret_answer)
{
	struct recording_certificate certificate = { .key_version = keyring_newest(keyring) };
	uint8_t layout[RECORDING_CERTIFICATE_LEN];
	memset(ret_answer, 0, sizeof *ret_answer);
	ret_answer->session = question->session;
	ret_answer->key_version = certificate.key_version;
	if (certificate.key_version == 0) {
		ret_answer->result = -ERR_SEALED;
		return;
	}
	memcpy(certificate.session_id, question->session_id, sizeof certificate.session_id);
	memcpy(certificate.facts_hash, question->facts_hash, sizeof certificate.facts_hash);
	memcpy(certificate.public_key, question->public_key, sizeof certificate.public_key);
	int r = recording_certificate_layout(&certificate, layout);
	if (r == 0)
		r = keyring_recording_public(
			keyring, certificate.key_version, ret_answer->recording_public);
	if (r == 0)
		r = keyring_sign(keyring, layout, sizeof layout, ret_answer->signature);
	ret_answer->result = r;
}

int certify_open(const struct keyring *keyring, const struct msg_recording_open *question,
	uint8_t ret_key[32])
{
	uint8_t public[32];
	if (keyring_sealed(keyring))
		return -ERR_SEALED;
	if (question->wrapped_len != RECORDING_WRAPPED_LEN)
		return -ERR_MALFORMED;
	int r = keyring_recording_public(keyring, question->key_version, public);
	if (r < 0)
		return r;
	return recording_key_unwrap(question->session_id, question->wrapped, public,
		keyring_recording_secret(keyring, question->key_version), ret_key);
}
