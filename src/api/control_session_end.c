/* SPDX-License-Identifier: Apache-2.0 */
/* session end: at once, with a reason that the person reads and the audit line keeps. */
#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "broker/ending.h"

static const struct field fields[] = {
	{ "id", FIELD_TEXT, SESSION_ID_SIZE - 1, ERR_PARAMETER_MISSING, ERR_SESSION_NOT_FOUND },
	{ "reason", FIELD_TEXT, REASON_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{},
};

static int answer(struct broker *broker, struct call *call)
{
	struct session_row session;
	const char *reason = control_text(call, "reason");
	int r = control_session(call, &session);
	if (r < 0)
		return r;
	if (!name_fits(reason))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The reason has characters it may not have");
	int ended = ending_of(broker, ENDING_SESSION, session.id, reason);
	if (ended < 0)
		return ended;
	if (ended == 0)
		return call_fail(call, -ERR_WRONG_MOMENT, "The session has already ended");
	json_text(call_audit(call), "reason", reason);
	return 0;
}

const struct endpoint control_session_end = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "session/end",
	.need = NEED_WRITE,
	.audit = "session.dropped",
	.fields = fields,
	.message = "Session ended",
	.answer = answer,
};
