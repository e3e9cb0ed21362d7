/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/secret.h"
#include "vault/keyring.h"

/*
 * Where the material of the master key comes from. For a new keyring each source gives a lock and
 * the material that belongs to it; for one that is there, it gives the material or opens it at
 * once. Tokens are token.h's. The caller wipes what he was given.
 */

/*
 * root.key: 32 random bytes beside the keyring, which only their owner may read. One that is there
 * already (an installation that was cut short, or a key the administrator brought) is used if it is
 * a good one. -ERR_NOT_AUTHORIZED (mode), -ERR_NOT_FOUND, -ERR_MALFORMED, -ERR_TOO_LARGE,
 * -ERR_SYSTEM.
 */
int source_root_key_make(
	int directory, struct keyring_lock *ret_lock, uint8_t ret_material[ROOT_MATERIAL_LEN]);
/*
 * Opens with root.key, or with root.key.new, which a rotation left behind that was cut short after
 * it had written the keyring; then that one becomes root.key. -ERR_CRYPTO: neither fits.
 */
int source_root_key_open(int directory, struct keyring *keyring);
/*
 * A new one for a rotation, under the other name; settle moves it in the old one's place after the
 * keyring was written, or removes it after that failed. -ERR_EXISTS: the last one could not be
 * moved, and is in use under the other name.
 */
int source_root_key_renew(
	int directory, struct keyring_lock *ret_lock, uint8_t ret_material[ROOT_MATERIAL_LEN]);
int source_root_key_settle(int directory, bool rotated);

/* A passphrase, through Argon2id: takes half a second and 256 MiB. -ERR_SYSTEM: not that much. */
int source_passphrase_new(const struct secret *passphrase, struct keyring_lock *ret_lock,
	uint8_t ret_material[ROOT_MATERIAL_LEN]);
int source_passphrase(const struct keyring_lock *lock, const struct secret *passphrase,
	uint8_t ret_material[ROOT_MATERIAL_LEN]);

/* A descriptor of exactly 32 bytes that somebody else keeps; read from its start. */
int source_credential(
	int fd, struct keyring_lock *ret_lock, uint8_t ret_material[ROOT_MATERIAL_LEN]);
