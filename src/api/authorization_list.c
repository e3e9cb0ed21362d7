/* SPDX-License-Identifier: Apache-2.0 */
/* authorization list: who may do what, from where, with which credentials; never the secrets. */
#include <stdio.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "api/resource.h"

static const struct field fields[] = { {} };

static int write_account(
	void *context, const struct credential_row *credential, const struct device_row *device)
{
	struct json *json = context;
	char account[USERNAME_SIZE + HOSTNAME_SIZE];
	snprintf(account, sizeof account, "%s@%s", credential->username, device->hostname);
	json_text(json, NULL, account);
	return 0;
}

static void write_limits(struct json *json, const struct authorization_row *row)
{
	json_text(json, "ips", row->ips[0] != '\0' ? row->ips : "*");
	json_text(json, "referers", row->referers);
	json_text(json, "fingerprint", row->fingerprint[0] != '\0' ? row->fingerprint : NULL);
	json_time(json, "expires_at", row->expires_at);
	json_time(json, "created_at", row->created_at);
	json_time(json, "disabled_at",
		row->disabled_at != 0 ? row->disabled_at : row->application_disabled_at);
}

static int write_authorization(void *context, const struct authorization_row *row)
{
	struct call *call = context;
	struct json *json = call_json(call);
	char resources[RESOURCES_SIZE];
	json_open_object(json, NULL);
	json_id(json, "id", row->id);
	json_text(json, "application", row->application);
	json_text(json, "auth", row->auth);
	json_text(json, row->client_id[0] != '\0' ? "client_id" : "consumer_key",
		row->client_id[0] != '\0' ? row->client_id : row->consumer_key);
	json_text(json, "resources", resources_format(row->reads, row->writes, resources));
	write_limits(json, row);
	json_open_array(json, "credentials");
	int r = store_authorization_coverage(call_store(call), row->id, write_account, json);
	json_close_array(json);
	json_close_object(json);
	return r;
}

static int answer(struct broker *broker, struct call *call)
{
	json_open_array(call_json(call), "authorizations");
	int r = store_authorization_list(call_store(call), write_authorization, call);
	json_close_array(call_json(call));
	return r;
}

const struct endpoint control_authorization_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "authorization/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Authorizations",
	.answer = answer,
};
