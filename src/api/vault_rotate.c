/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault rotate: a new root key, and the envelopes brought under it, a bounded number by one call,
 * since everybody else waits meanwhile. What is left (`left`) still opens under its older key; the
 * caller asks again with `continue`, which makes no further key.
 */
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "base/mem.h"
#include "broker/vault.h"

#define ROUND_MOST 2000 /* envelopes brought over by one call */

static const struct field fields[] = {
	{ "continue", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int rewrap_one(struct broker *broker, struct store *store, struct envelope_row *row)
{
	struct sealed sealed;
	struct identity identity = { .id = row->id, .version = row->version };
	int r = text_copy(identity.object, sizeof identity.object, row->object);
	if (r == 0)
		r = text_copy(identity.field, sizeof identity.field, row->field);
	if (r == 0)
		r = vault_rewrap(broker, &identity, row->kind != 0 ? row->kind : SECRET_TOKEN,
			row->sealed, row->sealed_len, &sealed);
	if (r < 0)
		return r;
	memcpy(row->sealed, sealed.bytes, sealed.len);
	row->sealed_len = sealed.len;
	return store_envelope_put(store, row, sealed.key_version);
}

/* Returns how many it brought over; ROUND_MOST when there may be more. */
static int rewrap(struct broker *broker, struct store *store, uint32_t key_version)
{
	struct envelope_row row;
	int count = 0, r = 0;
	while (count < ROUND_MOST && (r = store_envelope_older(store, key_version, &row)) == 0) {
		r = rewrap_one(broker, store, &row);
		if (r < 0)
			return r;
		count++;
	}
	return r < 0 && r != -ERR_NOT_FOUND ? r : count;
}

static int answer(struct broker *broker, struct call *call)
{
	struct msg_vault_state state;
	int r = call_bool(call, "continue", false) ? vault_status(broker, &state)
						   : vault_rotate(broker, &state);
	if (r < 0)
		return r;
	int count = rewrap(broker, call_store(call), state.key_version);
	if (count < 0)
		return count;
	call_object(call, "vault:%u", state.key_version);
	json_number(call_audit(call), "key_version", state.key_version);
	json_number(call_audit(call), "rewrapped", count);
	struct json *json = call_json(call);
	json_open_object(json, "vault");
	json_number(json, "key_version", state.key_version);
	json_number(json, "rewrapped", count);
	json_bool(json, "left", count == ROUND_MOST);
	json_close_object(json);
	return 0;
}

const struct endpoint control_vault_rotate = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "vault/rotate",
	.need = NEED_WRITE,
	.audit = "vault.rotated",
	.fields = fields,
	.message = "Root key rotated",
	.answer = answer,
};
