/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "ctl/reader.h"
#include "wire/view.h"

#define CARRY_MAX 3    /* of a character that two frames share */
#define TYPED_MAX 4096 /* bytes of one typed line */
#define NAME_FACT 256
#define UNSEEN_WORDS 48

struct size {
	unsigned columns, rows;
};

static bool frame_size(const struct recording_frame *frame, struct size *ret_size)
{
	if (frame->type != VIEW_SIZE || frame->len < 8)
		return false;
	*ret_size = (struct size){ get16(frame->payload), get16(frame->payload + 2) };
	return ret_size->columns > 0 && ret_size->rows > 0;
}

static bool typed(const struct recording_frame *frame)
{
	return frame->type == VIEW_KEYS || frame->type == VIEW_PASTE;
}

/* Words for people inside a frame of the gateway's own; NULL when it has none. */
static const char *frame_words(const struct recording_frame *frame, size_t *ret_len)
{
	size_t skip;

	*ret_len = 0;
	switch (frame->type) {
	case VIEW_STATE:
	case VIEW_JOIN:
	case VIEW_LEAVE:
		skip = 1;
		break;
	case VIEW_NOTICE:
		skip = 0;
		break;
	case VIEW_ENDED:
	case VIEW_GAP:
		skip = 8;
		break;
	default:
		return NULL;
	}
	if (frame->len < skip)
		return NULL;
	*ret_len = frame->len - skip;
	return (const char *)frame->payload + skip;
}

/* Takes the value. */
static int write_json(json_t *value, FILE *out)
{
	int r = json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(value);
	return r < 0 ? -ERR_SYSTEM : 0;
}

/* ---- asciicast, version 2 ---- */

struct asciicast {
	FILE *out;
	bool input;
	uint8_t carry[CARRY_MAX +
		      VIEW_FRAME_MAX]; /* output whose last character is not whole yet */
	size_t carried;
};

static int put_event(FILE *out, uint32_t ms, const char *code, const void *text, size_t len)
{
	fprintf(out, "[%" PRIu32 ".%03" PRIu32 ",\"%s\",", ms / 1000, ms % 1000, code);
	int r = write_json(text_json(text, len), out);

	return r == 0 && fputs("]\n", out) == EOF ? -ERR_SYSTEM : r;
}

/* The length without a last character of which bytes are missing. */
static size_t whole_characters(const uint8_t *bytes, size_t len)
{
	for (size_t back = 1; back <= CARRY_MAX && back <= len; back++) {
		uint32_t character;
		if ((bytes[len - back] & 0xc0) != 0xc0)
			continue;
		return text_decode(bytes + len - back, back, &character) == 0 ? len - back : len;
	}
	return len;
}

static int put_output(struct asciicast *cast, uint32_t ms, const struct recording_frame *frame)
{
	memcpy(cast->carry + cast->carried, frame->payload, frame->len);
	size_t len = cast->carried + frame->len;
	size_t whole = whole_characters(cast->carry, len);
	int r = whole > 0 ? put_event(cast->out, ms, "o", cast->carry, whole) : 0;

	memmove(cast->carry, cast->carry + whole, len - whole);
	cast->carried = len - whole;
	return r;
}

/* "(7 bytes typed without echo)"; 0 for another frame. */
static size_t unseen_words(const struct recording_frame *frame, char out[UNSEEN_WORDS])
{
	struct recording_secret secret;

	if (recording_secret_read(frame, &secret) < 0)
		return 0;
	return (size_t)snprintf(
		out, UNSEEN_WORDS, "(%" PRIu32 " bytes typed without echo)", secret.len);
}

