/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/line.h"

#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"

/* ---- writing ---- */

static void put_moment(struct json *json, int64_t at)
{
	char text[CLOCK_TEXT_SIZE];

	json_text(json, "time", clock_format_utc(at, text));
	json_number(json, "at", at);
}

static void put_word(struct json *json, const char *name, const char *text)
{
	json_text(json, name, text[0] != '\0' ? text : NULL);
}

/*
 * Length of the object at text: braces in balance outside of strings, no control characters. What
 * passes cannot end its line or the object around it; whether it is JSON inside is its writer's.
 */
static size_t object_len(const char *text, size_t len)
{
	unsigned depth = 0;
	bool quoted = false;

	if (len == 0 || text[0] != '{')
		return 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20)
			return 0;
		if (quoted && c == '\\' && i + 1 < len && (unsigned char)text[i + 1] >= 0x20)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* As the object it is; anything else that stands in a damaged store as a text. */
static void put_detail(struct json *json, const char *detail)
{
	size_t len = strlen(detail);

	if (object_len(detail, len) == len && len > 0 && utf8_valid(detail, len))
		json_raw(json, "detail", detail, len);
	else
		json_text_len(json, "detail", detail, len);
}

static void put_row(struct json *json, const struct audit_row *row)
{
	json_number(json, "sequence", row->sequence);
	put_moment(json, row->at);
	json_text(json, "event", row->event);
	json_text(json, "actor", row->actor);
	put_word(json, "from", row->from);
	put_word(json, "object", row->object);
	json_number(json, "result", row->result);
	put_detail(json, row->detail);
	json_hex(json, "before", row->before, HASH_LEN);
	json_hex(json, "hash", row->hash, HASH_LEN);
}

static void put_audit_head(struct json *json, const struct audit_head *head)
{
	const struct signer *signer = &head->signer;

	json_number(json, "sequence", head->sequence);
	put_moment(json, head->at);
	json_hex(json, "hash", head->hash, HASH_LEN);
	json_hex(json, "signature", head->signature, sizeof head->signature);
	json_hex(json, "trail", signer->trail, HASH_LEN);
	json_hex(json, "key", signer->public_key, sizeof signer->public_key);
	if (signer->certified)
		json_hex(json, "certificate", signer->certificate, sizeof signer->certificate);
	else
		json_put_null(json, "certificate");
}

static void put_recording_head(struct json *json, const struct recording_head *head)
{
	json_text(json, "session_id", head->session_id);
	json_number(json, "number", (int64_t)head->number);
	json_bool(json, "last", head->last);
	json_number(json, "chunks", (int64_t)head->chunks);
	json_number(json, "ms", head->ms);
	json_hex(json, "head", head->head, HASH_LEN);
	json_hex(json, "signature", head->signature, sizeof head->signature);
	json_hex(json, "key", head->public_key, sizeof head->public_key);
	json_number(json, "key_version", head->key_version);
	json_hex(json, "facts", head->facts_hash, HASH_LEN);
	json_hex(json, "certificate", head->certificate, sizeof head->certificate);
}

static void put_place(struct json *json, const struct line_place *place, bool forked)
{
	json_number(json, "sequence", place->sequence);
	json_hex(json, "hash", place->hash, HASH_LEN);
	if (forked)
		json_number(json, "next", place->next);
}

static const char *const kinds[] = {
	[LINE_ROW] = "audit.row",
	[LINE_AUDIT_HEAD] = "audit.head",
	[LINE_RECORDING_HEAD] = "recording.head",
	[LINE_CONTINUED] = "mirror.continued",
	[LINE_FORKED] = "mirror.forked",
};

int line_write(struct buf *out, const struct line *line)
{
	struct json json = json_begin(out);

	json_open_object(&json, NULL);
	json_text(&json, "kind", kinds[line->kind]);
	switch (line->kind) {
	case LINE_ROW:
		put_row(&json, &line->row);
		break;
	case LINE_AUDIT_HEAD:
		put_audit_head(&json, &line->audit);
		break;
	case LINE_RECORDING_HEAD:
		put_recording_head(&json, &line->recording);
		break;
	default:
		put_place(&json, &line->place, line->kind == LINE_FORKED);
	}
	json_close_object(&json);
	int r = json_finish(&json);
	return r < 0 ? r : buf_append(out, "\n", 1);
}

/* ---- reading ---- */

/* A place in a line. What is not as expected sticks: look at `bad` once, at the end. */
struct cursor {
	const char *at, *end;
	bool bad;
};

