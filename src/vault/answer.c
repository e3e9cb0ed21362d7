/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/certify.h"
#include "vault/envelope.h"
#include "vault/oauth.h"
#include "vault/rotation.h"
#include "vault/sshkey.h"
#include "vault/vault.h"

#define NEW_SECRET_BYTES 32 /* random; written as twice as many hex digits */

void vault_title(const struct vault *vault)
{
	const char *retired = vault->retired ? ", retired" : "";
	if (keyring_sealed(vault->keyring))
		process_title("sealed%s", retired);
	else
		process_title("key %u%s", keyring_newest(vault->keyring), retired);
}

void vault_die(const char *event, const char *words)
{
	log_error(event, "%s", words);
	exit(1);
}

/* --- sealing -------------------------------------------------------------------------------- */

static int reply_sealed(struct vault *vault, uint32_t serial, int r, const char *detail,
	const uint8_t *envelope, size_t len)
{
	struct msg_sealed answer;
	memset(&answer, 0, sizeof answer);
	answer.result = r;
	if (r == 0) {
		answer.key_version = keyring_newest(vault->keyring);
		text_copy(answer.detail, sizeof answer.detail, detail);
	}
	return channel_send(
		vault->broker, MSG_SEALED, serial, &answer, envelope, r == 0 ? len : 0, NULL, 0);
}

/* A key that cannot be used is refused now, when there is a person to tell. */
static int key_describe(const struct secret *secret, char out[REASON_SIZE])
{
	CLEANUP(sshkey_destroyp) struct sshkey *key = NULL;
	int r = sshkey_parse(secret, &key);
	if (r == 0)
		r = sshkey_prove(key);
	if (r == 0)
		sshkey_describe(key, out);
	return r;
}

static int reply_seal(struct vault *vault, uint32_t serial, const struct msg_seal *question, int r,
	const struct secret *secret)
{
	uint8_t envelope[SEALED_MAX];
	char detail[REASON_SIZE] = "";
	size_t len = 0;
	if (r == 0 && question->kind == SECRET_SSH_KEY)
		r = key_describe(secret, detail);
	if (r == 0)
		r = envelope_seal(vault->keyring, &question->identity, question->kind, secret,
			envelope, &len);
	return reply_sealed(vault, serial, r, detail, envelope, len);
}

int vault_tell_state(struct vault *vault, uint32_t serial, int r)
{
	struct msg_vault_state answer;
	const struct keyring *keyring = vault->keyring;
	memset(&answer, 0, sizeof answer);
	answer.result = r;
	answer.sealed = keyring_sealed(keyring);
	answer.source = (uint8_t)keyring_lock(keyring)->source;
	answer.wants = (uint8_t)opening_wants(vault);
	answer.why = answer.sealed ? vault->opening.why : 0;
	answer.wait_ms = opening_wait(&vault->opening);
	answer.key_version = keyring_newest(keyring);
	answer.oldest_version = keyring_oldest(keyring);
	answer.releases = vault->log.released;
	release_log_head(&vault->log, keyring, &answer.head);
	memcpy(answer.installation_public, keyring_installation_public(keyring), 32);
	if (!answer.sealed &&
		keyring_recording_public(keyring, answer.key_version, answer.recording_public) < 0)
		answer.result = -ERR_CRYPTO;
	return channel_send(vault->broker, MSG_VAULT_STATE, serial, &answer, NULL, 0, NULL, 0);
}

static int reply_job(struct job *job, int r, const struct secret *secret)
{
	struct vault *vault = job->vault;
	if (job->type == MSG_SEAL)
		return reply_seal(vault, job->serial, &job->question, r, secret);
	if (r == 0)
		r = job->type == MSG_UNSEAL ? opening_passphrase(vault, secret)
					    : rotation_passphrase(vault, secret);
	return vault_tell_state(vault, job->serial, r);
}

