/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/dispatch.h"

struct call *call_create(struct broker *broker)
{
	struct calls *calls = &broker->calls;
	struct call *call = calls->free;

	if (calls->used >= CALLS_MAX)
		return NULL;
	if (call != NULL) {
		calls->free = call->next;
		calls->free_count--;
	} else if ((call = malloc(sizeof *call)) == NULL) {
		return NULL;
	}
	calls->used++;
	/* The parameter arrays are large and filled before they are read: only the rest is cleared.
	 */
	memset(call, 0, offsetof(struct call, tail_inline));
	memset(call->values, 0, sizeof *call - offsetof(struct call, values));
	call->param_count = 0;
	call->tail = call->tail_inline;
	call->broker = broker;
	call->fds[0] = call->fds[1] = -1;
	call->entity = BUF(CALL_ENTITY_MAX);
	return call;
}

void call_destroy(struct call *call)
{
	struct calls *calls = &call->broker->calls;

	fd_closep(&call->fds[0]);
	fd_closep(&call->fds[1]);
	if (call->tail != call->tail_inline)
		free(call->tail);
	buf_finish_wiped(&call->entity); /* the token endpoint answers with a secret */
	if (call->note_begun)
		note_finish(&call->note);
	calls->used--;
	if (calls->free_count >= CALLS_KEPT) {
		free(call);
		return;
	}
	call->next = calls->free;
	calls->free = call;
	calls->free_count++;
}

void calls_finish(struct broker *broker)
{
	while (broker->calls.free != NULL) {
		struct call *call = broker->calls.free;
		broker->calls.free = call->next;
		free(call);
	}
	broker->calls.free_count = 0;
}

static const struct argument *value_find(const struct call *call, const char *name)
{
	for (unsigned i = 0; call->endpoint->fields[i].name != NULL; i++)
		if (strcmp(call->endpoint->fields[i].name, name) == 0)
			return call->values[i].param != NULL ? &call->values[i] : NULL;
	return NULL;
}

const char *call_text(const struct call *call, const char *name)
{
	const struct argument *value = value_find(call, name);

	return value != NULL ? value->param->value : NULL;
}

int64_t call_number(const struct call *call, const char *name, int64_t otherwise)
{
	const struct argument *value = value_find(call, name);

	return value != NULL ? value->number : otherwise;
}

bool call_bool(const struct call *call, const char *name, bool otherwise)
{
	const struct argument *value = value_find(call, name);

	return value != NULL ? value->number != 0 : otherwise;
}

const char *call_item(const struct call *call, const char *name, unsigned index)
{
	char full[PARAM_NAME_MAX + 16];
	int len = snprintf(full, sizeof full, "%s.%u", name, index);

	for (unsigned i = 0; i < call->param_count; i++) {
		const struct param *param = &call->params[i];
		if (param->name_len == len && strncasecmp(param->name, full, (size_t)len) == 0)
			return param->type == PARAM_NULL ? NULL : param->value;
	}
	return NULL;
}

const char *call_segment(const struct call *call, unsigned index)
{
	return index < CALL_SEGMENTS && call->segments[index] != NULL ? call->segments[index] : "";
}

int call_fd_in(const struct call *call)
{
	return call->fds[0];
}

int call_fd_out(const struct call *call)
{
	return call->fds[1] >= 0 ? call->fds[1] : call->fds[0];
}

const struct principal *call_principal(const struct call *call)
{
	return &call->principal;
}

const struct address *call_peer(const struct call *call)
{
	return &call->peer;
}

int64_t call_now(const struct call *call)
{
	return call->now;
}

int64_t call_steady(const struct call *call)
{
	return steady_now(call->broker);
}

struct store *call_store(const struct call *call)
{
	return call->broker->store;
}

const struct settings *call_settings(const struct call *call)
{
	return call->broker->settings;
}

struct json *call_json(struct call *call)
{
	if (call->json.out == NULL) {
		call->json = json_begin(&call->entity);
		json_open_object(&call->json, NULL);
	}
	return &call->json;
}

void call_status(struct call *call, unsigned http)
{
	call->http = http;
}

void call_event(struct call *call, const char *event)
{
	call->event = event;
}

void call_changed(struct call *call, bool changed)
{
	call->changed = changed ? "true" : "false";
}

void call_message(struct call *call, const char *message, const char *mensagem)
{
	snprintf(call->message_text, sizeof call->message_text, "%s", message);
	call->success = call->message_text;
	call->mensagem = mensagem;
}

void call_detail(struct call *call, const char *format, ...)
{
	size_t used = strlen(call->detail);
	va_list arguments;

	if (used > 0 && used + 1 < sizeof call->detail) {
		call->detail[used++] = ' ';
		call->detail[used] = 0;
	}
	va_start(arguments, format);
	vsnprintf(call->detail + used, sizeof call->detail - used, format, arguments);
	va_end(arguments);
}

int call_fail(struct call *call, int r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(call->message_text, sizeof call->message_text, format, arguments);
	va_end(arguments);
	call->message = call->message_text;
	return r;
}

void call_header(struct call *call, const char *name, const char *value)
{
	size_t used = strlen(call->header);

	if (used + strlen(name) + strlen(value) + 5 <= sizeof call->header)
		snprintf(
			call->header + used, sizeof call->header - used, "%s: %s\r\n", name, value);
}

void call_raw(struct call *call, unsigned http, const char *json)
{
	buf_clear(&call->entity);
	buf_append_text(&call->entity, json);
	call->http = http;
	call->raw = true;
}

void call_object(struct call *call, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(call->object, sizeof call->object, format, arguments);
	va_end(arguments);
}

struct json *call_audit(struct call *call)
{
	if (!call->note_begun) {
		note_begin(&call->note);
		call->note_begun = true;
	}
	return &call->note.json;
}

int call_audit_also(struct call *call, const char *event, const char *object, const char *detail)
{
	CLEANUP(note_finish) struct note note;

	note_begin(&note);
	if (detail != NULL)
		json_text(&note.json, "detail", detail);
	return audit_write(call->broker, event, call->actor, &call->peer, object, 0, &note);
}

void call_defer(
	struct call *call, int (*resume)(struct broker *broker, struct call *call, int result))
{
	call->deferred = true;
	call->resume = resume;
}

void call_resume(struct call *call, int result)
{
	dispatch_resume(call->broker, call, result);
}
