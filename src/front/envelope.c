/* SPDX-License-Identifier: Apache-2.0 */
#include "front/envelope.h"

#include "base/error.h"
#include "base/json.h"

int envelope_write(struct buf *out, const struct settings *settings, int error, const char *detail)
{
	int status = error_http(error);
	struct json json = json_begin(out);
	json_open_object(&json, NULL);
	json_number(&json, "code", status);
	json_open_object(&json, "response");
	json_number(&json, "status", status);
	json_text(&json, "message", error_text(error));
	json_bool(&json, "error", true);
	json_number(&json, "error_code", 1);
	json_text(&json, "detail", detail);
	json_text(&json, settings->api_message_key, error_text(error));
	json_bool(&json, "erro", true);
	json_number(&json, "cod_erro", 1);
	json_close_object(&json);
	json_text(&json, "tenant", settings->gateway_tenant);
	json_close_object(&json);
	return json_finish(&json);
}

int refusal_write(struct buf *out, int error)
{
	struct json json = json_begin(out);
	json_open_object(&json, NULL);
	json_text(&json, "error", error_name(error));
	json_text(&json, "message", error_text(error));
	json_close_object(&json);
	return json_finish(&json);
}
