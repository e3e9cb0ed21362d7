/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/envelope.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/bytes.h"

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_LEN crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define AT_KEY_NONCE ENVELOPE_HEAD_LEN
#define AT_KEY (AT_KEY_NONCE + NONCE_LEN)
#define AT_NONCE (AT_KEY + KEY_LEN + TAG_LEN)
#define AT_CONTENT (AT_NONCE + NONCE_LEN)
#define CONTENT_MAX (SECRET_MAX + ENVELOPE_BLOCK)
#define BOUND_LEN 93

_Static_assert(AT_CONTENT + TAG_LEN == ENVELOPE_OVERHEAD, "as drawn");
_Static_assert(ENVELOPE_OVERHEAD + CONTENT_MAX <= SEALED_MAX, "the largest secret fits a message");

enum layer { LAYER_KEY = 1, LAYER_CONTENT = 2 };

/* A name from a message: an array that must hold a NUL. What follows it is not ours to bind. */
static int name_bind(uint8_t out[16], const char name[16])
{
	size_t len = strnlen(name, 16);
	if (len == 0 || len == 16)
		return -ERR_MALFORMED;
	memset(out, 0, 16);
	memcpy(out, name, len);
	return 0;
}

static int identity_bind(const struct keyring *keyring, const struct identity *identity,
	const uint8_t head[ENVELOPE_HEAD_LEN], enum layer layer, uint8_t out[BOUND_LEN])
{
	memcpy(out, "sallyport envelope 1", 20);
	out[20] = (uint8_t)layer;
	memcpy(out + 21, head, ENVELOPE_HEAD_LEN);
	memcpy(out + 29, keyring_installation_id(keyring), KEYRING_ID_LEN);
	if (name_bind(out + 45, identity->object) < 0 || name_bind(out + 61, identity->field) < 0)
		return -ERR_MALFORMED;
	bytes_put64(out + 77, (uint64_t)identity->id);
	bytes_put64(out + 85, (uint64_t)identity->version);
	return 0;
}

static bool kind_known(unsigned kind)
{
	return kind == SECRET_PASSWORD || kind == SECRET_SSH_KEY || kind == SECRET_TOKEN;
}

int envelope_inspect(const void *sealed, size_t len, struct envelope_head *ret_head)
{
	const uint8_t *in = sealed;
	if (len < ENVELOPE_OVERHEAD + ENVELOPE_BLOCK || len > ENVELOPE_OVERHEAD + CONTENT_MAX ||
		(len - ENVELOPE_OVERHEAD) % ENVELOPE_BLOCK != 0)
		return -ERR_MALFORMED;
	if (in[0] != ENVELOPE_ALGORITHM || !kind_known(in[1]) || in[2] != 0 || in[3] != 0)
		return -ERR_MALFORMED;
	*ret_head = (struct envelope_head){ .kind = in[1], .key_version = bytes_get32(in + 4) };
	return 0;
}

/* A data key and a padded secret, in the keyring's locked scratch. */
struct workspace {
	uint8_t data_key[KEY_LEN];
	uint8_t content[CONTENT_MAX];
};
_Static_assert(sizeof(struct workspace) <= KEYRING_SCRATCH, "it is opened there");

static void workspace_wipep(struct workspace **workspace)
{
	sodium_memzero(*workspace, sizeof **workspace);
}

static void head_write(uint8_t out[ENVELOPE_HEAD_LEN], enum secret_kind kind, uint32_t version)
{
	memset(out, 0, ENVELOPE_HEAD_LEN);
	out[0] = ENVELOPE_ALGORITHM;
	out[1] = (uint8_t)kind;
	bytes_put32(out + 4, version);
}

static void encrypt(struct workspace *space, uint8_t *out, size_t padded, uint8_t bound[BOUND_LEN],
	const uint8_t *root)
{
	random_bytes(space->data_key, KEY_LEN);
	random_bytes(out + AT_KEY_NONCE, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + AT_KEY, NULL, space->data_key, KEY_LEN,
		bound, BOUND_LEN, NULL, out + AT_KEY_NONCE, root);
	bound[20] = LAYER_CONTENT;
	random_bytes(out + AT_NONCE, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + AT_CONTENT, NULL, space->content, padded,
		bound, BOUND_LEN, NULL, out + AT_NONCE, space->data_key);
}

