/* SPDX-License-Identifier: Apache-2.0 */
/* session receipt: the signed receipt of a session that ended. */
#include "api/control.h"
#include "api/endpoints.h"
#include "base/error.h"
#include "broker/receipt.h"

static const struct field fields[] = {
	{ "id", FIELD_TEXT, SESSION_ID_SIZE - 1, ERR_PARAMETER_MISSING, ERR_SESSION_NOT_FOUND },
	{},
};

static int answer(struct broker *broker, struct call *call)
{
	struct session_row session;
	struct receipt receipt;
	int r = control_session(call, &session);

	if (r == 0)
		r = receipt_of(broker, &session, &receipt);
	if (r == -ERR_AGAIN)
		return call_fail(call, -ERR_NO_RECEIPT, "%s: %s", error_text(-ERR_NO_RECEIPT),
			session.state == SESSION_ENDED ? "its recording is not sealed"
						       : "it has not ended");
	if (r == 0)
		receipt_write(call_json(call), &receipt);
	return r;
}

const struct endpoint control_session_receipt = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "session/receipt",
	.need = NEED_READ,
	.fields = fields,
	.message = "Receipt",
	.answer = answer,
};
