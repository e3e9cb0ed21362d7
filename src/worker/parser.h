/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Cuts what a target sends into text, controls and sequences, as the page's terminal does: UTF-8
 * with C1 controls by code point, the states of the VT500 parser drawn by Paul Williams. The
 * content of strings (OSC, DCS, SOS, PM, APC) changes no screen and is dropped.
 */
#define PARSER_PARAMS_MAX 32 /* parameters, and as many sub-parameters */
#define PARSER_RUN 256       /* code points of text handed over at a time */
#define PARSER_CUT_MAX 256   /* bytes of a sequence that is kept while it is not whole */

struct params {
	unsigned count, sub_count;
	int32_t values[PARSER_PARAMS_MAX];
	int32_t subs[PARSER_PARAMS_MAX]; /* -1: empty */
	uint8_t sub_first[PARSER_PARAMS_MAX], sub_end[PARSER_PARAMS_MAX];
	bool full, sub_full, in_sub;
};

struct parser_events {
	void (*text)(void *context, const uint32_t *codes, unsigned count);
	void (*control)(void *context, uint32_t code); /* C0 and C1 */
	/* Bytes collected before the final one, newest lowest, then the final one: '(' << 8 | '0'.
	 */
	void (*escape)(void *context, uint32_t id);
	void (*sequence)(void *context, uint32_t id, const struct params *params);
	void (*string)(void *context); /* one has ended */
};

struct parser {
	const struct parser_events *events;
	void *context;
	uint8_t state;
	uint32_t collected;
	struct params params;
	uint8_t partial[4]; /* of a character */
	uint8_t partial_len;
	/* The bytes since the last one that left nothing open: see parser_cut(). */
	uint8_t cut[PARSER_CUT_MAX];
	size_t cut_len; /* may be more than is kept */
	unsigned run_len;
	uint32_t run[PARSER_RUN];
};

void parser_init(struct parser *parser, const struct parser_events *events, void *context);
void parser_feed(struct parser *parser, const uint8_t *bytes, size_t len);
/* Forgets an unfinished sequence, not a character: what a full reset does. */
void parser_reset(struct parser *parser);
/*
 * What another parser has to read to stand where this one does: the beginning of a sequence or a
 * character. Of a string longer than is kept only that it is one. Returns the length.
 */
size_t parser_cut(const struct parser *parser, uint8_t out[PARSER_CUT_MAX]);
