/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

/*
 * What the vault says about a recording, so that anyone with the installation's public key can tell
 * a recording of this gateway from a forged one. The signature is Ed25519 by the installation key
 * over exactly these 144 bytes:
 *
 *	offset	length
 *	     0	    32	"sallyport recording certificate" and a NUL: no other signature starts so
 *	    32	     1	version of this layout: 1
 *	    33	     3	zero
 *	    36	     4	key version, little endian: which recording key the data key is sealed to
 *	    40	    40	session_id, lower-case hex
 *	    80	    32	facts hash: SHA-256 of the facts (the JSON of the header) as they stand
 *	   112	    32	public key of this one recording, Ed25519: signs the chain's heads
 *
 * Version rule: a reader refuses a version it does not know. New fields mean a new version.
 */
#define RECORDING_CERTIFICATE_LEN 144
#define RECORDING_CERTIFICATE_VERSION 1
#define RECORDING_SESSION_LEN (SESSION_ID_SIZE - 1)

struct recording_certificate {
	uint32_t key_version;
	char session_id[SESSION_ID_SIZE];
	uint8_t facts_hash[HASH_LEN];
	uint8_t public_key[32];
};

/* The bytes that are signed. -ERR_MALFORMED when session_id is not 40 lower-case hex digits. */
int recording_certificate_layout(
	const struct recording_certificate *certificate, uint8_t out[RECORDING_CERTIFICATE_LEN]);
/* 0 when the installation signed exactly this; -ERR_CRYPTO when not. Needs no vault. */
int recording_certificate_verify(const struct recording_certificate *certificate,
	const uint8_t signature[64], const uint8_t installation_public[32]);

/*
 * A recording's data key on its way into the header: crypto_box_seal() of the session_id (40 bytes)
 * and the key (32 bytes) for the vault's recording public key. Only the vault opens it again, and
 * only for the session it names.
 */
#define RECORDING_WRAPPED_LEN (RECORDING_SESSION_LEN + 32 + 48)
int recording_key_wrap(const char session_id[SESSION_ID_SIZE], const uint8_t key[32],
	const uint8_t recording_public[32], uint8_t out[RECORDING_WRAPPED_LEN]);
/* The other direction, for the vault: -ERR_CRYPTO for another session, another key, other bytes. */
int recording_key_unwrap(const char session_id[SESSION_ID_SIZE],
	const uint8_t wrapped[RECORDING_WRAPPED_LEN], const uint8_t recording_public[32],
	const uint8_t recording_secret[32], uint8_t ret_key[32]);
