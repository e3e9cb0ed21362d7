/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session_item.h"

/* GET session/remotesessions and session/remotesessions/{id}: what became of this caller's
 * sessions. */
#define LIST_MOST 1000 /* newest first; `before` asks for older ones */

static const struct field list_fields[] = {
	{ "limit", FIELD_INTEGER, LIST_MOST, ERR_NONE, ERR_NONE },
	{ "before", FIELD_INTEGER, INT64_MAX, ERR_NONE, ERR_NONE },
	{},
};
static const struct field no_fields[] = { {} };

/* What was never opened and is over never was a session. */
static int keep(void *context, const struct session_row *session)
{
	struct call *call = context;

	if (session->state != SESSION_ENDED || session->redeemed_at != 0)
		session_item_write(call_json(call), session, call_now(call));
	return 0;
}

static int answer_list(struct broker *broker, struct call *call)
{
	int64_t limit = call_number(call, "limit", LIST_MOST);

	(void)broker;
	json_open_array(call_json(call), "remote_sessions");
	int r = store_session_list(call_store(call), call_principal(call)->authorization_id,
		call_number(call, "before", 0), (unsigned)limit, keep, call);
	json_close_array(call_json(call));
	return r;
}

static int answer_show(struct broker *broker, struct call *call)
{
	struct session_row session;
	int r = session_item_find(call, &session);

	(void)broker;
	if (r < 0)
		return r;
	json_open_array(call_json(call), "remote_session");
	session_item_write(call_json(call), &session, call_now(call));
	json_close_array(call_json(call));
	return 0;
}

const struct endpoint session_list = {
	.door = DOOR_API,
	.method = "GET",
	.path = "session/remotesessions",
	.need = NEED_READ,
	.resource = RESOURCE_WEB_PROXY_SESSION,
	.fields = list_fields,
	.message = "",
	.answer = answer_list,
};

const struct endpoint session_show = {
	.door = DOOR_API,
	.method = "GET",
	.path = "session/remotesessions/{}",
	.need = NEED_READ,
	.resource = RESOURCE_WEB_PROXY_SESSION,
	.fields = no_fields,
	.message = "",
	.answer = answer_show,
};
