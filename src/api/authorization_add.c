/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorization add: gives an application rights, and keys that are shown this once. What is kept
 * of an OAuth 2 secret is its hash; OAuth 1.0 secrets are needed to check signatures, so the vault
 * makes them, keeps them, and writes them to the caller's descriptor past the broker.
 */
#include <string.h>
#include <unistd.h>

#include "api/authorization.h"
#include "api/control.h"
#include "api/endpoints.h"
#include "api/resource.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/vault.h"

#define CLIENT_ID_DIGITS 41 /* an odd number, as the clients of the API know it */
#define CLIENT_SECRET_LEN 32
#define OAUTH1_KEY_LEN 20

static const struct field fields[] = {
	{ "application", FIELD_TEXT, NAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "resource", FIELD_TEXT, 1023, ERR_PARAMETER_MISSING, ERR_RESOURCE_UNKNOWN },
	{ "ip", FIELD_TEXT, 511, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "referer", FIELD_TEXT, 1023, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "fingerprint", FIELD_TEXT, 127, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "expires", FIELD_TEXT, 63, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "credentials", FIELD_TEXT, 32767, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int add_row(struct call *call, struct authorization_row *row)
{
	int r = store_authorization_add(call_store(call), row, &row->id);
	if (r < 0)
		return r;
	call_object(call, "authorization:%lld", (long long)row->id);
	char resources[RESOURCES_SIZE];
	json_text(call_audit(call), "application", row->application);
	json_text(call_audit(call), "resources",
		resources_format(row->reads, row->writes, resources));
	json_text(call_audit(call), "ips", row->ips);
	json_text(call_audit(call), "fingerprint", row->fingerprint);
	int count = authorization_accounts(call, row->id, store_authorization_cover);
	if (count == 0)
		call_detail(call, "It covers no credential.");
	if (count >= 0)
		json_number(call_audit(call), "credentials", count);
	return count < 0 ? count : 0;
}

static int add_oauth2(struct call *call, struct authorization_row *row)
{
	char secret[CLIENT_SECRET_LEN * 2 + 1], id[CLIENT_ID_DIGITS + 2];
	random_hex(id, (CLIENT_ID_DIGITS + 1) / 2);
	id[CLIENT_ID_DIGITS] = '\0';
	random_hex(secret, CLIENT_SECRET_LEN);
	hash_sha256(row->client_secret_hash, secret, strlen(secret));
	int r = text_copy(row->client_id, sizeof row->client_id, id);
	if (r == 0)
		r = add_row(call, row);
	if (r == 0) {
		struct json *json = call_json(call);
		json_text(call_audit(call), "client_id", id);
		json_open_object(json, "authorization");
		json_text(json, "client_id", id);
		json_text(json, "client_secret", secret);
		json_close_object(json);
	}
	mem_wipe(secret, sizeof secret);
	return r;
}

/* One line for each: the descriptor's position is shared, so what the vault wrote stays before. */
static int end_line(int out)
{
	return write(out, "\n", 1) == 1 ? 0 : -ERR_CLOSED;
}

static int make_secrets(struct broker *broker, struct call *call, int64_t id)
{
	struct sealed consumer = { 0 }, token = { 0 };
	struct identity identity = {
		.object = "authorization", .field = "consumer", .id = id, .version = 1
	};
	int out = call_fd_out(call);
	if (out < 0)
		return call_fail(
			call, -ERR_PARAMETER_MISSING, "There is nowhere to write the secrets");
	int r = vault_seal_new(broker, &identity, SECRET_TOKEN, out, &consumer);
	memset(identity.field, 0, sizeof identity.field);
	if (r == 0)
		r = text_copy(identity.field, sizeof identity.field, "token");
	if (r == 0)
		r = end_line(out);
	if (r == 0)
		r = vault_seal_new(broker, &identity, SECRET_TOKEN, out, &token);
	if (r == 0)
		r = end_line(out);
	if (r < 0)
		return r;
	/* a rotation between the two: the older of the two versions, so that both are visited */
	uint32_t key_version = MIN(consumer.key_version, token.key_version);
	return store_authorization_set_secrets(call_store(call), id, key_version, consumer.bytes,
		consumer.len, token.bytes, token.len);
}

static int add_oauth1(struct broker *broker, struct call *call, struct authorization_row *row)
{
	random_hex(row->consumer_key, OAUTH1_KEY_LEN);
	random_hex(row->token_key, OAUTH1_KEY_LEN);
	int r = add_row(call, row);
	if (r == 0)
		r = make_secrets(broker, call, row->id);
	if (r < 0)
		return r;
	json_text(call_audit(call), "consumer_key", row->consumer_key);
	struct json *json = call_json(call);
	json_open_object(json, "authorization");
	json_text(json, "consumer_key", row->consumer_key);
	json_text(json, "token_key", row->token_key);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct application_row application;
	struct authorization_row row = { .created_at = call_now(call) };
	int r = control_application(call, "application", &application);
	if (r == 0)
		r = resources_parse(control_text(call, "resource"), &row.reads, &row.writes);
	if (r == 0)
		r = authorization_read_limits(call, &row);
	if (r == 0)
		r = text_copy(row.application, sizeof row.application, application.name);
	if (r < 0)
		return r;
	row.application_id = application.id;
	return strcmp(application.auth, "oauth1") == 0 ? add_oauth1(broker, call, &row)
						       : add_oauth2(call, &row);
}

const struct endpoint control_authorization_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "authorization/add",
	.need = NEED_WRITE,
	.audit = "authorization.added",
	.fields = fields,
	.message = "Authorization added",
	.answer = answer,
};
