/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy add, policy edit: what credentials may be used for. An edited policy holds for calls and
 * for URLs that are opened from now on; the hours of a running session stay what they were.
 */
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "api/policy.h"
#include "base/mem.h"
#include "broker/policy.h"

#define VIEW_EXPIRY_MAX (60 * 24 * 365) /* minutes */
#define PRIORITY_MAX 1000

static const struct field fields[] = {
	{ "name", FIELD_TEXT, NAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "simultaneous_sessions", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "simultaneous_viewing", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "view_expiry", FIELD_INTEGER, VIEW_EXPIRY_MAX, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "days", FIELD_TEXT, 63, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "hours", FIELD_TEXT, 15, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "zone", FIELD_TEXT, HOURS_ZONE_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "zone_rule", FIELD_TEXT, HOURS_ZONE_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "priority", FIELD_INTEGER, PRIORITY_MAX, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "username_mask", FIELD_TEXT, USERNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "device_mask", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int add(struct broker *broker, struct call *call)
{
	const char *name = control_text(call, "name");
	struct policy_row policy = { .simultaneous_sessions = true,
		.hours = { .days = HOURS_ALL_DAYS, .zone = "UTC", .rule = "UTC0" },
		.created_at = call_now(call) };
	call_object(call, "policy:%s", name);
	if (!name_fits(name) || strcmp(name, "none") == 0)
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The name has characters it may not have");
	int r = text_copy(policy.name, sizeof policy.name, name);
	if (r == 0)
		r = policy_read(call, &policy);
	int count = r == 0 ? store_policy_count(call_store(call)) : r;
	if (count < 0)
		return count;
	if (count >= POLICIES_MAX)
		return -ERR_FULL;
	r = store_policy_add(call_store(call), &policy, &policy.id);
	if (r == 0)
		policy_write(call_json(call), "policy", &policy);
	return r == -ERR_EXISTS ? -ERR_NAME_TAKEN : r;
}

static int edit(struct broker *broker, struct call *call)
{
	struct policy_row policy;
	int r = control_policy(call, control_text(call, "name"), &policy);
	if (r == 0)
		r = policy_read(call, &policy);
	if (r == 0)
		r = store_policy_edit(call_store(call), &policy);
	if (r == 0)
		policy_write(call_json(call), "policy", &policy);
	return r;
}

const struct endpoint control_policy_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "policy/add",
	.need = NEED_WRITE,
	.audit = "policy.added",
	.fields = fields,
	.message = "Policy added",
	.answer = add,
};
const struct endpoint control_policy_edit = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "policy/edit",
	.need = NEED_WRITE,
	.audit = "policy.edited",
	.fields = fields,
	.message = "Policy edited",
	.answer = edit,
};
