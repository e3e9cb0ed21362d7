/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control.h"

#include <stdlib.h>
#include <string.h>

#include "api/credential.h"
#include "api/names.h"
#include "base/error.h"

const char *control_text(const struct call *call, const char *name)
{
	const char *text = call_text(call, name);
	return text != NULL ? text : "";
}

static int not_found(int r, enum error otherwise)
{
	return r == -ERR_NOT_FOUND ? -(int)otherwise : r;
}

int control_user(struct call *call, struct user_row *ret_user)
{
	const char *login = control_text(call, "login");
	call_object(call, "user:%s", login);
	return not_found(store_user_find(call_store(call), login, ret_user), ERR_USER_NOT_FOUND);
}

int control_device(struct call *call, const char *name, struct device_row *ret_device)
{
	const char *hostname = control_text(call, name);
	call_object(call, "device:%s", hostname);
	return not_found(
		store_device_find(call_store(call), hostname, ret_device), ERR_DEVICE_NOT_FOUND);
}

int control_application(struct call *call, const char *name, struct application_row *ret_row)
{
	const char *application = control_text(call, name);
	call_object(call, "application:%s", application);
	return not_found(store_application_find(call_store(call), application, ret_row),
		ERR_APPLICATION_NOT_FOUND);
}

int control_authorization(struct call *call, struct authorization_row *ret_row)
{
	int64_t id = call_number(call, "id", 0);
	call_object(call, "authorization:%lld", (long long)id);
	return not_found(store_authorization_get(call_store(call), id, ret_row),
		ERR_AUTHORIZATION_NOT_FOUND);
}

int control_session(struct call *call, struct session_row *ret_session)
{
	const char *id = control_text(call, "id");
	struct store *store = call_store(call);
	int r = -ERR_NOT_FOUND;
	call_object(call, "session:%s", id);
	if (session_id_fits(id))
		r = store_session_by_session_id(store, id, ret_session);
	else if (strlen(id) < 19 && strspn(id, "0123456789") == strlen(id))
		r = store_session_get(store, strtoll(id, NULL, 10), ret_session);
	if (r == 0)
		call_object(call, "session:%lld", (long long)ret_session->id);
	return not_found(r, ERR_SESSION_NOT_FOUND);
}

int control_credential(
	struct call *call, struct device_row *ret_device, struct credential_row *ret_credential)
{
	int r = control_device(call, "device", ret_device);
	if (r < 0)
		return r;
	const char *username = control_text(call, "username");
	call_object(call, "credential:%s@%s", username, ret_device->hostname);
	r = store_credential_find_in(call_store(call), ret_device->id, username,
		control_text(call, "domain"), ret_credential);
	return not_found(r, ERR_CREDENTIAL_NOT_FOUND);
}

int control_account(struct call *call, const char *account, struct credential_row *ret_credential)
{
	int r = account_find(call_store(call), account, ret_credential);
	if (r != -ERR_NOT_FOUND)
		return r;
	return call_fail(call, -ERR_CREDENTIAL_NOT_FOUND, "No such credential: %s", account);
}

const char *session_state_name(enum session_state state)
{
	static const char *const names[] = { "created", "redeemed", "live", "ended" };
	return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static void write_life(struct json *json, const struct session_row *session)
{
	json_time(json, "created_at", session->created_at);
	json_time(json, "redeemed_at", session->redeemed_at);
	json_time(json, "live_at", session->live_at);
	json_time(json, "ended_at", session->ended_at);
	json_text(json, "end_why",
		session->state != SESSION_ENDED ? NULL
		: session->end_why == 0         ? "ordinary"
						: error_name(session->end_why));
	json_text(json, "end_reason", session->state == SESSION_ENDED ? session->end_reason : NULL);
	if (session->exit_status >= 0)
		json_number(json, "exit_status", session->exit_status);
	else
		json_put_null(json, "exit_status");
}

void control_session_write(struct json *json, const char *name, const struct session_row *session)
{
	json_open_object(json, name);
	json_id(json, "id", session->id);
	json_text(json, "session_id", session->session_id);
	json_text(json, "state", session_state_name(session->state));
	json_text(json, "user", session->user);
	json_text(json, "application", session->application);
	json_id(json, "authorization", session->authorization_id);
	json_text(json, "device", session->device);
	json_text(json, "ip", session->ip);
	json_number(json, "port", session->port);
	json_text(json, "protocol", session->protocol);
	json_text(json, "username", session->username);
	json_id(json, "credential", session->credential_id);
	json_number(json, "credential_version", session->credential_version);
	json_text(
		json, "remote_addr", session->remote_addr[0] != '\0' ? session->remote_addr : NULL);
	json_text(json, "origin_ip", session->origin_ip[0] != '\0' ? session->origin_ip : NULL);
	write_life(json, session);
	json_bool(json, "recorded", session->recorded != 0);
	json_number(json, "output_bytes", session->output_bytes);
	json_number(json, "input_bytes", session->input_bytes);
	json_number(json, "file_bytes", session->file_bytes);
	json_close_object(json);
}
