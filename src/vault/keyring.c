/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/keyring.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/keyring_inside.h"

/* --- the master key ------------------------------------------------------------------------- */

static void master_derive(struct keyring *keyring, const uint8_t material[KEY_LEN])
{
	static const char what[] = "sallyport keyring master";
	const struct keyring_lock *lock = &keyring->lock;
	crypto_generichash_state state;
	crypto_generichash_init(&state, material, KEY_LEN, KEY_LEN);
	crypto_generichash_update(&state, (const uint8_t *)what, sizeof what - 1);
	if (lock->source == SOURCE_TOKEN)
		crypto_generichash_update(&state, lock->salt, sizeof lock->salt);
	crypto_generichash_final(&state, keyring->keys->master, KEY_LEN);
	mem_wipe(&state, sizeof state);
}

/* --- life ----------------------------------------------------------------------------------- */

static struct keyring *keyring_new(void)
{
	if (sodium_init() < 0)
		return NULL;
	struct keyring *keyring = calloc(1, sizeof *keyring);
	if (keyring == NULL)
		return NULL;
	keyring->sealed = true;
	keyring->keys = guarded_create(sizeof *keyring->keys);
	if (keyring->keys == NULL) {
		free(keyring);
		return NULL;
	}
	return keyring;
}

void keyring_destroy(struct keyring *keyring)
{
	if (keyring == NULL)
		return;
	guarded_destroy(keyring->keys);
	free(keyring->file);
	free(keyring);
}

void keyring_destroyp(struct keyring **keyring)
{
	keyring_destroy(*keyring);
	*keyring = NULL;
}

static void version_make(struct keyring *keyring)
{
	struct version *version = &keyring->keys->versions[keyring->count++];
	version->number = keyring->count;
	version->made = clock_wall_ms();
	version->erased = false;
	random_bytes(version->root, sizeof version->root);
	random_bytes(version->recording_secret, sizeof version->recording_secret);
}

int keyring_create(
	int directory, const struct keyring_lock *lock, const uint8_t material[ROOT_MATERIAL_LEN])
{
	struct stat status;
	if (fstatat(directory, "keyring", &status, AT_SYMLINK_NOFOLLOW) == 0)
		return -ERR_EXISTS;
	CLEANUP(keyring_destroyp) struct keyring *keyring = keyring_new();
	if (keyring == NULL)
		return -ERR_SYSTEM;
	keyring->lock = *lock;
	master_derive(keyring, material);
	random_bytes(keyring->installation_id, sizeof keyring->installation_id);
	random_bytes(keyring->keys->installation_seed, KEY_LEN);
	crypto_sign_seed_keypair(keyring->installation_public, keyring->keys->installation_secret,
		keyring->keys->installation_seed);
	version_make(keyring);
	return keyring_file_write(keyring, directory);
}

int keyring_load(int directory, struct keyring **ret_keyring)
{
	CLEANUP(keyring_destroyp) struct keyring *keyring = keyring_new();
	if (keyring == NULL)
		return -ERR_SYSTEM;
	int r = keyring_file_read(keyring, directory);
	/* Whoever wrote it last may have ended because this failed. */
	if (r == 0 && fsync(directory) < 0)
		r = -ERR_SYSTEM;
	if (r < 0)
		return r;
	*ret_keyring = STEAL(keyring);
	return 0;
}

/* With the master key in place: are these its words? */
static int open_with_master(struct keyring *keyring)
{
	int r = keyring_file_open(keyring);
	if (r < 0)
		sodium_memzero(keyring->keys, sizeof *keyring->keys);
	keyring->sealed = r < 0;
	return r;
}

int keyring_open(struct keyring *keyring, const uint8_t material[ROOT_MATERIAL_LEN])
{
	if (!keyring->sealed)
		return -ERR_WRONG_MOMENT;
	master_derive(keyring, material);
	return open_with_master(keyring);
}

int keyring_open_master(struct keyring *keyring, const uint8_t master[ROOT_MATERIAL_LEN])
{
	if (!keyring->sealed)
		return -ERR_WRONG_MOMENT;
	memcpy(keyring->keys->master, master, KEY_LEN);
	return open_with_master(keyring);
}

void keyring_seal(struct keyring *keyring)
{
	sodium_memzero(keyring->keys, sizeof *keyring->keys);
	keyring->sealed = true;
}

/* --- rotation ------------------------------------------------------------------------------- */

/* What is given back when the file could not be written. */
struct former {
	uint32_t count;
	struct keyring_lock lock;
};

