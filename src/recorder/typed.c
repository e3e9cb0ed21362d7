/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/typed.h"

#include "base/clock.h"
#include "base/mem.h"

_Static_assert(ECHO_PIECE_MAX <= RECORDING_SECRET_MAX, "what was not shown fits into a frame");

static int put_length(struct typed *typed, uint8_t type, uint16_t viewer, uint32_t len)
{
	uint8_t withheld[8] = { type };

	put32(withheld + 4, len);
	return tape_put(typed->tape, RECORDING_WITHHELD, viewer, withheld, sizeof(withheld));
}

static int on_settled(
	void *context, const struct echo_piece *piece, const uint8_t *bytes, bool shown)
{
	struct typed *typed = context;

	if (shown)
		return tape_put(typed->tape, piece->type, piece->viewer, bytes, piece->len);
	if (typed->how == INPUT_SHOWN)
		return put_length(typed, piece->type, piece->viewer, piece->len);
	return tape_put_secret(typed->tape, piece->type, piece->viewer, bytes, piece->len);
}

void typed_init(struct typed *typed, enum recording_input how, struct tape *tape,
	void (*late_fn)(void *context), void *context)
{
	*typed = (struct typed){ .how = how, .tape = tape, .late_fn = late_fn, .context = context };
	echo_init(&typed->echo, on_settled, typed);
}

void typed_finish(struct typed *typed)
{
	timer_cancel(STEAL(typed->timer));
	echo_finish(&typed->echo);
}

static void watch(struct typed *typed);

static void on_late(void *context)
{
	struct typed *typed = context;

	typed->timer = NULL;
	if (echo_late(&typed->echo, clock_monotonic_ms()) == 0)
		watch(typed);
	typed->late_fn(typed->context); /* may free it; an error stays with the tape */
}

/* Looks again when what waits now would have waited too long. */
static void watch(struct typed *typed)
{
	uint64_t waited = clock_monotonic_ms() - typed->echo.since;

	if (!echo_waits(&typed->echo) || typed->timer != NULL)
		return;
	if (loop_after(typed->tape->room->loop,
		    (unsigned)(ECHO_WAIT_MS - MIN(waited, (uint64_t)ECHO_WAIT_MS)), on_late, typed,
		    &typed->timer) < 0)
		echo_settle(&typed->echo);
}

int typed_put(struct typed *typed, uint16_t viewer, const struct view_frame *frame)
{
	bool text = frame->type == VIEW_KEYS || frame->type == VIEW_PASTE;

	if (!text || typed->how == INPUT_YES)
		return tape_put(typed->tape, frame->type, viewer, frame->payload, frame->len);
	if (typed->how == INPUT_NO)
		return put_length(typed, frame->type, viewer, frame->len);
	if (typed->tape->error < 0)
		return typed->tape->error; /* it does not pass either */
	int r = echo_typed(&typed->echo, frame->type, viewer, frame->payload, frame->len,
		clock_monotonic_ms());
	if (r == 0)
		watch(typed);
	return r;
}

int typed_saw(struct typed *typed, const struct view_frame *frame)
{
	if (!echo_waits(&typed->echo))
		return 0;
	return echo_printed(&typed->echo, frame->payload, frame->len, clock_monotonic_ms());
}

int typed_settle(struct typed *typed)
{
	return echo_settle(&typed->echo);
}
