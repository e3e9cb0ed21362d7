/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_key.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define PURPOSE "secrets"
#define PURPOSE_LEN sizeof(PURPOSE)
#define PLAIN_LEN (RECORDING_SESSION_LEN + 32)

_Static_assert(crypto_box_SEALBYTES == 48, "the length in the header counts on it");
_Static_assert(RECORDING_SECRETS_WRAPPED_LEN == RECORDING_WRAPPED_LEN + PURPOSE_LEN, "one fits");

/* What is sealed: session id, key, purpose; for the data key without the last. */
static int wrap_key(const char session_id[SESSION_ID_SIZE], const uint8_t key[32], size_t purpose,
	const uint8_t recording_public[32], uint8_t *out)
{
	uint8_t plain[PLAIN_LEN + PURPOSE_LEN];
	if (!certificate_session_valid(session_id))
		return -ERR_MALFORMED;
	memcpy(plain, session_id, RECORDING_SESSION_LEN);
	memcpy(plain + RECORDING_SESSION_LEN, key, 32);
	memcpy(plain + PLAIN_LEN, PURPOSE, PURPOSE_LEN);
	int failed = crypto_box_seal(out, plain, PLAIN_LEN + purpose, recording_public);
	mem_wipe(plain, sizeof plain);
	return failed ? -ERR_CRYPTO : 0;
}

static int unwrap_key(const char session_id[SESSION_ID_SIZE], const uint8_t *wrapped,
	size_t purpose, const uint8_t recording_public[32], const uint8_t recording_secret[32],
	uint8_t ret_key[32])
{
	uint8_t plain[PLAIN_LEN + PURPOSE_LEN];
	if (!certificate_session_valid(session_id))
		return -ERR_MALFORMED;
	int r = 0;
	if (crypto_box_seal_open(plain, wrapped, RECORDING_WRAPPED_LEN + purpose, recording_public,
		    recording_secret) != 0 ||
		memcmp(plain, session_id, RECORDING_SESSION_LEN) != 0 ||
		memcmp(plain + PLAIN_LEN, PURPOSE, purpose) != 0)
		r = -ERR_CRYPTO;
	else
		memcpy(ret_key, plain + RECORDING_SESSION_LEN, 32);
	mem_wipe(plain, sizeof plain);
	return r;
}

int recording_key_wrap(const char session_id[SESSION_ID_SIZE], const uint8_t key[32],
	const uint8_t recording_public[32], uint8_t out[RECORDING_WRAPPED_LEN])
{
	return wrap_key(session_id, key, 0, recording_public, out);
}

int recording_key_unwrap(const char session_id[SESSION_ID_SIZE],
	const uint8_t wrapped[RECORDING_WRAPPED_LEN], const uint8_t recording_public[32],
	const uint8_t recording_secret[32], uint8_t ret_key[32])
{
	return unwrap_key(session_id, wrapped, 0, recording_public, recording_secret, ret_key);
}

int recording_secrets_wrap(const char session_id[SESSION_ID_SIZE], const uint8_t key[32],
	const uint8_t recording_public[32], uint8_t out[RECORDING_SECRETS_WRAPPED_LEN])
{
	return wrap_key(session_id, key, PURPOSE_LEN, recording_public, out);
}

int recording_secrets_unwrap(const char session_id[SESSION_ID_SIZE],
	const uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN], const uint8_t recording_public[32],
	const uint8_t recording_secret[32], uint8_t ret_key[32])
{
	return unwrap_key(
		session_id, wrapped, PURPOSE_LEN, recording_public, recording_secret, ret_key);
}
