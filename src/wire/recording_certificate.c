/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_certificate.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static const char context[32] = "sallyport recording certificate";

static bool session_id_valid(const char id[SESSION_ID_SIZE])
{
	if (id[RECORDING_SESSION_LEN] != '\0')
		return false;
	return strspn(id, "0123456789abcdef") == RECORDING_SESSION_LEN;
}

int recording_certificate_layout(
	const struct recording_certificate *certificate, uint8_t out[RECORDING_CERTIFICATE_LEN])
{
	if (!session_id_valid(certificate->session_id))
		return -ERR_MALFORMED;
	memset(out, 0, RECORDING_CERTIFICATE_LEN);
	memcpy(out, context, sizeof context);
	out[32] = RECORDING_CERTIFICATE_VERSION;
	for (unsigned i = 0; i < 4; i++)
		out[36 + i] = (uint8_t)(certificate->key_version >> (8 * i));
	memcpy(out + 40, certificate->session_id, RECORDING_SESSION_LEN);
	memcpy(out + 80, certificate->facts_hash, HASH_LEN);
	memcpy(out + 112, certificate->public_key, 32);
	return 0;
}

int recording_certificate_verify(const struct recording_certificate *certificate,
	const uint8_t signature[64], const uint8_t installation_public[32])
{
	uint8_t layout[RECORDING_CERTIFICATE_LEN];
	int r = recording_certificate_layout(certificate, layout);
	if (r < 0)
		return r;
	if (crypto_sign_verify_detached(signature, layout, sizeof layout, installation_public) != 0)
		return -ERR_CRYPTO;
	return 0;
}

int recording_key_wrap(const char session_id[SESSION_ID_SIZE], const uint8_t key[32],
	const uint8_t recording_public[32], uint8_t out[RECORDING_WRAPPED_LEN])
{
	_Static_assert(crypto_box_SEALBYTES == 48, "the length in the header counts on it");
	uint8_t plain[RECORDING_SESSION_LEN + 32];
	if (!session_id_valid(session_id))
		return -ERR_MALFORMED;
	memcpy(plain, session_id, RECORDING_SESSION_LEN);
	memcpy(plain + RECORDING_SESSION_LEN, key, 32);
	int failed = crypto_box_seal(out, plain, sizeof plain, recording_public);
	mem_wipe(plain, sizeof plain);
	return failed ? -ERR_CRYPTO : 0;
}

int recording_key_unwrap(const char session_id[SESSION_ID_SIZE],
	const uint8_t wrapped[RECORDING_WRAPPED_LEN], const uint8_t recording_public[32],
	const uint8_t recording_secret[32], uint8_t ret_key[32])
{
	uint8_t plain[RECORDING_SESSION_LEN + 32];
	if (!session_id_valid(session_id))
		return -ERR_MALFORMED;
	int r = 0;
	if (crypto_box_seal_open(plain, wrapped, RECORDING_WRAPPED_LEN, recording_public,
		    recording_secret) != 0 ||
		memcmp(plain, session_id, RECORDING_SESSION_LEN) != 0)
		r = -ERR_CRYPTO;
	else
		memcpy(ret_key, plain + RECORDING_SESSION_LEN, 32);
	mem_wipe(plain, sizeof plain);
	return r;
}
