/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/names.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/drivers.h"
#include "broker/handle.h"
#include "broker/ticket.h"
#include "broker/vault.h"

/*
 * POST remote/session: the one-time URL of one recorded session. The order of the fields and of the
 * checks in answer() decides which complaint comes first: it is part of the contract.
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
	{},
};

/* What the checks found, one after the other. */
struct wish {
	struct user_row user;
	struct device_row device; /* the one the credential is registered on */
	struct device_row target; /* the one that is reached: usually the same */
	struct credential_row credential;
	char protocol[PROTOCOL_SIZE];
	uint16_t port, width, height;
	char remote_addr[ADDRESS_SIZE];
};

static void wish_finish(struct wish *wish)
{
	store_credential_finish(&wish->credential);
}

static bool given(const struct call *call, const char *name)
{
	const char *text = call_text(call, name);

	return text != NULL && text[0] != 0;
}

static int find_user(struct call *call, struct wish *wish)
{
	char when[CLOCK_TEXT_SIZE];
	int r = store_user_find(call_store(call), call_text(call, "user"), &wish->user);

	if (r == -ERR_NOT_FOUND)
		return -ERR_USER_UNKNOWN;
	if (r < 0)
		return r;
	int64_t at = wish->user.blocked_at != 0 ? wish->user.blocked_at : wish->user.disabled_at;
	const char *by = wish->user.blocked_at != 0 ? wish->user.blocked_by : "administrator";
	if (at == 0)
		return 0;
	return call_fail(call, -ERR_USER_BLOCKED, "%s by %s on %s", error_text(-ERR_USER_BLOCKED),
		by, clock_format_plain(at, when));
}

static int lower_protocol(struct call *call, struct wish *wish)
{
	const struct driver_row *driver = driver_find(call_text(call, "protocol"));

	if (driver == NULL)
		return -ERR_PROTOCOL_INVALID;
	return text_copy(wish->protocol, sizeof wish->protocol, driver->name);
}

static int find_device(
	struct call *call, const char *name, enum error unknown, struct device_row *ret_device)
{
	int r = store_device_find(call_store(call), name, ret_device);

	return r == -ERR_NOT_FOUND ? -(int)unknown : r;
}

struct ports {
	const char *protocol;
	int64_t asked; /* 0: the first that is listed */
	bool spoken;   /* the protocol is among the connectivities */
	uint16_t port;
};

static int keep_port(void *context, const struct connectivity_row *row)
{
	struct ports *ports = context;

	if (strcmp(row->protocol, ports->protocol) != 0)
		return 0;
	ports->spoken = true;
	if (ports->port == 0 && (ports->asked == 0 || ports->asked == row->port))
		ports->port = row->port;
	return 0;
}

static int list_ports(struct call *call, const struct wish *wish, struct ports *ports)
{
	*ports =
		(struct ports){ .protocol = wish->protocol, .asked = call_number(call, "port", 0) };
	return store_connectivity_list(call_store(call), wish->target.id, keep_port, ports);
}

static int check_port(struct call *call, struct wish *wish, const struct ports *ports)
{
	if (ports->port != 0)
		wish->port = ports->port;
	else if (wish->target.any_port && ports->asked != 0)
		wish->port = (uint16_t)ports->asked;
	else
		return -ERR_PORT_INVALID;
	/* 0 was sent: that is no port, whatever is listed. */
	return call_number(call, "port", -1) == 0 ? -ERR_PORT_INVALID : 0;
}

static int find_credential(struct call *call, struct wish *wish)
{
	struct store *store = call_store(call);
	int64_t authorization = call_principal(call)->authorization_id;

	if (!given(call, "credential")) {
		int r = store_credential_select(
			store, wish->device.id, authorization, &wish->credential);
		return r == -ERR_NOT_FOUND ? -ERR_CREDENTIAL_NONE : r;
	}
	int r = store_credential_find(
		store, wish->device.id, call_text(call, "credential"), &wish->credential);
	if (r < 0)
		return r == -ERR_NOT_FOUND ? -ERR_CREDENTIAL_UNKNOWN : r;
	if (wish->credential.disabled_at != 0 || wish->device.disabled_at != 0 ||
		wish->credential.sealed_len == 0)
		return -ERR_CREDENTIAL_INACTIVE;
	if (wish->credential.owner_authorization == authorization)
		return 0;
	r = store_authorization_covers(store, authorization, wish->credential.id);
	return r < 0 ? r : (r == 1 ? 0 : -ERR_CREDENTIAL_NO_ACCESS);
}

/* "1920x1080", 320x200 to 7680x4320. */
static int check_screensize(struct call *call, struct wish *wish)
{
	const char *text = call_text(call, "screensize");
	unsigned size[2] = { 0, 0 };

	wish->width = 1920;
	wish->height = 1080;
	if (text == NULL)
		return 0;
	for (int side = 0; side < 2; side++) {
		size_t digits = strspn(text, "0123456789");
		if (digits < 3 || digits > 4 || text[0] == '0')
			return -ERR_SCREENSIZE_INVALID;
		for (size_t i = 0; i < digits; i++)
			size[side] = size[side] * 10 + (unsigned)(*text++ - '0');
		if (side == 0 && *text != 'x' && *text != 'X')
			return -ERR_SCREENSIZE_INVALID;
		text += side == 0;
	}
	if (*text != 0 || size[0] < 320 || size[0] > 7680 || size[1] < 200 || size[1] > 4320)
		return -ERR_SCREENSIZE_INVALID;
	wish->width = (uint16_t)size[0];
	wish->height = (uint16_t)size[1];
	return 0;
}

