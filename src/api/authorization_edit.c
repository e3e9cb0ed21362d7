/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorization edit, cover, uncover: what is not named stays. Sessions end whose right was taken
 * away with it; the audit row has what was there before.
 */
#include <string.h>

#include "api/authorization.h"
#include "api/control.h"
#include "api/ended.h"
#include "api/endpoints.h"
#include "api/resource.h"
#include "base/mem.h"

static const struct field edit_fields[] = {
	{ "id", FIELD_INTEGER, INT64_MAX, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "resource", FIELD_TEXT, 1023, ERR_NONE, ERR_RESOURCE_UNKNOWN },
	{ "ip", FIELD_TEXT, 511, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "referer", FIELD_TEXT, 1023, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "fingerprint", FIELD_TEXT, 127, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "expires", FIELD_TEXT, 63, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};
static const struct field cover_fields[] = {
	{ "id", FIELD_INTEGER, INT64_MAX, ERR_PARAMETER_MISSING, ERR_PARAMETER_INVALID },
	{ "credentials", FIELD_TEXT, 32767, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static void write_rights(struct json *json, const char *name, const struct authorization_row *row)
{
	char resources[RESOURCES_SIZE];
	json_open_object(json, name);
	json_text(json, "resources", resources_format(row->reads, row->writes, resources));
	json_text(json, "ips", row->ips);
	json_text(json, "referers", row->referers);
	json_text(json, "fingerprint", row->fingerprint);
	json_time(json, "expires_at", row->expires_at);
	json_close_object(json);
}

static bool opens_sessions(const struct authorization_row *row)
{
	return (row->writes & RESOURCE_WEB_PROXY_SESSION) != 0;
}

static int edit(struct broker *broker, struct call *call)
{
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	const char *resource = call_text(call, "resource");
	int r = control_authorization(call, &row);
	if (r < 0)
		return r;
	bool opened = opens_sessions(&row);
	write_rights(call_audit(call), "before", &row);
	if (resource != NULL)
		r = resources_parse(resource, &row.reads, &row.writes);
	if (r == 0)
		r = authorization_read_limits(call, &row);
	if (r == 0)
		r = store_authorization_edit(call_store(call), &row);
	if (r < 0)
		return r;
	write_rights(call_audit(call), "after", &row);
	write_rights(call_json(call), "authorization", &row);
	if (!opened || opens_sessions(&row))
		return 0;
	return end_and_note(broker, call, ENDING_AUTHORIZATION, row.id,
		"The authorization may open no sessions any more");
}

/* Those named, or the error of the first that cannot be. */
static int change_cover(struct call *call, cover_fn *each)
{
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	int r = control_authorization(call, &row);
	if (r < 0)
		return r;
	json_text(call_audit(call), "application", row.application);
	int count = authorization_accounts(call, row.id, each);
	if (count == 0)
		return call_fail(call, -ERR_PARAMETER_MISSING, "No credential was named");
	if (count < 0)
		return count;
	json_number(call_audit(call), "credentials", count);
	return 0;
}

static int cover(struct broker *broker, struct call *call)
{
	return change_cover(call, store_authorization_cover);
}

static int uncover(struct broker *broker, struct call *call)
{
	int r = change_cover(call, store_authorization_uncover);
	return r < 0 ? r
		     : end_and_note(broker, call, ENDING_UNCOVERED, call_number(call, "id", 0),
			       "The authorization does not cover the credential any more");
}

const struct endpoint control_authorization_edit = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "authorization/edit",
	.need = NEED_WRITE,
	.audit = "authorization.edited",
	.fields = edit_fields,
	.message = "Authorization edited",
	.answer = edit,
};
const struct endpoint control_authorization_cover = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "authorization/cover",
	.need = NEED_WRITE,
	.audit = "authorization.covered",
	.fields = cover_fields,
	.message = "Credentials covered",
	.answer = cover,
};
const struct endpoint control_authorization_uncover = {
	.door = DOOR_CONTROL,
	.method = "POST",
	.path = "authorization/uncover",
	.need = NEED_WRITE,
	.audit = "authorization.uncovered",
	.fields = cover_fields,
	.message = "Credentials no longer covered",
	.answer = uncover,
};