static int put_asciicast_event(struct asciicast *cast, const struct reader_event *event)
{
	const struct recording_frame *frame = &event->frame;
	struct size size;
	char unseen[UNSEEN_WORDS];
	size_t len = unseen_words(frame, unseen);

	if (frame->type == VIEW_TEXT)
		return put_output(cast, event->ms, frame);
	if (frame_size(frame, &size)) {
		char text[32];
		int digits = snprintf(text, sizeof(text), "%ux%u", size.columns, size.rows);
		return put_event(cast->out, event->ms, "r", text, (size_t)digits);
	}
	if (typed(frame) && cast->input)
		return put_event(cast->out, event->ms, "i", frame->payload, frame->len);
	if (len > 0)
		return cast->input ? put_event(cast->out, event->ms, "m", unseen, len) : 0;
	const char *words = frame_words(frame, &len);
	if (words != NULL && len > 0)
		return put_event(cast->out, event->ms, "m", words, len);
	return 0;
}

/* The size before the first output; what a terminal has by default when none was told. */
static int first_size(struct reader *reader, struct size *ret_size)
{
	struct reader_event event;
	int r;

	*ret_size = (struct size){ 80, 24 };
	while ((r = reader_next(reader, &event)) > 0)
		if (frame_size(&event.frame, ret_size) || event.frame.type == VIEW_TEXT)
			break;
	return r < 0 ? r : reader_rewind(reader);
}

static void title_of(const struct recording_header *header, char *out, size_t size)
{
	char user[NAME_FACT], username[NAME_FACT], device[NAME_FACT];

	recording_fact(header, "user", user, sizeof(user));
	recording_fact(header, "username", username, sizeof(username));
	recording_fact(header, "device", device, sizeof(device));
	snprintf(out, size, "%s -> %s@%s", user, username, device);
}

static int put_asciicast_header(const struct recording_header *header, struct size size, FILE *out)
{
	char title[3 * NAME_FACT + 8];

	title_of(header, title, sizeof(title));
	int r = write_json(
		json_pack("{si, si, si, sI, so, s{ss}}", "version", 2, "width", size.columns,
			"height", size.rows, "timestamp", (json_int_t)(header->started_ms / 1000),
			"title", text_json(title, strlen(title)), "env", "TERM", "xterm-256color"),
		out);

	return r == 0 && fputc('\n', out) == EOF ? -ERR_SYSTEM : r;
}

static int export_asciicast(struct reader *reader, const struct export_options *options, FILE *out)
{
	CLEANUP(mem_freep) struct asciicast *cast = calloc(1, sizeof(*cast));
	struct reader_event event = {};
	struct size size;
	int r = cast != NULL ? first_size(reader, &size) : -ERR_SYSTEM;

	if (r == 0)
		r = put_asciicast_header(reader_header(reader), size, out);
	if (r < 0)
		return r;
	cast->out = out;
	cast->input = options->input;
	while ((r = reader_next(reader, &event)) > 0) {
		r = put_asciicast_event(cast, &event);
		if (r < 0)
			return r;
	}
	if (cast->carried > 0)
		put_event(out, event.ms, "o", cast->carry, cast->carried);
	return r;
}

/* ---- text ---- */

struct text_export {
	FILE *out;
	const struct export_options *options;
	uint32_t ms;
	char line[TYPED_MAX];
	size_t len;
	bool pasted;
};

static void put_time(const struct text_export *text)
{
	if (text->options->times)
		fprintf(text->out, "%02" PRIu32 ":%02" PRIu32 ":%02" PRIu32 ".%03" PRIu32 "  ",
			text->ms / 3600000, text->ms / 60000 % 60, text->ms / 1000 % 60,
			text->ms % 1000);
}

static int put_line(void *context, const char *line, size_t len)
{
	struct text_export *text = context;

	put_time(text);
	fwrite(line, 1, len, text->out);
	return fputc('\n', text->out) == EOF ? -ERR_SYSTEM : 0;
}

static int put_marked(struct text_export *text, const char *mark, const void *bytes, size_t len)
{
	CLEANUP(buf_finish) struct buf safe = BUF(10 * (TYPED_MAX + REASON_SIZE));
	int r = buf_append_text(&safe, mark);

	if (r == 0)
		r = text_safe(&safe, bytes, len);
	return r < 0 ? r : put_line(text, (const char *)safe.data, safe.len);
}

