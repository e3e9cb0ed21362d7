/* SPDX-License-Identifier: Apache-2.0 */
/* recording list: what ended sessions left, newest first; a crash leaves one that is not sealed. */
#include "api/control.h"
#include "api/endpoints.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MOST 1000

static const struct field fields[] = {
	{ "limit", FIELD_INTEGER, LIMIT_MOST, ERR_NONE, ERR_PARAMETER_INVALID },
	{ "before", FIELD_INTEGER, INT64_MAX, ERR_NONE, ERR_PARAMETER_INVALID },
	{},
};

static int write_recording(void *context, const struct session_row *session)
{
	struct json *json = context;
	json_open_object(json, NULL);
	json_text(json, "session_id", session->session_id);
	json_id(json, "session", session->id);
	json_text(json, "user", session->user);
	json_text(json, "application", session->application);
	json_text(json, "device", session->device);
	json_text(json, "username", session->username);
	json_text(json, "protocol", session->protocol);
	json_time(json, "started_at", session->redeemed_at);
	json_time(json, "ended_at", session->ended_at);
	json_number(json, "output_bytes", session->output_bytes);
	json_number(json, "input_bytes", session->input_bytes);
	json_bool(json, "sealed", session->recorded != 0);
	if (session->recorded != 0)
		json_hex(json, "head", session->head, HASH_LEN);
	else
		json_put_null(json, "head");
	json_close_object(json);
	return 0;
}

static int answer(struct broker *broker, struct call *call)
{
	struct json *json = call_json(call);
	json_open_array(json, "recordings");
	int r = store_session_list_recorded(call_store(call), call_number(call, "before", 0),
		call_number(call, "limit", LIMIT_DEFAULT), write_recording, json);
	json_close_array(json);
	return r;
}

const struct endpoint control_recording_list = {
	.door = DOOR_CONTROL,
	.method = "GET",
	.path = "recording/list",
	.need = NEED_READ,
	.fields = fields,
	.message = "Recordings",
	.answer = answer,
};
