/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/vault.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/context.h"

static int ask(struct broker *broker, enum msg_type type, const void *payload, const void *tail,
	size_t tail_len, int fd, enum msg_type expect, struct message *ret_reply)
{
	return channel_ask(broker->vault, type, payload, tail, tail_len, fd >= 0 ? &fd : NULL,
		fd >= 0, expect, VAULT_PATIENCE_MS, ret_reply);
}

static int ask_sealed(struct broker *broker, enum msg_type type, const struct msg_seal *question,
	const void *tail, size_t tail_len, int fd, struct sealed *ret_sealed)
{
	CLEANUP(message_finish) struct message reply = { .fds = { -1, -1, -1, -1 } };
	int r = ask(broker, type, question, tail, tail_len, fd, MSG_SEALED, &reply);

	if (r < 0)
		return r;
	const struct msg_sealed *sealed = reply.payload;
	if (sealed->result < 0)
		return sealed->result;
	if (!TEXT_VALID(sealed->detail) || reply.tail_len == 0 || reply.tail_len > SEALED_MAX)
		return -ERR_MALFORMED;
	ret_sealed->key_version = sealed->key_version;
	ret_sealed->len = (uint32_t)reply.tail_len;
	memcpy(ret_sealed->bytes, reply.tail, reply.tail_len);
	memcpy(ret_sealed->detail, sealed->detail, sizeof ret_sealed->detail);
	return 0;
}

int vault_seal(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	int from, struct sealed *ret_sealed)
{
	const struct msg_seal question = { .identity = *identity, .kind = (uint8_t)kind };

	return from < 0 ? -ERR_PARAMETER_MISSING
			: ask_sealed(broker, MSG_SEAL, &question, NULL, 0, from, ret_sealed);
}

int vault_seal_new(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	int to, struct sealed *ret_sealed)
{
	const struct msg_seal question = { .identity = *identity, .kind = (uint8_t)kind };

	return to < 0 ? -ERR_PARAMETER_MISSING
		      : ask_sealed(broker, MSG_SEAL_NEW, &question, NULL, 0, to, ret_sealed);
}

int vault_rewrap(struct broker *broker, const struct identity *identity, enum secret_kind kind,
	const void *envelope, uint32_t len, struct sealed *ret_sealed)
{
	const struct msg_seal question = { .identity = *identity, .kind = (uint8_t)kind };

	return ask_sealed(broker, MSG_REWRAP, &question, envelope, len, -1, ret_sealed);
}

static int ask_state(
	struct broker *broker, enum msg_type type, int fd, struct msg_vault_state *ret_state)
{
	CLEANUP(message_finish) struct message reply = { .fds = { -1, -1, -1, -1 } };
	const struct msg_nothing nothing = { 0 };
	int r = ask(broker, type, &nothing, NULL, 0, fd, MSG_VAULT_STATE, &reply);

	if (r < 0)
		return r;
	const struct msg_vault_state *state = reply.payload;
	if (state->result < 0)
		return state->result;
	*ret_state = *state;
	return 0;
}

int vault_status(struct broker *broker, struct msg_vault_state *ret_state)
{
	return ask_state(broker, MSG_VAULT_STATUS, -1, ret_state);
}

int vault_unseal(struct broker *broker, int passphrase, struct msg_vault_state *ret_state)
{
	if (passphrase < 0)
		return -ERR_PARAMETER_MISSING;
	int r = ask_state(broker, MSG_UNSEAL, passphrase, ret_state);

	if (r == 0 && !ret_state->sealed) {
		broker->head.asked_at = 0; /* it can certify now: at once */
		head_ask(broker);
	}
	return r;
}

int vault_rotate(struct broker *broker, struct msg_vault_state *ret_state)
{
	return ask_state(broker, MSG_ROTATE, -1, ret_state);
}

static int ask_result(struct broker *broker, enum msg_type type, const void *question,
	const void *tail, size_t tail_len, int fd, enum msg_type expect)
{
	CLEANUP(message_finish) struct message reply = { .fds = { -1, -1, -1, -1 } };
	int r = ask(broker, type, question, tail, tail_len, fd, expect, &reply);

	return r < 0 ? r : ((const struct msg_result *)reply.payload)->result;
}

int vault_open_recording(struct broker *broker, const struct msg_recording_open *recording, int to)
{
	if (to < 0)
		return -ERR_PARAMETER_MISSING;
	return ask_result(broker, MSG_RECORDING_OPEN, recording, NULL, 0, to, MSG_RECORDING_OPENED);
}

int vault_check_signature(
	struct broker *broker, const struct msg_signature *signature, const void *tail, size_t len)
{
	int r = ask_result(
		broker, MSG_SIGNATURE_CHECK, signature, tail, len, -1, MSG_SIGNATURE_CHECKED);

	return r > 0 ? -ERR_SIGNATURE_INVALID : r;
}
