/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/parser.h"

#include <string.h>

#include "base/mem.h"

enum state {
	GROUND,
	ESCAPE,
	ESCAPE_MORE,
	CSI,
	CSI_PARAM,
	CSI_MORE,
	CSI_IGNORE,
	OSC,
	STRING, /* SOS, PM, APC */
	DCS,
	DCS_PARAM,
	DCS_MORE,
	DCS_IGNORE,
	DCS_CONTENT,
};

#define VALUE_MAX INT32_MAX

void parser_init(struct parser *parser, const struct parser_events *events, void *context)
{
	memset(parser, 0, offsetof(struct parser, run));
	parser->events = events;
	parser->context = context;
}

/* ---- parameters ---- */

static void add_param(struct params *params)
{
	params->in_sub = false;
	if (params->count == PARSER_PARAMS_MAX) {
		params->full = true;
		return;
	}
	params->sub_first[params->count] = params->sub_end[params->count] =
		(uint8_t)params->sub_count;
	params->values[params->count++] = 0;
}

static void add_sub(struct params *params)
{
	params->in_sub = true;
	if (params->full || params->sub_count == PARSER_PARAMS_MAX) {
		params->sub_full = true;
		return;
	}
	params->subs[params->sub_count++] = -1;
	params->sub_end[params->count - 1]++;
}

static void add_digit(struct params *params, uint32_t digit)
{
	int32_t *place = params->in_sub ? &params->subs[MAX(params->sub_count, 1U) - 1]
					: &params->values[params->count - 1];

	if (params->full || (params->in_sub && (params->sub_full || params->sub_count == 0)))
		return;
	if (*place < 0)
		*place = (int32_t)digit;
	else
		*place = *place > (VALUE_MAX - (int32_t)digit) / 10 ? VALUE_MAX
								    : *place * 10 + (int32_t)digit;
}

static void begin_sequence(struct parser *parser)
{
	struct params *params = &parser->params;

	params->count = params->sub_count = 0;
	params->full = params->sub_full = params->in_sub = false;
	add_param(params);
	parser->collected = 0;
}

static void take_param(struct parser *parser, uint32_t code)
{
	if (code == ';')
		add_param(&parser->params);
	else if (code == ':')
		add_sub(&parser->params);
	else
		add_digit(&parser->params, code - '0');
}

static void collect(struct parser *parser, uint32_t code)
{
	parser->collected = parser->collected << 8 | code;
}

/* ---- states ---- */

static void flush_run(struct parser *parser)
{
	unsigned count = parser->run_len;

	parser->run_len = 0;
	if (count > 0)
		parser->events->text(parser->context, parser->run, count);
}

static bool is_control(uint32_t code)
{
	return code < 0x18 || code == 0x19 || (code >= 0x1c && code < 0x20);
}

/* What ends or begins something in every state. */
static bool anywhere(struct parser *parser, uint32_t code)
{
	if (code == 0x18 || code == 0x1a ||
		(code >= 0x80 && code < 0x9b && code != 0x90 && code != 0x98)) {
		parser->state = GROUND;
		parser->events->control(parser->context, code);
	} else if (code == 0x1b || code == 0x9b || code == 0x90) {
		begin_sequence(parser);
		parser->state = code == 0x1b ? ESCAPE : code == 0x9b ? CSI : DCS;
	} else if (code == 0x9c) {
		parser->state = GROUND;
	} else if (code == 0x9d) {
		parser->state = OSC;
	} else if (code == 0x98 || code == 0x9e || code == 0x9f) {
		parser->state = STRING;
	} else {
		return false;
	}
	return true;
}

static void end_escape(struct parser *parser, uint32_t code)
{
	parser->state = GROUND;
	parser->events->escape(parser->context, parser->collected << 8 | code);
}

static void in_escape(struct parser *parser, uint32_t code)
{
	if (code >= 0x20 && code < 0x30) {
		collect(parser, code);
		parser->state = ESCAPE_MORE;
	} else if (parser->state == ESCAPE_MORE) {
		end_escape(parser, code);
	} else if (code == '[') {
		begin_sequence(parser);
		parser->state = CSI;
	} else if (code == 'P') {
		begin_sequence(parser);
		parser->state = DCS;
	} else if (code == ']') {
		parser->state = OSC;
	} else if (code == 'X' || code == '^' || code == '_') {
		parser->state = STRING;
	} else {
		end_escape(parser, code);
	}
}

/* The head of a CSI or DCS: states lie in the same order for both. */
static void in_head(struct parser *parser, uint32_t code, uint8_t first)
{
	uint8_t param = first + 1, more = first + 2, ignore = first + 3;

	if (code >= 0x20 && code < 0x30) {
		collect(parser, code);
		parser->state = more;
	} else if (parser->state == more) {
		parser->state = ignore;
	} else if (code < 0x3c) {
		take_param(parser, code);
		parser->state = param;
	} else if (parser->state == first) {
		collect(parser, code); /* < = > ? */
		parser->state = param;
	} else {
		parser->state = ignore;
	}
}

static void in_csi(struct parser *parser, uint32_t code)
{
	bool ends = code >= 0x40;

	if (!ends && parser->state != CSI_IGNORE)
		in_head(parser, code, CSI);
	if (!ends)
		return;
	bool dispatch = parser->state != CSI_IGNORE;
	parser->state = GROUND;
	if (dispatch)
		parser->events->sequence(
			parser->context, parser->collected << 8 | code, &parser->params);
}

static void in_dcs(struct parser *parser, uint32_t code)
{
	if (parser->state == DCS_CONTENT || parser->state == DCS_IGNORE)
		return;
	if (code >= 0x40)
		parser->state = DCS_CONTENT;
	else
		in_head(parser, code, DCS);
}