static void on_intake(void *context, int r, struct secret *secret)
{
	struct job *job = context;
	job->intake = NULL;
	r = reply_job(job, r, secret);
	secret_destroy(secret);
	if (r < 0)
		log_warning("vault.reply", "%s", error_name(r));
}

void vault_jobs_drop(struct vault *vault)
{
	for (unsigned i = 0; i < JOBS_MAX; i++)
		intake_destroy(STEAL(vault->jobs[i].intake));
	vault->token.asker = 0; /* what the token says is for whoever comes next */
}

int vault_job_start(struct vault *vault, struct message *message, struct job **ret_job)
{
	struct job *job = vault->jobs;
	if (message->fd_count != 1)
		return -ERR_MALFORMED;
	while (job < vault->jobs + JOBS_MAX && job->intake != NULL)
		job++;
	if (job == vault->jobs + JOBS_MAX)
		return -ERR_FULL;
	*job = (struct job){ .vault = vault, .type = message->type, .serial = message->serial };
	/* A key file ends in a newline of its own; a password that is piped in has one too much. */
	int r = intake_create(
		vault->process.loop, STEAL_FD(message->fds[0]), true, on_intake, job, &job->intake);
	if (r == 0)
		*ret_job = job;
	return r;
}

static int answer_seal(struct vault *vault, struct message *message)
{
	const struct msg_seal *question = message->payload;
	struct job *job;
	int r = 0;
	if (keyring_sealed(vault->keyring))
		r = -ERR_SEALED;
	else if (question->kind != SECRET_PASSWORD && question->kind != SECRET_SSH_KEY)
		r = -ERR_PARAMETER_INVALID; /* tokens are made here, not brought */
	else
		r = vault_job_start(vault, message, &job);
	if (r != 0)
		return reply_sealed(vault, message->serial, r, "", NULL, 0);
	job->question = *question;
	return 0;
}

static int answer_seal_new(struct vault *vault, struct message *message)
{
	const struct msg_seal *question = message->payload;
	uint8_t envelope[SEALED_MAX];
	char digits[2 * NEW_SECRET_BYTES + 1];
	size_t len = 0;
	if (message->fd_count != 1)
		return -ERR_MALFORMED;
	random_hex(digits, NEW_SECRET_BYTES);
	CLEANUP(secret_destroyp) struct secret *secret = secret_create(digits, sizeof digits - 1);
	int r = secret == NULL ? -ERR_SYSTEM : 0;
	if (r == 0)
		r = envelope_seal(vault->keyring, &question->identity, question->kind, secret,
			envelope, &len);
	if (r == 0)
		r = intake_pour(message->fds[0], digits, sizeof digits - 1);
	mem_wipe(digits, sizeof digits);
	return reply_sealed(vault, message->serial, r, "", envelope, len);
}

static int answer_rewrap(struct vault *vault, struct message *message)
{
	const struct msg_seal *question = message->payload;
	uint8_t envelope[SEALED_MAX];
	size_t len = 0;
	int r = envelope_rewrap(vault->keyring, &question->identity, question->kind, message->tail,
		message->tail_len, envelope, &len);
	return reply_sealed(vault, message->serial, r, "", envelope, len);
}

/* --- state ---------------------------------------------------------------------------------- */

static int answer_vault_status(struct vault *vault, struct message *message)
{
	return vault_tell_state(vault, message->serial, 0);
}

static int answer_signature_check(struct vault *vault, struct message *message)
{
	struct msg_result answer = { .result = oauth_check(vault->keyring, message->payload,
					     message->tail, message->tail_len) };
	return channel_send(
		vault->broker, MSG_SIGNATURE_CHECKED, message->serial, &answer, NULL, 0, NULL, 0);
}

/* --- recordings ----------------------------------------------------------------------------- */

