/* SPDX-License-Identifier: Apache-2.0 */
/* application add: an identity that may be given authorizations. */
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"

static const struct field fields[] = {
	{ "name", FIELD_TEXT, NAME_SIZE - 16, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "auth", FIELD_TEXT, 15, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int answer(struct broker *broker, struct call *call)
{
	const char *name = control_text(call, "name"), *auth = control_text(call, "auth");
	int64_t id;
	call_object(call, "application:%s", name);
	if (!name_fits(name))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The name has characters it may not have");
	if (auth[0] == '\0')
		auth = "oauth2";
	if (strcmp(auth, "oauth2") != 0 && strcmp(auth, "oauth1") != 0)
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "An application uses oauth2 or oauth1");
	int r = store_application_add(call_store(call), name, auth, call_now(call), &id);
	if (r == -ERR_EXISTS)
		return -ERR_NAME_TAKEN;
	if (r < 0)
		return r;
	json_text(call_audit(call), "auth", auth);
	struct json *json = call_json(call);
	json_open_object(json, "application");
	json_id(json, "id", id);
	json_text(json, "name", name);
	json_text(json, "auth", auth);
	json_close_object(json);
	return 0;
}

const struct endpoint control_application_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "application/add",
	.need = NEED_WRITE,
	.audit = "application.added",
	.fields = fields,
	.message = "Application added",
	.answer = answer,
};
