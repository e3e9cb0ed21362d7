/* SPDX-License-Identifier: Apache-2.0 */
/* authorization disable, authorization enable: its tokens stop counting, its sessions end. */
#include "api/control.h"
#include "api/ended.h"
#include "api/endpoints.h"
#include "base/mem.h"

static const struct field fields[] = {
	{ "id", FIELD_INTEGER, INT64_MAX, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{},
};

static int set(struct call *call, int64_t at)
{
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	int r = control_authorization(call, &row);
	if (r < 0)
		return r;
	json_text(call_audit(call), "application", row.application);
	return store_authorization_set_disabled(call_store(call), row.id, at);
}

static int disable(struct broker *broker, struct call *call)
{
	int r = set(call, call_now(call));
	return r < 0 ? r
		     : end_and_note(broker, call, ENDING_AUTHORIZATION, call_number(call, "id", 0),
			       "The authorization was disabled");
}

static int enable(struct broker *broker, struct call *call)
{
	return set(call, 0);
}

const struct endpoint control_authorization_disable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "authorization/disable",
	.need = NEED_WRITE,
	.audit = "authorization.disabled",
	.fields = fields,
	.message = "Authorization disabled",
	.answer = disable,
};
const struct endpoint control_authorization_enable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "authorization/enable",
	.need = NEED_WRITE,
	.audit = "authorization.enabled",
	.fields = fields,
	.message = "Authorization enabled",
	.answer = enable,
};
