/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/bytes.h"
#include "vault/file.h"
#include "vault/keyring_inside.h"

#define NAME "keyring"
#define MAGIC "SALLYKEY"
#define LAYOUT_OLD 1
#define LAYOUT 2
#define HEAD_LEN 96
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define VERSION_LEN 80
#define BODY_LEN(count) (KEY_LEN + (size_t)(count)*VERSION_LEN)
#define FILE_LEN(count, wrapped)                                                                   \
	(HEAD_LEN + (size_t)(wrapped) + NONCE_LEN + BODY_LEN(count) + TAG_LEN)
#define FILE_MAX FILE_LEN(KEYRING_VERSIONS_MAX, WRAPPED_MAX)

/* Bounds of what a file may ask for: a keyring somebody altered must not eat the machine. */
#define PASSES_MAX 16
#define MEMORY_LEAST (8u << 20)
#define MEMORY_MAX (1u << 30)

_Static_assert(BODY_LEN(KEYRING_VERSIONS_MAX) <= KEYRING_SCRATCH, "the body is opened there");

/* --- the head ------------------------------------------------------------------------------- */

/* Its length, with the wrapped material. */
static size_t head_write(const struct keyring *keyring, unsigned layout, uint8_t *out)
{
	const struct keyring_lock *lock = &keyring->lock;
	memset(out, 0, HEAD_LEN);
	memcpy(out, MAGIC, 8);
	out[8] = (uint8_t)layout;
	out[9] = (uint8_t)lock->source;
	bytes_put32(out + 12, lock->passes);
	bytes_put64(out + 16, lock->memory);
	memcpy(out + 24, lock->salt, sizeof lock->salt);
	memcpy(out + 40, keyring->installation_id, KEYRING_ID_LEN);
	memcpy(out + 56, keyring->installation_public, 32);
	bytes_put32(out + 88, keyring->count);
	bytes_put32(out + 92, lock->wrapped_len);
	memcpy(out + HEAD_LEN, lock->wrapped, lock->wrapped_len);
	return HEAD_LEN + lock->wrapped_len;
}

static bool costs_valid(const struct keyring_lock *lock)
{
	if (lock->source != SOURCE_PASSPHRASE)
		return lock->passes == 0 && lock->memory == 0;
	return lock->passes >= 1 && lock->passes <= PASSES_MAX && lock->memory >= MEMORY_LEAST &&
	       lock->memory <= MEMORY_MAX;
}

static bool lock_valid(const struct keyring_lock *lock, unsigned layout)
{
	unsigned most = layout == LAYOUT_OLD ? SOURCE_PASSPHRASE : SOURCE_TOKEN;
	return lock->source >= SOURCE_ROOT_KEY && lock->source <= most && costs_valid(lock) &&
	       (lock->source == SOURCE_TOKEN) == (lock->wrapped_len > 0);
}

static int head_read(struct keyring *keyring, const uint8_t *in, size_t len)
{
	struct keyring_lock *lock = &keyring->lock;
	uint8_t same[HEAD_LEN + WRAPPED_MAX];
	if (len < HEAD_LEN)
		return -ERR_MALFORMED;
	unsigned layout = in[8];
	lock->source = in[9];
	lock->passes = bytes_get32(in + 12);
	lock->memory = bytes_get64(in + 16);
	memcpy(lock->salt, in + 24, sizeof lock->salt);
	memcpy(keyring->installation_id, in + 40, KEYRING_ID_LEN);
	memcpy(keyring->installation_public, in + 56, 32);
	keyring->count = bytes_get32(in + 88);
	lock->wrapped_len = bytes_get32(in + 92);
	if (layout != LAYOUT_OLD && layout != LAYOUT)
		return -ERR_MALFORMED;
	if (keyring->count < 1 || keyring->count > KEYRING_VERSIONS_MAX ||
		lock->wrapped_len > WRAPPED_MAX ||
		len != FILE_LEN(keyring->count, lock->wrapped_len))
		return -ERR_MALFORMED;
	memcpy(lock->wrapped, in + HEAD_LEN, lock->wrapped_len);
	/* Whatever is not read, magic and zeros, must be as it would be written. */
	size_t head = head_write(keyring, layout, same);
	if (memcmp(in, same, head) != 0)
		return -ERR_MALFORMED;
	return lock_valid(lock, layout) ? 0 : -ERR_MALFORMED;
}

