/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential add, credential replace: a secret goes from the caller's descriptor into the vault and
 * comes back as an envelope; it is never in a message.
 */
#include <stdio.h>
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"
#include "api/names.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/vault.h"

static const struct field fields[] = {
	{ "device", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "username", FIELD_TEXT, USERNAME_SIZE - 1, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "domain", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "kind", FIELD_TEXT, 15, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "parent", FIELD_TEXT, HOSTNAME_SIZE + USERNAME_SIZE - 1, ERR_NONE,
		ERR_PARAMETER_INVALID },
	{},
};

static int kind_parse(const char *kind)
{
	if (strcmp(kind, "password") == 0)
		return SECRET_PASSWORD;
	return strcmp(kind, "ssh_key") == 0 ? SECRET_SSH_KEY : -ERR_PARAMETER_INVALID;
}

/* UUID version 7 (RFC 9562 section 5.7): in the order of their making. */
static void uuid_make(int64_t now, char out[37])
{
	uint8_t b[16];
	random_bytes(b, sizeof b);
	for (int i = 0; i < 6; i++)
		b[i] = now >> (40 - 8 * i);
	b[6] = 0x70 | (b[6] & 0x0f);
	b[8] = 0x80 | (b[8] & 0x3f);
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

/* Has the vault seal what the descriptor holds, as the row's next version. */
static int seal(struct broker *broker, struct call *call, const struct credential_row *row,
	int kind, char ret_detail[REASON_SIZE])
{
	struct sealed sealed;
	struct identity identity = { .object = "credential",
		.field = "content",
		.id = row->id,
		.version = row->version + 1 };
	if (call_fd_in(call) < 0)
		return call_fail(call, -ERR_PARAMETER_MISSING, "No secret was given");
	int r = vault_seal(broker, &identity, kind, call_fd_in(call), &sealed);
	if (r < 0)
		return r;
	memcpy(ret_detail, sealed.detail, REASON_SIZE);
	json_number(call_audit(call), "version", identity.version);
	if (sealed.detail[0] != '\0')
		json_text(call_audit(call), "key", sealed.detail);
	return store_credential_set_secret(call_store(call), row->id, identity.version,
		sealed.key_version, sealed.bytes, sealed.len, call_now(call));
}

static void write_credential(
	struct call *call, const struct credential_row *row, const char *device, const char *detail)
{
	struct json *json = call_json(call);
	json_open_object(json, "credential");
	json_id(json, "id", row->id);
	json_text(json, "identifier", row->identifier);
	json_text(json, "username", row->username);
	json_text(json, "device", device);
	json_text(json, "kind", row->kind == SECRET_SSH_KEY ? "ssh_key" : "password");
	json_number(json, "version", row->version + 1);
	json_text(json, "key", detail[0] != '\0' ? detail : NULL);
	json_close_object(json);
}

static int read_credential(
	struct call *call, const struct device_row *device, struct credential_row *ret_row)
{
	const char *username = control_text(call, "username"),
		   *domain = control_text(call, "domain");
	int kind = kind_parse(control_text(call, "kind"));
	if (kind < 0)
		return call_fail(call, kind, "The kind of a credential is password or ssh_key");
	if (!name_fits(username) || (domain[0] != '\0' && !hostname_fits(domain)))
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"The user name or the domain has characters it may not have");
	ret_row->device_id = device->id;
	ret_row->kind = kind;
	ret_row->created_at = call_now(call);
	uuid_make(call_now(call), ret_row->identifier);
	int r = text_copy(ret_row->username, sizeof ret_row->username, username);
	return r < 0 ? r : text_copy(ret_row->domain, sizeof ret_row->domain, domain);
}

/* A child has no secret of its own: it is of its parent's kind. */
static int parent_find(struct call *call, struct credential_row *row)
{
	CLEANUP(store_credential_finish) struct credential_row parent = { 0 };
	const char *account = control_text(call, "parent");
	int r = account[0] != '\0' ? control_account(call, account, &parent) : 0;
	if (r < 0 || parent.id == 0)
		return r;
	row->parent_id = parent.id;
	row->kind = parent.kind;
	json_text(call_audit(call), "parent", account);
	return 0;
}

static int adopt(struct call *call, struct credential_row *row)
{
	int r = store_credential_set_parent(call_store(call), row->id, row->parent_id);
	row->version = -1; /* shown as 0: it has none */
	return r != -ERR_WRONG_MOMENT ? r
				      : call_fail(call, -ERR_PARAMETER_INVALID,
						"A child cannot be a parent as well");
}

static int add(struct broker *broker, struct call *call)
{
	struct device_row device;
	struct credential_row row = { 0 };
	char detail[REASON_SIZE] = "";
	int r = control_device(call, "device", &device);
	if (r == 0)
		r = read_credential(call, &device, &row);
	if (r == 0)
		r = parent_find(call, &row);
	if (r < 0)
		return r;
	call_object(call, "credential:%s@%s", row.username, device.hostname);
	r = store_credential_add(call_store(call), &row, &row.id);
	if (r == -ERR_EXISTS)
		return call_fail(call, -ERR_NAME_TAKEN,
			"The device has a credential of that name; its secret can be replaced");
	if (r == 0 && row.parent_id != 0)
		r = adopt(call, &row);
	else if (r == 0)
		r = seal(broker, call, &row, row.kind, detail);
	if (r == 0)
		write_credential(call, &row, device.hostname, detail);
	return r;
}

/* The old envelope is overwritten only in the transaction that has the new one. */
static int replace(struct broker *broker, struct call *call)
{
	struct device_row device;
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	char detail[REASON_SIZE] = "";
	int kind = kind_parse(control_text(call, "kind"));
	int r = control_credential(call, &device, &row);
	if (r < 0)
		return r;
	if (row.parent_id != 0)
		return call_fail(call, -ERR_PARAMETER_INVALID, "A child has its parent's secret");
	if (kind != row.kind)
		return call_fail(call, -ERR_PARAMETER_INVALID,
			"A password is replaced by a password, a key by a key");
	r = seal(broker, call, &row, kind, detail);
	if (r == 0)
		write_credential(call, &row, device.hostname, detail);
	return r;
}

const struct endpoint control_credential_add = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "credential/add",
	.need = NEED_WRITE,
	.audit = "credential.added",
	.fields = fields,
	.message = "Credential added",
	.answer = add,
};
const struct endpoint control_credential_replace = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "credential/replace",
	.need = NEED_WRITE,
	.audit = "credential.replaced",
	.fields = fields,
	.message = "Credential replaced",
	.answer = replace,
};
