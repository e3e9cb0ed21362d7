/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Tells what a person typed in view from what the target did not show, a password for instance:
 * text waits here until the target's output has it. Nothing else waits: the keys themselves have
 * gone to the target already.
 *
 * Text is what prints. Enter, Tab, Ctrl-C, arrows and their like are never a secret; behind text
 * that waits they wait too, so that the order stays. What waits is shown when the target prints
 * just that next, escape sequences and what is drawn again after a backspace or where a line wraps
 * aside. When it printed
 * something else meanwhile, only a whole line with its Enter is believed: that is what was typed
 * ahead and comes after a prompt. Everything else was not shown: what waits when more is typed
 * after an Enter or after other output, and what has waited for ECHO_WAIT_MS since anything last
 * was shown. In doubt it was not shown.
 */
#define ECHO_WAIT_MS 3000            /* a satellite and a busy target together take less */
#define ECHO_WAITING_MAX (64 * 1024) /* bytes; what is more was not shown */
#define ECHO_PIECE_MAX (32 * 1024)   /* of them, told at a time */

struct echo_piece {
	uint32_t len;
	uint16_t viewer;
	uint8_t type; /* VIEW_KEYS or VIEW_PASTE */
	bool text;
};

/* What was typed is settled, in the order in which it was typed. Errors come back to the caller. */
typedef int echo_fn(
	void *context, const struct echo_piece *piece, const uint8_t *bytes, bool shown);

struct echo {
	echo_fn *fn;
	void *context;
	struct echo_wait *wait; /* NULL: nothing waits */
	uint64_t since;         /* monotonic: when something began to wait or was last shown */
	uint32_t run;           /* bytes of the first piece that were shown and not told yet */
	uint32_t matched;       /* bytes of the first line, of those that must be shown whole */
	uint32_t redrawn;       /* characters that may be printed again after backspaces */
	uint8_t last;           /* the byte that was shown last; 0 */
	bool strayed;           /* the target printed something else meanwhile */
	bool blank,
		returned; /* it printed a blank, or went to the line's beginning: a line wraps? */
	uint8_t output;   /* where in an escape sequence its output stands */
};

void echo_init(struct echo *echo, echo_fn *fn, void *context);
void echo_finish(struct echo *echo); /* wipes; settles nothing */
/* One frame of input. now: monotonic milliseconds, never going back. */
int echo_typed(struct echo *echo, uint8_t type, uint16_t viewer, const uint8_t *bytes, size_t len,
	uint64_t now);
/* What the target printed, before it is recorded itself. */
int echo_printed(struct echo *echo, const uint8_t *bytes, size_t len, uint64_t now);
/* Settles what has waited too long. */
int echo_late(struct echo *echo, uint64_t now);
/* Settles everything: it was not shown. */
int echo_settle(struct echo *echo);
static inline bool echo_waits(const struct echo *echo)
{
	return echo->wait != NULL;
}
