/* SPDX-License-Identifier: Apache-2.0 */
/* audit list: oldest first; without `after`, the newest page. */
#include <string.h>

#include "api/control.h"
#include "api/endpoints.h"

#define LIMIT_MOST 500 /* rows: a page must fit into one answer */

static const struct field fields[] = {
	{ "after", FIELD_INTEGER, INT64_MAX, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "limit", FIELD_INTEGER, LIMIT_MOST, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int write_row(void *context, const struct audit_row *row)
{
	struct json *json = context;
	json_open_object(json, NULL);
	json_number(json, "sequence", row->sequence);
	json_time(json, "at", row->at);
	json_text(json, "event", row->event);
	json_text(json, "actor", row->actor);
	json_text(json, "from", row->from[0] != '\0' ? row->from : NULL);
	json_text(json, "object", row->object[0] != '\0' ? row->object : NULL);
	json_text(json, "result", row->result == 0 ? "ok" : error_name(row->result));
	if (row->detail[0] != '\0')
		json_raw(json, "detail", row->detail, strlen(row->detail));
	else
		json_put_null(json, "detail");
	json_hex(json, "before", row->before, HASH_LEN);
	json_hex(json, "hash", row->hash, HASH_LEN);
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct store *store = call_store(call);
	int64_t limit = call_number(call, "limit", LIMIT_MOST),
		after = call_number(call, "after", -1);
	struct json *json = call_json(call);
	struct audit_row last;
	int r = 0;
	if (after < 0) {
		r = store_audit_last(store, &last);
		after = r == 0 && last.sequence > limit ? last.sequence - limit : 0;
	}
	json_open_array(json, "audit");
	if (r == 0)
		r = store_audit_list(store, after, limit, write_row, json);
	json_close_array(json);
	return r == -ERR_NOT_FOUND ? 0 : r;
}

const struct endpoint control_audit_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "audit/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Audit trail",
	.answer = answer,
};
