/* SPDX-License-Identifier: Apache-2.0 */
/* credential list: whose, where and since when; never the secret, nor its envelope. */
#include "api/control.h"
#include "api/endpoints.h"
#include "wire/messages.h"

static const struct field fields[] = { {} };

static void write_id(struct json *json, const char *name, int64_t id)
{
	if (id != 0)
		json_id(json, name, id);
	else
		json_put_null(json, name);
}

static int write_credential(
	void *context, const struct credential_row *row, const struct device_row *device)
{
	struct json *json = context;
	json_open_object(json, NULL);
	json_id(json, "id", row->id);
	json_text(json, "identifier", row->identifier);
	json_text(json, "username", row->username);
	json_text(json, "device", device->hostname);
	json_text(json, "domain", row->domain[0] != '\0' ? row->domain : NULL);
	json_text(json, "kind", row->kind == SECRET_SSH_KEY ? "ssh_key" : "password");
	write_id(json, "policy", row->policy_id);
	write_id(json, "parent", row->parent_id);
	write_id(json, "login", row->login_id);
	json_text(json, "protocols", row->protocols[0] != '\0' ? row->protocols : NULL);
	json_number(json, "version", row->version);
	json_number(json, "key_version", row->key_version);
	json_time(json, "created_at", row->created_at);
	json_time(json, "changed_at", row->changed_at);
	json_time(json, "last_used_at", row->last_used_at);
	json_time(json, "disabled_at", row->disabled_at);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct json *json = call_json(call);
	json_open_array(json, "credentials");
	int r = store_credential_list(call_store(call), write_credential, json);
	json_close_array(json);
	return r;
}

const struct endpoint control_credential_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "credential/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Credentials",
	.answer = answer,
};