static bool starts(const struct cursor *cursor, const char *words)
{
	size_t len = strlen(words);

	return (size_t)(cursor->end - cursor->at) >= len && memcmp(cursor->at, words, len) == 0;
}

static void take(struct cursor *cursor, const char *words)
{
	if (cursor->bad || !starts(cursor, words))
		cursor->bad = true;
	else
		cursor->at += strlen(words);
}

static bool take_if(struct cursor *cursor, const char *words)
{
	if (cursor->bad || !starts(cursor, words))
		return false;
	take(cursor, words);
	return true;
}

/* Up to 18 digits: no number of ours is longer, none can overflow. */
static int64_t take_number(struct cursor *cursor)
{
	bool negative = take_if(cursor, "-");
	int64_t number = 0;
	unsigned digits = 0;

	while (!cursor->bad && cursor->at < cursor->end && *cursor->at >= '0' &&
		*cursor->at <= '9' && digits < 18) {
		number = number * 10 + (*cursor->at++ - '0');
		digits++;
	}
	cursor->bad |= digits == 0;
	return negative ? -number : number;
}

static int64_t number(struct cursor *cursor, const char *before)
{
	take(cursor, before);
	return take_number(cursor);
}

static void hex(struct cursor *cursor, const char *before, uint8_t *out, size_t len)
{
	take(cursor, before);
	if (cursor->bad || (size_t)(cursor->end - cursor->at) < 2 * len ||
		hex_decode(out, len, cursor->at, 2 * len) != (int)len) {
		cursor->bad = true;
		return;
	}
	cursor->at += 2 * len;
	take(cursor, "\"");
}

/* "\u001b": the only characters that are written so are controls. */
static int escaped_control(struct cursor *cursor)
{
	uint8_t bytes[2];

	if (cursor->end - cursor->at < 4 || hex_decode(bytes, 2, cursor->at, 4) != 2 ||
		bytes[0] != 0 || bytes[1] == 0 || bytes[1] > 0x7f)
		return -1;
	cursor->at += 4;
	return bytes[1];
}

static int take_character(struct cursor *cursor)
{
	static const char from[] = "\"\\bfnrt", to[] = "\"\\\b\f\n\r\t";

	if (cursor->at == cursor->end)
		return -1;
	unsigned char c = (unsigned char)*cursor->at++;
	if (c != '\\')
		return c < 0x20 ? -1 : c;
	if (cursor->at == cursor->end)
		return -1;
	c = (unsigned char)*cursor->at++;
	const char *hit = strchr(from, c);
	if (c == 'u')
		return escaped_control(cursor);
	return c != '\0' && hit != NULL ? to[hit - from] : -1;
}

/* After the opening quote; past the closing one. */
static void take_text(struct cursor *cursor, char *out, size_t size)
{
	size_t len = 0;

	while (!cursor->bad && !take_if(cursor, "\"")) {
		int c = take_character(cursor);
		if (c < 0 || len + 1 >= size)
			cursor->bad = true;
		else
			out[len++] = (char)c;
	}
	out[len] = '\0';
}

static void text(struct cursor *cursor, const char *before, char *out, size_t size)
{
	take(cursor, before);
	if (take_if(cursor, "null"))
		out[0] = '\0';
	else {
		take(cursor, "\"");
		take_text(cursor, out, size);
	}
}

static int64_t moment(struct cursor *cursor)
{
	char words[CLOCK_TEXT_SIZE];

	text(cursor, ",\"time\":", words, sizeof words);
	return number(cursor, ",\"at\":");
}

static void detail(struct cursor *cursor, char *out, size_t size)
{
	size_t len = cursor->bad ? 0 : object_len(cursor->at, (size_t)(cursor->end - cursor->at));

	if (len == 0)
		text(cursor, "", out, size);
	else if (text_copy_len(out, size, cursor->at, len) < 0)
		cursor->bad = true;
	else
		cursor->at += len;
}

static void read_row(struct cursor *cursor, struct audit_row *row)
{
	row->sequence = number(cursor, ",\"sequence\":");
	row->at = moment(cursor);
	text(cursor, ",\"event\":", row->event, sizeof row->event);
	text(cursor, ",\"actor\":", row->actor, sizeof row->actor);
	text(cursor, ",\"from\":", row->from, sizeof row->from);
	text(cursor, ",\"object\":", row->object, sizeof row->object);
	row->result = (int32_t)number(cursor, ",\"result\":");
	take(cursor, ",\"detail\":");
	detail(cursor, row->detail, sizeof row->detail);
	hex(cursor, ",\"before\":\"", row->before, HASH_LEN);
	hex(cursor, ",\"hash\":\"", row->hash, HASH_LEN);
}

