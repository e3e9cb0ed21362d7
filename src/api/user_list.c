/* SPDX-License-Identifier: Apache-2.0 */
/* user list: everybody who is registered, disabled ones included. */
#include "api/control.h"
#include "api/endpoints.h"

static const struct field fields[] = { {} };

static int write_user(void *context, const struct user_row *user)
{
	struct json *json = context;
	json_open_object(json, NULL);
	json_id(json, "id", user->id);
	json_text(json, "login", user->login);
	json_text(json, "name", user->name);
	json_time(json, "created_at", user->created_at);
	json_time(json, "disabled_at", user->disabled_at);
	json_time(json, "blocked_at", user->blocked_at);
	json_text(json, "blocked_by", user->blocked_at != 0 ? user->blocked_by : NULL);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct json *json = call_json(call);
	json_open_array(json, "users");
	int r = store_user_list(call_store(call), write_user, json);
	json_close_array(json);
	return r;
}

const struct endpoint control_user_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "user/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Users",
	.answer = answer,
};