static int end_typed_line(struct text_export *text)
{
	size_t len = text->len;

	text->len = 0;
	return len == 0 ? 0 : put_marked(text, "typed> ", text->line, len);
}

/* Backspace takes back what was typed; everything else that is no text stays visible as ^X. */
static int put_typed(struct text_export *text, const struct recording_frame *frame)
{
	int r = 0;

	for (uint32_t i = 0; i < frame->len && r == 0; i++) {
		uint8_t byte = frame->payload[i];
		if (byte == '\r' || byte == '\n' || text->len == sizeof(text->line)) {
			r = end_typed_line(text);
			if (byte == '\r' || byte == '\n')
				continue;
		}
		if ((byte == 0x7f || byte == 0x08) && text->len > 0) {
			while (text->len > 1 && (text->line[text->len - 1] & 0xc0) == 0x80)
				text->len--;
			text->len--;
		} else {
			text->line[text->len++] = (char)byte;
		}
	}
	return r;
}

static int put_withheld(struct text_export *text, const struct recording_frame *frame)
{
	char words[64];

	if (frame->len < 8)
		return 0;
	int len = snprintf(
		words, sizeof(words), "%" PRIu32 " bytes, not recorded", get32(frame->payload + 4));
	return put_marked(text, "typed> ", words, (size_t)len);
}

static int put_unseen(struct text_export *text, const char *words, size_t len)
{
	int r = end_typed_line(text);

	return r < 0 ? r : put_marked(text, "typed> ", words, len);
}

static int put_text_event(
	struct text_export *text, struct text_lines *lines, const struct recording_frame *frame)
{
	char unseen[UNSEEN_WORDS];
	size_t len = unseen_words(frame, unseen);
	int r;

	if (len > 0)
		return text->options->input ? put_unseen(text, unseen, len) : 0;
	const char *words = frame_words(frame, &len);
	if (frame->type == VIEW_TEXT)
		return text_lines_put(lines, frame->payload, frame->len);
	if (typed(frame) && text->options->input)
		return put_typed(text, frame);
	if (frame->type == RECORDING_WITHHELD && text->options->input)
		return put_withheld(text, frame);
	if (words == NULL || len == 0)
		return 0;
	r = text_lines_flush(lines);
	return r < 0 ? r
		     : put_marked(text,
			       frame->type == VIEW_JOIN    ? "-- attached: "
			       : frame->type == VIEW_LEAVE ? "-- detached: "
							   : "-- ",
			       words, len);
}

static int export_text(struct reader *reader, const struct export_options *options, FILE *out)
{
	CLEANUP(mem_freep) struct text_export *text = calloc(1, sizeof(*text));
	struct text_lines *lines = text != NULL ? text_lines_create(put_line, text) : NULL;
	struct reader_event event;
	int r;

	if (lines == NULL)
		return -ERR_SYSTEM;
	text->out = out;
	text->options = options;
	while ((r = reader_next(reader, &event)) > 0) {
		text->ms = event.ms;
		r = put_text_event(text, lines, &event.frame);
		if (r < 0)
			break;
	}
	end_typed_line(text);
	text_lines_flush(lines);
	text_lines_destroy(lines);
	mem_wipe(text->line, sizeof(text->line));
	return r;
}

/* ---- JSON ---- */

static const char *frame_name(uint8_t type)
{
	return type == RECORDING_WITHHELD ? "WITHHELD"
	       : type == RECORDING_SECRET ? "SECRET"
					  : view_name(type);
}

static void put_payload(json_t *object, const struct recording_frame *frame)
{
	CLEANUP(mem_freep) char *base64 = NULL;

	if (utf8_valid(frame->payload, frame->len) &&
		(frame->type == VIEW_TEXT || frame->type == VIEW_NOTICE || typed(frame))) {
		json_object_set_new(object, "text", text_json(frame->payload, frame->len));
		return;
	}
	base64 = malloc(BASE64_SIZE((size_t)frame->len));
	if (base64 == NULL)
		return;
	base64_encode(base64, frame->payload, frame->len);
	json_object_set_new(object, "base64", json_string(base64));
}

