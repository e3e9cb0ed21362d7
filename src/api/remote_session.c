/* SPDX-License-Identifier: Apache-2.0 */
#include "api/endpoints.h"
#include "api/remote_session_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/handle.h"
#include "broker/ticket.h"

/*
 * POST remote/session: the one-time URL of one recorded session. The order of the fields and of the
 * rules decides which complaint comes first: it is part of the contract. With `check` nothing is
 * made: the rules are walked all the same, and what came of each is the answer.
 */
static const struct field fields[] = {
	{ "user", FIELD_TEXT, LOGIN_SIZE - 1, ERR_USERNAME_MISSING, ERR_USER_UNKNOWN },
	{ "credential", FIELD_TEXT, USERNAME_SIZE - 1, ERR_CREDENTIAL_MISSING,
		ERR_CREDENTIAL_UNKNOWN },
	{ "device", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_DEVICE_MISSING, ERR_DEVICE_UNKNOWN },
	{ "protocol", FIELD_TEXT, PROTOCOL_SIZE - 1, ERR_PROTOCOL_INVALID, ERR_PROTOCOL_INVALID },
	{ "port", FIELD_INTEGER, 65535, ERR_NONE, ERR_PORT_INVALID },
	{ "screensize", FIELD_TEXT, 16, ERR_NONE, ERR_SCREENSIZE_INVALID },
	{ "remoteaddr", FIELD_TEXT, ADDRESS_SIZE - 1, ERR_NONE, ERR_REMOTE_ADDR_INVALID },
	{ "remoteapp", FIELD_TEXT, 20, ERR_NONE, ERR_REMOTEAPP_UNKNOWN },
	{ "remotedevice", FIELD_TEXT, HOSTNAME_SIZE - 1, ERR_NONE, ERR_REMOTE_DEVICE_UNKNOWN },
	{ "check", FIELD_BOOL, 1, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

/* 12 digits of time, so that new rows are neighbours in the index, and 28 random ones. */
static void make_session_id(int64_t now, char out[SESSION_ID_SIZE])
{
	snprintf(out, SESSION_ID_SIZE, "%012llx", (unsigned long long)now & 0xffffffffffffULL);
	random_hex(out + 12, 14);
}

static void row_fill(const struct call *call, const struct wish *wish, struct session_row *row)
{
	const struct principal *principal = call_principal(call);

	make_session_id(call_now(call), row->session_id);
	row->state = SESSION_CREATED;
	row->authorization_id = principal->authorization_id;
	row->user_id = wish->user.id;
	row->device_id = wish->target.id;
	row->credential_id = wish->credential.id;
	row->credential_version = wish->credential.version;
	memcpy(row->user, wish->user.login, sizeof row->user);
	memcpy(row->application, principal->application, sizeof row->application);
	memcpy(row->device, wish->target.hostname, sizeof row->device);
	memcpy(row->ip, wish->target.ip, sizeof row->ip);
	memcpy(row->username, wish->credential.username, sizeof row->username);
	memcpy(row->protocol, wish->protocol, sizeof row->protocol);
	memcpy(row->remote_addr, wish->remote_addr, sizeof row->remote_addr);
	row->port = wish->port;
	row->width = wish->width;
	row->height = wish->height;
	row->alone = wish->alone;
	row->created_at = call_now(call);
}

static void audit_fill(struct call *call, const struct wish *wish, const struct session_row *row)
{
	struct json *json = call_audit(call);

	call_object(call, "session:%lld", (long long)row->id);
	json_text(json, "session_id", row->session_id);
	json_text(json, "user", row->user);
	json_text(json, "device", row->device);
	json_text(json, "address", row->ip);
	json_number(json, "port", row->port);
	json_text(json, "protocol", row->protocol);
	json_text(json, "username", row->username);
	json_id(json, "credential", row->credential_id);
	if (wish->login.secret_id != row->credential_id)
		json_id(json, "secret_of", wish->login.secret_id);
	if (strcmp(wish->login.username, row->username) != 0)
		json_text(json, "login", wish->login.username);
	if (wish->device.id != row->device_id)
		json_text(json, "credential_device", wish->device.hostname);
	if (row->remote_addr[0] != 0)
		json_text(json, "pinned_address", row->remote_addr);
}

static int url_write(struct broker *broker, struct json *json, const char *value)
{
	char url[URL_SIZE + TICKET_LEN + 32];
	const char *base = broker->settings->gateway_public_url;
	const char *scheme = base[0] != 0 ? "" : "https://";
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	if (base[0] == 0) {
		base = broker->settings->gateway_listen;
		len = strlen(base);
	}
	snprintf(url, sizeof url, "%s%.*s/modulos/auth?_sr=%s", scheme, (int)len, base, value);
	json_text(json, "session_url", url);
	mem_wipe(url, sizeof url);
	return 0;
}

static int create(struct broker *broker, struct call *call, const struct wish *wish)
{
	struct session_row row = { 0 };
	char token[TOKEN_SIZE], value[TICKET_LEN + 1];
	uint8_t hash[HASH_LEN];

	row_fill(call, wish, &row);
	handle_token_make(broker, row.session_id, token, row.token_hash);
	ticket_make(broker, row.session_id, value, hash);
	int r = store_session_add(broker->store, &row, &row.id);
	if (r == -ERR_EXISTS) /* whoever was first, here or on another gateway */
		r = -ERR_CREDENTIAL_IN_USE;
	if (r == 0)
		r = store_ticket_add(broker->store, hash, row.id, row.remote_addr,
			call_steady(call) + broker->settings->ticket_lifetime * 1000);
	if (r == 0) {
		struct json *json = call_json(call);
		json_open_object(json, "session");
		url_write(broker, json, value);
		json_text(json, "token", token);
		json_close_object(json);
		audit_fill(call, wish, &row);
		broker->figures.sessions_since_start++;
	}
	mem_wipe(token, sizeof token);
	mem_wipe(value, sizeof value);
	return r;
}

/* 0, or the complaint of the first rule that does not hold. */
static int check(
	struct broker *broker, struct call *call, struct wish *wish, const struct rule **ret_rule)
{
	int r = 0;

	for (*ret_rule = session_rules; r == 0 && (*ret_rule)->name != NULL;) {
		r = (*ret_rule)->holds(broker, call, wish);
		*ret_rule += r == 0;
	}
	return r;
}

static void write_rules(struct json *json, const struct rule *broken, const char *why)
{
	json_open_array(json, "rules");
	for (const struct rule *rule = session_rules; rule->name != NULL; rule++) {
		json_open_object(json, NULL);
		json_text(json, "rule", rule->name);
		json_text(json, "result",
			rule < broken    ? "holds"
			: rule == broken ? "broken"
					 : "not reached");
		if (rule == broken)
			json_text(json, "message", why);
		json_close_object(json);
	}
	json_close_array(json);
}

static void write_wish(struct json *json, const struct wish *wish)
{
	json_open_object(json, "session");
	json_text(json, "user", wish->user.login);
	json_text(json, "credential", wish->credential.username);
	json_text(json, "device", wish->target.hostname);
	json_text(json, "protocol", wish->protocol);
	json_number(json, "port", wish->port);
	json_close_object(json);
}

/* What would happen, and why. It says no more than the call itself would have said. */
static int explain(struct broker *broker, struct call *call, struct wish *wish)
{
	const struct rule *broken;
	int r = check(broker, call, wish, &broken);
	if (r < 0 && error_http(r) >= 500 && !broken->of_gateway)
		return r; /* a fault of ours breaks no rule */
	const char *why = call->message != NULL ? call->message : error_text(r);
	struct json *json = call_json(call);

	json_open_object(json, "check");
	json_bool(json, "allowed", r == 0);
	json_number(json, "status", r == 0 ? 200 : error_http(r));
	json_text(json, "message", r == 0 ? remote_session_create.message : why);
	write_rules(json, broken, why);
	if (r == 0)
		write_wish(json, wish);
	json_close_object(json);
	call_object(call, "user:%s", call_text(call, "user"));
	json_text(call_audit(call), "device", call_text(call, "device"));
	json_text(call_audit(call), "outcome", r == 0 ? "allowed" : why);
	call_event(call, "session.checked");
	call_message(call, "Checked; no session was created", NULL);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	CLEANUP(wish_finish) struct wish wish = { 0 };
	const struct rule *broken;

	if (call_bool(call, "check", false))
		return explain(broker, call, &wish);
	int r = check(broker, call, &wish, &broken);
	return r == 0 ? create(broker, call, &wish) : r;
}

const struct endpoint remote_session_create = {
	.door = DOOR_API,
	.method = "POST",
	.path = "remote/session",
	.need = NEED_WRITE,
	.resource = RESOURCE_WEB_PROXY_SESSION,
	.audit = "session.created",
	.fields = fields,
	.message = "Session created successfully",
	.writes_last = true,
	.answer = answer,
};
