/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/bytes.h"

#define MAGIC "SALLYKEY"
#define LAYOUT 1
#define HEAD_LEN 96
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_LEN 32
#define VERSION_LEN 80
#define BODY_LEN(count) (KEY_LEN + (size_t)(count)*VERSION_LEN)
#define FILE_LEN(count) (HEAD_LEN + NONCE_LEN + BODY_LEN(count) + TAG_LEN)
#define FILE_MAX FILE_LEN(KEYRING_VERSIONS_MAX)

/* Bounds of what a file may ask for: a keyring somebody altered must not eat the machine. */
#define PASSES_MAX 16
#define MEMORY_LEAST (8u << 20)
#define MEMORY_MAX (1u << 30)
#ifndef KEYRING_PASSES
#define KEYRING_PASSES crypto_pwhash_OPSLIMIT_MODERATE
#define KEYRING_MEMORY crypto_pwhash_MEMLIMIT_MODERATE
#endif

_Static_assert(BODY_LEN(KEYRING_VERSIONS_MAX) <= KEYRING_SCRATCH, "the body is opened there");

enum master_source { MASTER_ROOT_KEY = 1, MASTER_PASSPHRASE = 2 };

struct version {
	uint32_t number;
	int64_t made;
	uint8_t root[KEY_LEN];
	uint8_t recording_secret[KEY_LEN];
};

/* One arena, guarded and locked: locked pages are few and each allocation costs whole ones. */
struct keys {
	uint8_t master[KEY_LEN];
	uint8_t installation_seed[KEY_LEN];
	uint8_t installation_secret[crypto_sign_SECRETKEYBYTES];
	struct version versions[KEYRING_VERSIONS_MAX];
	uint8_t body[KEYRING_SCRATCH]; /* while it is being sealed or opened; keyring_scratch() */
};

struct keyring {
	enum master_source source;
	uint32_t passes;
	uint64_t memory;
	uint8_t salt[crypto_pwhash_SALTBYTES];
	uint8_t installation_id[KEYRING_ID_LEN];
	uint8_t installation_public[32];
	uint32_t count; /* versions in the file */
	bool sealed, locked;
	uint8_t nonce[NONCE_LEN];
	uint8_t *sealed_body; /* what the file holds, kept while sealed */
	struct keys *keys;
};

/* --- the file ------------------------------------------------------------------------------- */

static void head_write(const struct keyring *keyring, uint8_t out[HEAD_LEN])
{
	memset(out, 0, HEAD_LEN);
	memcpy(out, MAGIC, 8);
	out[8] = LAYOUT;
	out[9] = (uint8_t)keyring->source;
	bytes_put32(out + 12, keyring->passes);
	bytes_put64(out + 16, keyring->memory);
	memcpy(out + 24, keyring->salt, sizeof keyring->salt);
	memcpy(out + 40, keyring->installation_id, KEYRING_ID_LEN);
	memcpy(out + 56, keyring->installation_public, 32);
	bytes_put32(out + 88, keyring->count);
}

static bool source_valid(const struct keyring *keyring)
{
	if (keyring->source == MASTER_ROOT_KEY)
		return true;
	return keyring->source == MASTER_PASSPHRASE && keyring->passes >= 1 &&
	       keyring->passes <= PASSES_MAX && keyring->memory >= MEMORY_LEAST &&
	       keyring->memory <= MEMORY_MAX;
}

static int head_read(struct keyring *keyring, const uint8_t *in, size_t len)
{
	uint8_t same[HEAD_LEN];
	if (len < HEAD_LEN + NONCE_LEN)
		return -ERR_MALFORMED;
	keyring->source = in[9];
	keyring->passes = bytes_get32(in + 12);
	keyring->memory = bytes_get64(in + 16);
	memcpy(keyring->salt, in + 24, sizeof keyring->salt);
	memcpy(keyring->installation_id, in + 40, KEYRING_ID_LEN);
	memcpy(keyring->installation_public, in + 56, 32);
	keyring->count = bytes_get32(in + 88);
	memcpy(keyring->nonce, in + HEAD_LEN, NONCE_LEN);
	/* Whatever is not read, magic, layout, zeros, must be as it would be written. */
	head_write(keyring, same);
	if (memcmp(in, same, HEAD_LEN) != 0 || keyring->count < 1 ||
		keyring->count > KEYRING_VERSIONS_MAX || len != FILE_LEN(keyring->count))
		return -ERR_MALFORMED;
	return source_valid(keyring) ? 0 : -ERR_MALFORMED;
}

