/* SPDX-License-Identifier: Apache-2.0 */
/* vault unseal: the passphrase, or the PIN, goes from the caller's descriptor to the vault. */
#include "api/control.h"
#include "api/endpoints.h"
#include "broker/vault.h"

static const struct field fields[] = { {} };

static int complain(struct call *call, int result)
{
	const struct msg_vault_state *state = vault_said(call);
	switch (-result) {
	case ERR_WRONG_MOMENT:
		return call_fail(call, result, "The vault is open already");
	case ERR_THROTTLED:
		return call_fail(call, result, "After a wrong one, the next is looked at in %u s",
			(state->wait_ms + 999) / 1000);
	case ERR_PASSPHRASE_WANTED:
		return call_fail(call, -ERR_PARAMETER_MISSING, "No passphrase was given");
	case ERR_PIN_WANTED:
		return call_fail(call, -ERR_PARAMETER_MISSING, "No PIN was given");
	default:
		return result;
	}
}

static int resume(struct broker *broker, struct call *call, int result)
{
	if (result < 0)
		return complain(call, result);
	const struct msg_vault_state *state = vault_said(call);
	json_number(call_audit(call), "key_version", state->key_version);
	struct json *json = call_json(call);
	json_open_object(json, "vault");
	json_bool(json, "sealed", state->sealed);
	json_number(json, "key_version", state->key_version);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	call_object(call, "vault");
	return vault_unseal(broker, call, call_fd_in(call), resume);
}

const struct endpoint control_vault_unseal = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "vault/unseal",
	.need = NEED_WRITE,
	.audit = "vault.unsealed",
	.fields = fields,
	.message = "Vault opened",
	.answer = answer,
};
