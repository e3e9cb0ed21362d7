/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Telnet, the client's side: RFC 854, and the options binary (856), echo (857), suppress go ahead
 * (858), terminal type (1091) and window size (1073). Everything else is refused each time it is
 * asked: never ENVIRON, LINEMODE, X display or authentication, which would carry something about
 * us. Options start only at the target's wish, so no acknowledgement can loop: a request for the
 * state that holds already is not answered (RFC 1143).
 */
#define OPTION_BINARY 0
#define OPTION_ECHO 1
#define OPTION_GO_AHEAD 3
#define OPTION_TERMINAL 24
#define OPTION_WINDOW 31

#define OPTION_SUB_MAX 64         /* bytes of a suboption; a longer one is ignored whole */
#define OPTION_REPLIES_MAX 131072 /* bytes that wait for the target */
/* Most bytes of answers to one byte received: a terminal type against its 6-byte question. */
#define OPTION_GROWTH 8

struct option {
	uint8_t ours, theirs; /* options in force, one bit per row of option.c */
	enum option_state {
		OPTION_DATA,
		OPTION_RETURN, /* after CR */
		OPTION_COMMAND,
		OPTION_VERB, /* after WILL, WONT, DO, DONT */
		OPTION_SUB,
		OPTION_SUB_COMMAND,
	} state;
	uint8_t verb;
	uint8_t sub[OPTION_SUB_MAX];
	size_t sub_len;
	char terminal[32];
	uint16_t columns, rows;
};

void option_init(struct option *option, const char *terminal, uint16_t columns, uint16_t rows);
bool option_theirs(const struct option *option, uint8_t number); /* does the target do it? */
/*
 * Takes what the target sent; text for the person goes to text (len bytes are always enough),
 * answers to replies. Returns the length of the text, or -ERR_TOO_LARGE when replies is full.
 */
int option_receive(struct option *option, const uint8_t *bytes, size_t len, uint8_t *text,
	struct buf *replies);
/* Typed bytes as they go over the wire: 0xff doubled, CR as CR NUL unless CR LF or binary. */
int option_encode(const struct option *option, const uint8_t *bytes, size_t len, struct buf *out);
int option_resize(struct option *option, uint16_t columns, uint16_t rows, struct buf *out);
