/* SPDX-License-Identifier: Apache-2.0 */
#include "api/remote_session_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/items.h"
#include "base/mem.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/drivers.h"
#include "broker/policy.h"
#include "broker/vault.h"

#define SELECT_MAX 100 /* candidates looked at, when nobody names a credential */

void wish_finish(struct wish *wish)
{
	store_credential_finish(&wish->credential);
}

static bool given(const struct call *call, const char *name)
{
	const char *text = call_text(call, name);

	return text != NULL && text[0] != 0;
}

static int find_user(struct broker *broker, struct call *call, struct wish *wish)
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

static int lower_protocol(struct broker *broker, struct call *call, struct wish *wish)
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

static int find_named_device(struct broker *broker, struct call *call, struct wish *wish)
{
	int r = find_device(call, call_text(call, "device"), ERR_DEVICE_UNKNOWN, &wish->device);

	wish->target = wish->device;
	return r;
}

static int keep_port(void *context, const struct connectivity_row *row)
{
	struct wish *wish = context;

	if (strcmp(row->protocol, wish->protocol) != 0)
		return 0;
	wish->spoken = true;
	if (wish->port == 0 && (wish->port_asked == 0 || wish->port_asked == row->port))
		wish->port = row->port;
	return 0;
}

static int list_ports(struct call *call, struct wish *wish)
{
	wish->port_asked = call_number(call, "port", 0);
	wish->spoken = false;
	wish->port = 0;
	int r = store_connectivity_list(call_store(call), wish->target.id, keep_port, wish);
	return r < 0 || wish->spoken ? r : -ERR_PROTOCOL_INVALID;
}

/*
 * The protocol is among the connectivities of what is reached; the port comes to light with it.
 * When that may be another device, it is looked at when it is known (check_moved_target).
 */
static int find_connectivity(struct broker *broker, struct call *call, struct wish *wish)
{
	return given(call, "remotedevice") ? 0 : list_ports(call, wish);
}

static int judge_port(struct call *call, struct wish *wish)
{
	if (wish->port == 0 && wish->target.any_port)
		wish->port = (uint16_t)wish->port_asked;
	/* 0 was sent: that is no port, whatever is listed. */
	return wish->port == 0 || call_number(call, "port", -1) == 0 ? -ERR_PORT_INVALID : 0;
}

static int check_port(struct broker *broker, struct call *call, struct wish *wish)
{
	return given(call, "remotedevice") ? 0 : judge_port(call, wish);
}

/* policy_admits() looks at a session: this is what is known of it yet. */
static int check_policy(struct broker *broker, struct call *call, struct wish *wish)
{
	struct session_row row = { 0 };

	memcpy(row.device, wish->target.hostname, sizeof row.device);
	memcpy(row.protocol, wish->protocol, sizeof row.protocol);
	return policy_admits(broker, &wish->credential, &row, false, call_now(call), &wish->alone);
}

/* One that its policy, or its login, keeps back now is none that is eligible. */
static int select_credential(struct broker *broker, struct call *call, struct wish *wish)
{
	int64_t authorization = call_principal(call)->authorization_id;
	int r = store_credential_select(
		call_store(call), wish->device.id, authorization, NULL, &wish->credential);

	for (unsigned i = 0; r == 0 && i < SELECT_MAX; i++) {
		r = login_find(broker, &wish->credential, &wish->login);
		if (r == 0)
			r = check_policy(broker, call, wish);
		if (r != -ERR_CREDENTIAL_INACTIVE && r != -ERR_CREDENTIAL_HOURS &&
			r != -ERR_CREDENTIAL_IN_USE && r != -ERR_PROTOCOL_INVALID)
			return r;
		struct credential_row after = wish->credential;
		after.sealed = NULL;
		store_credential_finish(&wish->credential);
		r = store_credential_select(call_store(call), wish->device.id, authorization,
			&after, &wish->credential);
	}
	return r == -ERR_NOT_FOUND || r == 0 ? -ERR_CREDENTIAL_NONE : r;
}

static int find_credential(struct broker *broker, struct call *call, struct wish *wish)
{
	struct store *store = call_store(call);
	int64_t authorization = call_principal(call)->authorization_id;

	if (!given(call, "credential"))
		return select_credential(broker, call, wish);
	int r = store_credential_find(
		store, wish->device.id, call_text(call, "credential"), &wish->credential);
	if (r < 0)
		return r == -ERR_NOT_FOUND ? -ERR_CREDENTIAL_UNKNOWN : r;
	r = wish->device.disabled_at != 0 ? -ERR_CREDENTIAL_INACTIVE
					  : login_find(broker, &wish->credential, &wish->login);
	if (r < 0)
		return r;
	r = store_authorization_covers(store, authorization, wish->credential.id);
	return r < 0 ? r : (r == 1 ? 0 : -ERR_CREDENTIAL_NO_ACCESS);
}

/* "1920x1080", 320x200 to 7680x4320. */
static int check_screensize(struct broker *broker, struct call *call, struct wish *wish)
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

static int check_remote_addr(struct broker *broker, struct call *call, struct wish *wish)
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
static int check_remote_device(struct broker *broker, struct call *call, struct wish *wish)
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
		!items_have(wish->target.domain, wish->credential.domain))
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

static int check_remote_app(struct broker *broker, struct call *call, struct wish *wish)
{
	return given(call, "remoteapp") ? -ERR_REMOTEAPP_UNKNOWN : 0;
}

/* Protocol and port are those of the device that is reached. */
static int check_moved_target(struct broker *broker, struct call *call, struct wish *wish)
{
	if (!given(call, "remotedevice"))
		return 0;
	int r = list_ports(call, wish);
	return r == 0 ? judge_port(call, wish) : r;
}

static int64_t sessions_most(const struct settings *settings, const struct user_row *user)
{
	return user->sessions_most >= 0 ? user->sessions_most : settings->session_most_per_user;
}

static int check_limit(struct broker *broker, struct call *call, struct wish *wish)
{
	const struct settings *settings = broker->settings;

	if (broker->sessions.count >= (unsigned)settings->session_most)
		return -ERR_SESSION_LIMIT;
	int r = check_open(broker, settings->session_most_per_credential, 0, wish->credential.id,
		ERR_CREDENTIAL_IN_USE);
	return r < 0 ? r
		     : check_open(broker, sessions_most(settings, &wish->user), wish->user.id, 0,
			       ERR_SESSION_LIMIT);
}

/* A URL would be of no use to anybody. */
static int check_vault(struct broker *broker, struct call *call, struct wish *wish)
{
	return vault_sealed(broker) ? -ERR_SEALED : 0;
}

static int check_room(struct broker *broker, struct call *call, struct wish *wish)
{
	return reserve_refuses(broker);
}

static int check_witness(struct broker *broker, struct call *call, struct wish *wish)
{
	return witness_refuses(broker);
}

const struct rule session_rules[] = {
	{ "vault", check_vault, true },
	{ "protocol", lower_protocol },
	{ "user", find_user },
	{ "device", find_named_device },
	{ "connectivity", find_connectivity },
	{ "credential", find_credential },
	{ "port", check_port },
	{ "screensize", check_screensize },
	{ "remoteAddr", check_remote_addr },
	{ "remoteapp", check_remote_app },
	{ "remotedevice", check_remote_device },
	{ "remotedevice_port", check_moved_target },
	{ "policy", check_policy },
	{ "limits", check_limit },
	{ "disk", check_room, true },
	{ "witness", check_witness, true },
	{},
};
