/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "vault/keyring.h"
#include "wire/messages.h"

/*
 * A stored secret. It has a data key of its own, wrapped under a root key of the keyring; both
 * layers are XChaCha20-Poly1305, whose 24-byte nonces come from the system generator.
 *
 *	offset	length	numbers are little endian
 *	     0	     1	algorithm: 1 (XChaCha20-Poly1305 twice, padding to 64)
 *	     1	     1	kind, enum secret_kind: a key can never be poured out as a password
 *	     2	     2	zero
 *	     4	     4	version of the root key
 *	     8	    24	nonce of the data key
 *	    32	    32	data key, encrypted under the root key
 *	    64	    16	its tag
 *	    80	    24	nonce of the content
 *	   104	  64 k	the secret, a byte 0x80, zeros up to a multiple of 64; encrypted under the
 *data key 104 + 64 k	16	its tag
 *
 * Associated data of both layers, so that a row is worth nothing in another row's place:
 *
 *	     0	    20	"sallyport envelope 1"
 *	    20	     1	layer: 1 data key, 2 content
 *	    21	     8	offsets 0 to 7 of the envelope
 *	    29	    16	installation id
 *	    45	    16	object ("credential"), zeros after its end
 *	    61	    16	field ("content"), zeros after its end
 *	    77	     8	id
 *	    85	     8	version of the secret
 *
 * Version rule: a new algorithm number for any change; unknown ones are refused.
 */
#define ENVELOPE_ALGORITHM 1
#define ENVELOPE_HEAD_LEN 8
#define ENVELOPE_BLOCK 64
#define ENVELOPE_OVERHEAD 120 /* without padding */

struct envelope_head {
	enum secret_kind kind;
	uint32_t key_version;
};

/* Checks shape only, no key needed. -ERR_MALFORMED. */
int envelope_inspect(const void *sealed, size_t len, struct envelope_head *ret_head);
/* Under the newest root key. -ERR_SEALED, -ERR_TOO_LARGE, -ERR_MALFORMED (identity). */
int envelope_seal(const struct keyring *keyring, const struct identity *identity,
	enum secret_kind kind, const struct secret *secret, uint8_t out[SEALED_MAX],
	size_t *ret_len);
/* -ERR_CRYPTO: altered, another row's, another installation's, another kind. */
int envelope_open(const struct keyring *keyring, const struct identity *identity,
	enum secret_kind kind, const void *sealed, size_t len, struct secret **ret_secret);
/* The same secret under the newest root key, with a new data key. */
int envelope_rewrap(const struct keyring *keyring, const struct identity *identity,
	enum secret_kind kind, const void *sealed, size_t len, uint8_t out[SEALED_MAX],
	size_t *ret_len);
