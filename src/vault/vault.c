/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/vault.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

static void broker_came(struct vault *vault)
{
	opening_look(vault);
	grants_ask(&vault->grants);
	vault_tell_state(vault, 0, 0);
}

/* What it asked and was not answered is nobody's question any more. The next one takes its place.
 */
static void broker_gone(struct vault *vault)
{
	vault_jobs_drop(vault);
	channel_destroy(STEAL(vault->broker));
	grants_orphan(&vault->grants, vault->next_broker != NULL);
	vault->broker = STEAL(vault->next_broker);
	if (vault->broker != NULL)
		broker_came(vault);
}

static void on_broker_gone(void *context, struct channel *channel)
{
	struct vault *vault = context;
	if (channel == vault->broker)
		broker_gone(vault);
	else
		channel_destroy(STEAL(vault->next_broker));
}

/* A broker that speaks is the broker: the one before it has ended, though we may not know yet. */
static int on_broker(void *context, struct channel *channel, struct message *message)
{
	struct vault *vault = context;
	if (channel == vault->next_broker)
		broker_gone(vault);
	return vault_answer(vault, channel, message);
}

static int meet_broker(struct vault *vault, const struct msg_peer *peer, int fd)
{
	struct channel **place = vault->broker == NULL ? &vault->broker : &vault->next_broker;
	channel_destroy(STEAL(*place));
	int r = channel_create(vault->process.loop, fd, PARTY_VAULT, PARTY_BROKER, on_broker,
		on_broker_gone, vault, place);
	if (r == 0)
		channel_set_generation(*place, peer->generation);
	if (r == 0 && place == &vault->broker)
		broker_came(vault);
	return r;
}

static void on_recorder_gone(void *context, struct channel *channel)
{
	struct vault *vault = context;
	for (unsigned i = 0; i < ARRAY_LEN(vault->recorders); i++)
		if (vault->recorders[i] == channel)
			vault->recorders[i] = NULL;
	channel_destroy(channel);
}

static int meet_recorder(struct vault *vault, const struct msg_peer *peer, int fd)
{
	unsigned at = 0;
	while (at < ARRAY_LEN(vault->recorders) && vault->recorders[at] != NULL)
		at++;
	if (at == ARRAY_LEN(vault->recorders)) {
		fd_closep(&fd);
		return -ERR_FULL;
	}
	int r = channel_create(vault->process.loop, fd, PARTY_VAULT, PARTY_RECORDER,
		vault_answer_recorder, on_recorder_gone, vault, &vault->recorders[at]);
	if (r == 0)
		channel_set_generation(vault->recorders[at], peer->generation);
	return r;
}

static void meet(void *context, const struct msg_peer *peer, int fd)
{
	struct vault *vault = context;
	int r = -ERR_MALFORMED;
	if (peer->party == PARTY_BROKER) {
		r = meet_broker(vault, peer, fd);
	} else if (peer->party == PARTY_RECORDER) {
		r = meet_recorder(vault, peer, fd);
	} else if (peer->party == PARTY_VAULT) {
		handover_destroy(STEAL(vault->heir));
		r = handover_create(vault->process.loop, fd, vault->keyring, &vault->heir);
	} else {
		fd_closep(&fd);
	}
	if (r < 0)
		vault_die("vault.peer", error_name(r));
}

static int on_supervisor(void *context, struct channel *channel, struct message *message)
{
	return message->type == MSG_TOKEN_STARTED ? token_started(context, message)
						  : -ERR_MALFORMED;
}

/* --- what becomes of grants ----------------------------------------------------------------- */

static bool tell_broker(struct vault *vault, enum msg_type type, const void *word)
{
	int r = vault->broker != NULL ? channel_tell(vault->broker, type, word) : 0;
	if (r < 0)
		log_warning("vault.broker", "%s could not be sent", message_name(type));
	return vault->broker != NULL && r == 0;
}

/* Who retires has done its part when nobody waits for it any more. */
static void end_if_done(struct vault *vault)
{
	if (vault->retired && vault->grants.count == 0)
		loop_stop(vault->process.loop);
}

static void on_retire(void *context)
{
	struct vault *vault = context;
	vault->retired = true;
	vault_title(vault);
	end_if_done(vault);
}

static bool on_wanted(void *context, const struct msg_grant *facts)
{
	struct msg_session word = { .session = facts->session };
	return tell_broker(context, MSG_SECRET_WANTED, &word);
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
	end_if_done(context);
}

static void on_ended(void *context, const struct msg_grant *facts, int r)
{
	log_debug("grant.ended", "session %.*s%s%s", SESSION_ID_SIZE - 1, facts->session_id,
		r < 0 ? ": " : "", r < 0 ? error_name(r) : "");
	end_if_done(context);
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
	/* It is found by its name again, as the user this process will be. */
	if (vault->process.uid != 0 &&
		fchown(vault->log.fd, vault->process.uid, vault->process.uid) < 0)
		vault_die("vault.releases", "releases.log cannot be given to the vault");
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

/*
 * In the place of another vault: what that one can open, we can open, or we do not take its place.
 * The end is kept: as long as it is open the old one changes no key that we might miss. Asked as
 * the user we serve as, which the old one checks.
 */
static void inherit(struct vault *vault)
{
	struct keyring *keyring;
	if (vault->heritage < 0)
		return;
	int r = handover_ask(vault->heritage, vault->keyring, vault->directory, &keyring);
	if (r == -ERR_SEALED || r == -ERR_CLOSED) /* it has nothing for us, or is gone */
		return;
	if (r < 0) {
		log_error("vault.handover", "the one in charge does not hand over its keys: %s",
			error_name(r));
		exit(1);
	}
	keyring_destroy(vault->keyring);
	vault->keyring = vault->grants.keyring = keyring;
}

static int finish(struct vault *vault, int status)
{
	vault_jobs_drop(vault);
	token_cancel(vault, -ERR_CLOSED);
	grants_finish(&vault->grants);
	channel_destroy(vault->broker);
	channel_destroy(vault->next_broker);
	for (unsigned i = 0; i < ARRAY_LEN(vault->recorders); i++)
		channel_destroy(vault->recorders[i]);
	handover_destroy(vault->heir);
	fd_closep(&vault->heritage);
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
	if (argc > 1 && strcmp(argv[1], "--backup-key") == 0) {
		process_begin_bare(argc, argv, "sallyport-vault");
		return vault_backup_key(argc, argv);
	}
	process_begin(&vault.process, argc, argv, PARTY_VAULT);
	prepare_memory(&vault.process.settings);
	load(&vault);
	begin_grants(&vault);
	vault.heritage = process_fd(&vault.process, "handover");
	process_drop(&vault.process, SANDBOX_VAULT, vault.directory);
	vault.process.supervisor_fn = on_supervisor;
	process_on_peer(&vault.process, meet, &vault);
	process_on_retire(&vault.process, on_retire);
	inherit(&vault);
	opening_start(&vault);
	if (!guarded_locked())
		log_warning("vault.memory", "keys may be swapped to disk: raise the memlock limit");
	return finish(&vault, process_run(&vault.process));
}
