/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session_item.h"
#include "broker/ending.h"

/* DELETE session/drop/{id}: ends one of this caller's sessions. */
static const struct field fields[] = { {} };

static int answer(struct broker *broker, struct call *call)
{
	struct session_row session;
	int r = session_item_find(call, &session);

	if (r == -ERR_SESSION_UNKNOWN)
		return -ERR_SESSION_DROP_FAILED;
	if (r < 0)
		return r;
	call_object(call, "session:%lld", (long long)session.id);
	r = ending_of(broker, ENDING_SESSION, session.id, error_text(ERR_SESSION_DROPPED));
	/* 0: it had ended already; there is nothing to drop. */
	return r < 0 ? r : (r == 0 ? -ERR_SESSION_DROP_FAILED : 0);
}

const struct endpoint session_drop = {
	.door = DOOR_API,
	.method = "DELETE",
	.path = "session/drop/{}",
	.need = NEED_WRITE,
	.resource = RESOURCE_WEB_PROXY_SESSION,
	.audit = "session.dropped",
	.fields = fields,
	.message = "Session dropped successfully",
	.mensagem = "Sessão encerrada com sucesso",
	.answer = answer,
};
