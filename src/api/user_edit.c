/* SPDX-License-Identifier: Apache-2.0 */
/* user edit: name, sessions at once, and whether new sessions are held back for now. */
#include <stdlib.h>
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "base/mem.h"

static const struct field fields[] = {
	{ "login", FIELD_TEXT, LOGIN_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "name", FIELD_TEXT, NAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "sessions", FIELD_TEXT, 7, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "blocked", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

/* 0 to 99 as the setting has it, or "default": what the setting says. */
static int sessions_read(const char *text, int32_t *ret_most)
{
	size_t len = strlen(text);
	if (strcmp(text, "default") == 0)
		*ret_most = -1;
	else if (len >= 1 && len <= 2 && strspn(text, "0123456789") == len)
		*ret_most = (int32_t)strtol(text, NULL, 10);
	else
		return -ERR_PARAMETER_INVALID;
	return 0;
}

static int read_user(struct call *call, struct user_row *user)
{
	const char *name = call_text(call, "name"), *sessions = call_text(call, "sessions");
	if (name != NULL && name[0] != '\0' && !name_fits(name))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The name has characters it may not have");
	if (sessions != NULL && sessions_read(sessions, &user->sessions_most) < 0)
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"Sessions are 0 (any number) to 99, or default");
	return name != NULL ? text_copy(user->name, sizeof user->name, name) : 0;
}

static int set_blocked(struct call *call, struct user_row *user)
{
	if (call_bool(call, "blocked", true) != call_bool(call, "blocked", false))
		return 0; /* nothing was said */
	bool blocked = call_bool(call, "blocked", false);
	if (blocked == (user->blocked_at != 0))
		return 0;
	user->blocked_at = blocked ? call_now(call) : 0;
	json_bool(call_audit(call), "blocked", blocked);
	return store_user_set_blocked(
		call_store(call), user->id, blocked ? "administrator" : "", user->blocked_at);
}

static int answer(struct broker *broker, struct call *call)
{
	struct user_row user;
	int r = control_user(call, &user);
	if (r == 0)
		r = read_user(call, &user);
	user.changed_at = call_now(call);
	if (r == 0)
		r = store_user_edit(call_store(call), &user);
	if (r == 0)
		r = set_blocked(call, &user);
	if (r < 0)
		return r;
	json_number(call_audit(call), "sessions", user.sessions_most);
	struct json *json = call_json(call);
	json_open_object(json, "user");
	json_id(json, "id", user.id);
	json_text(json, "login", user.login);
	json_text(json, "name", user.name);
	json_number(json, "sessions", user.sessions_most);
	json_time(json, "blocked_at", user.blocked_at);
	json_close_object(json);
	return 0;
}

const struct endpoint control_user_edit = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "user/edit",
	.need = NEED_WRITE,
	.audit = "user.edited",
	.fields = fields,
	.message = "User edited",
	.answer = answer,
};