static void put_number(json_t *object, const char *name, int64_t value)
{
	json_object_set_new(object, name, json_integer(value));
}

static void put_meaning(json_t *object, const struct recording_frame *frame)
{
	size_t len;
	const char *words = frame_words(frame, &len);

	if ((frame->type == VIEW_SIZE || frame->type == VIEW_RESIZE) && frame->len >= 8) {
		put_number(object, "columns", get16(frame->payload));
		put_number(object, "rows", get16(frame->payload + 2));
		put_number(object, "width", get16(frame->payload + 4));
		put_number(object, "height", get16(frame->payload + 6));
	}
	if (frame->type == VIEW_STATE && frame->len >= 1)
		put_number(object, "state", frame->payload[0]);
	if (frame->type == VIEW_ENDED && frame->len >= 8) {
		put_number(object, "why", (int32_t)get32(frame->payload));
		put_number(object, "exit_status", (int32_t)get32(frame->payload + 4));
	}
	if (frame->type == VIEW_GAP && frame->len >= 8) {
		put_number(object, "why", frame->payload[0]);
		put_number(object, "gap_ms", get32(frame->payload + 4));
	}
	if ((frame->type == RECORDING_WITHHELD || frame->type == RECORDING_SECRET) &&
		frame->len >= 8)
		put_number(object, "length", get32(frame->payload + 4));
	if (words != NULL && frame->type != VIEW_NOTICE)
		json_object_set_new(object, "words", text_json(words, len));
}

static int put_json_event(const struct reader_event *event, bool first, FILE *out)
{
	const struct recording_frame *frame = &event->frame;
	json_t *object = json_pack("{}");

	put_number(object, "ms", event->ms);
	json_object_set_new(object, "type", json_string(frame_name(frame->type)));
	if (frame->viewer != 0)
		put_number(object, "viewer", frame->viewer);
	put_meaning(object, frame);
	if (event->secret)
		json_object_set_new(object, "secret", json_true());
	if (frame->type != RECORDING_SECRET)
		put_payload(object, frame);
	fputs(first ? "\n" : ",\n", out);
	return write_json(object, out);
}

static int put_json_header(const struct recording_header *header, FILE *out)
{
	char time[CLOCK_TEXT_SIZE];
	json_t *facts = json_loadb(header->facts, header->facts_len, JSON_REJECT_DUPLICATES, NULL);

	/* The object is closed by hand after the events, which are streamed. */
	fputs("{\"recording\":", out);
	int r = write_json(json_pack("{ss, ss, so}", "session_id", header->session_id, "started",
				   clock_format_utc(header->started_ms, time), "facts",
				   facts != NULL ? facts : json_pack("n")),
		out);
	fputs(",\"events\":[", out);
	return r;
}

static int export_json(struct reader *reader, const struct export_options *options, FILE *out)
{
	struct reader_event event;
	bool first = true;
	int r = put_json_header(reader_header(reader), out);

	if (r < 0)
		return r;
	while ((r = reader_next(reader, &event)) > 0) {
		r = put_json_event(&event, first, out);
		if (r < 0)
			break;
		first = false;
	}
	fprintf(out, "\n],\"complete\":%s}\n",
		r == 0 && reader_end(reader) != NULL ? "true" : "false");
	return r;
}

int recording_export(struct reader *reader, const struct export_options *options, FILE *out)
{
	int r;

	switch (options->format) {
	case EXPORT_ASCIICAST:
		r = export_asciicast(reader, options, out);
		break;
	case EXPORT_TEXT:
		r = export_text(reader, options, out);
		break;
	case EXPORT_JSON:
		r = export_json(reader, options, out);
		break;
	default:
		return -ERR_MALFORMED;
	}
	return r == 0 && (fflush(out) != 0 || ferror(out)) ? -ERR_SYSTEM : r;
}
