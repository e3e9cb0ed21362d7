/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "wire/certificate.h"

/*
 * A recording's data key on its way into the header: crypto_box_seal() of the session_id (40 bytes)
 * and the key (32 bytes) for the vault's recording public key. Only the vault opens it again, and
 * only for the session it names.
 */
#define RECORDING_WRAPPED_LEN (RECORDING_SESSION_LEN + 32 + 48)
#define RECORDING_SECRETS_WRAPPED_LEN (RECORDING_WRAPPED_LEN + 8)
int recording_key_wrap(const char session_id[SESSION_ID_SIZE], const uint8_t key[32],
	const uint8_t recording_public[32], uint8_t out[RECORDING_WRAPPED_LEN]);
/* The other direction, for the vault: -ERR_CRYPTO for another session, another key, other bytes. */
int recording_key_unwrap(const char session_id[SESSION_ID_SIZE],
	const uint8_t wrapped[RECORDING_WRAPPED_LEN], const uint8_t recording_public[32],
	const uint8_t recording_secret[32], uint8_t ret_key[32]);
/*
 * The second key, of what was typed and not shown: the same with the eight bytes "secrets" NUL
 * after the key. Neither passes for the other, so that opening one is never on record as the other.
 */
int recording_secrets_wrap(const char session_id[SESSION_ID_SIZE], const uint8_t key[32],
	const uint8_t recording_public[32], uint8_t out[RECORDING_SECRETS_WRAPPED_LEN]);
int recording_secrets_unwrap(const char session_id[SESSION_ID_SIZE],
	const uint8_t wrapped[RECORDING_SECRETS_WRAPPED_LEN], const uint8_t recording_public[32],
	const uint8_t recording_secret[32], uint8_t ret_key[32]);
