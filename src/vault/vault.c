/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"

#define SECURE_HEAP (256 * 1024) /* bytes for OpenSSL's private numbers; a power of two */
#define SECURE_LEAST 32
#define KEY_OLD_MS (366 * INT64_C(86400000)) /* a root key should be rotated yearly */

static void die(const char *event, const char *words)
{
	log_error(event, "%s", words);
	exit(1);
}

/* What an administrator can do about it. */
static const char *keyring_complaint(int r)
{
	switch (-r) {
	case ERR_NOT_FOUND:
		return "keyring or root.key is missing in the vault directory";
	case ERR_NOT_AUTHORIZED:
		return "root.key must be a plain file that only its owner can read (mode 0600)";
	case ERR_CRYPTO:
		return "root.key does not open the keyring: one of them is another installation's";
	case ERR_MALFORMED:
	case ERR_TOO_LARGE:
		return "keyring or root.key is damaged, or was written by a newer version";
	default:
		return "keyring or root.key cannot be read";
	}
}

/* --- peers ---------------------------------------------------------------------------------- */

static void on_broker_gone(void *context, struct channel *channel)
{
	struct vault *vault = context;
	vault_jobs_drop(vault);
	vault->broker = NULL;
	grants_abandon(&vault->grants);
	channel_destroy(channel);
}

static void on_recorder_gone(void *context, struct channel *channel)
{
	struct vault *vault = context;
	vault->recorder = NULL;
	channel_destroy(channel);
}

static void meet(void *context, enum party party, int fd)
{
	struct vault *vault = context;
	int r = -ERR_MALFORMED;
	if (party == PARTY_BROKER) {
		if (vault->broker != NULL)
			on_broker_gone(vault, vault->broker);
		r = channel_create(vault->process.loop, fd, PARTY_VAULT, party, vault_answer,
			on_broker_gone, vault, &vault->broker);
	} else if (party == PARTY_RECORDER) {
		if (vault->recorder != NULL)
			on_recorder_gone(vault, vault->recorder);
		r = channel_create(vault->process.loop, fd, PARTY_VAULT, party, vault_answer,
			on_recorder_gone, vault, &vault->recorder);
	} else {
		fd_closep(&fd);
	}
	if (r < 0)
		die("vault.peer", error_name(r));
}

/* --- what becomes of grants ----------------------------------------------------------------- */

static void tell_broker(struct vault *vault, enum msg_type type, const void *word)
{
	if (vault->broker != NULL && channel_tell(vault->broker, type, word) < 0)
		log_warning("vault.broker", "%s could not be sent", message_name(type));
}

static void on_wanted(void *context, const struct msg_grant *facts)
{
	struct msg_session word = { .session = facts->session };
	tell_broker(context, MSG_SECRET_WANTED, &word);
}

static void on_refused(void *context, const struct msg_grant *facts, int r)
{
	struct msg_refused word;
	memset(&word, 0, sizeof word);
	word.session = facts->session;
	word.result = r;
	log_warning("grant.refused", "session %.*s: %s", SESSION_ID_SIZE - 1, facts->session_id,
		error_name(r));
	tell_broker(context, MSG_SECRET_REFUSED, &word);
}

static void on_ended(void *context, const struct msg_grant *facts, int r)
{
	log_debug("grant.ended", "session %.*s%s%s", SESSION_ID_SIZE - 1, facts->session_id,
		r < 0 ? ": " : "", r < 0 ? error_name(r) : "");
}

/* --- the start ------------------------------------------------------------------------------ */

/* As much locked memory as the limit allows; root raises the limit itself before it leaves. */
static void raise_memory_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_MEMLOCK, &limit); /* only root may; the check follows where it matters */
}

/*
 * OpenSSL looks for its configuration, modules and random source when it is first used: all of
 * that happens here, because the sandbox would kill it later.
 */
static void wake_openssl(void)
{
	static const char *const digests[] = { "SHA1", "SHA256", "SHA384", "SHA512" };
	uint8_t bytes[EVP_MAX_MD_SIZE];
	const int len = sizeof bytes;
	int good = OPENSSL_init_crypto(
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
	int secure = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST);
	for (unsigned i = 0; i < ARRAY_LEN(digests); i++)
		good = good && EVP_Q_digest(NULL, digests[i], NULL, "", 0, bytes, NULL);
	if (!good || RAND_bytes(bytes, len) != 1 || RAND_priv_bytes(bytes, len) != 1)
		die("vault.openssl", "the crypto library does not work");
	if (secure != 1)
		log_warning("vault.memory",
			"OpenSSL's key memory is not locked: raise the memlock limit");
}

static void load(struct vault *vault)
{
	bool intact = true;
	vault->directory = process_fd(&vault->process, "vault");
	int r = vault->directory < 0 ? -ERR_NOT_FOUND
				     : keyring_load(vault->directory, &vault->keyring);
	if (r < 0)
		die("vault.keyring", keyring_complaint(r));
	if (!keyring_locked(vault->keyring))
		log_warning("vault.memory", "keys may be swapped to disk: raise the memlock limit");
	r = release_log_open(&vault->log, vault->directory,
		keyring_installation_public(vault->keyring), &intact);
	if (r < 0)
		die("vault.releases", "releases.log cannot be opened for writing");
	if (!intact)
		log_error("vault.releases", "the last line of releases.log was changed");
	if (keyring_sealed(vault->keyring))
		log_warning("vault.sealed", "waiting for the passphrase");
	else if (clock_wall_ms() - keyring_newest_made(vault->keyring) > KEY_OLD_MS)
		log_warning("vault.key", "the root key is older than a year: rotate it");
}

static void begin_grants(struct vault *vault)
{
	vault->grants = (struct grants){ .loop = vault->process.loop,
		.keyring = vault->keyring,
		.log = &vault->log,
		.events = { on_wanted, on_refused, on_ended, vault },
		.patience_ms = 2000 * (uint64_t)vault->process.settings.session_login_timeout };
}

static int finish(struct vault *vault, int status)
{
	vault_jobs_drop(vault);
	grants_finish(&vault->grants);
	channel_destroy(vault->broker);
	channel_destroy(vault->recorder);
	release_log_close(&vault->log);
	keyring_destroy(vault->keyring);
	return status;
}

int main(int argc, char **argv)
{
	static struct vault vault;

	if (argc > 1 && strcmp(argv[1], "--init") == 0) {
		process_begin_bare(argc, argv, "sallyport-vault");
		return vault_create();
	}
	process_begin(&vault.process, argc, argv, PARTY_VAULT);
	raise_memory_limit();
	wake_openssl();
	load(&vault);
	begin_grants(&vault);
	process_drop(&vault.process, SANDBOX_VAULT, vault.directory);
	process_on_peer(&vault.process, meet, &vault);
	vault_title(&vault);
	return finish(&vault, process_run(&vault.process));
}
