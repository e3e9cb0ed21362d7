/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: the trail says that everything leaves, before it does. The command line then reads the
 * store and the files by itself; it needs this gateway to run meanwhile.
 */
#include "api/control.h"
#include "api/endpoints.h"

static const struct field fields[] = {
	{ "id", FIELD_TEXT, 32, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "recordings", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int answer(struct broker *broker, struct call *call)
{
	call_object(call, "backup:%s", call_text(call, "id"));
	json_bool(call_audit(call), "recordings", call_bool(call, "recordings", false));
	struct json *json = call_json(call);
	json_open_object(json, "backup");
	json_text(json, "store", store_kind(call_store(call)));
	json_close_object(json);
	return 0;
}

const struct endpoint control_backup_begin = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "backup/begin",
	.need = NEED_WRITE,
	.audit = "backup.begun",
	.fields = fields,
	.message = "The backup may begin",
	.answer = answer,
};