/* Code points that no state of a sequence knows end it without a trace. */
static void beyond_ascii(struct parser *parser)
{
	if (parser->state != OSC && parser->state != CSI_IGNORE && parser->state != DCS_IGNORE &&
		parser->state != DCS_CONTENT)
		parser->state = GROUND;
}

static bool ends_string(const struct parser *parser, uint32_t code)
{
	bool ends = code == 0x9c || code == 0x1b || code == 0x18 || code == 0x1a;

	if (parser->state == OSC)
		return ends || code == 0x07;
	return parser->state == DCS_CONTENT && ends;
}

static void end_string(struct parser *parser, uint32_t code)
{
	begin_sequence(parser);
	parser->state = code == 0x1b ? ESCAPE : GROUND;
	parser->events->string(parser->context);
}

static void in_sequence(struct parser *parser, uint32_t code)
{
	if (ends_string(parser, code)) {
		end_string(parser, code);
	} else if (anywhere(parser, code)) {
		return;
	} else if (code >= 0xa0) {
		beyond_ascii(parser);
	} else if (is_control(code)) {
		if (parser->state < OSC)
			parser->events->control(parser->context, code);
	} else if (code == 0x7f || parser->state == OSC || parser->state == STRING) {
		return;
	} else if (parser->state <= ESCAPE_MORE) {
		in_escape(parser, code);
	} else if (parser->state <= CSI_IGNORE) {
		in_csi(parser, code);
	} else {
		in_dcs(parser, code);
	}
}

static void take(struct parser *parser, uint32_t code)
{
	if (parser->state != GROUND) {
		in_sequence(parser, code);
	} else if ((code >= 0x20 && code < 0x7f) || code >= 0xa0) {
		parser->run[parser->run_len++] = code;
		if (parser->run_len == PARSER_RUN)
			flush_run(parser);
	} else {
		flush_run(parser);
		if (!anywhere(parser, code) && is_control(code))
			parser->events->control(parser->context, code);
	}
}

/* ---- bytes ---- */

static unsigned character_len(uint8_t first)
{
	return first < 0x80             ? 1
	       : (first & 0xe0) == 0xc0 ? 2
	       : (first & 0xf0) == 0xe0 ? 3
	       : (first & 0xf8) == 0xf0 ? 4
					: 0;
}

static bool legal(uint32_t code, unsigned len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return false;
	return code != 0xfeff; /* a byte order mark */
}

static void end_character(struct parser *parser, unsigned len)
{
	uint32_t code = parser->partial[0] & (0x7fu >> len);

	for (unsigned i = 1; i < len; i++)
		code = code << 6 | (parser->partial[i] & 0x3f);
	parser->partial_len = 0;
	if (legal(code, len))
		take(parser, code);
}

/* What is no UTF-8 is skipped. */
static void take_byte(struct parser *parser, uint8_t byte)
{
	if (parser->partial_len > 0 && (byte & 0xc0) == 0x80) {
		parser->partial[parser->partial_len++] = byte;
		unsigned len = character_len(parser->partial[0]);
		if (parser->partial_len == len)
			end_character(parser, len);
		return;
	}
	parser->partial_len = 0;
	if (byte < 0x80)
		take(parser, byte);
	else if (character_len(byte) > 1)
		parser->partial[parser->partial_len++] = byte;
}

static bool rests(const struct parser *parser)
{
	return parser->state == GROUND && parser->partial_len == 0;
}

/*
 * Controls inside of a sequence are obeyed at once, and not again by who reads the rest. A
 * character that did not become one is forgotten.
 */
static void remember(struct parser *parser, uint8_t byte)
{
	if ((byte & 0xc0) != 0x80)
		parser->cut_len -= parser->partial_len;
	if (byte == 0x1b)
		parser->cut_len = 0; /* gives up what was begun, and begins itself */
	else if (byte < 0x20)
		return;
	if (parser->cut_len < sizeof parser->cut)
		parser->cut[parser->cut_len] = byte;
	parser->cut_len++;
}

void parser_feed(struct parser *parser, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool plain = bytes[i] >= 0x20 && bytes[i] < 0x7f;
		if (plain && rests(parser)) {
			take(parser, bytes[i]);
			continue;
		}
		remember(parser, bytes[i]);
		take_byte(parser, bytes[i]);
		if (rests(parser))
			parser->cut_len = 0;
	}
	flush_run(parser);
}

void parser_reset(struct parser *parser)
{
	parser->state = GROUND;
	begin_sequence(parser);
}

/* A string of which nobody knows the beginning any more: one that nothing listens to. */
static size_t long_string(const struct parser *parser, uint8_t *out)
{
	static const char osc[] = "\033]9999;", dcs[] = "\033Pz", other[] = "\033X";
	const char *begins = parser->state == OSC ? osc : parser->state == STRING ? other : dcs;

	memcpy(out, begins, strlen(begins));
	return strlen(begins);
}

size_t parser_cut(const struct parser *parser, uint8_t out[PARSER_CUT_MAX])
{
	if (parser->cut_len <= sizeof parser->cut) {
		memcpy(out, parser->cut, parser->cut_len);
		return parser->cut_len;
	}
	if (parser->state >= OSC) {
		size_t len = long_string(parser, out);
		memcpy(out + len, parser->partial, parser->partial_len);
		return len + parser->partial_len;
	}
	/* A sequence of that length says nothing that a program would: one that is ignored. */
	memcpy(out, "\033[0<", 4);
	return 4;
}
