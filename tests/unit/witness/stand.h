/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "witness/outlet.h"

/* A witness with one outlet: the test is the broker, and whatever is outside. */
struct stand {
	struct loop *loop;
	struct outlet_host host;
	struct position newest;
	struct outlet outlet;
	char directory[64];
	int fd; /* of it */

	bool broker_away;
	struct msg_witness_ask asked; /* the last question */
	unsigned asks, tooks, changes;
};

int stand_open(void **state);
int stand_close(void **state);
/* The outlet begins, with this kind; at: its position, or NULL. */
void stand_begin(
	struct stand *stand, const struct outlet_kind *kind, void *self, const struct position *at);
void stand_run(struct stand *stand, unsigned ms); /* the loop, for so long */
/* Runs the loop until what the expression says; fails the test after ten seconds. */
#define STAND_UNTIL(stand, condition)                                                              \
	do {                                                                                       \
		uint64_t until_ = clock_monotonic_ms() + 10000;                                    \
		while (!(condition) && clock_monotonic_ms() < until_)                              \
			stand_run(stand, 5);                                                       \
		if (!(condition))                                                                  \
			fail_msg("waited in vain for " #condition);                                \
	} while (0)

/* A trail: row n, chained by made-up hashes; its head. */
struct audit_row stand_row(int64_t sequence);
struct line stand_head(int64_t sequence);
struct line stand_recording(char session, uint64_t number);
struct position stand_position(int64_t sequence);
/* Rows from..to and the head of the last, packed; and the broker answers with them. */
void stand_put(struct buf *out, int64_t from, int64_t to);
void stand_answer(struct stand *stand, int64_t from, int64_t to);
void stand_newest(struct stand *stand, int64_t sequence); /* the head comes, as from the broker */

/* A file of the directory, whole; NUL-terminated; freed by the caller. */
char *stand_text(const struct stand *stand, const char *name);
unsigned stand_lines(const char *text, const char *kind); /* how many lines of it */

#define STAND(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)
