/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/certificate.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static const char purposes[][32] = {
	[CERTIFICATE_RECORDING] = "sallyport recording certificate",
	[CERTIFICATE_BROKER] = "sallyport broker certificate",
};

int certificate_session_valid(const char id[SESSION_ID_SIZE])
{
	if (memchr(id, 0, SESSION_ID_SIZE) != id + RECORDING_SESSION_LEN)
		return 0;
	return strspn(id, "0123456789abcdef") == RECORDING_SESSION_LEN;
}

static int fields_valid(const struct certificate *certificate)
{
	switch (certificate->purpose) {
	case CERTIFICATE_RECORDING:
		return certificate_session_valid(certificate->session_id);
	case CERTIFICATE_BROKER:
		return certificate->key_version == 0 && certificate->session_id[0] == '\0';
	default:
		return 0;
	}
}

int certificate_layout(const struct certificate *certificate, uint8_t out[CERTIFICATE_LEN])
{
	if (!fields_valid(certificate))
		return -ERR_MALFORMED;
	memset(out, 0, CERTIFICATE_LEN);
	memcpy(out, purposes[certificate->purpose], sizeof purposes[0]);
	out[32] = CERTIFICATE_VERSION;
	for (unsigned i = 0; i < 4; i++)
		out[36 + i] = (uint8_t)(certificate->key_version >> (8 * i));
	if (certificate->session_id[0] != '\0')
		memcpy(out + 40, certificate->session_id, RECORDING_SESSION_LEN);
	memcpy(out + 80, certificate->subject, HASH_LEN);
	memcpy(out + 112, certificate->public_key, 32);
	return 0;
}

int certificate_verify(const struct certificate *certificate, const uint8_t signature[64],
	const uint8_t installation_public[32])
{
	uint8_t layout[CERTIFICATE_LEN];
	int r = certificate_layout(certificate, layout);

	if (r < 0)
		return r;
	if (crypto_sign_verify_detached(signature, layout, sizeof layout, installation_public) != 0)
		return -ERR_CRYPTO;
	return 0;
}
