/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "ctl/reader.h"

#define LINE_CELLS 4096 /* characters of one line; what is longer is continued on the next */
#define PARAMS_KEPT 4

unsigned text_decode(const uint8_t *bytes, size_t len, uint32_t *ret_character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned need = bytes[0] < 0x80   ? 1
			: bytes[0] < 0xc2 ? 0
			: bytes[0] < 0xe0 ? 2
			: bytes[0] < 0xf0 ? 3
			: bytes[0] < 0xf5 ? 4
					  : 0;
	uint32_t character;

	*ret_character = 0xfffd;
	if (need == 0)
		return 1;
	character = need == 1 ? bytes[0] : bytes[0] & (0x7fU >> need);
	for (unsigned i = 1; i < need; i++) {
		if (i == len)
			return 0;
		if ((bytes[i] & 0xc0) != 0x80)
			return i;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character >= least[need] && character <= 0x10ffff && (character & ~0x7ffU) != 0xd800)
		*ret_character = character;
	return need;
}

unsigned text_encode(uint32_t character, char out[4])
{
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (char)(0xc0 | character >> 6);
		out[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		out[0] = (char)(0xe0 | character >> 12);
		out[1] = (char)(0x80 | (character >> 6 & 0x3f));
		out[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | character >> 18);
	out[1] = (char)(0x80 | (character >> 12 & 0x3f));
	out[2] = (char)(0x80 | (character >> 6 & 0x3f));
	out[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

bool text_dangerous(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0xad ||
	       character == 0x61c || character == 0x200b || character == 0x200e ||
	       character == 0x200f || /* joiners, 200c and 200d, belong to text */
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2060 && character <= 0x206f) || character == 0xfeff ||
	       (character >= 0xfff9 && character <= 0xfffb) ||
	       (character >= 0xe0000 && character <= 0xe0fff);
}

int text_safe(struct buf *out, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	int r = 0;

	while (len > 0 && r == 0) {
		uint32_t character;
		unsigned used = text_decode(at, len, &character);
		char encoded[4];
		if (used == 0)
			used = (unsigned)len; /* cut off in the middle: one mark for the rest */
		if (!text_dangerous(character))
			r = buf_append(out, encoded, text_encode(character, encoded));
		else if (character < 0x20 || character == 0x7f)
			r = buf_append_format(out, "^%c", (char)(character ^ 0x40));
		else
			r = buf_append_format(out, "<U+%04X>", character);
		at += used;
		len -= used;
	}
	return r;
}

json_t *text_json(const void *bytes, size_t len)
{
	CLEANUP(buf_finish) struct buf text = BUF(3 * len + 4);
	const uint8_t *at = bytes;
	int r = 0;

	while (len > 0 && r == 0) {
		uint32_t character;
		char encoded[4];
		unsigned used = text_decode(at, len, &character);
		if (used == 0)
			used = (unsigned)len; /* cut off in the middle: one mark for the rest */
		r = buf_append(&text, encoded, text_encode(character, encoded));
		at += used;
		len -= used;
	}
	return r == 0 ? json_stringn(text.len > 0 ? (char *)text.data : "", text.len) : NULL;
}

/* ---- lines ---- */

enum line_state { GROUND, ESCAPE, CHARSET, CONTROL, STRING, STRING_ESCAPE };

struct text_lines {
	text_line_fn *fn;
	void *context;
	uint32_t *cells;
	unsigned used, column;
	enum line_state state;
	unsigned params[PARAMS_KEPT];
	unsigned param_count;
	bool private; /* CSI ? ... */
	uint8_t held[4];
	unsigned held_len;
};

struct text_lines *text_lines_create(text_line_fn *fn, void *context)
{
	struct text_lines *lines = calloc(1, sizeof(*lines));

	if (lines == NULL)
		return NULL;
	lines->cells = calloc(LINE_CELLS, sizeof(uint32_t));
	if (lines->cells == NULL) {
		free(lines);
		return NULL;
	}
	lines->fn = fn;
	lines->context = context;
	return lines;
}

void text_lines_destroy(struct text_lines *lines)
{
	if (lines == NULL)
		return;
	mem_wipe(lines->cells, LINE_CELLS * sizeof(uint32_t));
	free(lines->cells);
	free(lines);
}

static int emit(struct text_lines *lines)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_CELLS * 10);
	unsigned used = lines->used;
	int r = 0;

	while (used > 0 && (lines->cells[used - 1] == ' ' || lines->cells[used - 1] == 0))
		used--;
	for (unsigned i = 0; i < used && r == 0; i++) {
		char encoded[4];
		uint32_t character = lines->cells[i] != 0 ? lines->cells[i] : ' ';
		r = text_safe(&text, encoded, text_encode(character, encoded));
	}
	lines->used = 0;
	return r < 0 ? r
		     : lines->fn(lines->context, text.data != NULL ? (char *)text.data : "",
			       text.len);
}

