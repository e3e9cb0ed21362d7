/* SPDX-License-Identifier: Apache-2.0 */
/* credential disable, credential enable: sessions that were logged in with it end at once. */
#include "api/control.h"
#include "api/ended.h"
#include "api/endpoints.h"
#include "base/mem.h"

static const struct field fields[] = {
	{ "device", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "username", FIELD_TEXT, USERNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "domain", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int set(struct call *call, int64_t at, int64_t *ret_id)
{
	struct device_row device;
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	int r = control_credential(call, &device, &row);
	if (r < 0)
		return r;
	*ret_id = row.id;
	return store_credential_set_disabled(call_store(call), row.id, at);
}

static int disable(struct broker *broker, struct call *call)
{
	int64_t id;
	int r = set(call, call_now(call), &id);
	return r < 0 ? r
		     : end_and_note(
			       broker, call, ENDING_CREDENTIAL, id, "The credential was disabled");
}

static int enable(struct broker *broker, struct call *call)
{
	int64_t id;
	return set(call, 0, &id);
}

const struct endpoint control_credential_disable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "credential/disable",
	.need = NEED_WRITE,
	.audit = "credential.disabled",
	.fields = fields,
	.message = "Credential disabled",
	.answer = disable,
};
const struct endpoint control_credential_enable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "credential/enable",
	.need = NEED_WRITE,
	.audit = "credential.enabled",
	.fields = fields,
	.message = "Credential enabled",
	.answer = enable,
};
