/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "vault/source.h"
#include "vault/vault.h"

/* What `sallyport init` passes: keys are made in the one process that ever holds them. */
#define DIRECTORY_FD 3
#define SECRET_FD 4 /* the passphrase, or the credential */
#define TOKEN_FD 5  /* a channel to sallyport-token */
#define TOKEN_MS 60000

/* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 section 4) up to the key itself. */
static const uint8_t spki[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21,
	0x00 };

static int fail(const char *what, int r)
{
	fprintf(stderr, "sallyport-vault: %s: %s\n", what, error_text(r));
	return 1;
}

static int print_public(const struct keyring *keyring)
{
	uint8_t info[sizeof spki + 32];
	char text[BASE64_SIZE(sizeof info)];
	memcpy(info, spki, sizeof spki);
	memcpy(info + sizeof spki, keyring_installation_public(keyring), 32);
	base64_encode(text, info, sizeof info);
	printf("-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", text);
	return fflush(stdout) == 0 ? 0 : fail("standard output", -ERR_SYSTEM);
}

/* --- the sources ---------------------------------------------------------------------------- */

static int from_root_key(struct keyring_lock *ret_lock, uint8_t ret_material[ROOT_MATERIAL_LEN])
{
	return source_root_key_make(DIRECTORY_FD, ret_lock, ret_material);
}

static int from_passphrase(struct keyring_lock *ret_lock, uint8_t ret_material[ROOT_MATERIAL_LEN])
{
	CLEANUP(secret_destroyp) struct secret *passphrase = NULL;
	int r = secret_read(SECRET_FD, 1, &passphrase);
	if (r == 0 && secret_len(passphrase) == 0)
		r = -ERR_PARAMETER_MISSING;
	return r < 0 ? r : source_passphrase_new(passphrase, ret_lock, ret_material);
}

static int from_credential(struct keyring_lock *ret_lock, uint8_t ret_material[ROOT_MATERIAL_LEN])
{
	return source_credential(SECRET_FD, ret_lock, ret_material);
}

static int nobody_asks(void *context, struct channel *channel, struct message *message)
{
	return -ERR_MALFORMED;
}

static int ask_token(struct loop *loop, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	CLEANUP(message_finish) struct message reply = { .fds = { -1, -1, -1, -1 } };
	struct channel *channel;
	int r = channel_create(
		loop, TOKEN_FD, PARTY_VAULT, PARTY_TOKEN, nobody_asks, NULL, NULL, &channel);
	if (r < 0)
		return r;
	r = channel_ask(channel, MSG_TOKEN_QUESTION, question, NULL, 0, NULL, 0, MSG_TOKEN_ANSWER,
		TOKEN_MS, &reply);
	channel_destroy(channel);
	if (r < 0)
		return r == -ERR_PEER_GONE ? -ERR_TOKEN_SILENT : r;
	*ret_answer = *(const struct msg_token_answer *)reply.payload;
	if (ret_answer->result == 0 &&
		(ret_answer->len == 0 || ret_answer->len > sizeof ret_answer->bytes))
		return -ERR_TOKEN_FAULT;
	return ret_answer->result > 0 ? -ERR_TOKEN_FAULT : ret_answer->result;
}

/* The token makes its own key if it has none of that name, and wraps ours with it. */
static int from_token(struct keyring_lock *ret_lock, uint8_t ret_material[ROOT_MATERIAL_LEN])
{
	CLEANUP(loop_destroyp) struct loop *loop = NULL;
	struct msg_token_question question = { .wrap = 1, .make = 1, .len = ROOT_MATERIAL_LEN };
	struct msg_token_answer answer;
	int r = loop_create(&loop);
	if (r < 0)
		return r;
	random_bytes(ret_material, ROOT_MATERIAL_LEN);
	memcpy(question.bytes, ret_material, ROOT_MATERIAL_LEN);
	r = ask_token(loop, &question, &answer);
	mem_wipe(&question, sizeof question);
	if (r < 0)
		return r;
	*ret_lock = (struct keyring_lock){ .source = SOURCE_TOKEN, .wrapped_len = answer.len };
	random_bytes(ret_lock->salt, sizeof ret_lock->salt);
	memcpy(ret_lock->wrapped, answer.bytes, answer.len);
	return 0;
}

static const struct {
	const char *word;
	int (*from)(struct keyring_lock *, uint8_t[ROOT_MATERIAL_LEN]);
} sources[] = {
	{ "root-key", from_root_key },
	{ "passphrase", from_passphrase },
	{ "systemd-credential", from_credential },
	{ "pkcs11", from_token },
};

/* Made, and read back as it will be read later. */
static int create(const struct keyring_lock *lock, const uint8_t material[ROOT_MATERIAL_LEN])
{
	CLEANUP(keyring_destroyp) struct keyring *keyring = NULL;
	int r = keyring_create(DIRECTORY_FD, lock, material);
	if (r < 0)
		return fail("the keyring", r);
	r = keyring_load(DIRECTORY_FD, &keyring);
	if (r == 0)
		r = keyring_open(keyring, material);
	return r < 0 ? fail("the new keyring", r) : print_public(keyring);
}

int vault_create(int argc, char **argv)
{
	struct keyring_lock lock;
	uint8_t material[ROOT_MATERIAL_LEN];
	const char *word = argc > 2 ? argv[2] : "";
	for (unsigned i = 0; i < ARRAY_LEN(sources); i++) {
		if (strcmp(word, sources[i].word) != 0)
			continue;
		int r = sources[i].from(&lock, material);
		int status = r < 0 ? fail("the root key", r) : create(&lock, material);
		mem_wipe(material, sizeof material);
		return status;
	}
	return fail("the root key", -ERR_PARAMETER_INVALID);
}
