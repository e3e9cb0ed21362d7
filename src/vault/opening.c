/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/opening.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "vault/file.h"
#include "vault/source.h"
#include "vault/vault.h"

#define MARK "sealed"                        /* a file beside the keyring: sealed by command */
#define KEY_OLD_MS (366 * INT64_C(86400000)) /* a root key should be rotated yearly */

/* --- what was tried ------------------------------------------------------------------------- */

uint32_t opening_wait(const struct opening *opening)
{
	uint64_t now = clock_monotonic_ms();
	return opening->not_before > now ? (uint32_t)(opening->not_before - now) : 0;
}

static void count_wrong(struct opening *opening)
{
	unsigned beyond = ++opening->wrong < OPENING_FREE_TRIES
				  ? 0
				  : MIN(opening->wrong - OPENING_FREE_TRIES + 1, 16u);
	uint64_t wait = beyond == 0 ? 0 : UINT64_C(500) << beyond;
	opening->not_before = clock_monotonic_ms() + MIN(wait, OPENING_WAIT_MOST_MS);
}

static bool guessed_wrong(int r)
{
	return r == -ERR_PASSPHRASE_WRONG || r == -ERR_PIN_WRONG || r == -ERR_PIN_WRONG_LAST ||
	       r == -ERR_PIN_LOCKED;
}

static bool pin_is_asked(const struct vault *vault)
{
	return strcmp(vault->process.settings.vault_token_pin, "ask") == 0;
}

/* Then one that is typed is better. */
static bool stored_pin_failed(int why)
{
	return why == -ERR_PIN_HELD || why == -ERR_PIN_MISSING || why == -ERR_PIN_WRONG ||
	       why == -ERR_PIN_WRONG_LAST;
}

enum vault_wants opening_wants(const struct vault *vault)
{
	switch (keyring_lock(vault->keyring)->source) {
	case SOURCE_PASSPHRASE:
		return WANTS_PASSPHRASE;
	case SOURCE_TOKEN:
		return pin_is_asked(vault) || stored_pin_failed(vault->opening.why) ? WANTS_PIN
										    : WANTS_NOTHING;
	default:
		return WANTS_NOTHING;
	}
}

/* The one place where a try ends, whoever tried and with what. */
static int settle(struct vault *vault, int r)
{
	struct opening *opening = &vault->opening;
	if (r < 0) {
		if (guessed_wrong(r))
			count_wrong(opening);
		opening->why = r;
		log_warning("vault.sealed", "%s", error_text(r));
	} else {
		opening->why = 0;
		opening->wrong = 0;
		opening->not_before = 0;
		if (file_remove(vault->directory, MARK) < 0)
			log_warning("vault.sealed", "the file `sealed` could not be removed");
		log_info("vault.unsealed", "key %u", keyring_newest(vault->keyring));
		if (clock_wall_ms() - keyring_newest_made(vault->keyring) > KEY_OLD_MS)
			log_warning("vault.key", "the root key is older than a year: rotate it");
	}
	vault_title(vault);
	return r;
}

/* --- the sources ---------------------------------------------------------------------------- */

static int open_with(struct vault *vault, const uint8_t material[ROOT_MATERIAL_LEN], int wrong)
{
	int r = keyring_open(vault->keyring, material);
	return r == -ERR_CRYPTO ? -wrong : r;
}

static int open_with_credential(struct vault *vault, int fd)
{
	struct keyring_lock lock;
	uint8_t material[ROOT_MATERIAL_LEN];
	if (fd < 0)
		return -ERR_ROOT_KEY_MISSING;
	int r = source_credential(fd, &lock, material);
	if (r == 0)
		r = open_with(vault, material, ERR_ROOT_KEY_WRONG);
	mem_wipe(material, sizeof material);
	return r;
}

/* The one that comes next was taken by a rotation, or will be. */
static int open_with_credentials(struct vault *vault)
{
	int r = open_with_credential(vault, vault->opening.root_key);
	if (r < 0 && open_with_credential(vault, vault->opening.root_key_next) == 0)
		return 0;
	return r;
}

static int open_with_root_key(struct vault *vault)
{
	int r = source_root_key_open(vault->directory, vault->keyring);
	switch (-r) {
	case ERR_NOT_FOUND:
	case ERR_NOT_AUTHORIZED:
		return -ERR_ROOT_KEY_MISSING;
	case ERR_CRYPTO:
	case ERR_MALFORMED:
	case ERR_TOO_LARGE:
		return -ERR_ROOT_KEY_WRONG;
	default:
		return r;
	}
}

static void on_unwrapped(struct vault *vault, int r, const uint8_t *bytes, size_t len)
{
	uint32_t asker = vault->token.asker;
	if (r == 0 && len != ROOT_MATERIAL_LEN)
		r = -ERR_TOKEN_KEY_WRONG;
	if (r == 0)
		r = open_with(vault, bytes, ERR_TOKEN_KEY_WRONG);
	vault_tell_state(vault, asker, settle(vault, r));
	if (vault->opening.starting)
		loop_stop(vault->process.loop);
}

