/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "worker/grid.h"
#include "worker/marks.h"
#include "worker/parser.h"

/*
 * What a person's terminal shows after these bytes: the page's terminal once more, without a
 * picture and without an answer. It lives only while a keyframe is made (digest.h); a megabyte of
 * memory is much for a session that rests.
 */
enum terminal_mouse { MOUSE_NONE, MOUSE_X10, MOUSE_VT200, MOUSE_DRAG, MOUSE_ANY };
enum terminal_mouse_encoding { MOUSE_PLAIN, MOUSE_SGR, MOUSE_SGR_PIXELS };
enum terminal_switch { SWITCH_UNSET, SWITCH_ON, SWITCH_OFF };

/* Modes that a reset takes back. */
struct terminal_modes {
	bool insert, origin, no_wrap, reverse_wrap;
	bool cursor_keys, keypad, bracketed_paste, focus, synchronized;
	uint8_t cursor_style; /* DECSCUSR; 0: the terminal's own */
};

struct terminal {
	struct parser parser;
	struct marks marks;
	struct grid normal, alternate;
	struct grid *active;
	struct attributes pen;
	struct terminal_modes modes;
	/* Not taken back by a reset of the page's terminal. */
	bool feed_returns; /* a line feed is a carriage return too */
	bool hidden;       /* the cursor */
	enum terminal_switch blink;
	enum terminal_mouse mouse;
	enum terminal_mouse_encoding mouse_encoding;
	uint8_t sets[4], level, charset; /* charset: the one in force */
	unsigned joins;                  /* columns of the character a mark would join; 0: none */
	bool failed;                     /* no memory: what it shows means nothing */
};

/* -ERR_TOO_LARGE for a screen nobody has, -ERR_SYSTEM. */
int terminal_create(unsigned columns, unsigned rows, struct terminal **ret_terminal);
void terminal_destroy(struct terminal *terminal); /* NULL is fine */
void terminal_destroyp(struct terminal **terminal);
void terminal_feed(struct terminal *terminal, const void *bytes, size_t len);
/* The person's window changed: lines are broken anew, as the page does it. */
int terminal_resize(struct terminal *terminal, unsigned columns, unsigned rows);
bool terminal_alternate(const struct terminal *terminal); /* the alternate buffer is shown */

/* ---- between terminal.c and sequence.c ---- */

void terminal_print(struct terminal *terminal, const uint32_t *codes, unsigned count);
struct cell terminal_blank(const struct terminal *terminal); /* an erased cell */
void terminal_restrict(struct terminal *terminal, unsigned most_x);
void terminal_move_to(struct terminal *terminal, int64_t x, int64_t y);
void terminal_save(struct terminal *terminal);
void terminal_restore(struct terminal *terminal);
void terminal_soft_reset(struct terminal *terminal);
void terminal_show_alternate(struct terminal *terminal);
void terminal_show_normal(struct terminal *terminal);
void terminal_designate(struct terminal *terminal, unsigned level, uint8_t charset);
/* The sequence CSI id. */
void terminal_sequence(struct terminal *terminal, uint32_t id, const struct params *params);
