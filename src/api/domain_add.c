/* SPDX-License-Identifier: Apache-2.0 */
/* domain add: a domain that devices and credentials may then name. */
#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"

static const struct field fields[] = {
	{ "name", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{},
};

static int answer(struct broker *broker, struct call *call)
{
	const char *name = control_text(call, "name");
	int64_t id;
	call_object(call, "domain:%s", name);
	if (!hostname_fits(name))
		return call_fail(call, -ERR_PARAMETER_INVALID, "The domain is not a domain name");
	int r = store_domain_add(call_store(call), name, call_now(call), &id);
	if (r < 0)
		return r == -ERR_EXISTS ? -ERR_NAME_TAKEN : r;
	struct json *json = call_json(call);
	json_open_object(json, "domain");
	json_id(json, "id", id);
	json_text(json, "name", name);
	json_close_object(json);
	return 0;
}

const struct endpoint control_domain_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "domain/add",
	.need = NEED_WRITE,
	.audit = "domain.added",
	.fields = fields,
	.message = "Domain added",
	.answer = answer,
};
