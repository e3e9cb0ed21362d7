/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/answer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"

#define ANSWER_MAX (CALL_ENTITY_MAX + 8192)

static const char json_type[] = "application/json";

/* "1011: Device not found" is error 1011; 0 when the text has no number. */
static int number_of(const char *text)
{
	if (strlen(text) < 6 || text[4] != ':')
		return 0;
	for (int i = 0; i < 4; i++)
		if (!isdigit((unsigned char)text[i]))
			return 0;
	return (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 +
	       (text[3] - '0');
}

/* Ours to explain, not the caller's: 500s other than the documented refusals. */
static bool is_fault(int r)
{
	switch (-r) {
	case ERR_NOT_AUTHORIZED:
	case ERR_REFERER_REFUSED:
	case ERR_SESSION_DROP_FAILED:
		return false;
	default:
		return r < 0 && error_http(r) == 500;
	}
}

/* Worth a line in our log and a trace in the answer. A sealed vault is nobody's fault. */
static bool is_ours(int r)
{
	return r < 0 && r != -ERR_SEALED && (is_fault(r) || error_http(r) > 500);
}

static unsigned status_of(const struct call *call, int r)
{
	if (call->http != 0 && (r == 0 || call->raw))
		return call->http;
	if (r == 0)
		return call->endpoint->status != 0 ? call->endpoint->status : 200;
	if (r == -ERR_NOT_AUTHORIZED || r == -ERR_REFERER_REFUSED)
		return (unsigned)call->broker->settings->api_denied_status;
	return (unsigned)error_http(r);
}

/* One documented call says 200 to HTTP and 201 in its body. */
static unsigned http_of(const struct call *call, int r, unsigned status)
{
	bool apart = r == 0 && call->http == 0 && call->endpoint->http != 0;

	return apart ? call->endpoint->http : status;
}

static void texts_of(
	const struct call *call, int r, const char **ret_message, const char **ret_mensagem)
{
	const struct endpoint *endpoint = call->endpoint;

	if (r < 0) {
		*ret_message = is_fault(r)
				       ? error_text(-ERR_SYSTEM)
				       : (call->message != NULL ? call->message : error_text(r));
		*ret_mensagem = *ret_message;
		return;
	}
	*ret_message = call->success != NULL ? call->success : endpoint->message;
	*ret_mensagem = call->success != NULL ? call->mensagem : endpoint->mensagem;
	if (*ret_message == NULL)
		*ret_message = "";
	if (*ret_mensagem == NULL)
		*ret_mensagem = *ret_message;
}

static void ignored_write(struct buf *text, const struct call *call)
{
	if (call->ignored_count == 0)
		return;
	buf_append_format(text, "%sUnknown parameters ignored:", text->len > 0 ? " " : "");
	for (unsigned i = 0; i < MIN(call->ignored_count, CALL_IGNORED); i++)
		buf_append_format(text, "%s %.*s", i > 0 ? "," : "",
			(int)call->ignored[i]->name_len, call->ignored[i]->name);
	if (call->ignored_count > CALL_IGNORED)
		buf_append_format(text, " and %u more", call->ignored_count - CALL_IGNORED);
}

/* Everything there is to add: of a fault only its trace, which is in the log too. */
static void detail_write(struct json *json, struct call *call, int r)
{
	CLEANUP(buf_finish) struct buf text = BUF(2048);

	if (!is_fault(r))
		buf_append_text(&text, call->detail);
	if (is_ours(r))
		buf_append_format(&text, "%sTrace %s", text.len > 0 ? " " : "", call->trace);
	else
		ignored_write(&text, call);
	json_text_len(json, "detail", text.data != NULL ? (const char *)text.data : "", text.len);
}

static void response_write(struct json *json, struct call *call, int r, unsigned status)
{
	const char *message, *mensagem;

	texts_of(call, r, &message, &mensagem);
	json_open_object(json, "response");
	json_number(json, "status", status);
	json_text(json, "message", message);
	json_bool(json, "error", r < 0);
	json_number(json, "error_code", r < 0);
	detail_write(json, call, r);
	json_text(json, call->broker->settings->api_message_key, mensagem);
	json_bool(json, "erro", r < 0);
	json_number(json, "cod_erro", r < 0);
	json_close_object(json);
	json_text(json, "tenant", call->broker->settings->gateway_tenant);
	if (r < 0 && number_of(message) != 0) {
		json_open_object(json, "exception");
		json_number(json, "code", number_of(message));
		json_text(json, "message", message);
		json_put_null(json, "detail");
		json_close_object(json);
	}
}

/* The entity was written into an object of its own, "{...": its inside goes into ours. */
static int entity_append(struct call *call, struct buf *out)
{
	if (call->entity.len <= 1)
		return 0;
	int r = buf_append(out, ",", 1);
	return r < 0 ? r : buf_append(out, call->entity.data + 1, call->entity.len - 1);
}

static int envelope_write(struct call *call, int r, unsigned status, struct buf *out)
{
	if (r == 0 && call->json.out != NULL && call->json.error != 0)
		return call->json.error;
	struct json json = json_begin(out);
	json_open_object(&json, NULL);
	json_number(&json, "code", status);
	response_write(&json, call, r, status);
	if (json.error != 0)
		return json.error;
	if (r == 0 && call->json.out != NULL) {
		int appended = entity_append(call, out);
		if (appended < 0)
			return appended;
	}
	if (r == 0 && call->changed != NULL)
		json_text(&json, "changed", call->changed);
	if (r == 0 && call->list.name != NULL)
		return json.error; /* the rest of its rows comes later, and then the end of this */
	json_close_object(&json);
	return json_finish(&json);
}

static void header_add(struct msg_api_reply *reply, const char *name, const char *value)
{
	size_t used = strlen(reply->header);

	if (used + strlen(name) + strlen(value) + 5 <= sizeof reply->header)
		snprintf(reply->header + used, sizeof reply->header - used, "%s: %s\r\n", name,
			value);
}

/* The three 401s that are not the envelope: they come from layers in front in the original. */
static int plain_write(struct call *call, int r, struct buf *out, struct msg_api_reply *reply)
{
	switch (-r) {
	case ERR_NO_CREDENTIALS:
		header_add(reply, "WWW-Authenticate", "Bearer");
		return buf_append_format(out, "{\"message\":\"%s\"}", error_text(r));
	case ERR_SIGNATURE_INVALID:
		return buf_append_format(out, "{\"message\":\"%s\"}", error_text(r));
	case ERR_TOKEN_INVALID:
		header_add(reply, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
		return buf_append_format(
			out, "{\"error\":\"invalid_token\",\"message\":\"%s\"}", error_text(r));
	default:
		return buf_append(out, call->entity.data, call->entity.len);
	}
}

static bool is_plain(const struct call *call, int r)
{
	return r == -ERR_NO_CREDENTIALS || r == -ERR_SIGNATURE_INVALID || r == -ERR_TOKEN_INVALID ||
	       call->raw;
}

int answer_write(struct call *call, int r, struct buf *out, struct msg_api_reply *ret_reply)
{
	int written;

	memset(ret_reply, 0, sizeof *ret_reply);
	unsigned status = status_of(call, r);
	ret_reply->status = (uint16_t)http_of(call, r, status);
	text_copy(ret_reply->content_type, sizeof ret_reply->content_type, json_type);
	text_copy(ret_reply->header, sizeof ret_reply->header, call->header);
	if (call->allow != NULL)
		header_add(ret_reply, "Allow", call->allow);
	if (is_plain(call, r))
		written = plain_write(call, r, out, ret_reply);
	else
		written = envelope_write(call, r, status, out);
	if (written == 0 || r == -ERR_SYSTEM)
		return written;
	/* What should be said does not fit: say that something failed, in full. */
	buf_clear(out);
	log_error("answer.failed", "trace %s: %s", call->trace, error_text(written));
	call->raw = false;
	return answer_write(call, -ERR_SYSTEM, out, ret_reply);
}

/* One body, in as many messages as it takes. `last`: what the last of them says of itself. */
static int send_parts(struct call *call, struct msg_api_reply *reply, const struct buf *body,
	enum reply_more last)
{
	enum msg_type type = call->door == DOOR_API ? MSG_API_REPLY : MSG_CONTROL_REPLY;
	size_t at = 0;

	do {
		size_t part = MIN(body->len - at, (size_t)REPLY_PART_MAX);
		reply->more = at + part < body->len ? REPLY_MORE : last;
		int r = channel_send(
			call->channel, type, call->serial, reply, body->data + at, part, NULL, 0);
		if (r < 0)
			return r;
		at += part;
	} while (at < body->len);
	return 0;
}

int answer_send(struct call *call, int r)
{
	CLEANUP(buf_finish_wiped) struct buf body = BUF(ANSWER_MAX);
	struct msg_api_reply reply;

	if (is_ours(r))
		log_error("call.failed", "trace %s: %s", call->trace, error_text(r));
	if (r < 0)
		call->list.name = NULL;
	if (call->channel == NULL || answer_write(call, r, &body, &reply) < 0)
		return -ERR_CLOSED;
	int sent =
		send_parts(call, &reply, &body, call->list.name != NULL ? REPLY_ASKS : REPLY_LAST);
	if (sent < 0)
		log_warning("answer.lost", "trace %s: %s", call->trace, error_text(sent));
	return sent;
}

int answer_part(struct call *call, enum reply_more more)
{
	struct msg_api_reply reply = { .status = 200 };

	if (more == REPLY_LAST) { /* the envelope's own end */
		int r = buf_append(&call->entity, "}", 1);
		if (r < 0)
			return r;
	}
	return send_parts(call, &reply, &call->entity, more);
}

void answer_broken(struct call *call)
{
	struct msg_api_reply reply = { .status = 200 };
	struct buf nothing = BUF(0);

	send_parts(call, &reply, &nothing, REPLY_BROKEN);
}
