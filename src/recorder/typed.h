/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "recorder/echo.h"
#include "recorder/tape.h"
#include "wire/view.h"

/*
 * How what is typed in one session comes onto its tape, by the setting recording.input: as it
 * comes, not at all, or, when it matters whether the target shows it, as soon as that is known.
 */
struct typed {
	enum recording_input how;
	struct tape *tape;
	struct echo echo;
	struct timer *timer;
	/* Something was put on the tape without anybody having called. */
	void (*late_fn)(void *context);
	void *context;
};

void typed_init(struct typed *typed, enum recording_input how, struct tape *tape,
	void (*late_fn)(void *context), void *context);
void typed_finish(struct typed *typed); /* wipes */
/* A frame of input, before it goes to the target. */
int typed_put(struct typed *typed, uint16_t viewer, const struct view_frame *frame);
/* A TEXT frame of the target, before it is recorded. */
int typed_saw(struct typed *typed, const struct view_frame *frame);
/* The session ends: what waits was not shown. */
int typed_settle(struct typed *typed);
