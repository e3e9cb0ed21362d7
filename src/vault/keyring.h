/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/messages.h"

/*
 * Every key the vault has, in one file of its directory, sealed under the master key. The master
 * key is made from 32 bytes, the material; where those come from, source.h says.
 *
 *	offset	length	the file `keyring`; numbers are little endian
 *	     0	     8	"SALLYKEY"
 *	     8	     1	version of this layout: 2
 *	     9	     1	where the material comes from: enum root_source
 *	    10	     2	zero
 *	    12	     4	passphrase: Argon2id passes, else 0
 *	    16	     8	passphrase: Argon2id memory in bytes, else 0
 *	    24	    16	passphrase: Argon2id salt; token: salt of the master key; else 0
 *	    40	    16	installation id, random
 *	    56	    32	installation public key, Ed25519
 *	    88	     4	n, number of key versions, 1 to KEYRING_VERSIONS_MAX
 *	    92	     4	w, length of the wrapped material: 0 but for a token, at most
 *			WRAPPED_MAX
 *	    96	     w	the material as the token wrapped it (token/wrap.h)
 *	  96+w	    24	nonce
 *	 120+w	32 + 80 n + 16	XChaCha20-Poly1305 of the body; associated data: offsets 0 to 95+w
 *
 *	the body: 32 bytes seed of the installation key, then for each version
 *	     0	     4	number: 1, 2, 3 ..
 *	     4	     4	1 when its root key was erased, else 0
 *	     8	     8	made at, milliseconds since 1970
 *	    16	    32	root key: wraps the data keys of envelopes; zero when erased
 *	    48	    32	recording secret key, X25519: opens the data keys of recordings
 *
 * The master key is BLAKE2b-256("sallyport keyring master"), keyed with the material. For a token
 * the salt follows the words: the token, and the code that speaks to it, see the material and never
 * the salt. Old versions only decrypt. Layout 1, which is still read, has no sources but the first
 * two and no erased keys. Version rule: an unknown layout is refused.
 */
#define KEYRING_VERSIONS_MAX 256
#define KEYRING_ID_LEN 16
#define KEYRING_SALT_LEN 16
#define KEYRING_SCRATCH 20512 /* bytes */

/* What the file says, in clear, of the material that opens it. */
struct keyring_lock {
	enum root_source source;
	uint32_t passes; /* passphrase */
	uint64_t memory; /* passphrase: bytes */
	uint8_t salt[KEYRING_SALT_LEN];
	uint32_t wrapped_len;
	uint8_t wrapped[WRAPPED_MAX];
};

struct keyring;

/* A new installation in the directory. Refuses (-ERR_EXISTS) when there is a keyring. */
int keyring_create(
	int directory, const struct keyring_lock *lock, const uint8_t material[ROOT_MATERIAL_LEN]);
/* Reads the file; it stays sealed. -ERR_MALFORMED, -ERR_NOT_FOUND, -ERR_SYSTEM. */
int keyring_load(int directory, struct keyring **ret_keyring);
void keyring_destroy(struct keyring *keyring); /* wipes; NULL is fine */
void keyring_destroyp(struct keyring **keyring);

/* -ERR_CRYPTO: this is not the material, or the file was altered. -ERR_WRONG_MOMENT: it is open. */
int keyring_open(struct keyring *keyring, const uint8_t material[ROOT_MATERIAL_LEN]);
void keyring_seal(struct keyring *keyring); /* wipes every key; it can be opened again */
/*
 * The master key of an open keyring, for a vault that takes over from this one, and its entrance
 * there. It never goes anywhere else.
 */
const uint8_t *keyring_master(const struct keyring *keyring); /* NULL while sealed */
int keyring_open_master(struct keyring *keyring, const uint8_t master[ROOT_MATERIAL_LEN]);

/*
 * Both write the file, whole and synced before anything of it is used. -ERR_SEALED, -ERR_FULL,
 * -ERR_SYSTEM: nothing has changed. -ERR_DISK: nobody knows which of the two files a power cut
 * would leave; the process must end, and the next one sees.
 *
 * rotate adds a version; with a lock, under a new master key. retire erases the root keys of all
 * versions but the newest: nothing they wrapped can be opened any more, by anyone. Recording keys
 * stay, or old recordings could not be read.
 */
int keyring_rotate(struct keyring *keyring, int directory, const struct keyring_lock *lock,
	const uint8_t *material);
int keyring_retire(struct keyring *keyring, int directory);

/*
 * A place for open secrets, KEYRING_SCRATCH bytes, guarded as the keys are: making such a place
 * costs more than all the cryptography of an envelope. Whoever uses it wipes it before returning,
 * and calls nothing meanwhile that could use it too.
 */
void *keyring_scratch(const struct keyring *keyring);

/* Public, sealed or not. */
bool keyring_sealed(const struct keyring *keyring);
const struct keyring_lock *keyring_lock(const struct keyring *keyring);
const uint8_t *keyring_installation_id(const struct keyring *keyring);
const uint8_t *keyring_installation_public(const struct keyring *keyring);
/* The rest only while open; versions that do not exist are NULL or -ERR_NOT_FOUND. */
uint32_t keyring_newest(const struct keyring *keyring); /* 0 while sealed */
uint32_t keyring_oldest(
	const struct keyring *keyring); /* whose root key is there; 0 while sealed */
int64_t keyring_newest_made(const struct keyring *keyring);
const uint8_t *keyring_root(const struct keyring *keyring, uint32_t version); /* NULL: erased */
int keyring_recording_public(const struct keyring *keyring, uint32_t version, uint8_t out[32]);
const uint8_t *keyring_recording_secret(const struct keyring *keyring, uint32_t version);
int keyring_sign(const struct keyring *keyring, const void *bytes, size_t len, uint8_t out[64]);
