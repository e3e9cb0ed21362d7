/* SPDX-License-Identifier: Apache-2.0 */
/* user add: a person on whose behalf sessions may run. */
#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"

static const struct field fields[] = {
	{ "login", FIELD_TEXT, LOGIN_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "name", FIELD_TEXT, NAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int answer(struct broker *broker, struct call *call)
{
	const char *login = control_text(call, "login"), *name = control_text(call, "name");
	int64_t id;
	call_object(call, "user:%s", login);
	if (!name_fits(login) || (name[0] != '\0' && !name_fits(name)))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The name has characters it may not have");
	int r = store_user_add(call_store(call), login, name, call_now(call), &id);
	if (r == -ERR_EXISTS)
		return -ERR_NAME_TAKEN;
	if (r < 0)
		return r;
	struct json *json = call_json(call);
	json_open_object(json, "user");
	json_id(json, "id", id);
	json_text(json, "login", login);
	json_text(json, "name", name);
	json_close_object(json);
	return 0;
}

const struct endpoint control_user_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "user/add",
	.need = NEED_WRITE,
	.audit = "user.added",
	.fields = fields,
	.message = "User added",
	.answer = answer,
};
