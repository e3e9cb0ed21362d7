/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_key.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

int recording_key_wrap(const char session_id[SESSION_ID_SIZE], const uint8_t key[32],
	const uint8_t recording_public[32], uint8_t out[RECORDING_WRAPPED_LEN])
{
	_Static_assert(crypto_box_SEALBYTES == 48, "the length in the header counts on it");
	uint8_t plain[RECORDING_SESSION_LEN + 32];
	if (!certificate_session_valid(session_id))
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
	if (!certificate_session_valid(session_id))
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