int envelope_seal(const struct keyring *keyring, const struct identity *identity,
	enum secret_kind kind, const struct secret *secret, uint8_t out[SEALED_MAX],
	size_t *ret_len)
{
	uint8_t bound[BOUND_LEN];
	uint32_t version = keyring_newest(keyring);
	size_t len = secret_len(secret), padded;
	if (version == 0)
		return -ERR_SEALED;
	head_write(out, kind, version);
	int r = identity_bind(keyring, identity, out, LAYER_KEY, bound);
	if (r < 0)
		return r;
	assert(len <= SECRET_MAX);
	CLEANUP(workspace_wipep) struct workspace *space = keyring_scratch(keyring);
	memcpy(space->content, secret_reveal(secret), len);
	/* Whoever has the disk should not learn how long a password is. */
	r = sodium_pad(&padded, space->content, len, ENVELOPE_BLOCK, CONTENT_MAX);
	assert(r == 0); /* no secret is longer than SECRET_MAX */
	encrypt(space, out, padded, bound, keyring_root(keyring, version));
	*ret_len = ENVELOPE_OVERHEAD + padded;
	return 0;
}

static int decrypt(struct workspace *space, const uint8_t *in, size_t padded,
	uint8_t bound[BOUND_LEN], const uint8_t *root)
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(space->data_key, NULL, NULL, in + AT_KEY,
		    KEY_LEN + TAG_LEN, bound, BOUND_LEN, in + AT_KEY_NONCE, root) != 0)
		return -ERR_CRYPTO;
	bound[20] = LAYER_CONTENT;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(space->content, NULL, NULL, in + AT_CONTENT,
		    padded + TAG_LEN, bound, BOUND_LEN, in + AT_NONCE, space->data_key) != 0)
		return -ERR_CRYPTO;
	return 0;
}

static int secret_unpad(const struct workspace *space, size_t padded, struct secret **ret_secret)
{
	size_t len;
	if (sodium_unpad(&len, space->content, padded, ENVELOPE_BLOCK) != 0)
		return -ERR_CRYPTO;
	struct secret *secret = secret_create(space->content, len);
	if (secret == NULL)
		return -ERR_SYSTEM;
	*ret_secret = secret;
	return 0;
}

int envelope_open(const struct keyring *keyring, const struct identity *identity,
	enum secret_kind kind, const void *sealed, size_t len, struct secret **ret_secret)
{
	struct envelope_head head;
	uint8_t bound[BOUND_LEN];
	if (keyring_sealed(keyring))
		return -ERR_SEALED;
	int r = envelope_inspect(sealed, len, &head);
	if (r < 0)
		return r;
	const uint8_t *root = keyring_root(keyring, head.key_version);
	if (root == NULL || head.kind != kind)
		return -ERR_CRYPTO;
	r = identity_bind(keyring, identity, sealed, LAYER_KEY, bound);
	if (r < 0)
		return r;
	CLEANUP(workspace_wipep) struct workspace *space = keyring_scratch(keyring);
	r = decrypt(space, sealed, len - ENVELOPE_OVERHEAD, bound, root);
	return r < 0 ? r : secret_unpad(space, len - ENVELOPE_OVERHEAD, ret_secret);
}

int envelope_rewrap(const struct keyring *keyring, const struct identity *identity,
	enum secret_kind kind, const void *sealed, size_t len, uint8_t out[SEALED_MAX],
	size_t *ret_len)
{
	CLEANUP(secret_destroyp) struct secret *secret = NULL;
	int r = envelope_open(keyring, identity, kind, sealed, len, &secret);
	if (r < 0)
		return r;
	return envelope_seal(keyring, identity, kind, secret, out, ret_len);
}
