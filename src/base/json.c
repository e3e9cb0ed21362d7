/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"

#define JSON_WRITE_DEPTH_MAX 63 /* bits in struct json's filled, less the outermost */

struct json json_begin(struct buf *out)
{
	return (struct json){ .out = out };
}

static void put(struct json *json, const char *bytes, size_t len)
{
	if (json->error == 0)
		json->error = buf_append(json->out, bytes, len);
}

/* Length of the shortest escape for this byte, or 0 when it stands for itself. */
static size_t escape_of(unsigned char c, char out[8])
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *hit = c == '\0' ? NULL : strchr(from, c);

	if (hit != NULL) {
		out[0] = '\\';
		out[1] = to[hit - from];
		return 2;
	}
	if (c < 0x20 || c == 0x7f)
		return (size_t)snprintf(out, 8, "\\u%04x", c);
	return 0;
}

/* Bytes of the valid UTF-8 character at text, 0 when there is none. */
static size_t character_len(const char *text, size_t len)
{
	unsigned char first = (unsigned char)text[0];
	size_t want = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	return want <= len && utf8_valid(text, want) ? want : 0;
}

/* Stands for itself, without a further look: nearly every byte of every answer. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The rest of a text from the first byte that may need a closer look. */
static void put_escaped_rest(struct json *json, const char *text, size_t len)
{
	size_t start = 0, i = 0;
	char escape[8] = "";

	while (i < len) {
		if (is_plain((unsigned char)text[i])) {
			i++;
			continue;
		}
		size_t wide = character_len(text + i, len - i);
		size_t escaped = wide == 1 ? escape_of((unsigned char)text[i], escape) : 0;

		if (wide > 0 && escaped == 0) {
			i += wide;
			continue;
		}
		put(json, text + start, i - start);
		if (wide == 0)
			put(json, "\xef\xbf\xbd", 3); /* U+FFFD */
		else
			put(json, escape, escaped);
		start = ++i;
	}
	put(json, text + start, len - start);
}

/* Quotes, and behind it what follows: nearly every text is plain and goes in one piece. */
static void put_quoted(struct json *json, const char *text, size_t len, const char *behind)
{
	size_t plain = 0, behind_len = strlen(behind);
	uint8_t *room;

	while (plain < len && is_plain((unsigned char)text[plain]))
		plain++;
	if (plain < len) {
		put(json, "\"", 1);
		put(json, text, plain);
		put_escaped_rest(json, text + plain, len - plain);
		put(json, behind, behind_len);
		return;
	}
	if (json->error == 0)
		json->error = buf_reserve(json->out, len + 1 + behind_len, &room);
	if (json->error != 0)
		return;
	room[0] = '"';
	memcpy(room + 1, text, len);
	memcpy(room + 1 + len, behind, behind_len);
	buf_commit(json->out, len + 1 + behind_len);
}

/* The comma, the name and the colon that come before a value. */
static void value_begins(struct json *json, const char *name)
{
	uint64_t bit = UINT64_C(1) << json->depth;

	if (json->filled & bit)
		put(json, ",", 1);
	json->filled |= bit;
	if (name != NULL)
		put_quoted(json, name, strlen(name), "\":");
}

static void open_level(struct json *json, const char *name, const char *bracket)
{
	value_begins(json, name);
	put(json, bracket, 1);
	assert(json->depth < JSON_WRITE_DEPTH_MAX);
	json->depth++;
	json->filled &= ~(UINT64_C(1) << json->depth);
}

static void close_level(struct json *json, const char *bracket)
{
	assert(json->depth > 0);
	json->depth--;
	put(json, bracket, 1);
}

void json_open_object(struct json *json, const char *name)
{
	open_level(json, name, "{");
}

void json_open_array(struct json *json, const char *name)
{
	open_level(json, name, "[");
}

void json_close_object(struct json *json)
{
	close_level(json, "}");
}

void json_close_array(struct json *json)
{
	close_level(json, "]");
}

void json_text(struct json *json, const char *name, const char *value)
{
	if (value == NULL)
		json_put_null(json, name);
	else
		json_text_len(json, name, value, strlen(value));
}

void json_text_len(struct json *json, const char *name, const char *value, size_t len)
{
	value_begins(json, name);
	put_quoted(json, value, len, "\"");
}

/* The decimal digits, in the last bytes of out; returns where they begin. */
static char *digits_of(int64_t value, char out[24])
{
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char *at = out + 23;

	*at = '\0';
	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--at = '-';
	return at;
}

void json_number(struct json *json, const char *name, int64_t value)
{
	char room[24] = "";
	const char *digits = digits_of(value, room);

	json_raw(json, name, digits, strlen(digits));
}

void json_bool(struct json *json, const char *name, bool value)
{
	json_raw(json, name, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(struct json *json, const char *name)
{
	json_raw(json, name, "null", 4);
}

void json_id(struct json *json, const char *name, int64_t id)
{
	char room[24] = "";

	json_text(json, name, digits_of(id, room));
}

void json_hex(struct json *json, const char *name, const void *bytes, size_t len)
{
	char digits[2 * JSON_HEX_MAX + 1];

	assert(len <= JSON_HEX_MAX);
	hex_encode(digits, bytes, len);
	json_text_len(json, name, digits, 2 * len);
}

void json_time(struct json *json, const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	json_text(json, name, wall_ms == 0 ? NULL : clock_format_utc(wall_ms, text));
}

/* The plain form is 19 bytes; `join` stands between day and time, `zone` behind. */
static void date(struct json *json, const char *name, int64_t wall_ms, char join, const char *zone)
{
	char text[CLOCK_TEXT_SIZE];

	if (wall_ms == 0) {
		json_put_null(json, name);
		return;
	}
	clock_format_plain(wall_ms, text);
	text[10] = join;
	memcpy(text + 19, zone, strlen(zone) + 1);
	json_text(json, name, text);
}

void json_date_offset(struct json *json, const char *name, int64_t wall_ms)
{
	date(json, name, wall_ms, 'T', "+00:00");
}

void json_date_bare(struct json *json, const char *name, int64_t wall_ms)
{
	date(json, name, wall_ms, 'T', "");
}

void json_date(struct json *json, const char *name, int64_t wall_ms)
{
	date(json, name, wall_ms, ' ', "");
}

void json_raw(struct json *json, const char *name, const char *value, size_t len)
{
	value_begins(json, name);
	put(json, value, len);
}

int json_finish(struct json *json)
{
	assert(json->depth == 0);
	return json->error;
}
