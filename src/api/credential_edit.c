/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential edit, policy assign: whose secret a credential uses, who logs in for it, by which
 * protocols, and under which policy. Holds from the next session on.
 */
#include <string.h>

#include "api/connectivity.h"
#include "api/control.h"
#include "api/endpoints.h"
#include "api/policy.h"
#include "base/items.h"
#include "base/mem.h"

#define ASSIGNED_MAX 200 /* credentials of one call */

static const struct field edit_fields[] = {
	{ "device", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "username", FIELD_TEXT, USERNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "domain", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "policy", FIELD_TEXT, NAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "parent", FIELD_TEXT, HOSTNAME_SIZE + USERNAME_SIZE - 1, ERR_NONE,
		ERR_PARAMETER_INVALID },
	{ "login", FIELD_TEXT, HOSTNAME_SIZE + USERNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "protocols", FIELD_TEXT, CREDENTIAL_PROTOCOLS_SIZE - 1, ERR_NONE, ERR_PROTOCOL_INVALID },
	{},
};
static const struct field assign_fields[] = {
	{ "name", FIELD_TEXT, NAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "credentials", FIELD_TEXT, 32767, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int policy_id(struct call *call, const char *name, int64_t *ret_id)
{
	struct policy_row policy = { 0 };
	int r = strcmp(name, "none") == 0 ? 0 : control_policy(call, name, &policy);
	*ret_id = policy.id;
	return r;
}

static int set_policy(struct call *call, int64_t id)
{
	const char *name = call_text(call, "policy");
	int64_t policy;
	if (name == NULL)
		return 0;
	int r = policy_id(call, name, &policy);
	if (r < 0)
		return r;
	json_text(call_audit(call), "policy", name);
	return store_credential_set_policy(call_store(call), id, policy);
}

/* Another credential by its account; "none": id 0. */
static int other_id(struct call *call, const char *account, int64_t *ret_id)
{
	CLEANUP(store_credential_finish) struct credential_row other = { 0 };
	int r = strcmp(account, "none") == 0 ? 0 : control_account(call, account, &other);
	*ret_id = other.id;
	return r;
}

static int set_other(struct call *call, const char *name, int64_t id,
	int (*set)(struct store *, int64_t, int64_t), const char *refusal)
{
	const char *account = call_text(call, name);
	int64_t other;
	if (account == NULL)
		return 0;
	int r = other_id(call, account, &other);
	if (r == 0)
		r = set(call_store(call), id, other);
	if (r == -ERR_WRONG_MOMENT)
		return call_fail(call, -ERR_PARAMETER_INVALID, "%s", refusal);
	if (r == 0)
		json_text(call_audit(call), name, account);
	return r;
}

static int set_protocols(struct call *call, int64_t id)
{
	const char *list = call_text(call, "protocols");
	char word[32], protocol[PROTOCOL_SIZE], all[CREDENTIAL_PROTOCOLS_SIZE] = "";
	int r = 0;
	if (list == NULL)
		return 0;
	json_text(call_audit(call), "protocols", list);
	for (const char *cursor = strcmp(list, "all") == 0 ? "" : list;
		(r = items_next(&cursor, word, sizeof word)) > 0;) {
		r = protocol_parse(word, protocol);
		if (r < 0)
			return r;
		if (items_add(all, sizeof all, protocol) < 0)
			return -ERR_PROTOCOL_INVALID;
	}
	return r < 0 ? r : store_credential_set_protocols(call_store(call), id, all);
}

static int edit(struct broker *broker, struct call *call)
{
	struct device_row device;
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	int r = control_credential(call, &device, &row);
	if (r == 0)
		r = set_other(call, "parent", row.id, store_credential_set_parent,
			"A credential that has children cannot have a parent, nor can a child be "
			"one");
	if (r == 0)
		r = set_other(call, "login", row.id, store_credential_set_login,
			"A credential that logs in for others cannot have another log in for it");
	if (r == 0)
		r = set_protocols(call, row.id);
	if (r == 0)
		r = set_policy(call, row.id);
	if (r < 0)
		return r;
	call_object(call, "credential:%s@%s", row.username, device.hostname);
	json_open_object(call_json(call), "credential");
	json_id(call_json(call), "id", row.id);
	json_text(call_json(call), "username", row.username);
	json_text(call_json(call), "device", device.hostname);
	json_close_object(call_json(call));
	return 0;
}

static int assign(struct broker *broker, struct call *call)
{
	const char *name = control_text(call, "name"), *account;
	int64_t policy, id;
	unsigned count = 0;
	int r = policy_id(call, name, &policy);
	for (; r == 0 && (account = call_item(call, "credentials", count)) != NULL; count++) {
		if (count >= ASSIGNED_MAX)
			return -ERR_TOO_LARGE;
		r = other_id(call, account, &id);
		if (r == 0)
			r = store_credential_set_policy(call_store(call), id, policy);
	}
	if (r == 0 && count == 0)
		return call_fail(call, -ERR_PARAMETER_MISSING, "No credential was named");
	if (r < 0)
		return r;
	call_object(call, "policy:%s", name);
	json_number(call_audit(call), "credentials", count);
	json_open_object(call_json(call), "policy");
	json_text(call_json(call), "name", name);
	json_number(call_json(call), "credentials", count);
	json_close_object(call_json(call));
	return 0;
}

const struct endpoint control_credential_edit = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "credential/edit",
	.need = NEED_WRITE,
	.audit = "credential.edited",
	.fields = edit_fields,
	.message = "Credential edited",
	.answer = edit,
};
const struct endpoint control_policy_assign = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "policy/assign",
	.need = NEED_WRITE,
	.audit = "policy.assigned",
	.fields = assign_fields,
	.message = "Policy assigned",
	.answer = assign,
};