static int check_remote_addr(struct call *call, struct wish *wish)
{
	const char *text = call_text(call, "remoteaddr");
	struct address address;

	if (text == NULL)
		return 0;
	if (address_parse(&address, text) < 0)
		return -ERR_REMOTE_ADDR_INVALID;
	address_format(&address, wish->remote_addr);
	return 0;
}

/* A number is a device's id, anything else its hostname or address. */
static int find_remote_device(struct call *call, const char *name, struct device_row *ret_device)
{
	if (name[strspn(name, "0123456789")] == 0 && strlen(name) < 18) {
		int r = store_device_get(call_store(call), strtoll(name, NULL, 10), ret_device);
		if (r != -ERR_NOT_FOUND)
			return r;
	}
	return find_device(call, name, ERR_REMOTE_DEVICE_UNKNOWN, ret_device);
}

/*
 * A domain credential may be used on every registered device of its domain, and the caller says on
 * which; a local one on its own device alone, whatever the caller says.
 */
static int check_remote_device(struct call *call, struct wish *wish)
{
	const char *name = call_text(call, "remotedevice");

	if (wish->credential.domain[0] == 0) {
		if (given(call, "remotedevice"))
			call_detail(call, "remotedevice ignored: not a domain credential.");
		return 0;
	}
	if (!given(call, "remotedevice"))
		return -ERR_REMOTE_DEVICE_MISSING;
	int r = find_remote_device(call, name, &wish->target);
	if (r < 0)
		return r;
	if (wish->target.disabled_at != 0 ||
		!list_has(wish->target.domain, wish->credential.domain))
		return -ERR_REMOTE_DEVICE_UNKNOWN;
	return 0;
}

/* What is created counts too: its URL may be opened any moment. */
static int check_open(
	struct broker *broker, int64_t most, int64_t user, int64_t credential, enum error full)
{
	if (most == 0)
		return 0;
	int open = store_session_count_open(broker->store, user, credential);
	return open < 0 ? open : (open >= most ? -(int)full : 0);
}

static int check_limit(struct broker *broker, const struct wish *wish)
{
	const struct settings *settings = broker->settings;

	if (broker->sessions.count >= (unsigned)settings->session_most)
		return -ERR_SESSION_LIMIT;
	int r = check_open(broker, settings->session_most_per_credential, 0, wish->credential.id,
		ERR_CREDENTIAL_IN_USE);
	return r < 0 ? r
		     : check_open(broker, settings->session_most_per_user, wish->user.id, 0,
			       ERR_SESSION_LIMIT);
}

static int check_target(struct call *call, struct wish *wish)
{
	struct ports ports;

	wish->target = wish->device;
	int r = list_ports(call, wish, &ports);
	if (r == 0 && !ports.spoken)
		r = -ERR_PROTOCOL_INVALID;
	if (r == 0)
		r = find_credential(call, wish);
	if (r == 0)
		r = check_port(call, wish, &ports);
	return r;
}

/* The protocol and port of the device that is really reached, when it is another. */
static int check_moved_target(struct call *call, struct wish *wish)
{
	struct ports ports;

	if (wish->target.id == wish->device.id)
		return 0;
	int r = list_ports(call, wish, &ports);
	if (r == 0 && !ports.spoken)
		r = -ERR_PROTOCOL_INVALID;
	return r == 0 ? check_port(call, wish, &ports) : r;
}

static int check(struct broker *broker, struct call *call, struct wish *wish)
{
	int r = lower_protocol(call, wish);

	if (r == 0)
		r = find_user(call, wish);
	if (r == 0)
		r = find_device(call, call_text(call, "device"), ERR_DEVICE_UNKNOWN, &wish->device);
	if (r == 0)
		r = check_target(call, wish);
	if (r == 0)
		r = check_screensize(call, wish);
	if (r == 0)
		r = check_remote_addr(call, wish);
	if (r == 0 && given(call, "remoteapp"))
		r = -ERR_REMOTEAPP_UNKNOWN;
	if (r == 0)
		r = check_remote_device(call, wish);
	if (r == 0)
		r = check_moved_target(call, wish);
	return r == 0 ? check_limit(broker, wish) : r;
}

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
	row->created_at = call_now(call);
}

static void audit_fill(struct call *call, const struct session_row *row)
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
	if (r == 0)
		r = store_ticket_add(broker->store, hash, row.id, row.remote_addr,
			call_steady(call) + broker->settings->ticket_lifetime * 1000);
	if (r == 0) {
		struct json *json = call_json(call);
		json_open_object(json, "session");
		url_write(broker, json, value);
		json_text(json, "token", token);
		json_close_object(json);
		audit_fill(call, &row);
		broker->figures.sessions_since_start++;
	}
	mem_wipe(token, sizeof token);
	mem_wipe(value, sizeof value);
	return r;
}

static int answer(struct broker *broker, struct call *call)
{
	CLEANUP(wish_finish) struct wish wish = { 0 };

	if (vault_sealed(broker)) /* a URL would be of no use to anybody */
		return -ERR_SEALED;
	int r = check(broker, call, &wish);

	if (r == 0)
		r = reserve_refuses(broker);
	if (r == 0)
		r = witness_refuses(broker);
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