static void body_write(const struct keyring *keyring)
{
	struct keys *keys = keyring->keys;
	uint8_t *at = keys->body;
	memcpy(at, keys->installation_seed, KEY_LEN);
	at += KEY_LEN;
	for (uint32_t i = 0; i < keyring->count; i++, at += VERSION_LEN) {
		const struct version *version = &keys->versions[i];
		bytes_put32(at, version->number);
		bytes_put32(at + 4, 0);
		bytes_put64(at + 8, (uint64_t)version->made);
		memcpy(at + 16, version->root, KEY_LEN);
		memcpy(at + 48, version->recording_secret, KEY_LEN);
	}
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
	for (uint32_t i = 0; i < keyring->count; i++, at += VERSION_LEN) {
		struct version *version = &keys->versions[i];
		version->number = bytes_get32(at);
		version->made = (int64_t)bytes_get64(at + 8);
		memcpy(version->root, at + 16, KEY_LEN);
		memcpy(version->recording_secret, at + 48, KEY_LEN);
		if (version->number != i + 1)
			return -ERR_MALFORMED;
	}
	return 0;
}

static int write_whole(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ERR_SYSTEM;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -ERR_SYSTEM : 0;
}

/* Whole and synced under another name first: whoever crashes here leaves the old file in place. */
static int file_replace(int directory, const char *name, const uint8_t *bytes, size_t len)
{
	static const char fresh[] = "keyring.new";
	if (unlinkat(directory, fresh, 0) < 0 && errno != ENOENT)
		return -ERR_SYSTEM;
	CLEANUP(fd_closep)
	int fd = openat(
		directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -ERR_SYSTEM;
	int r = write_whole(fd, bytes, len);
	if (r < 0)
		return r;
	if (renameat(directory, fresh, directory, name) < 0 || fsync(directory) < 0)
		return -ERR_SYSTEM;
	return 0;
}

static int keyring_save(struct keyring *keyring, int directory)
{
	CLEANUP(mem_freep) uint8_t *file = malloc(FILE_MAX);
	if (file == NULL)
		return -ERR_SYSTEM;
	head_write(keyring, file);
	random_bytes(file + HEAD_LEN, NONCE_LEN);
	body_write(keyring);
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEAD_LEN + NONCE_LEN, NULL,
		keyring->keys->body, BODY_LEN(keyring->count), file, HEAD_LEN, NULL,
		file + HEAD_LEN, keyring->keys->master);
	sodium_memzero(keyring->keys->body, sizeof keyring->keys->body);
	return file_replace(directory, "keyring", file, FILE_LEN(keyring->count));
}

