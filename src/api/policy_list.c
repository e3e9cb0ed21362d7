/* SPDX-License-Identifier: Apache-2.0 */
/* policy list: the weightiest first, as they are looked through. */
#include "api/endpoints.h"
#include "api/policy.h"

static const struct field fields[] = { {} };

static int write_policy(void *context, const struct policy_row *policy)
{
	policy_write(context, NULL, policy);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct json *json = call_json(call);
	json_open_array(json, "policies");
	int r = store_policy_list(call_store(call), write_policy, json);
	json_close_array(json);
	return r;
}

const struct endpoint control_policy_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "policy/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Policies",
	.answer = answer,
};
