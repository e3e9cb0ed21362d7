/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/telnet/option.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum command { SE = 240, SB = 250, WILL = 251, WONT = 252, DO = 253, DONT = 254, IAC = 255 };
#define SUB_IS 0
#define SUB_SEND 1

/* What may be switched on, and by whom. */
static const struct row {
	uint8_t number;
	bool ours, theirs;
} rows_of_options[] = {
	{ OPTION_BINARY, true, true },
	{ OPTION_ECHO, false, true },
	{ OPTION_GO_AHEAD, true, true },
	{ OPTION_TERMINAL, true, false },
	{ OPTION_WINDOW, true, false },
};

static int row_of(uint8_t number)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows_of_options); i++)
		if (rows_of_options[i].number == number)
			return (int)i;
	return -1;
}

static bool ours(const struct option *option, uint8_t number)
{
	return (option->ours & 1u << row_of(number)) != 0;
}

bool option_theirs(const struct option *option, uint8_t number)
{
	int row = row_of(number);

	return row >= 0 && (option->theirs & 1u << row) != 0;
}

void option_init(struct option *option, const char *terminal, uint16_t columns, uint16_t rows)
{
	memset(option, 0, sizeof *option);
	if (text_copy(option->terminal, sizeof option->terminal, terminal) < 0 ||
		terminal[0] == '\0')
		text_copy(option->terminal, sizeof option->terminal, "UNKNOWN");
	option->columns = columns;
	option->rows = rows;
}

static int say(struct buf *replies, uint8_t verb, uint8_t number)
{
	uint8_t bytes[3] = { IAC, verb, number };

	return buf_append(replies, bytes, sizeof bytes);
}

/* A suboption with its frame; 0xff inside is doubled. */
static int say_sub(struct buf *replies, uint8_t number, const uint8_t *bytes, size_t len)
{
	uint8_t out[2 * OPTION_SUB_MAX] = { IAC, SB, number };
	size_t at = 3;

	for (size_t i = 0; i < len && at < sizeof out - 4; i++) {
		out[at++] = bytes[i];
		if (bytes[i] == IAC)
			out[at++] = IAC;
	}
	out[at++] = IAC;
	out[at++] = SE;
	return buf_append(replies, out, at);
}

static int say_window(const struct option *option, struct buf *replies)
{
	uint8_t sides[4] = { (uint8_t)(option->columns >> 8), (uint8_t)option->columns,
		(uint8_t)(option->rows >> 8), (uint8_t)option->rows };

	return say_sub(replies, OPTION_WINDOW, sides, sizeof sides);
}

/* The target does (WILL) or stops doing (WONT) something. */
static int on_theirs(struct option *option, uint8_t number, bool on, struct buf *replies)
{
	int row = row_of(number);

	if (row < 0 || !rows_of_options[row].theirs)
		return on ? say(replies, DONT, number) : 0;
	if (on == option_theirs(option, number))
		return 0;
	option->theirs ^= (uint8_t)(1u << row);
	return say(replies, on ? DO : DONT, number);
}

/* The target asks us to do (DO) or to stop (DONT). */
static int on_ours(struct option *option, uint8_t number, bool on, struct buf *replies)
{
	int row = row_of(number), r;

	if (row < 0 || !rows_of_options[row].ours)
		return on ? say(replies, WONT, number) : 0;
	if (on == ours(option, number))
		return 0;
	option->ours ^= (uint8_t)(1u << row);
	r = say(replies, on ? WILL : WONT, number);
	if (r == 0 && on && number == OPTION_WINDOW)
		r = say_window(option, replies);
	return r;
}

static int on_verb(struct option *option, uint8_t number, struct buf *replies)
{
	if (option->verb == WILL || option->verb == WONT)
		return on_theirs(option, number, option->verb == WILL, replies);
	return on_ours(option, number, option->verb == DO, replies);
}

