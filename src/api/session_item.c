/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session_item.h"

#include <stdio.h>
#include <string.h>

#include "api/names.h"
#include "api/segment.h"

/* HH:MM:SS; a session of four days is 96 hours long. */
static void text_duration(struct json *json, const char *name, int64_t ms)
{
	char text[32];
	long long seconds = ms > 0 ? ms / 1000 : 0;

	snprintf(text, sizeof text, "%02lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60,
		seconds % 60);
	json_text(json, name, text);
}

void session_item_write(struct json *json, const struct session_row *session, int64_t now)
{
	char device[ADDRESS_SIZE + 16];
	int64_t start = session->redeemed_at != 0 ? session->redeemed_at : session->created_at;
	bool six = strchr(session->ip, ':') != NULL;

	snprintf(device, sizeof device, six ? "[%s]:%u" : "%s:%u", session->ip, session->port);
	json_open_object(json, NULL);
	json_id(json, "id", session->id);
	json_text(json, "user", session->user);
	json_text(json, "origin_ip", session->origin_ip);
	json_text(json, "credential", session->username);
	json_text(json, "device", device);
	json_text(json, "protocol", session->protocol);
	json_text(json, "proxy", "Web Proxy");
	json_text(json, "session_id", session->session_id);
	json_date(json, "start", start);
	json_date(json, "end", session->ended_at);
	text_duration(json, "time", (session->ended_at != 0 ? session->ended_at : now) - start);
	json_text(json, "prevent_purge", "No");
	json_put_null(json, "request");
	json_put_null(json, "ITSM");
	json_close_object(json);
}

static int row_find(struct call *call, const char *name, struct session_row *ret_session)
{
	char digits[SESSION_ID_SIZE];
	int64_t id = segment_id(name);

	if (id != 0)
		return store_session_get(call_store(call), id, ret_session);
	if (segment_lower(name, digits, sizeof digits) == 0 && session_id_fits(digits))
		return store_session_by_session_id(call_store(call), digits, ret_session);
	return name[strspn(name, "0")] == '\0' ? -ERR_NOT_FOUND : -ERR_SESSION_ID_TYPE;
}

int session_item_find(struct call *call, struct session_row *ret_session)
{
	int r = row_find(call, call_segment(call, 0), ret_session);

	if (r == 0 && ret_session->authorization_id != call_principal(call)->authorization_id)
		r = -ERR_NOT_FOUND;
	return r == -ERR_NOT_FOUND ? -ERR_SESSION_UNKNOWN : r;
}
