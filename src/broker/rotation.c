/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rotation.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "broker/vault.h"

static void on_timer(void *context);

static void again_in(struct broker *broker, uint64_t ms)
{
	struct rotation *rotation = &broker->rotation;

	if (rotation->timer == NULL &&
		loop_after(broker->loop, ms, on_timer, broker, &rotation->timer) < 0)
		log_error("vault.rewrap", "no memory: it goes on after a restart");
}

void rotation_stop(struct broker *broker)
{
	timer_cancel(STEAL(broker->rotation.timer));
	broker->rotation = (struct rotation){ 0 };
}

static void begin(struct broker *broker)
{
	rotation_stop(broker);
	broker->rotation.goal = broker->vault_state.key_version;
	again_in(broker, 0);
}

void rotation_look(struct broker *broker)
{
	const struct msg_vault_state *state = &broker->vault_state;

	if (state->sealed || state->oldest_version >= state->key_version)
		rotation_stop(broker);
	else if (broker->rotation.goal != state->key_version)
		begin(broker);
}

static int rewrap(struct broker *broker, struct envelope_row *row)
{
	struct sealed sealed;
	struct identity identity = { .id = row->id, .version = row->version };
	int r = text_copy(identity.object, sizeof identity.object, row->object);

	if (r == 0)
		r = text_copy(identity.field, sizeof identity.field, row->field);
	if (r == 0)
		r = vault_rewrap(broker, &identity, row->kind != 0 ? row->kind : SECRET_TOKEN,
			row->sealed, row->sealed_len, &sealed);
	if (r != 0)
		return r;
	memcpy(row->sealed, sealed.bytes, sealed.len);
	row->sealed_len = sealed.len;
	return store_envelope_put(broker->store, row, sealed.key_version);
}

/* One that was altered holds nobody else up; but its key stays, in case it can be mended. */
static bool is_stuck(int r)
{
	return r == -ERR_CRYPTO || r == -ERR_MALFORMED;
}

/* 0: there may be more, -ERR_NOT_FOUND: the walk is at its end, or what stopped it. */
static int step(struct broker *broker)
{
	struct rotation *rotation = &broker->rotation;
	struct envelope_row row;
	int r = turn_open(broker);

	for (unsigned i = 0; r == 0 && i < ROTATION_STEP; i++) {
		r = store_envelope_older(broker->store, rotation->goal, &rotation->cursor, &row);
		if (r < 0)
			break;
		r = rewrap(broker, &row);
		if (is_stuck(r)) {
			rotation->stuck++;
			log_error("vault.rewrap", "%s %lld: %s", row.object, (long long)row.id,
				error_text(r));
			r = 0;
		} else if (r == 0) {
			rotation->rewrapped++;
		}
	}
	return r;
}

/*
 * All that was brought over is on disk: only now may keys be erased. What is counted is the store,
 * not what we think we did: a transaction of ours may have been undone.
 */
static void after_walk(struct broker *broker, void *context, int result)
{
	struct rotation *rotation = &broker->rotation;
	int64_t left = 0;
	int r = result;

	(void)context;
	if (rotation->goal == 0)
		return;
	if (r == 0)
		r = store_envelope_count_older(broker->store, rotation->goal, &left);
	if (r == 0 && left > 0 && (uint64_t)left == rotation->stuck) {
		log_error("vault.rewrap",
			"%lld secrets cannot be opened: the old root keys are kept for them",
			(long long)left);
		return; /* until the next rotation, or the next start */
	}
	if (r < 0 || left > 0) {
		rotation->cursor = (struct envelope_cursor){ 0 };
		rotation->stuck = 0;
		again_in(broker, ROTATION_AGAIN_MS);
		return;
	}
	rotation->serial = channel_serial(broker->vault);
	r = channel_send(broker->vault, MSG_RETIRE, rotation->serial, &(struct msg_nothing){ 0 },
		NULL, 0, NULL, 0);
	if (r < 0)
		again_in(broker, ROTATION_AGAIN_MS);
}

static void on_timer(void *context)
{
	struct broker *broker = context;

	broker->rotation.timer = NULL;
	if (broker->vault == NULL || broker->rotation.goal == 0)
		return;
	int r = step(broker);
	if (r == 0) {
		again_in(broker, ROTATION_PAUSE_MS);
	} else if (r == -ERR_NOT_FOUND) {
		turn_then(broker, after_walk, NULL);
	} else {
		log_warning("vault.rewrap", "%s", error_text(r));
		again_in(broker, ROTATION_AGAIN_MS);
	}
}

static void audit_end(struct broker *broker, uint32_t key_version)
{
	CLEANUP(note_finish) struct note note;

	note_begin(&note);
	json_number(&note.json, "key_version", key_version);
	json_number(&note.json, "rewrapped", (int64_t)broker->rotation.rewrapped);
	int r = turn_open(broker);
	if (r == 0)
		r = audit_write(broker, "vault.retired", "gateway", NULL, "vault", 0, &note);
	if (r < 0)
		log_error("vault.retired", "not on record");
}

bool rotation_heard(struct broker *broker, uint32_t serial, const struct msg_vault_state *state)
{
	if (serial == 0 || serial != broker->rotation.serial)
		return false;
	broker->rotation.serial = 0;
	if (state->result == 0)
		audit_end(broker, state->key_version);
	/* A login under way has an envelope of before (ERR_AGAIN), or a disk its moment. */
	if (state->result != 0)
		again_in(broker, ROTATION_AGAIN_MS);
	if (state->result != 0 && state->result != -ERR_AGAIN)
		log_error("vault.retire", "%s", error_text(state->result));
	return true;
}

int rotation_progress(struct broker *broker, struct rotation_progress *ret_progress)
{
	const struct msg_vault_state *state = &broker->vault_state;

	*ret_progress = (struct rotation_progress){ 0 };
	if (!broker->vault_known || state->sealed || state->oldest_version >= state->key_version)
		return 0;
	ret_progress->going = true;
	ret_progress->stuck = (int64_t)broker->rotation.stuck;
	return store_envelope_count_older(broker->store, state->key_version, &ret_progress->left);
}