/* The one question that is answered: which terminal. */
static int on_sub(struct option *option, struct buf *replies)
{
	uint8_t answer[1 + sizeof option->terminal] = { SUB_IS };
	size_t len = strlen(option->terminal);

	if (option->sub_len != 2 || option->sub[0] != OPTION_TERMINAL ||
		option->sub[1] != SUB_SEND || !ours(option, OPTION_TERMINAL))
		return 0;
	memcpy(answer + 1, option->terminal, len);
	return say_sub(replies, OPTION_TERMINAL, answer, 1 + len);
}

static int on_command(struct option *option, uint8_t byte, uint8_t *text, size_t *text_len)
{
	option->state = OPTION_DATA;
	switch (byte) {
	case IAC:
		text[(*text_len)++] = IAC;
		break;
	case SB:
		option->sub_len = 0;
		option->state = OPTION_SUB;
		break;
	case WILL:
	case WONT:
	case DO:
	case DONT:
		option->verb = byte;
		option->state = OPTION_VERB;
		break;
	default: /* go ahead, data mark, are you there: nothing to do for a client */
		break;
	}
	return 0;
}

static void keep_sub(struct option *option, uint8_t byte)
{
	if (option->sub_len < OPTION_SUB_MAX)
		option->sub[option->sub_len] = byte;
	/* One more than fits marks it as too long, and counting stops there. */
	option->sub_len = MIN(option->sub_len + 1, (size_t)OPTION_SUB_MAX + 1);
}

static int on_sub_command(
	struct option *option, uint8_t byte, uint8_t *text, size_t *text_len, struct buf *replies)
{
	if (byte == IAC) {
		keep_sub(option, byte);
		option->state = OPTION_SUB;
		return 0;
	}
	if (byte != SE) /* no end, but another command: the suboption is void */
		return on_command(option, byte, text, text_len);
	option->state = OPTION_DATA;
	return on_sub(option, replies);
}

static void on_data(struct option *option, uint8_t byte, uint8_t *text, size_t *text_len)
{
	bool after_return = option->state == OPTION_RETURN;

	option->state = OPTION_DATA;
	if (byte == IAC) {
		option->state = OPTION_COMMAND;
		return;
	}
	if (after_return && byte == '\0')
		return; /* CR NUL is a bare CR */
	if (byte == '\r' && !option_theirs(option, OPTION_BINARY))
		option->state = OPTION_RETURN;
	text[(*text_len)++] = byte;
}

static int on_byte(
	struct option *option, uint8_t byte, uint8_t *text, size_t *text_len, struct buf *replies)
{
	switch (option->state) {
	case OPTION_COMMAND:
		return on_command(option, byte, text, text_len);
	case OPTION_VERB:
		option->state = OPTION_DATA;
		return on_verb(option, byte, replies);
	case OPTION_SUB:
		if (byte == IAC)
			option->state = OPTION_SUB_COMMAND;
		else
			keep_sub(option, byte);
		return 0;
	case OPTION_SUB_COMMAND:
		return on_sub_command(option, byte, text, text_len, replies);
	default:
		on_data(option, byte, text, text_len);
		return 0;
	}
}

int option_receive(
	struct option *option, const uint8_t *bytes, size_t len, uint8_t *text, struct buf *replies)
{
	size_t text_len = 0;

	for (size_t i = 0; i < len; i++) {
		int r = on_byte(option, bytes[i], text, &text_len, replies);

		if (r < 0)
			return r;
	}
	return (int)text_len;
}

int option_encode(const struct option *option, const uint8_t *bytes, size_t len, struct buf *out)
{
	bool binary = ours(option, OPTION_BINARY);
	int r = 0;

	for (size_t i = 0; i < len && r == 0; i++) {
		uint8_t pair[2] = { bytes[i], 0 };
		bool bare_return =
			bytes[i] == '\r' && !binary && (i + 1 == len || bytes[i + 1] != '\n');

		pair[1] = bytes[i] == IAC ? IAC : 0;
		r = buf_append(out, pair, bytes[i] == IAC || bare_return ? 2 : 1);
	}
	return r;
}

int option_resize(struct option *option, uint16_t columns, uint16_t rows, struct buf *out)
{
	option->columns = columns;
	option->rows = rows;
	return ours(option, OPTION_WINDOW) ? say_window(option, out) : 0;
}
