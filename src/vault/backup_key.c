/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "vault/source.h"
#include "vault/vault.h"
#include "wire/backup.h"

/* The passphrase of a backup is opened where every other secret is, and nowhere else. */

static bool number_of(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' &&
	       *ret_number >= least && *ret_number <= most;
}

static int lock_of(int argc, char **argv, struct keyring_lock *ret_lock)
{
	uint64_t passes, memory;

	_Static_assert(KEYRING_SALT_LEN == BACKUP_SALT_LEN, "one salt for both");
	if (argc != 5 ||
		hex_decode(ret_lock->salt, sizeof ret_lock->salt, argv[2], strlen(argv[2])) !=
			BACKUP_SALT_LEN ||
		!number_of(argv[3], 1, BACKUP_PASSES_MAX, &passes) ||
		!number_of(argv[4], BACKUP_MEMORY_LEAST, BACKUP_MEMORY_MAX, &memory))
		return -ERR_PARAMETER_INVALID;
	ret_lock->source = SOURCE_PASSPHRASE;
	ret_lock->passes = (uint32_t)passes;
	ret_lock->memory = memory;
	return 0;
}

static int make(const struct keyring_lock *lock, uint8_t ret_material[ROOT_MATERIAL_LEN])
{
	CLEANUP(secret_destroyp) struct secret *passphrase = NULL;
	int r = secret_read(STDIN_FILENO, 1, &passphrase);

	if (r == 0 && secret_len(passphrase) == 0)
		r = -ERR_PARAMETER_MISSING;
	return r < 0 ? r : source_passphrase(lock, passphrase, ret_material);
}

int vault_backup_key(int argc, char **argv)
{
	uint8_t material[ROOT_MATERIAL_LEN];
	struct keyring_lock lock = { 0 };
	int r = lock_of(argc, argv, &lock);

	_Static_assert(ROOT_MATERIAL_LEN == BACKUP_KEY_LEN, "what is derived is the key");
	if (r == 0)
		r = make(&lock, material);
	if (r == 0 && write(STDOUT_FILENO, material, sizeof material) != sizeof material)
		r = -ERR_SYSTEM;
	mem_wipe(material, sizeof material);
	if (r < 0)
		fprintf(stderr, "sallyport-vault: the backup's passphrase: %s\n", error_text(r));
	return r < 0;
}
