/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

/*
 * What the vault says about a key that signs evidence, so that anyone with the installation's
 * public key can tell evidence of this gateway from a forgery. One shape for all; its first bytes
 * name what the key may sign, so a key certified for one purpose is worth nothing for another. The
 * signature is Ed25519 by the installation key over exactly these 144 bytes:
 *
 *	offset	length
 *	     0	    32	the purpose in words, zeros after its end: no other signature starts so
 *			recording	"sallyport recording certificate"
 *			broker		"sallyport broker certificate"
 *	    32	     1	version of this layout: 1
 *	    33	     3	zero
 *	    36	     4	recording: key version, little endian: which recording key of the vault the
 *			data key is sealed to. broker: zero
 *	    40	    40	recording: session_id, lower-case hex. broker: zeros
 *	    80	    32	recording: SHA-256 of the facts (the JSON of the header) as they stand
 *			broker: the identity of the audit trail, which is the hash of its first row
 *	   112	    32	the public key, Ed25519. A recording's signs its heads; a broker's signs the
 *			heads of the audit trail and the receipts of sessions
 *
 * Version rule: a reader refuses a version it does not know. New fields mean a new version, another
 * purpose other words.
 */
#define CERTIFICATE_LEN 144
#define CERTIFICATE_VERSION 1
#define RECORDING_SESSION_LEN (SESSION_ID_SIZE - 1)

enum certificate_purpose { CERTIFICATE_RECORDING, CERTIFICATE_BROKER };

struct certificate {
	enum certificate_purpose purpose;
	uint32_t key_version;             /* of recordings; else 0 */
	char session_id[SESSION_ID_SIZE]; /* of recordings; else "" */
	uint8_t subject[HASH_LEN];        /* what the key speaks of */
	uint8_t public_key[32];
};

/* The bytes that are signed. -ERR_MALFORMED when a field is not as its purpose wants it. */
int certificate_layout(const struct certificate *certificate, uint8_t out[CERTIFICATE_LEN]);
/* 0 when the installation signed exactly this; -ERR_CRYPTO when not. Needs no vault. */
int certificate_verify(const struct certificate *certificate, const uint8_t signature[64],
	const uint8_t installation_public[32]);
/* 40 lower-case hex digits and a NUL. */
int certificate_session_valid(const char id[SESSION_ID_SIZE]);
