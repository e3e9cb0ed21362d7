/* SPDX-License-Identifier: Apache-2.0 */
/* vault seal: the vault forgets its keys. Sessions that are open go on unless it is said. */
#include "api/control.h"
#include "api/endpoints.h"
#include "broker/ending.h"
#include "broker/vault.h"

static const struct field fields[] = {
	{ "end_sessions", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

/* The vault first: should the rest fail, it is sealed all the same. */
static int answer(struct broker *broker, struct call *call)
{
	struct msg_vault_state state;
	int ended = 0;
	call_object(call, "vault");
	int r = vault_seal_itself(broker, &state);
	if (r == 0 && call_bool(call, "end_sessions", false))
		ended = ending_of(broker, ENDING_EVERYTHING, 0, "The vault was sealed");
	if (r < 0 || ended < 0)
		return r < 0 ? r : ended;
	json_number(call_audit(call), "sessions_ended", ended);
	struct json *json = call_json(call);
	json_open_object(json, "vault");
	json_bool(json, "sealed", state.sealed);
	json_number(json, "sessions_ended", ended);
	json_close_object(json);
	return 0;
}

const struct endpoint control_vault_seal = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "vault/seal",
	.need = NEED_WRITE,
	.audit = "vault.sealed",
	.fields = fields,
	.message = "Vault sealed",
	.answer = answer,
};
