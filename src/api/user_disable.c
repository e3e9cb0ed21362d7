/* SPDX-License-Identifier: Apache-2.0 */
/* user disable, user enable: a disabled person's sessions end at once, and no new one starts. */
#include "api/control.h"
#include "api/endpoints.h"
#include "broker/ending.h"

static const struct field fields[] = {
	{ "login", FIELD_TEXT, LOGIN_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{},
};

static int disable(struct broker *broker, struct call *call)
{
	struct user_row user;
	int r = control_user(call, &user);
	if (r == 0)
		r = store_user_set_disabled(
			call_store(call), user.id, call_now(call), call_now(call));
	if (r < 0)
		return r;
	int ended = ending_of(broker, ENDING_USER, user.id, "The user was disabled");
	if (ended < 0)
		return ended;
	json_number(call_audit(call), "sessions_ended", ended);
	json_open_object(call_json(call), "user");
	json_id(call_json(call), "id", user.id);
	json_text(call_json(call), "login", user.login);
	json_number(call_json(call), "sessions_ended", ended);
	json_close_object(call_json(call));
	return 0;
}

static int enable(struct broker *broker, struct call *call)
{
	struct user_row user;
	int r = control_user(call, &user);
	return r < 0 ? r : store_user_set_disabled(call_store(call), user.id, 0, call_now(call));
}

const struct endpoint control_user_disable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "user/disable",
	.need = NEED_WRITE,
	.audit = "user.disabled",
	.fields = fields,
	.message = "User disabled",
	.answer = disable,
};
const struct endpoint control_user_enable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "user/enable",
	.need = NEED_WRITE,
	.audit = "user.enabled",
	.fields = fields,
	.message = "User enabled",
	.answer = enable,
};
