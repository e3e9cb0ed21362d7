/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "ctl/reader.h"

/*
 * A terminal obeys what it is shown: it answers questions into the input of whoever looks, sets
 * titles and clipboards, switches on mouse reports. Here is what may pass; the rest is dropped.
 */
enum filter_state { GROUND, ESCAPE, CONTROL, CONTROL_TOO_LONG, STRING, STRING_ESCAPE };

#define CONTROL_PARAMS 32

static bool mode_allowed(unsigned mode)
{
	switch (mode) {
	case 5:  /* reverse screen */
	case 6:  /* origin */
	case 7:  /* wrap */
	case 12: /* blinking cursor */
	case 25: /* cursor */
	case 47: /* other screen */
	case 1047:
	case 1048:
	case 1049:
	case 2026: /* synchronized output */
		return true;
	default:
		return false;
	}
}

static unsigned parse_params(const char *text, size_t len, unsigned params[CONTROL_PARAMS])
{
	unsigned count = 0, value = 0;

	for (size_t i = 0; i <= len && count < CONTROL_PARAMS; i++) {
		if (i == len || text[i] == ';') {
			params[count++] = value;
			value = 0;
		} else if (text[i] >= '0' && text[i] <= '9') {
			value = MIN(value * 10 + (unsigned)(text[i] - '0'), 65535U);
		} else {
			return 0;
		}
	}
	return count;
}

/* CSI ? 25 ; 1000 h: only the modes that are harmless go through. */
static int put_modes(struct buf *out, const char *body, size_t len, char final)
{
	unsigned params[CONTROL_PARAMS];
	unsigned count = parse_params(body, len, params);
	int r = 0;

	for (unsigned i = 0; i < count && r == 0; i++)
		if (mode_allowed(params[i]))
			r = buf_append_format(out, "\033[?%u%c", params[i], final);
	return r;
}

static bool plain_body(const char *body, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((body[i] < '0' || body[i] > '9') && body[i] != ';' && body[i] != ':')
			return false;
	return true;
}

/* body[len] stands between CSI and its final byte. */
static int put_control(struct buf *out, const char *body, size_t len, char final)
{
	bool drawing =
		plain_body(body, len) && strchr("@ABCDEFGHIJKLMPSXZ`abdefgmrsu", final) != NULL;
	bool insert = (final == 'h' || final == 'l') && len == 1 && body[0] == '4';
	bool cursor = final == 'q' && len > 0 && body[len - 1] == ' ' && plain_body(body, len - 1);
	bool reset = final == 'p' && len == 1 && body[0] == '!';

	if (len > 0 && body[0] == '?' && (final == 'h' || final == 'l'))
		return put_modes(out, body + 1, len - 1, final);
	if (!drawing && !insert && !cursor && !reset)
		return 0;
	return buf_append_format(out, "\033[%.*s%c", (int)len, body, final);
}

static void hold(struct filter *filter, uint8_t byte)
{
	if (filter->held_len < sizeof(filter->held))
		filter->held[filter->held_len++] = byte;
	else
		filter->state = CONTROL_TOO_LONG;
}

static void start(struct filter *filter, enum filter_state state)
{
	filter->state = (uint8_t)state;
	filter->held_len = 0;
}

/* held: "(" and the like, when a second byte was awaited. */
static int escape(struct filter *filter, uint8_t byte, struct buf *out)
{
	char first = filter->held_len > 0 ? (char)filter->held[0] : 0;

	if (first == 0 && byte == '[') {
		start(filter, CONTROL);
		return 0;
	}
	if (first == 0 && strchr("]P_^X", byte) != NULL && byte != 0) {
		start(filter, STRING);
		return 0;
	}
	if (first == 0 && byte >= 0x20 && byte < 0x30) {
		hold(filter, byte);
		return 0;
	}
	if (byte == 0x1b) {
		start(filter, ESCAPE);
		return 0;
	}
	start(filter, GROUND);
	if (first == 0 && byte != 0 && strchr("78DEMHc", byte) != NULL)
		return buf_append_format(out, "\033%c", byte);
	if ((first == '(' || first == ')') && byte != 0 && strchr("0AB12", byte) != NULL)
		return buf_append_format(out, "\033%c%c", first, byte);
	if (first == '#' && byte == '8')
		return buf_append_text(out, "\033#8");
	return 0;
}

static int ground_control(struct filter *filter, uint8_t byte, struct buf *out)
{
	if (byte == 0x1b)
		start(filter, ESCAPE);
	else if ((byte >= 0x08 && byte <= 0x0f) && byte != 0)
		return buf_append(out, &byte, 1); /* BS HT LF VT FF CR SO SI */
	return 0;
}

static int control(struct filter *filter, uint8_t byte, struct buf *out)
{
	if (byte == 0x1b) {
		start(filter, ESCAPE);
	} else if (byte == 0x18 || byte == 0x1a) {
		start(filter, GROUND);
	} else if (byte < 0x20) {
		return ground_control(
			filter, byte, out); /* obeyed inside a sequence, as terminals do */
	} else if (byte >= 0x40 && byte < 0x7f) {
		bool whole = filter->state == CONTROL;
		char body[sizeof(filter->held)];
		size_t len = filter->held_len;
		memcpy(body, filter->held, len);
		start(filter, GROUND);
		return whole ? put_control(out, body, len, (char)byte) : 0;
	} else if (byte < 0x40 && filter->state == CONTROL) {
		hold(filter, byte);
	} else {
		filter->state = CONTROL_TOO_LONG; /* DEL or beyond ASCII: not one we know */
	}
	return 0;
}

static int in_string(struct filter *filter, uint8_t byte, struct buf *out)
{
	if (filter->state == STRING_ESCAPE) {
		start(filter, GROUND);
		if (byte == '\\')
			return 0;
		start(filter, ESCAPE);
		return escape(filter, byte, out);
	}
	if (byte == 0x07 || byte == 0x18 || byte == 0x1a)
		start(filter, GROUND);
	else if (byte == 0x1b)
		filter->state = STRING_ESCAPE;
	return 0;
}

/* Characters beyond ASCII: whole, valid, and not one of the C1 controls that terminals obey. */
static int character(struct filter *filter, uint8_t byte, struct buf *out)
{
	char encoded[4];
	uint32_t decoded;

	filter->held[filter->held_len++] = byte;
	unsigned used = text_decode(filter->held, filter->held_len, &decoded);
	if (used == 0)
		return 0;
	bool again = used < filter->held_len;
	filter->held_len = 0;
	int r = 0;
	if (!text_dangerous(decoded))
		r = buf_append(out, encoded, text_encode(decoded, encoded));
	if (r < 0 || !again)
		return r;
	return byte < 0x80 ? filter_put(filter, &byte, 1, out) : character(filter, byte, out);
}

int filter_put(struct filter *filter, const uint8_t *bytes, size_t len, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; i < len && r == 0; i++) {
		uint8_t byte = bytes[i];
		switch ((enum filter_state)filter->state) {
		case GROUND:
			if (byte >= 0x80 || filter->held_len > 0)
				r = character(filter, byte, out);
			else if (byte >= 0x20 && byte != 0x7f)
				r = buf_append(out, &byte, 1);
			else
				r = ground_control(filter, byte, out);
			break;
		case ESCAPE:
			r = escape(filter, byte, out);
			break;
		case CONTROL:
		case CONTROL_TOO_LONG:
			r = control(filter, byte, out);
			break;
		case STRING:
		case STRING_ESCAPE:
			r = in_string(filter, byte, out);
			break;
		}
	}
	return r;
}
