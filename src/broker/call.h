/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/endpoint.h"

/*
 * What an endpoint may know of the call it answers, and how it answers. answer() runs inside an
 * open transaction and behind its own savepoint: it returns 0, or -ERR_... and everything it wrote
 * is undone. It never commits, never frees what these functions return, and never blocks except on
 * the vault (vault.h).
 *
 * Texts and numbers were checked against the endpoint's fields before; texts are NUL-terminated.
 */
const char *call_text(const struct call *call, const char *name); /* NULL when it was not given */
int64_t call_number(const struct call *call, const char *name, int64_t otherwise);
bool call_bool(const struct call *call, const char *name, bool otherwise);
/* Element of a list parameter, "credentials.0" for ("credentials", 0); NULL past its end. */
const char *call_item(const struct call *call, const char *name, unsigned index);
/* The segment of the path that took the index-th {}; NUL-terminated, never empty. */
const char *call_segment(const struct call *call, unsigned index);
/*
 * Descriptors that came with a CONTROL_CALL: in: where a secret is read from; out: where a new one
 * is written to (the second, or the only one). -1 when there is none. They stay the call's.
 */
int call_fd_in(const struct call *call);
int call_fd_out(const struct call *call);

const struct principal *call_principal(const struct call *call);
const struct address *call_peer(
	const struct call *call);             /* the client; family 0 on the control door */
int64_t call_now(const struct call *call);    /* wall clock, the same for the whole call */
int64_t call_steady(const struct call *call); /* what lifetimes begin at: steady.h */
struct store *call_store(const struct call *call);
const struct settings *call_settings(const struct call *call);

/*
 * The answer. call_json() is inside the envelope's object: write the entity with its name,
 * json_open_object(json, "session") .. json_close_object(json). Not called at all: no entity.
 */
struct json *call_json(struct call *call);
void call_status(struct call *call, unsigned http); /* success other than 200 */
/* Of a create-or-update: `changed`, after the entity, so that who repeats a call can tell. */
void call_changed(struct call *call, bool changed);
/* Success texts other than the endpoint's own; mensagem NULL repeats message. */
void call_message(struct call *call, const char *message, const char *mensagem);
/* Adds a sentence to `detail` of the answer. */
void call_detail(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* return call_fail(call, -ERR_..., "text %s", ..): an error with a text of its own. Returns r. */
int call_fail(struct call *call, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* One further header line of the answer, without its end of line. */
void call_header(struct call *call, const char *name, const char *value);
/* An answer that is not the envelope: the body is exactly this (the token endpoint). */
void call_raw(struct call *call, unsigned http, const char *json);

/*
 * A list of any length, which leaves page by page (list.h): answer() ends with
 * return call_list(call, "devices", fn), or with call_counted_list(), whose answer begins with
 * "12 devices found": its count settles how many rows there are, and the highest key of one that
 * belongs to the list. Its fields are LIST_FIELDS and what it has besides. fn writes rows into
 * call_json() in the order of their keys: from beyond `after` (0: from the beginning) and up to
 * `last`, having left out `offset` of them, at most `limit`, and those alone that changed at or
 * after `since`; behind each it returns what call_list_row() does. It must write every row that its
 * statement found.
 */
#define LIST_FULL 1 /* the page is: stops the statement, and is no error */
typedef int list_fn(struct call *call, const struct store_page *page);
typedef int count_fn(struct call *call, int64_t since, struct store_count *ret_count);
#define LIST_FIELDS                                                                                \
	{ "limit", FIELD_INTEGER, INT64_MAX, ERR_NONE, ERR_PARAMETER_INVALID },                    \
		{ "offset", FIELD_INTEGER, INT64_MAX, ERR_NONE, ERR_PARAMETER_INVALID },           \
	{                                                                                          \
		"since", FIELD_TEXT, 40, ERR_NONE, ERR_PARAMETER_INVALID                           \
	}
int call_list(struct call *call, const char *name, list_fn *fn);
int call_counted_list(
	struct call *call, const char *name, const char *noun, count_fn *count, list_fn *fn);
int call_list_row(struct call *call, int64_t key); /* from fn's keep: this row was written */

/*
 * The audit row of this call is written by the dispatcher, under the endpoint's event or, when it
 * was refused, as a refusal. These fill it in. Object: "device:db1". call_audit() is inside the
 * detail's object: json_text(call_audit(call), "ip", ..). No secrets.
 */
void call_object(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct json *call_audit(struct call *call);
/* Another event than the endpoint's, when it succeeds; a constant text. */
void call_event(struct call *call, const char *event);
/* A further row in the same transaction, for calls that do more than one thing. */
int call_audit_also(struct call *call, const char *event, const char *object, const char *detail);

/*
 * The answer comes later: answer() calls this and returns -ERR_AGAIN (kept, not undone). When
 * call_resume() was called, `resume` runs like answer() did, in a transaction of its own turn, and
 * its result is the call's. Parameters, segments and descriptors stay valid until then.
 */
void call_defer(
	struct call *call, int (*resume)(struct broker *broker, struct call *call, int result));
void call_resume(struct call *call, int result); /* result: what the waiting was for came to */
