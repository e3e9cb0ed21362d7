/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

/*
 * Every key the vault has, in one file of its directory, sealed under the master key. The master
 * key is made from `root.key` (32 random bytes, mode 0600) or from a passphrase that nobody stores
 * (Argon2id): then the vault starts sealed and waits for UNSEAL.
 *
 *	offset	length	the file `keyring`; numbers are little endian
 *	     0	     8	"SALLYKEY"
 *	     8	     1	version of this layout: 1
 *	     9	     1	where the master key comes from: 1 root.key, 2 passphrase
 *	    10	     2	zero
 *	    12	     4	Argon2id passes (0 for root.key)
 *	    16	     8	Argon2id memory in bytes (0 for root.key)
 *	    24	    16	Argon2id salt (zero for root.key)
 *	    40	    16	installation id, random
 *	    56	    32	installation public key, Ed25519
 *	    88	     4	n, number of key versions, 1 to KEYRING_VERSIONS_MAX
 *	    92	     4	zero
 *	    96	    24	nonce
 *	   120	32 + 80 n + 16	XChaCha20-Poly1305 of the body; associated data: offsets 0 to 95
 *
 *	the body: 32 bytes seed of the installation key, then for each version
 *	     0	     4	number: 1, 2, 3 ..
 *	     4	     4	zero
 *	     8	     8	made at, milliseconds since 1970
 *	    16	    32	root key: wraps the data keys of envelopes
 *	    48	    32	recording secret key, X25519: opens the data keys of recordings
 *
 * The master key is BLAKE2b-256("sallyport keyring master"), keyed with root.key or with the 32
 * bytes that Argon2id gives. Old versions only decrypt. Version rule: an unknown layout is refused.
 */
#define KEYRING_VERSIONS_MAX 256
#define KEYRING_ID_LEN 16
#define KEYRING_SCRATCH 20512 /* bytes */

struct keyring;

/*
 * A new installation in the directory: refuses (-ERR_EXISTS) when there is a keyring. With
 * passphrase NULL it makes root.key; one that is already there (an installation that was cut short,
 * or a key the administrator brought) is used if it is a good one.
 */
int keyring_create(int directory, const struct secret *passphrase);
/* -ERR_MALFORMED, -ERR_CRYPTO (root.key does not fit), -ERR_NOT_FOUND, -ERR_SYSTEM. */
int keyring_load(int directory, struct keyring **ret_keyring);
void keyring_destroy(struct keyring *keyring); /* wipes; NULL is fine */
void keyring_destroyp(struct keyring **keyring);

bool keyring_sealed(const struct keyring *keyring);
bool keyring_locked(const struct keyring *keyring); /* false: the keys may be swapped out */
int keyring_unseal(struct keyring *keyring, const struct secret *passphrase); /* -ERR_CRYPTO */
/* Adds a key version, on disk before it is used. -ERR_SEALED, -ERR_FULL, -ERR_SYSTEM. */
int keyring_rotate(struct keyring *keyring, int directory);

/*
 * A place for open secrets, KEYRING_SCRATCH bytes, guarded and locked as the keys are: making such
 * a place costs more than all the cryptography of an envelope. Whoever uses it wipes it before
 * returning, and calls nothing meanwhile that could use it too.
 */
void *keyring_scratch(const struct keyring *keyring);

/* Public, sealed or not. */
const uint8_t *keyring_installation_id(const struct keyring *keyring);
const uint8_t *keyring_installation_public(const struct keyring *keyring);
/* The rest only while unsealed; versions that do not exist are NULL or -ERR_NOT_FOUND. */
uint32_t keyring_newest(const struct keyring *keyring); /* 0 while sealed */
int64_t keyring_newest_made(const struct keyring *keyring);
const uint8_t *keyring_root(const struct keyring *keyring, uint32_t version);
int keyring_recording_public(const struct keyring *keyring, uint32_t version, uint8_t out[32]);
const uint8_t *keyring_recording_secret(const struct keyring *keyring, uint32_t version);
int keyring_sign(const struct keyring *keyring, const void *bytes, size_t len, uint8_t out[64]);
