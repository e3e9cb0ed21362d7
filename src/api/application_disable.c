/* SPDX-License-Identifier: Apache-2.0 */
/* application disable, application enable: all its authorizations stop, and their sessions end. */
#include "api/control.h"
#include "api/endpoints.h"
#include "broker/ending.h"

static const struct field fields[] = {
	{ "name", FIELD_TEXT, NAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{},
};

struct endings {
	struct broker *broker;
	int64_t application_id;
	int ended;
};

static int end_sessions(void *context, const struct authorization_row *row)
{
	struct endings *endings = context;
	if (row->application_id != endings->application_id)
		return 0;
	int r = ending_of(
		endings->broker, ENDING_AUTHORIZATION, row->id, "The application was disabled");
	if (r < 0)
		return r;
	endings->ended += r;
	return 0;
}

static int disable(struct broker *broker, struct call *call)
{
	struct application_row row;
	struct store *store = call_store(call);
	int r = control_application(call, "name", &row);
	if (r == 0)
		r = store_application_set_disabled(store, row.id, call_now(call));
	struct endings endings = { broker, row.id, 0 };
	if (r == 0)
		r = store_authorization_list(store, end_sessions, &endings);
	if (r == 0)
		json_number(call_audit(call), "sessions_ended", endings.ended);
	return r;
}

static int enable(struct broker *broker, struct call *call)
{
	struct application_row row;
	int r = control_application(call, "name", &row);
	return r < 0 ? r : store_application_set_disabled(call_store(call), row.id, 0);
}

const struct endpoint control_application_disable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "application/disable",
	.need = NEED_WRITE,
	.audit = "application.disabled",
	.fields = fields,
	.message = "Application disabled",
	.answer = disable,
};
const struct endpoint control_application_enable = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "application/enable",
	.need = NEED_WRITE,
	.audit = "application.enabled",
	.fields = fields,
	.message = "Application enabled",
	.answer = enable,
};