static void read_audit_head(struct cursor *cursor, struct audit_head *head)
{
	struct signer *signer = &head->signer;

	head->sequence = number(cursor, ",\"sequence\":");
	head->at = moment(cursor);
	hex(cursor, ",\"hash\":\"", head->hash, HASH_LEN);
	hex(cursor, ",\"signature\":\"", head->signature, sizeof head->signature);
	hex(cursor, ",\"trail\":\"", signer->trail, HASH_LEN);
	hex(cursor, ",\"key\":\"", signer->public_key, sizeof signer->public_key);
	signer->certified = !take_if(cursor, ",\"certificate\":null");
	if (signer->certified)
		hex(cursor, ",\"certificate\":\"", signer->certificate, sizeof signer->certificate);
}

static void read_recording_head(struct cursor *cursor, struct recording_head *head)
{
	text(cursor, ",\"session_id\":", head->session_id, sizeof head->session_id);
	head->number = (uint64_t)number(cursor, ",\"number\":");
	take(cursor, ",\"last\":");
	head->last = take_if(cursor, "true");
	if (!head->last)
		take(cursor, "false");
	head->chunks = (uint64_t)number(cursor, ",\"chunks\":");
	head->ms = (uint32_t)number(cursor, ",\"ms\":");
	hex(cursor, ",\"head\":\"", head->head, HASH_LEN);
	hex(cursor, ",\"signature\":\"", head->signature, sizeof head->signature);
	hex(cursor, ",\"key\":\"", head->public_key, sizeof head->public_key);
	head->key_version = (uint32_t)number(cursor, ",\"key_version\":");
	hex(cursor, ",\"facts\":\"", head->facts_hash, HASH_LEN);
	hex(cursor, ",\"certificate\":\"", head->certificate, sizeof head->certificate);
}

static void read_place(struct cursor *cursor, struct line_place *place, bool forked)
{
	place->sequence = number(cursor, ",\"sequence\":");
	hex(cursor, ",\"hash\":\"", place->hash, HASH_LEN);
	if (forked)
		place->next = number(cursor, ",\"next\":");
}

static enum line_kind kind(struct cursor *cursor)
{
	take(cursor, "{\"kind\":\"");
	for (enum line_kind at = LINE_ROW; at <= LINE_FORKED; at++) {
		if (!take_if(cursor, kinds[at]))
			continue;
		take(cursor, "\"");
		return at;
	}
	cursor->bad = true;
	return LINE_NONE;
}

static void read_body(struct cursor *cursor, struct line *line)
{
	switch (line->kind) {
	case LINE_ROW:
		read_row(cursor, &line->row);
		break;
	case LINE_AUDIT_HEAD:
		read_audit_head(cursor, &line->audit);
		break;
	case LINE_RECORDING_HEAD:
		read_recording_head(cursor, &line->recording);
		break;
	default:
		read_place(cursor, &line->place, line->kind == LINE_FORKED);
	}
	take(cursor, "}");
}

int line_read(const char *words, size_t len, struct line *ret_line)
{
	struct cursor cursor = { words, words + len, false };
	CLEANUP(buf_finish) struct buf again = BUF(LINE_BYTES_MAX);

	memset(ret_line, 0, sizeof *ret_line);
	ret_line->kind = kind(&cursor);
	if (ret_line->kind != LINE_NONE)
		read_body(&cursor, ret_line);
	/* What says the same in another way was not written by us. */
	if (cursor.bad || cursor.at != cursor.end || line_write(&again, ret_line) < 0 ||
		again.len != len + 1 || memcmp(again.data, words, len) != 0) {
		ret_line->kind = LINE_NONE;
		return -ERR_MALFORMED;
	}
	return 0;
}

const char *line_find_head(const char *words, size_t len, size_t *ret_len)
{
	static const char *const begins[] = { "{\"kind\":\"audit.head\"",
		"{\"kind\":\"recording.head\"" };

	for (unsigned i = 0; i < ARRAY_LEN(begins); i++) {
		const char *at = memmem(words, len, begins[i], strlen(begins[i]));
		const char *end = at != NULL ? memchr(at, '}', (size_t)(words + len - at)) : NULL;
		if (end == NULL)
			continue;
		*ret_len = (size_t)(end - at) + 1;
		return at;
	}
	return NULL;
}