static struct former remember(struct keyring *keyring)
{
	memcpy(keyring->keys->former, keyring->keys->master, KEY_LEN);
	return (struct former){ keyring->count, keyring->lock };
}

static void give_back(struct keyring *keyring, const struct former *former)
{
	keyring->lock = former->lock;
	memcpy(keyring->keys->master, keyring->keys->former, KEY_LEN);
	while (keyring->count > former->count)
		sodium_memzero(&keyring->keys->versions[--keyring->count], sizeof(struct version));
}

int keyring_rotate(struct keyring *keyring, int directory, const struct keyring_lock *lock,
	const uint8_t *material)
{
	if (keyring->sealed)
		return -ERR_SEALED;
	if (keyring->count == KEYRING_VERSIONS_MAX)
		return -ERR_FULL;
	struct former former = remember(keyring);
	version_make(keyring);
	if (lock != NULL) {
		keyring->lock = *lock;
		master_derive(keyring, material);
	}
	int r = keyring_file_write(keyring, directory);
	if (r < 0)
		give_back(keyring, &former);
	sodium_memzero(keyring->keys->former, KEY_LEN);
	return r;
}

/* Erased in a copy first: as long as the file has them, they are keys like any other. */
int keyring_retire(struct keyring *keyring, int directory)
{
	if (keyring->sealed)
		return -ERR_SEALED;
	if (keyring_oldest(keyring) == keyring->count)
		return 0;
	struct keys *keys = keyring->keys;
	struct version *copy = guarded_create(sizeof keys->versions);
	if (copy == NULL)
		return -ERR_SYSTEM;
	memcpy(copy, keys->versions, sizeof keys->versions);
	for (uint32_t i = 0; i + 1 < keyring->count; i++) {
		keys->versions[i].erased = true;
		sodium_memzero(keys->versions[i].root, KEY_LEN);
	}
	int r = keyring_file_write(keyring, directory);
	if (r < 0)
		memcpy(keys->versions, copy, sizeof keys->versions);
	guarded_destroy(copy);
	return r;
}

/* --- what it holds -------------------------------------------------------------------------- */

bool keyring_sealed(const struct keyring *keyring)
{
	return keyring->sealed;
}

const struct keyring_lock *keyring_lock(const struct keyring *keyring)
{
	return &keyring->lock;
}

const uint8_t *keyring_master(const struct keyring *keyring)
{
	return keyring->sealed ? NULL : keyring->keys->master;
}

void *keyring_scratch(const struct keyring *keyring)
{
	return keyring->keys->body;
}

const uint8_t *keyring_installation_id(const struct keyring *keyring)
{
	return keyring->installation_id;
}

const uint8_t *keyring_installation_public(const struct keyring *keyring)
{
	return keyring->installation_public;
}

static const struct version *version_find(const struct keyring *keyring, uint32_t number)
{
	if (keyring->sealed || number < 1 || number > keyring->count)
		return NULL;
	return &keyring->keys->versions[number - 1];
}

uint32_t keyring_newest(const struct keyring *keyring)
{
	return keyring->sealed ? 0 : keyring->count;
}

uint32_t keyring_oldest(const struct keyring *keyring)
{
	uint32_t number = 1;
	if (keyring->sealed)
		return 0;
	while (number < keyring->count && keyring->keys->versions[number - 1].erased)
		number++;
	return number;
}

int64_t keyring_newest_made(const struct keyring *keyring)
{
	const struct version *version = version_find(keyring, keyring->count);
	return version == NULL ? 0 : version->made;
}

const uint8_t *keyring_root(const struct keyring *keyring, uint32_t number)
{
	const struct version *version = version_find(keyring, number);
	return version == NULL || version->erased ? NULL : version->root;
}

const uint8_t *keyring_recording_secret(const struct keyring *keyring, uint32_t number)
{
	const struct version *version = version_find(keyring, number);
	return version == NULL ? NULL : version->recording_secret;
}

int keyring_recording_public(const struct keyring *keyring, uint32_t number, uint8_t out[32])
{
	const uint8_t *secret = keyring_recording_secret(keyring, number);
	if (secret == NULL)
		return -ERR_NOT_FOUND;
	(void)crypto_scalarmult_base(out, secret); /* it refuses no secret */
	return 0;
}

int keyring_sign(const struct keyring *keyring, const void *bytes, size_t len, uint8_t out[64])
{
	if (keyring->sealed)
		return -ERR_SEALED;
	crypto_sign_detached(out, NULL, bytes, len, keyring->keys->installation_secret);
	return 0;
}