/* --- the body ------------------------------------------------------------------------------- */

static void body_write(const struct keyring *keyring)
{
	struct keys *keys = keyring->keys;
	uint8_t *at = keys->body;
	memcpy(at, keys->installation_seed, KEY_LEN);
	at += KEY_LEN;
	for (uint32_t i = 0; i < keyring->count; i++, at += VERSION_LEN) {
		const struct version *version = &keys->versions[i];
		bytes_put32(at, version->number);
		bytes_put32(at + 4, version->erased);
		bytes_put64(at + 8, (uint64_t)version->made);
		memcpy(at + 16, version->root, KEY_LEN);
		memcpy(at + 48, version->recording_secret, KEY_LEN);
	}
}

static bool version_read(struct version *version, const uint8_t *at)
{
	uint32_t erased = bytes_get32(at + 4);
	version->number = bytes_get32(at);
	version->erased = erased == 1;
	version->made = (int64_t)bytes_get64(at + 8);
	memcpy(version->root, at + 16, KEY_LEN);
	memcpy(version->recording_secret, at + 48, KEY_LEN);
	return erased <= 1;
}

static int body_read(struct keyring *keyring)
{
	struct keys *keys = keyring->keys;
	const uint8_t *at = keys->body;
	uint8_t public[crypto_sign_PUBLICKEYBYTES];
	memcpy(keys->installation_seed, at, KEY_LEN);
	crypto_sign_seed_keypair(public, keys->installation_secret, keys->installation_seed);
	if (memcmp(public, keyring->installation_public, sizeof public) != 0)
		return -ERR_CRYPTO;
	at += KEY_LEN;
	for (uint32_t i = 0; i < keyring->count; i++, at += VERSION_LEN)
		if (!version_read(&keys->versions[i], at) || keys->versions[i].number != i + 1)
			return -ERR_MALFORMED;
	/* What is sealed now needs it. */
	return keys->versions[keyring->count - 1].erased ? -ERR_MALFORMED : 0;
}

/* --- the file ------------------------------------------------------------------------------- */

int keyring_file_read(struct keyring *keyring, int directory)
{
	CLEANUP(mem_freep) uint8_t *file = malloc(FILE_MAX + 1);
	if (file == NULL)
		return -ERR_SYSTEM;
	int len = file_read(directory, NAME, false, file, FILE_MAX + 1);
	if (len < 0)
		return len;
	int r = head_read(keyring, file, (size_t)len);
	if (r < 0)
		return r;
	keyring->file = STEAL(file);
	keyring->file_len = (size_t)len;
	return 0;
}

int keyring_file_open(struct keyring *keyring)
{
	struct keys *keys = keyring->keys;
	size_t head = HEAD_LEN + keyring->lock.wrapped_len;
	const uint8_t *nonce = keyring->file + head, *sealed = nonce + NONCE_LEN;
	int r = -ERR_CRYPTO;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(keys->body, NULL, NULL, sealed,
		    BODY_LEN(keyring->count) + TAG_LEN, keyring->file, head, nonce,
		    keys->master) == 0)
		r = body_read(keyring);
	sodium_memzero(keys->body, sizeof keys->body);
	return r;
}

int keyring_file_write(struct keyring *keyring, int directory)
{
	struct keys *keys = keyring->keys;
	CLEANUP(mem_freep) uint8_t *file = malloc(FILE_MAX);
	if (file == NULL)
		return -ERR_SYSTEM;
	size_t head = head_write(keyring, LAYOUT, file);
	size_t len = FILE_LEN(keyring->count, keyring->lock.wrapped_len);
	random_bytes(file + head, NONCE_LEN);
	body_write(keyring);
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + head + NONCE_LEN, NULL, keys->body,
		BODY_LEN(keyring->count), file, head, NULL, file + head, keys->master);
	sodium_memzero(keys->body, sizeof keys->body);
	int r = file_replace(directory, NAME, NAME ".new", file, len);
	if (r < 0)
		return r;
	free(keyring->file);
	keyring->file = STEAL(file);
	keyring->file_len = len;
	return 0;
}