/* Reads a regular file of at most `size` bytes. Returns its length. */
static int file_read(int directory, const char *name, bool private, uint8_t *out, size_t size)
{
	CLEANUP(fd_closep) int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ERR_NOT_FOUND : -ERR_SYSTEM;
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -ERR_SYSTEM;
	if (!S_ISREG(status.st_mode) || (private && (status.st_mode & 077) != 0))
		return -ERR_NOT_AUTHORIZED;
	size_t len = 0;
	while (len < size) {
		ssize_t n = read(fd, out + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -ERR_SYSTEM;
		if (n == 0)
			return (int)len;
		len += (size_t)n;
	}
	return -ERR_TOO_LARGE; /* callers pass one byte more than they want */
}

/* --- the master key ------------------------------------------------------------------------- */

static void master_derive(struct keys *keys, const uint8_t material[KEY_LEN])
{
	static const char what[] = "sallyport keyring master";
	crypto_generichash(
		keys->master, KEY_LEN, (const uint8_t *)what, sizeof what - 1, material, KEY_LEN);
}

static int master_from_root_key(struct keyring *keyring, int directory)
{
	uint8_t material[KEY_LEN + 1];
	int r = file_read(directory, "root.key", true, material, sizeof material);
	if (r == KEY_LEN) {
		master_derive(keyring->keys, material);
		r = 0;
	} else if (r >= 0) {
		r = -ERR_MALFORMED;
	}
	mem_wipe(material, sizeof material);
	return r;
}

static int master_from_passphrase(struct keyring *keyring, const struct secret *passphrase)
{
	uint8_t material[KEY_LEN];
	if (crypto_pwhash(material, sizeof material, secret_reveal(passphrase),
		    secret_len(passphrase), keyring->salt, keyring->passes, keyring->memory,
		    crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ERR_SYSTEM; /* memory */
	master_derive(keyring->keys, material);
	mem_wipe(material, sizeof material);
	return 0;
}

static int root_key_make(int directory)
{
	uint8_t material[KEY_LEN];
	CLEANUP(fd_closep)
	int fd = openat(
		directory, "root.key", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -ERR_SYSTEM;
	random_bytes(material, sizeof material);
	int r = write_whole(fd, material, sizeof material);
	mem_wipe(material, sizeof material);
	if (r == 0 && fsync(directory) < 0)
		r = -ERR_SYSTEM;
	if (r < 0)
		unlinkat(directory, "root.key", 0);
	return r;
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
	keyring->keys = sodium_malloc(sizeof *keyring->keys);
	if (keyring->keys == NULL) {
		free(keyring);
		return NULL;
	}
	/* sodium_malloc() does not tell when the limit for locked memory was too small. */
	keyring->locked = sodium_mlock(keyring->keys, sizeof *keyring->keys) == 0;
	sodium_memzero(keyring->keys, sizeof *keyring->keys);
	return keyring;
}

void keyring_destroy(struct keyring *keyring)
{
	if (keyring == NULL)
		return;
	sodium_free(keyring->keys); /* wipes */
	free(keyring->sealed_body);
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
	random_bytes(version->root, sizeof version->root);
	random_bytes(version->recording_secret, sizeof version->recording_secret);
}

static int master_choose(struct keyring *keyring, int directory, const struct secret *passphrase)
{
	if (passphrase == NULL) {
		keyring->source = MASTER_ROOT_KEY;
		int r = root_key_make(directory);
		return r < 0 ? r : master_from_root_key(keyring, directory);
	}
	keyring->source = MASTER_PASSPHRASE;
	keyring->passes = KEYRING_PASSES;
	keyring->memory = KEYRING_MEMORY;
	random_bytes(keyring->salt, sizeof keyring->salt);
	return master_from_passphrase(keyring, passphrase);
}

int keyring_create(int directory, const struct secret *passphrase)
{
	struct stat status;
	if (fstatat(directory, "keyring", &status, AT_SYMLINK_NOFOLLOW) == 0)
		return -ERR_EXISTS;
	/* A root.key beside a passphrase would look as if it opened something. */
	if (passphrase != NULL && fstatat(directory, "root.key", &status, AT_SYMLINK_NOFOLLOW) == 0)
		return -ERR_EXISTS;
	CLEANUP(keyring_destroyp) struct keyring *keyring = keyring_new();
	if (keyring == NULL)
		return -ERR_SYSTEM;
	int r = master_choose(keyring, directory, passphrase);
	if (r < 0)
		return r;
	random_bytes(keyring->installation_id, sizeof keyring->installation_id);
	random_bytes(keyring->keys->installation_seed, KEY_LEN);
	crypto_sign_seed_keypair(keyring->installation_public, keyring->keys->installation_secret,
		keyring->keys->installation_seed);
	version_make(keyring);
	return keyring_save(keyring, directory);
}

/* With the master key in place: are these its words? */
static int keyring_open(struct keyring *keyring)
{
	uint8_t head[HEAD_LEN];
	head_write(keyring, head);
	struct keys *keys = keyring->keys;
	int r = -ERR_CRYPTO;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(keys->body, NULL, NULL, keyring->sealed_body,
		    BODY_LEN(keyring->count) + TAG_LEN, head, sizeof head, keyring->nonce,
		    keys->master) == 0)
		r = body_read(keyring);
	sodium_memzero(keys->body, sizeof keys->body);
	if (r < 0) {
		sodium_memzero(keys, sizeof *keys);
		return r;
	}
	keyring->sealed = false;
	mem_freep(&keyring->sealed_body);
	return 0;
}

static int keyring_read(struct keyring *keyring, int directory)
{
	CLEANUP(mem_freep) uint8_t *file = malloc(FILE_MAX + 1);
	if (file == NULL)
		return -ERR_SYSTEM;
	int len = file_read(directory, "keyring", false, file, FILE_MAX + 1);
	if (len < 0)
		return len;
	int r = head_read(keyring, file, (size_t)len);
	if (r < 0)
		return r;
	size_t body = (size_t)len - HEAD_LEN - NONCE_LEN;
	keyring->sealed_body = malloc(body);
	if (keyring->sealed_body == NULL)
		return -ERR_SYSTEM;
	memcpy(keyring->sealed_body, file + HEAD_LEN + NONCE_LEN, body);
	return 0;
}

int keyring_load(int directory, struct keyring **ret_keyring)
{
	CLEANUP(keyring_destroyp) struct keyring *keyring = keyring_new();
	if (keyring == NULL)
		return -ERR_SYSTEM;
	int r = keyring_read(keyring, directory);
	if (r == 0 && keyring->source == MASTER_ROOT_KEY) {
		r = master_from_root_key(keyring, directory);
		if (r == 0)
			r = keyring_open(keyring);
	}
	if (r < 0)
		return r;
	*ret_keyring = STEAL(keyring);
	return 0;
}

int keyring_unseal(struct keyring *keyring, const struct secret *passphrase)
{
	if (!keyring->sealed || keyring->source != MASTER_PASSPHRASE)
		return -ERR_WRONG_MOMENT;
	int r = master_from_passphrase(keyring, passphrase);
	return r < 0 ? r : keyring_open(keyring);
}

int keyring_rotate(struct keyring *keyring, int directory)
{
	if (keyring->sealed)
		return -ERR_SEALED;
	if (keyring->count == KEYRING_VERSIONS_MAX)
		return -ERR_FULL;
	version_make(keyring);
	int r = keyring_save(keyring, directory);
	if (r < 0) {
		/* Nothing was sealed under it: a file that has it after all loses nothing. */
		keyring->count--;
		sodium_memzero(&keyring->keys->versions[keyring->count], sizeof(struct version));
	}
	return r;
}

/* --- what it holds -------------------------------------------------------------------------- */

bool keyring_sealed(const struct keyring *keyring)
{
	return keyring->sealed;
}

void *keyring_scratch(const struct keyring *keyring)
{
	return keyring->keys->body;
}

bool keyring_locked(const struct keyring *keyring)
{
	return keyring->locked;
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

int64_t keyring_newest_made(const struct keyring *keyring)
{
	const struct version *version = version_find(keyring, keyring->count);
	return version == NULL ? 0 : version->made;
}

const uint8_t *keyring_root(const struct keyring *keyring, uint32_t number)
{
	const struct version *version = version_find(keyring, number);
	return version == NULL ? NULL : version->root;
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
	return crypto_scalarmult_base(out, secret) == 0 ? 0 : -ERR_CRYPTO;
}

int keyring_sign(const struct keyring *keyring, const void *bytes, size_t len, uint8_t out[64])
{
	if (keyring->sealed)
		return -ERR_SEALED;
	crypto_sign_detached(out, NULL, bytes, len, keyring->keys->installation_secret);
	return 0;
}
