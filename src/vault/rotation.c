/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/rotation.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/source.h"
#include "vault/vault.h"

/* The end of every way to a new version. */
static int rotate(struct vault *vault, const struct keyring_lock *lock, const uint8_t *material)
{
	int r = -ERR_AGAIN; /* a vault that takes our place reads the keyring as it is now */
	if (!handover_under_way(vault->heir))
		r = keyring_rotate(vault->keyring, vault->directory, lock, material);
	if (r == -ERR_DISK)
		vault_die("vault.keyring", "the keyring cannot be synced");
	if (r < 0)
		log_error("vault.rotate", "%s", error_text(r));
	else
		log_info("vault.rotated", "key %u%s", keyring_newest(vault->keyring),
			lock != NULL ? ", under a new master key" : "");
	vault_title(vault);
	return r;
}

static int rotate_with_root_key(struct vault *vault)
{
	struct keyring_lock lock;
	uint8_t material[ROOT_MATERIAL_LEN];
	int r = source_root_key_renew(vault->directory, &lock, material);
	if (r == 0) {
		r = rotate(vault, &lock, material);
		if (source_root_key_settle(vault->directory, r == 0) < 0)
			log_warning("vault.rotate", "root.key.new could not be %s",
				r == 0 ? "moved over root.key" : "removed");
	}
	mem_wipe(material, sizeof material);
	return r;
}

static int rotate_with_credential(struct vault *vault)
{
	struct keyring_lock lock;
	uint8_t material[ROOT_MATERIAL_LEN];
	if (vault->opening.root_key_next < 0)
		return rotate(vault, NULL, NULL);
	int r = source_credential(vault->opening.root_key_next, &lock, material);
	if (r == 0)
		r = rotate(vault, &lock, material);
	mem_wipe(material, sizeof material);
	return r;
}

int rotation_passphrase(struct vault *vault, const struct secret *passphrase)
{
	struct keyring_lock lock;
	uint8_t material[ROOT_MATERIAL_LEN];
	if (keyring_sealed(vault->keyring))
		return -ERR_SEALED;
	int r = source_passphrase_new(passphrase, &lock, material);
	if (r == 0)
		r = rotate(vault, &lock, material);
	mem_wipe(material, sizeof material);
	return r;
}

/* --- a token -------------------------------------------------------------------------------- */

static void on_wrapped(struct vault *vault, int r, const uint8_t *bytes, size_t len)
{
	struct keyring_lock lock = { .source = SOURCE_TOKEN, .wrapped_len = (uint32_t)len };
	uint32_t asker = vault->token.asker;
	if (r == 0 && keyring_sealed(vault->keyring))
		r = -ERR_SEALED;
	if (r == 0) {
		random_bytes(lock.salt, sizeof lock.salt);
		memcpy(lock.wrapped, bytes, len);
		r = rotate(vault, &lock, vault->token.question->bytes);
	}
	vault_tell_state(vault, asker, r);
}

static int rotate_with_token(struct vault *vault, int pin, uint32_t asker)
{
	if (pin < 0 && strcmp(vault->process.settings.vault_token_pin, "ask") == 0)
		return -ERR_PIN_WANTED;
	uint8_t material[ROOT_MATERIAL_LEN];
	random_bytes(material, sizeof material);
	int r = token_ask(vault, true, material, sizeof material, pin, asker, on_wrapped);
	mem_wipe(material, sizeof material);
	return r;
}

/* --- the questions -------------------------------------------------------------------------- */

int rotation_answer_rotate(struct vault *vault, struct message *message)
{
	struct job *job;
	bool given = message->fd_count == 1;
	int r = keyring_sealed(vault->keyring) ? -ERR_SEALED : 0;
	if (r < 0)
		return vault_tell_state(vault, message->serial, r);
	switch (keyring_lock(vault->keyring)->source) {
	case SOURCE_ROOT_KEY:
		r = rotate_with_root_key(vault);
		break;
	case SOURCE_CREDENTIAL:
		r = rotate_with_credential(vault);
		break;
	case SOURCE_TOKEN:
		r = rotate_with_token(vault, given ? message->fds[0] : -1, message->serial);
		if (r == 0)
			return 0;
		break;
	default:
		r = given ? vault_job_start(vault, message, &job) : rotate(vault, NULL, NULL);
		if (given && r == 0)
			return 0;
	}
	return vault_tell_state(vault, message->serial, r);
}

/*
 * An envelope in a grant was given before the broker brought it over: it may still be opened, so
 * its root key stays until the grant is gone.
 */
int rotation_answer_retire(struct vault *vault, struct message *message)
{
	uint32_t oldest = grants_oldest_key(&vault->grants);
	int r = -ERR_AGAIN;
	if (keyring_sealed(vault->keyring))
		r = -ERR_SEALED;
	else if ((oldest == 0 || oldest >= keyring_newest(vault->keyring)) &&
		 !handover_under_way(vault->heir))
		r = keyring_retire(vault->keyring, vault->directory);
	if (r == -ERR_DISK)
		vault_die("vault.keyring", "the keyring cannot be synced");
	if (r == 0)
		log_info("vault.retired", "root keys older than %u are erased",
			keyring_newest(vault->keyring));
	return vault_tell_state(vault, message->serial, r);
}
