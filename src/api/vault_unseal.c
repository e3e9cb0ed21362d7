/* SPDX-License-Identifier: Apache-2.0 */
/* vault unseal: the passphrase goes from the caller's descriptor to the vault. */
#include "api/control.h"
#include "api/endpoints.h"
#include "broker/vault.h"

static const struct field fields[] = { {} };

static int answer(struct broker *broker, struct call *call)
{
	struct msg_vault_state state;
	call_object(call, "vault");
	if (call_fd_in(call) < 0)
		return call_fail(call, -ERR_PARAMETER_MISSING, "No passphrase was given");
	int r = vault_unseal(broker, call_fd_in(call), &state);
	if (r == -ERR_CRYPTO)
		return call_fail(call, -ERR_PARAMETER_INVALID, "The passphrase is wrong");
	if (r < 0)
		return r;
	if (state.sealed)
		return -ERR_SEALED;
	struct json *json = call_json(call);
	json_open_object(json, "vault");
	json_bool(json, "sealed", false);
	json_number(json, "key_version", state.key_version);
	json_close_object(json);
	return 0;
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
