/* SPDX-License-Identifier: Apache-2.0 */
#include "api/policy.h"

#include "api/control.h"
#include "api/names.h"
#include "base/mem.h"

int control_policy(struct call *call, const char *name, struct policy_row *ret_policy)
{
	call_object(call, "policy:%s", name);
	int r = store_policy_find(call_store(call), name, ret_policy);
	return r == -ERR_NOT_FOUND ? -ERR_POLICY_NOT_FOUND : r;
}

/* A zone goes with its rule: what is computed with is never another one than what is shown. */
static int zone_read(struct call *call, struct hours *hours)
{
	const char *zone = call_text(call, "zone"), *rule = call_text(call, "zone_rule");
	if (zone == NULL && rule == NULL)
		return 0;
	if (zone == NULL || rule == NULL || !name_fits(zone) || !hours_rule_fits(rule))
		return call_fail(call, -ERR_PARAMETER_INVALID, "The time zone has no rule");
	int r = text_copy(hours->zone, sizeof hours->zone, zone);
	return r < 0 ? r : text_copy(hours->rule, sizeof hours->rule, rule);
}

static int hours_read(struct call *call, struct hours *hours)
{
	const char *days = call_text(call, "days"), *times = call_text(call, "hours");
	if (days != NULL && hours_parse_days(days, &hours->days) < 0)
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "Days are all, or such as mon-fri,sun");
	if (times != NULL && hours_parse_times(times, &hours->from, &hours->until) < 0)
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "Hours are all, or such as 08:00-18:00");
	return zone_read(call, hours);
}

static int mask_read(struct call *call, const char *name, char *ret_mask, size_t size)
{
	const char *mask = call_text(call, name);
	if (mask == NULL)
		return 0;
	if (mask[0] != '\0' && !name_fits(mask))
		return call_fail(
			call, -ERR_PARAMETER_INVALID, "The mask has characters it may not have");
	return text_copy(ret_mask, size, mask);
}

int policy_read(struct call *call, struct policy_row *policy)
{
	policy->simultaneous_sessions =
		call_bool(call, "simultaneous_sessions", policy->simultaneous_sessions);
	policy->simultaneous_viewing =
		call_bool(call, "simultaneous_viewing", policy->simultaneous_viewing);
	policy->view_expiry = (uint32_t)call_number(call, "view_expiry", policy->view_expiry);
	policy->priority = (int32_t)call_number(call, "priority", policy->priority);
	int r = hours_read(call, &policy->hours);
	if (r == 0)
		r = mask_read(
			call, "username_mask", policy->username_mask, sizeof policy->username_mask);
	return r < 0 ? r
		     : mask_read(call, "device_mask", policy->device_mask,
			       sizeof policy->device_mask);
}

static void write_mask(struct json *json, const char *name, const char *mask)
{
	json_text(json, name, mask[0] != '\0' ? mask : NULL);
}

void policy_write(struct json *json, const char *name, const struct policy_row *policy)
{
	char days[HOURS_TEXT_SIZE], times[HOURS_TEXT_SIZE];
	json_open_object(json, name);
	json_id(json, "id", policy->id);
	json_text(json, "name", policy->name);
	json_number(json, "priority", policy->priority);
	json_bool(json, "simultaneous_sessions", policy->simultaneous_sessions);
	json_bool(json, "simultaneous_viewing", policy->simultaneous_viewing);
	json_number(json, "view_expiry", policy->view_expiry);
	json_text(json, "days", hours_format_days(&policy->hours, days));
	json_text(json, "hours", hours_format_times(&policy->hours, times));
	json_text(json, "zone", policy->hours.zone);
	write_mask(json, "username_mask", policy->username_mask);
	write_mask(json, "device_mask", policy->device_mask);
	json_time(json, "created_at", policy->created_at);
	json_close_object(json);
}
