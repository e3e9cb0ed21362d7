/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/file.h"

#define ROOT_KEY "root.key"
#define ROOT_KEY_NEW "root.key.new"
#define LEN ROOT_MATERIAL_LEN
#ifndef SOURCE_PASSES
#define SOURCE_PASSES crypto_pwhash_OPSLIMIT_MODERATE
#define SOURCE_MEMORY crypto_pwhash_MEMLIMIT_MODERATE
#endif

/* --- root.key ------------------------------------------------------------------------------- */

static int root_key_read(int directory, const char *name, uint8_t ret_material[LEN])
{
	uint8_t material[LEN + 1];
	int r = file_read(directory, name, true, material, sizeof material);
	if (r == LEN)
		memcpy(ret_material, material, LEN);
	mem_wipe(material, sizeof material);
	return r < 0 ? r : r == LEN ? 0 : -ERR_MALFORMED;
}

/* A new one under that name, which must be free. */
static int root_key_write(
	int directory, const char *name, struct keyring_lock *ret_lock, uint8_t ret_material[LEN])
{
	random_bytes(ret_material, LEN);
	*ret_lock = (struct keyring_lock){ .source = SOURCE_ROOT_KEY };
	return file_make(directory, name, ret_material, LEN);
}

int source_root_key_make(int directory, struct keyring_lock *ret_lock, uint8_t ret_material[LEN])
{
	int r = root_key_write(directory, ROOT_KEY, ret_lock, ret_material);
	return r == -ERR_EXISTS ? root_key_read(directory, ROOT_KEY, ret_material) : r;
}

static int root_key_try(int directory, const char *name, struct keyring *keyring)
{
	uint8_t material[LEN];
	int r = root_key_read(directory, name, material);
	if (r == 0)
		r = keyring_open(keyring, material);
	mem_wipe(material, sizeof material);
	return r;
}

int source_root_key_open(int directory, struct keyring *keyring)
{
	int r = root_key_try(directory, ROOT_KEY, keyring);
	if (r == 0)
		return source_root_key_settle(directory, false);
	if (root_key_try(directory, ROOT_KEY_NEW, keyring) < 0)
		return r;
	source_root_key_settle(directory, true); /* if not, it is found again at the next start */
	return 0;
}

int source_root_key_renew(int directory, struct keyring_lock *ret_lock, uint8_t ret_material[LEN])
{
	return root_key_write(directory, ROOT_KEY_NEW, ret_lock, ret_material);
}

int source_root_key_settle(int directory, bool rotated)
{
	return rotated ? file_move(directory, ROOT_KEY_NEW, ROOT_KEY)
		       : file_remove(directory, ROOT_KEY_NEW);
}

/* --- a passphrase --------------------------------------------------------------------------- */

int source_passphrase(
	const struct keyring_lock *lock, const struct secret *passphrase, uint8_t ret_material[LEN])
{
	if (crypto_pwhash(ret_material, LEN, secret_reveal(passphrase), secret_len(passphrase),
		    lock->salt, lock->passes, lock->memory, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ERR_SYSTEM; /* memory */
	return 0;
}

int source_passphrase_new(
	const struct secret *passphrase, struct keyring_lock *ret_lock, uint8_t ret_material[LEN])
{
	_Static_assert(KEYRING_SALT_LEN == crypto_pwhash_SALTBYTES, "one salt for both");
	*ret_lock = (struct keyring_lock){
		.source = SOURCE_PASSPHRASE, .passes = SOURCE_PASSES, .memory = SOURCE_MEMORY
	};
	random_bytes(ret_lock->salt, sizeof ret_lock->salt);
	return source_passphrase(ret_lock, passphrase, ret_material);
}

/* --- a credential --------------------------------------------------------------------------- */

int source_credential(int fd, struct keyring_lock *ret_lock, uint8_t ret_material[LEN])
{
	uint8_t material[LEN + 1];
	ssize_t n;
	do {
		n = pread(fd, material, sizeof material, 0);
	} while (n < 0 && errno == EINTR);
	if (n == LEN) {
		memcpy(ret_material, material, LEN);
		*ret_lock = (struct keyring_lock){ .source = SOURCE_CREDENTIAL };
	}
	mem_wipe(material, sizeof material);
	return n == LEN ? 0 : n < 0 ? -ERR_SYSTEM : -ERR_MALFORMED;
}