static int ask_token(struct vault *vault, int pin, uint32_t asker)
{
	const struct keyring_lock *lock = keyring_lock(vault->keyring);
	if (pin < 0 && pin_is_asked(vault))
		return -ERR_PIN_WANTED;
	return token_ask(vault, false, lock->wrapped, lock->wrapped_len, pin, asker, on_unwrapped);
}

/* --- at the start --------------------------------------------------------------------------- */

static bool marked(const struct vault *vault)
{
	uint8_t nothing[1];
	return file_read(vault->directory, MARK, false, nothing, sizeof nothing) == 0;
}

/* The loop runs for it, before anybody was told that this process is ready. */
static int wait_for_token(struct vault *vault)
{
	int r = ask_token(vault, -1, 0);
	if (r < 0)
		return r;
	vault->opening.starting = true;
	while (vault->token.fn != NULL && !vault->process.stopping)
		if (loop_run(vault->process.loop) < 0)
			return -ERR_SYSTEM;
	vault->opening.starting = false;
	return keyring_sealed(vault->keyring) ? vault->opening.why : 0;
}

/* Nobody has to come for a root.key: a gateway that cannot use its own says so by not starting. */
static int open_with_root_key_or_die(struct vault *vault)
{
	int r = open_with_root_key(vault);
	if (r < 0)
		vault_die("vault.keyring", error_text(r));
	return r;
}

static int open_by_itself(struct vault *vault)
{
	switch (keyring_lock(vault->keyring)->source) {
	case SOURCE_ROOT_KEY:
		return open_with_root_key_or_die(vault);
	case SOURCE_CREDENTIAL:
		return open_with_credentials(vault);
	case SOURCE_TOKEN:
		return wait_for_token(vault);
	default:
		return -ERR_PASSPHRASE_WANTED;
	}
}

void opening_look(struct vault *vault)
{
	if (!marked(vault))
		return;
	vault->opening.why = -ERR_SEALED_BY_COMMAND;
	if (keyring_sealed(vault->keyring))
		return;
	keyring_seal(vault->keyring);
	log_warning("vault.sealed", "by command, given to the vault before this one");
	vault_title(vault);
}

void opening_start(struct vault *vault)
{
	opening_look(vault);
	if (vault->opening.why != -ERR_SEALED_BY_COMMAND && keyring_sealed(vault->keyring))
		settle(vault, open_by_itself(vault));
	vault_title(vault);
	vault_tell_state(vault, 0, 0);
}

/* --- by command ----------------------------------------------------------------------------- */

static int may_try(const struct vault *vault)
{
	if (!keyring_sealed(vault->keyring))
		return -ERR_WRONG_MOMENT;
	/* A vault that takes our place would stay sealed, or would be asked for nothing. */
	if (vault->token.fn != NULL || handover_under_way(vault->heir))
		return -ERR_AGAIN;
	return opening_wait(&vault->opening) > 0 ? -ERR_THROTTLED : 0;
}

int opening_answer_unseal(struct vault *vault, struct message *message)
{
	struct job *job;
	int r = may_try(vault), pin = message->fds[0];
	if (r < 0)
		return vault_tell_state(vault, message->serial, r);
	switch (keyring_lock(vault->keyring)->source) {
	case SOURCE_ROOT_KEY:
		r = settle(vault, open_with_root_key(vault));
		break;
	case SOURCE_CREDENTIAL:
		r = settle(vault, open_with_credentials(vault));
		break;
	case SOURCE_TOKEN:
		r = ask_token(vault, message->fd_count == 1 ? pin : -1, message->serial);
		if (r == 0)
			return 0;
		break;
	default:
		r = message->fd_count == 1 ? vault_job_start(vault, message, &job)
					   : -ERR_PASSPHRASE_WANTED;
		if (r == 0)
			return 0;
	}
	return vault_tell_state(vault, message->serial, r);
}

int opening_passphrase(struct vault *vault, const struct secret *passphrase)
{
	uint8_t material[ROOT_MATERIAL_LEN];
	int r = may_try(vault); /* another one may have come in meanwhile */
	if (r < 0)
		return r;
	r = source_passphrase(keyring_lock(vault->keyring), passphrase, material);
	if (r == 0)
		r = open_with(vault, material, ERR_PASSPHRASE_WRONG);
	mem_wipe(material, sizeof material);
	return settle(vault, r);
}

int opening_answer_seal(struct vault *vault, struct message *message)
{
	int r = file_make(vault->directory, MARK, "", 0);
	token_cancel(vault, -ERR_SEALED);
	grants_drop(&vault->grants, -ERR_SEALED);
	keyring_seal(vault->keyring);
	vault->opening.why = -ERR_SEALED_BY_COMMAND;
	log_warning("vault.sealed", "by command");
	vault_title(vault);
	/* Sealed it is in any case; but a restart would open it again. */
	return vault_tell_state(vault, message->serial, r == -ERR_EXISTS ? 0 : r);
}
