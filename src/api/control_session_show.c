/* SPDX-License-Identifier: Apache-2.0 */
/* session show: everything that is known of one session. */
#include "api/control.h"
#include "api/endpoints.h"

static const struct field fields[] = {
	{ "id", FIELD_TEXT, SESSION_ID_SIZE - 1, ERR_PARAMETER_MISSING, ERR_SESSION_NOT_FOUND },
	{},
};

static int answer(struct broker *broker, struct call *call)
{
	struct session_row session;
	int r = control_session(call, &session);
	if (r < 0)
		return r;
	control_session_write(call_json(call), "session", &session);
	return 0;
}

const struct endpoint control_session_show = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "session/show",
	.need = NEED_READ,
	.fields = fields,
	.message = "Session",
	.answer = answer,
};
