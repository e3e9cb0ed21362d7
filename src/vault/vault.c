/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "vault/openssl.h"

/* What an administrator can do about it. */
static const char *keyring_complaint(int r)
{
	switch (-r) {
	case ERR_NOT_FOUND:
		return "keyring is missing in the vault directory";
	case ERR_MALFORMED:
	case ERR_TOO_LARGE:
		return "keyring is damaged, or was written by a newer version";
	default:
		return "keyring cannot be read";
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
		vault_die("vault.peer", error_name(r));
	if (party == PARTY_BROKER)
		vault_tell_state(vault, 0, 0);
}

static int on_supervisor(void *context, struct channel *channel, struct message *message)
{
	return message->type == MSG_TOKEN_STARTED ? token_started(context, message)
						  : -ERR_MALFORMED;
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

/* Before the first secret. What cannot be had is said once. */
static void prepare_memory(const struct settings *settings)
{
	raise_memory_limit();
	if (strcmp(settings->vault_secret_memory, "no") != 0 && !guarded_hide())
		log_warning("vault.memory",
			"no secret memory (memfd_secret) here: keys lie in locked memory");
	if (openssl_wake() < 0)
		vault_die("vault.openssl", "the crypto library does not work");
	if (!openssl_locked())
		log_warning("vault.memory",
			"OpenSSL's key memory is not locked: raise the memlock limit");
}

/* What the audit trail says of the log must not be older than it need be. */
static void on_released(void *context)
{
	struct vault *vault = context;
	struct msg_releases_head head;
	release_log_head(&vault->log, vault->keyring, &head);
	tell_broker(vault, MSG_RELEASES_HEAD, &head);
}

static void load(struct vault *vault)
{
	bool intact = true;
	vault->opening.why = -ERR_SEALED;
	vault->opening.root_key = process_fd(&vault->process, "root-key");
	vault->opening.root_key_next = process_fd(&vault->process, "root-key-next");
	vault->directory = process_fd(&vault->process, "vault");
	int r = vault->directory < 0 ? -ERR_NOT_FOUND
				     : keyring_load(vault->directory, &vault->keyring);
	if (r < 0)
		vault_die("vault.keyring", keyring_complaint(r));
	r = release_log_open(&vault->log, vault->directory,
		keyring_installation_public(vault->keyring), &intact);
	if (r < 0)
		vault_die("vault.releases", "releases.log cannot be opened for writing");
	vault->log.grown = on_released;
	vault->log.context = vault;
	if (!intact)
		log_error("vault.releases", "the last line of releases.log was changed");
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
	token_cancel(vault, -ERR_CLOSED);
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
		return vault_create(argc, argv);
	}
	process_begin(&vault.process, argc, argv, PARTY_VAULT);
	prepare_memory(&vault.process.settings);
	load(&vault);
	begin_grants(&vault);
	process_drop(&vault.process, SANDBOX_VAULT, vault.directory);
	vault.process.supervisor_fn = on_supervisor;
	process_on_peer(&vault.process, meet, &vault);
	opening_start(&vault);
	if (!guarded_locked())
		log_warning("vault.memory", "keys may be swapped to disk: raise the memlock limit");
	return finish(&vault, process_run(&vault.process));
}
