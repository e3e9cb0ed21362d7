/* SPDX-License-Identifier: Apache-2.0 */
/* application list: every identity that may call, disabled ones included. */
#include "api/control.h"
#include "api/endpoints.h"

static const struct field fields[] = { {} };

static int write_application(void *context, const struct application_row *row)
{
	struct json *json = context;
	json_open_object(json, NULL);
	json_id(json, "id", row->id);
	json_text(json, "name", row->name);
	json_text(json, "auth", row->auth);
	json_time(json, "created_at", row->created_at);
	json_time(json, "disabled_at", row->disabled_at);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct json *json = call_json(call);
	json_open_array(json, "applications");
	int r = store_application_list(call_store(call), write_application, json);
	json_close_array(json);
	return r;
}

const struct endpoint control_application_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "application/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Applications",
	.answer = answer,
};
