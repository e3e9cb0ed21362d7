/* SPDX-License-Identifier: Apache-2.0 */
/* gateway reload: a new generation of the gateway's processes, from the programs now on disk. */
#include "api/control.h"
#include "api/endpoints.h"
#include "broker/renewal.h"

static const struct field fields[] = { { "force", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{} };

static int resume(struct broker *broker, struct call *call, int result)
{
	const struct msg_reload_answer *reload = renewal_answer(broker);
	if (result < 0)
		return result;
	if (reload->result < 0) {
		call_detail(call, "%s", reload->words);
		return reload->result;
	}
	json_number(call_audit(call), "generation", reload->generation);
	json_bool(call_audit(call), "ends_sessions", reload->ends_sessions != 0);
	struct json *json = call_json(call);
	json_open_object(json, "reload");
	json_number(json, "generation", reload->generation);
	json_bool(json, "ends_sessions", reload->ends_sessions != 0);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	call_object(call, "gateway");
	return renewal_ask(broker, call, call_bool(call, "force", false), resume);
}

const struct endpoint control_gateway_reload = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "gateway/reload",
	.need = NEED_WRITE,
	.audit = "gateway.reload",
	.fields = fields,
	.message = "The new generation begins",
	.answer = answer,
};