static int emit_if_any(struct text_lines *lines)
{
	return lines->used > 0 ? emit(lines) : 0;
}

int text_lines_flush(struct text_lines *lines)
{
	int r = emit_if_any(lines);

	lines->column = 0;
	return r;
}

static int put_character(struct text_lines *lines, uint32_t character)
{
	int r = 0;

	if (lines->column >= LINE_CELLS) {
		r = emit(lines);
		lines->column = 0;
	}
	while (lines->used <= lines->column)
		lines->cells[lines->used++] = ' ';
	lines->cells[lines->column++] = character;
	return r;
}

static void erase(struct text_lines *lines, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to && i < lines->used; i++)
		lines->cells[i] = ' ';
	if (to >= lines->used && from < lines->used)
		lines->used = from;
}

static void delete_cells(struct text_lines *lines, unsigned count)
{
	unsigned at = lines->column;

	if (at >= lines->used)
		return;
	count = MIN(count, lines->used - at);
	memmove(lines->cells + at, lines->cells + at + count,
		(lines->used - at - count) * sizeof(uint32_t));
	lines->used -= count;
}

static void insert_cells(struct text_lines *lines, unsigned count)
{
	unsigned at = lines->column;

	if (at >= lines->used)
		return;
	count = MIN(count, LINE_CELLS - lines->used);
	memmove(lines->cells + at + count, lines->cells + at,
		(lines->used - at) * sizeof(uint32_t));
	lines->used += count;
	for (unsigned i = at; i < at + count; i++)
		lines->cells[i] = ' ';
}

static int new_place(struct text_lines *lines, unsigned column)
{
	int r = emit_if_any(lines);

	lines->column = MIN(column, LINE_CELLS - 1);
	return r;
}

static void erase_line(struct text_lines *lines, unsigned how)
{
	if (how == 0)
		erase(lines, lines->column, LINE_CELLS);
	else if (how == 1)
		erase(lines, 0, lines->column + 1);
	else
		erase(lines, 0, LINE_CELLS);
}

/* Within the line it is obeyed; what moves to another line ends this one. */
static int control(struct text_lines *lines, uint8_t final)
{
	unsigned first = MIN(lines->params[0], LINE_CELLS);
	unsigned count = first > 0 ? first : 1;

	if (lines->private)
		return final == 'h' || final == 'l' ? emit_if_any(lines) : 0;
	switch (final) {
	case 'C':
		lines->column = MIN(lines->column + count, LINE_CELLS - 1);
		return 0;
	case 'D':
		lines->column -= MIN(count, lines->column);
		return 0;
	case 'G':
	case '`':
		lines->column = MIN(count - 1, LINE_CELLS - 1);
		return 0;
	case 'K':
		erase_line(lines, first);
		return 0;
	case 'X':
		erase(lines, lines->column, lines->column + count);
		return 0;
	case 'P':
		delete_cells(lines, count);
		return 0;
	case '@':
		insert_cells(lines, count);
		return 0;
	case 'H':
	case 'f':
		return new_place(lines, lines->params[1] > 0 ? lines->params[1] - 1 : 0);
	case 'E':
	case 'F':
		return new_place(lines, 0);
	case 'A':
	case 'B':
	case 'd':
		return new_place(lines, lines->column);
	case 'J':
		if (first == 0) {
			erase(lines, lines->column, LINE_CELLS);
			return 0;
		}
		return new_place(lines, lines->column);
	default:
		return 0;
	}
}