int vault_answer_recorder(void *context, struct channel *channel, struct message *message)
{
	struct vault *vault = context;
	struct msg_certified answer;
	if (message->type != MSG_RECORDING_CERTIFY)
		return -ERR_MALFORMED;
	certify_recording(vault->keyring, message->payload, &answer);
	if (answer.result < 0)
		log_warning("vault.certify", "%s", error_name(answer.result));
	return channel_send(
		channel, MSG_RECORDING_CERTIFIED, message->serial, &answer, NULL, 0, NULL, 0);
}

static int answer_broker_certify(struct vault *vault, struct message *message)
{
	struct msg_broker_certified answer;
	certify_broker(vault->keyring, message->payload, &answer);
	if (answer.result < 0 && answer.result != -ERR_SEALED) /* sealed: it asks again */
		log_warning("vault.certify", "%s", error_name(answer.result));
	return channel_send(
		vault->broker, MSG_BROKER_CERTIFIED, message->serial, &answer, NULL, 0, NULL, 0);
}

static int open_recording(struct vault *vault, const struct msg_recording_open *question, int fd)
{
	uint8_t key[32];
	int r = certify_open(vault->keyring, question, key);
	if (r < 0)
		return r;
	struct release release = { .session_id = question->session_id,
		.what = question->secrets ? "recording secrets" : "recording",
		.target = "",
		.username = "" };
	r = release_log_write(&vault->log, vault->keyring, &release);
	if (r == 0)
		r = intake_pour(fd, key, sizeof key);
	mem_wipe(key, sizeof key);
	return r;
}

static int answer_recording_open(struct vault *vault, struct message *message)
{
	const struct msg_recording_open *question = message->payload;
	struct msg_result answer = { .result = -ERR_MALFORMED };
	if (message->fd_count == 1 && TEXT_VALID(question->session_id))
		answer.result = open_recording(vault, question, message->fds[0]);
	if (answer.result < 0)
		log_warning("vault.recording", "%s", error_name(answer.result));
	return channel_send(
		vault->broker, MSG_RECORDING_OPENED, message->serial, &answer, NULL, 0, NULL, 0);
}

/* --- sessions ------------------------------------------------------------------------------- */

static int answer_secret_grant(struct vault *vault, struct message *message)
{
	if (message->fd_count != 1)
		return -ERR_MALFORMED;
	grants_give(&vault->grants, message->payload, message->tail, message->tail_len,
		STEAL_FD(message->fds[0]));
	return 0;
}

static int answer_secret_release(struct vault *vault, struct message *message)
{
	grants_release(&vault->grants, ((const struct msg_session *)message->payload)->session);
	return 0;
}

static int answer_grant_end(struct vault *vault, struct message *message)
{
	grants_end(&vault->grants, ((const struct msg_session *)message->payload)->session);
	return 0;
}

int vault_answer(void *context, struct channel *channel, struct message *message)
{
	static int (*const answers[MSG_COUNT])(struct vault *, struct message *) = {
		[MSG_SEAL] = answer_seal,
		[MSG_SEAL_NEW] = answer_seal_new,
		[MSG_REWRAP] = answer_rewrap,
		[MSG_SIGNATURE_CHECK] = answer_signature_check,
		[MSG_VAULT_STATUS] = answer_vault_status,
		[MSG_UNSEAL] = opening_answer_unseal,
		[MSG_VAULT_SEAL] = opening_answer_seal,
		[MSG_ROTATE] = rotation_answer_rotate,
		[MSG_RETIRE] = rotation_answer_retire,
		[MSG_BROKER_CERTIFY] = answer_broker_certify,
		[MSG_RECORDING_OPEN] = answer_recording_open,
		[MSG_SECRET_GRANT] = answer_secret_grant,
		[MSG_SECRET_RELEASE] = answer_secret_release,
		[MSG_GRANT_END] = answer_grant_end,
	};
	if (answers[message->type] == NULL)
		return -ERR_MALFORMED;
	return answers[message->type](context, message);
}
