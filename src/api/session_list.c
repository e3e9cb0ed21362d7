/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session_item.h"

/* GET session/remotesessions and session/remotesessions/{id}: what became of this caller's
 * sessions. */

static const struct field list_fields[] = {
	LIST_FIELDS,
	{ "before", FIELD_INTEGER, INT64_MAX, ERR_NONE,
		ERR_NONE }, /* newest first: older than this */
	{},
};
static const struct field no_fields[] = { {} };

static int keep(void *context, const struct session_row *session)
{
	struct call *call = context;

	session_item_write(call_json(call), session, call_now(call));
	return call_list_row(call, session->id);
}

static int write_page(struct call *call, const struct store_page *page)
{
	struct store_page from = *page;

	if (from.after == 0)
		from.after = call_number(call, "before", 0);
	return store_session_page(
		call_store(call), call_principal(call)->authorization_id, &from, keep, call);
}

/* Nothing came before the newest one: what begins meanwhile is not in the list. */
static int answer_list(struct broker *broker, struct call *call)
{
	(void)broker;
	return call_list(call, "remote_sessions", write_page);
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
