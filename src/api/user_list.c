/* SPDX-License-Identifier: Apache-2.0 */
/* user list: everybody who is registered, disabled ones included. */
#include "api/control.h"
#include "api/endpoints.h"

static const struct field fields[] = { LIST_FIELDS, {} };

static int write_user(void *context, const struct user_row *user)
{
	struct call *call = context;
	struct json *json = call_json(call);
	json_open_object(json, NULL);
	json_id(json, "id", user->id);
	json_text(json, "login", user->login);
	json_text(json, "name", user->name);
	json_number(json, "sessions", user->sessions_most);
	json_time(json, "created_at", user->created_at);
	json_time(json, "disabled_at", user->disabled_at);
	json_time(json, "blocked_at", user->blocked_at);
	json_text(json, "blocked_by", user->blocked_at != 0 ? user->blocked_by : NULL);
	json_close_object(json);
	return call_list_row(call, user->id);
}

static int write_page(struct call *call, const struct store_page *page)
{
	return store_user_page(call_store(call), true, page, write_user, call);
}

static int answer(struct broker *broker, struct call *call)
{
	return call_list(call, "users", write_page);
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
