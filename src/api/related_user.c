/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user/related: the people on whose behalf sessions run, as the API manages them. They are one with
 * the users of the command line: there is one table, and every application with the resource Users
 * sees all of it.
 */
#include <stdio.h>
#include <string.h>

#include "api/ended.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "api/segment.h"
#include "base/mem.h"
#include "broker/call.h"

static const struct field list_fields[] = { LIST_FIELDS, {} };
static const struct field no_fields[] = { {} };
static const struct field add_fields[] = {
	{ "username", FIELD_TEXT, LOGIN_SIZE - 1, ERR_NOT_INFORMED, ERR_PARAMETER_INVALID },
	{ "name", FIELD_TEXT, NAME_SIZE - 1, ERR_NOT_INFORMED, ERR_PARAMETER_INVALID },
	{},
};
static const struct field change_fields[] = {
	{ "id", FIELD_INTEGER, INT64_MAX, ERR_NOT_INFORMED, ERR_USER_UNKNOWN },
	{ "username", FIELD_TEXT, LOGIN_SIZE - 1, ERR_NOT_INFORMED, ERR_PARAMETER_INVALID },
	{ "name", FIELD_TEXT, NAME_SIZE - 1, ERR_NOT_INFORMED, ERR_PARAMETER_INVALID },
	{},
};

static void write_user(struct json *json, const char *name, const struct user_row *user)
{
	json_open_object(json, name);
	json_id(json, "id", user->id);
	json_text(json, "name", user->name);
	json_text(json, "username", user->login);
	json_close_object(json);
}

static int keep(void *context, const struct user_row *user)
{
	write_user(call_json(context), NULL, user);
	return call_list_row(context, user->id);
}

static int write_page(struct call *call, const struct store_page *page)
{
	return store_user_page(call_store(call), false, page, keep, call);
}

static int count(struct call *call, int64_t since, struct store_count *ret_count)
{
	return store_user_count(call_store(call), since, ret_count);
}

static int answer_list(struct broker *broker, struct call *call)
{
	(void)broker;
	return call_counted_list(call, "relatedUsers", "related users", count, write_page);
}

static int user_find(struct call *call, int64_t id, struct user_row *ret_user)
{
	int r = store_user_get(call_store(call), id, ret_user);

	if (r == 0)
		call_object(call, "user:%s", ret_user->login);
	return r == -ERR_NOT_FOUND ? -ERR_USER_UNKNOWN : r;
}

static int answer_show(struct broker *broker, struct call *call)
{
	struct user_row user;
	char message[64];
	int r = user_find(call, segment_id(call_segment(call, 0)), &user);

	(void)broker;
	if (r < 0)
		return r;
	snprintf(message, sizeof message, "Related user %lld", (long long)user.id);
	call_message(call, message, NULL);
	write_user(call_json(call), "relatedUser", &user);
	return 0;
}

static int check_names(struct call *call)
{
	if (name_fits(call_text(call, "username")) && name_fits(call_text(call, "name")))
		return 0;
	return call_fail(call, -ERR_PARAMETER_INVALID, "The name has characters it may not have");
}

static int answer_add(struct broker *broker, struct call *call)
{
	struct user_row user = { 0 };
	const char *login = call_text(call, "username"), *name = call_text(call, "name");
	int r = check_names(call);

	(void)broker;
	call_object(call, "user:%s", login);
	if (r == 0)
		r = store_user_add(call_store(call), login, name, call_now(call), &user.id);
	if (r == 0)
		r = text_copy(user.login, sizeof user.login, login);
	if (r == 0)
		r = text_copy(user.name, sizeof user.name, name);
	if (r < 0)
		return r == -ERR_EXISTS ? -ERR_NAME_TAKEN : r;
	write_user(call_json(call), "relatedUser", &user);
	return 0;
}

/* The id comes in the path, or as a parameter beside it. */
static int change(struct call *call, int64_t id)
{
	struct user_row user;
	const char *login = call_text(call, "username"), *name = call_text(call, "name");
	int r = check_names(call);

	if (r == 0)
		r = user_find(call, id, &user);
	if (r < 0)
		return r;
	json_text(call_audit(call), "username", login);
	r = text_copy(user.login, sizeof user.login, login);
	if (r == 0)
		r = text_copy(user.name, sizeof user.name, name);
	if (r == 0)
		r = store_user_set(call_store(call), id, login, name, call_now(call));
	if (r < 0)
		return r == -ERR_EXISTS ? -ERR_NAME_TAKEN : r;
	write_user(call_json(call), "relatedUser", &user);
	return 0;
}

static int answer_change(struct broker *broker, struct call *call)
{
	(void)broker;
	return change(call, call_number(call, "id", 0));
}

static int answer_change_one(struct broker *broker, struct call *call)
{
	(void)broker;
	return change(call, segment_id(call_segment(call, 0)));
}

static int answer_deactivate(struct broker *broker, struct call *call)
{
	struct user_row user;
	int64_t now = call_now(call);
	int r = user_find(call, segment_id(call_segment(call, 0)), &user);

	if (r == 0 && user.disabled_at != 0) {
		call_message(call, "Related user has already been deactivated", NULL);
		return 0;
	}
	if (r == 0)
		r = store_user_set_disabled(call_store(call), user.id, now, now);
	return r < 0 ? r
		     : end_and_note(broker, call, ENDING_USER, user.id, "The user was disabled");
}

const struct endpoint related_user_list = {
	.door = DOOR_API,
	.method = "GET",
	.path = "user/related",
	.need = NEED_READ,
	.resource = RESOURCE_USERS,
	.fields = list_fields,
	.message = "N related users found",
	.answer = answer_list,
};
const struct endpoint related_user_show = {
	.door = DOOR_API,
	.method = "GET",
	.path = "user/related/{}",
	.need = NEED_READ,
	.resource = RESOURCE_USERS,
	.fields = no_fields,
	.message = "Related user N",
	.answer = answer_show,
};
const struct endpoint related_user_add = {
	.door = DOOR_API,
	.method = "POST",
	.path = "user/related",
	.need = NEED_WRITE,
	.resource = RESOURCE_USERS,
	.audit = "user.added",
	.fields = add_fields,
	.message = "Related user successfully registered!",
	.answer = answer_add,
};
const struct endpoint related_user_change = {
	.door = DOOR_API,
	.method = "PUT",
	.path = "user/related",
	.need = NEED_WRITE,
	.resource = RESOURCE_USERS,
	.audit = "user.changed",
	.fields = change_fields,
	.message = "Related user successfully updated!",
	.answer = answer_change,
};
const struct endpoint related_user_change_one = {
	.door = DOOR_API,
	.method = "PUT",
	.path = "user/related/{}",
	.need = NEED_WRITE,
	.resource = RESOURCE_USERS,
	.audit = "user.changed",
	.fields = add_fields,
	.message = "Related user successfully updated!",
	.answer = answer_change_one,
};
const struct endpoint related_user_deactivate = {
	.door = DOOR_API,
	.method = "DELETE",
	.path = "user/related/{}",
	.need = NEED_WRITE,
	.resource = RESOURCE_USERS,
	.audit = "user.disabled",
	.fields = no_fields,
	.message = "Related user successfully deactivated",
	.answer = answer_deactivate,
};