static int ground(struct text_lines *lines, uint32_t character)
{
	switch (character) {
	case '\n':
	case '\v':
	case '\f':
		return emit(lines);
	case '\r':
		lines->column = 0;
		return 0;
	case '\b':
		lines->column -= lines->column > 0;
		return 0;
	case '\t':
		lines->column = MIN((lines->column / 8 + 1) * 8, LINE_CELLS - 1);
		return 0;
	case 0x1b:
		lines->state = ESCAPE;
		return 0;
	default:
		return character < 0x20 || (character >= 0x7f && character < 0xa0)
			       ? 0
			       : put_character(lines, character);
	}
}

static void begin_control(struct text_lines *lines)
{
	memset(lines->params, 0, sizeof(lines->params));
	lines->param_count = 0;
	lines->private = false;
	lines->state = CONTROL;
}

static int escape(struct text_lines *lines, uint32_t character)
{
	lines->state = GROUND;
	if (character == '[')
		begin_control(lines);
	else if (character == ']' || character == 'P' || character == '_' || character == '^' ||
		 character == 'X')
		lines->state = STRING;
	else if (character >= 0x20 && character < 0x30)
		lines->state = CHARSET;
	else if (character == 'E' || character == 'D' || character == 'c')
		return emit_if_any(lines);
	return 0;
}

static int in_control(struct text_lines *lines, uint32_t character)
{
	unsigned *param = &lines->params[MIN(lines->param_count, PARAMS_KEPT - 1U)];

	if (character >= '0' && character <= '9') {
		*param = MIN(*param * 10 + (character - '0'), 65535U);
	} else if (character == ';' || character == ':') {
		lines->param_count++;
	} else if (character >= 0x3c && character <= 0x3f) {
		lines->private = true;
	} else if (character >= 0x40 && character < 0x7f) {
		lines->state = GROUND;
		return control(lines, (uint8_t)character);
	} else if (character == 0x1b) {
		lines->state = ESCAPE;
	} else if (character < 0x20) {
		return ground(lines, character); /* obeyed inside a sequence, as terminals do */
	}
	return 0;
}

static int step(struct text_lines *lines, uint32_t character)
{
	switch (lines->state) {
	case GROUND:
		return ground(lines, character);
	case ESCAPE:
		return escape(lines, character);
	case CHARSET:
		lines->state = GROUND;
		return 0;
	case CONTROL:
		return in_control(lines, character);
	case STRING:
		if (character == 0x07 || character == 0x18 || character == 0x1a)
			lines->state = GROUND;
		else if (character == 0x1b)
			lines->state = STRING_ESCAPE;
		return 0;
	case STRING_ESCAPE:
		if (character == '\\') {
			lines->state = GROUND;
			return 0;
		}
		lines->state = ESCAPE;
		return escape(lines, character);
	}
	return 0;
}

int text_lines_put(struct text_lines *lines, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		unsigned had = lines->held_len, used;
		uint32_t character;
		int r;
		/* At most three bytes are held, so one more always fits. */
		if (had > 0) {
			lines->held[had] = bytes[0];
			used = text_decode(lines->held, had + 1, &character);
		} else {
			used = text_decode(bytes, len, &character);
		}
		if (used == 0) {
			size_t kept = had > 0 ? 1 : len;
			memcpy(lines->held + had, bytes, kept);
			lines->held_len = had + (unsigned)kept;
			bytes += kept;
			len -= kept;
			continue;
		}
		/* A bad byte ends what was held and is looked at again by itself. */
		unsigned taken = had > 0 ? (used > had) : used;
		lines->held_len = 0;
		bytes += taken;
		len -= taken;
		r = step(lines, character);
		if (r < 0)
			return r;
	}
	return 0;
}
