/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/vault.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/rotation.h"

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

void vault_released(struct broker *broker, const struct msg_releases_head *head)
{
	broker->releases = *head;
	broker->releases_known = true;
}

void vault_note_releases(const struct broker *broker, struct json *json)
{
	if (!broker->releases_known)
		return;
	json_number(json, "releases", (int64_t)broker->releases.sequence);
	json_hex(json, "releases_head", broker->releases.head, HASH_LEN);
}

static void state_take(struct broker *broker, const struct msg_vault_state *state)
{
	bool opened = !state->sealed && broker->vault_known && broker->vault_state.sealed;

	vault_released(broker, &state->head);
	broker->vault_state = *state;
	broker->vault_known = true;
	if (opened) /* it can certify now: at once */
		broker->head.asked_at = 0;
	if (!state->sealed)
		head_ask(broker);
	rotation_look(broker);
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

int vault_seal_itself(struct broker *broker, struct msg_vault_state *ret_state)
{
	int r = ask_state(broker, MSG_VAULT_SEAL, -1, ret_state);

	if (r == 0)
		state_take(broker, ret_state);
	return r;
}

bool vault_sealed(const struct broker *broker)
{
	return broker->vault_known && broker->vault_state.sealed;
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

/* --- calls that wait ------------------------------------------------------------------------ */

struct later {
	struct later *next;
	struct broker *broker;
	struct call *call;
	uint32_t serial;
	struct timer *timer;
	struct msg_vault_state state;
};

static void later_end(struct later *later, int result)
{
	struct later **at = &later->broker->laters;

	while (*at != later)
		at = &(*at)->next;
	*at = later->next;
	timer_cancel(STEAL(later->timer));
	call_resume(later->call, result); /* which reads the state */
	free(later);
}

static void on_late(void *context)
{
	struct later *later = context;

	later->timer = NULL;
	later_end(later, -ERR_TIMED_OUT);
}

static unsigned laters_count(const struct broker *broker)
{
	unsigned count = 0;

	for (const struct later *later = broker->laters; later != NULL; later = later->next)
		count++;
	return count;
}

static int ask_later(
	struct broker *broker, struct call *call, enum msg_type type, int secret, later_fn *resume)
{
	const struct msg_nothing nothing = { 0 };

	if (broker->vault == NULL)
		return -ERR_PEER_GONE;
	if (laters_count(broker) >= LATER_MAX)
		return -ERR_FULL;
	struct later *later = calloc(1, sizeof *later);
	if (later == NULL)
		return -ERR_SYSTEM;
	*later = (struct later){
		.broker = broker, .call = call, .serial = channel_serial(broker->vault)
	};
	int r = loop_after(broker->loop, LATER_MS, on_late, later, &later->timer);
	if (r == 0)
		r = channel_send(broker->vault, type, later->serial, &nothing, NULL, 0, &secret,
			secret >= 0);
	if (r < 0) {
		timer_cancel(later->timer);
		free(later);
		return r;
	}
	later->next = broker->laters;
	broker->laters = later;
	call->waiting = later;
	call_defer(call, resume);
	return -ERR_AGAIN;
}

int vault_unseal(struct broker *broker, struct call *call, int secret, later_fn *resume)
{
	return ask_later(broker, call, MSG_UNSEAL, secret, resume);
}

int vault_rotate(struct broker *broker, struct call *call, int secret, later_fn *resume)
{
	int alone = node_alone(broker);

	if (alone < 0)
		return alone;
	if (!alone) /* theirs is a copy of the keyring as it was */
		return call_fail(call, -ERR_WRONG_MOMENT,
			"Other gateways on this store do not have the new root key: stop them, "
			"rotate, copy the keyring to them");
	return ask_later(broker, call, MSG_ROTATE, secret, resume);
}

const struct msg_vault_state *vault_said(const struct call *call)
{
	const struct later *later = call->waiting;

	return &later->state;
}

void vault_heard(struct broker *broker, const struct message *message)
{
	const struct msg_vault_state *state = message->payload;
	struct later *later = broker->laters;

	bool ours = rotation_heard(broker, message->serial, state);
	state_take(broker, state);
	if (ours)
		return;
	while (later != NULL && (message->serial == 0 || later->serial != message->serial))
		later = later->next;
	if (later == NULL)
		return;
	later->state = *state;
	later_end(later, state->result > 0 ? -ERR_MALFORMED : state->result);
}

void vault_lost(struct broker *broker)
{
	broker->vault_known = false;
	rotation_stop(broker);
	while (broker->laters != NULL)
		later_end(broker->laters, -ERR_PEER_GONE);
}
