/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Writes JSON (RFC 8259) into a buffer; commas and escapes are kept by the writer. Errors stick:
 * check json_finish(). Text that is not UTF-8 is written with U+FFFD in place of the bad bytes.
 * A NULL name writes an array element. A NULL text value writes null.
 */
struct json {
	struct buf *out;
	int error;
	unsigned depth;
	uint64_t filled; /* one bit per depth: something was written there */
};

struct json json_begin(struct buf *out);
void json_open_object(struct json *json, const char *name); /* opens { */
void json_open_array(struct json *json, const char *name);  /* opens [ */
void json_close_object(struct json *json);
void json_close_array(struct json *json);
void json_text(struct json *json, const char *name, const char *value);
void json_text_len(struct json *json, const char *name, const char *value, size_t len);
void json_number(struct json *json, const char *name, int64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_put_null(struct json *json, const char *name);
/* An id: a decimal number as a JSON string, as the API prints ids. */
void json_id(struct json *json, const char *name, int64_t id);
/* Bytes as hex digits. */
#define JSON_HEX_MAX 64
void json_hex(struct json *json, const char *name, const void *bytes, size_t len);
/* A moment as RFC 3339 in UTC; null for 0, which is "never" and "not yet". */
void json_time(struct json *json, const char *name, int64_t wall_ms);
/*
 * The forms of the documented API, all in UTC, null for 0: with the offset,
 * "2026-11-23T14:05:09+00:00"; the same without it; and with a blank, "2026-11-23 14:05:09".
 */
void json_date_offset(struct json *json, const char *name, int64_t wall_ms);
void json_date_bare(struct json *json, const char *name, int64_t wall_ms);
void json_date(struct json *json, const char *name, int64_t wall_ms);
/* Already JSON. */
void json_raw(struct json *json, const char *name, const char *value, size_t len);
int json_finish(struct json *json); /* 0 or what went wrong first */
