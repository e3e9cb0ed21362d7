/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault rotate: a new root key. What is stored comes under it beside everything else
 * (broker/rotation.c); `left` says how much there is, and `status` how far it is. A PIN, or a new
 * passphrase, comes by the caller's descriptor.
 */
#include "api/control.h"
#include "api/endpoints.h"
#include "broker/rotation.h"
#include "broker/vault.h"

static const struct field fields[] = { {} };

static int resume(struct broker *broker, struct call *call, int result)
{
	struct rotation_progress progress;
	if (result == -ERR_PIN_WANTED)
		return call_fail(call, -ERR_PARAMETER_MISSING, "The token's PIN is needed");
	int r = result < 0 ? result : rotation_progress(broker, &progress);
	if (r < 0)
		return r;
	uint32_t key_version = vault_said(call)->key_version;
	call_object(call, "vault:%u", key_version);
	json_number(call_audit(call), "key_version", key_version);
	struct json *json = call_json(call);
	json_open_object(json, "vault");
	json_number(json, "key_version", key_version);
	json_number(json, "left", progress.left);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	call_object(call, "vault");
	return vault_rotate(broker, call, call_fd_in(call), resume);
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
