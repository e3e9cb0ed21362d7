/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/skip.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "recorder/corridor.h"
#include "recorder/viewer.h"

/* Of the ring; what is still to be read and the slack for who comes are left free. */
#define BEHIND_MAX (VIEW_RING_MAX - VIEWER_SLACK - 2 * CORRIDOR_READ)
#define HOLD_LEAST_US 1000 /* less is no moment */

/* ---- who is far behind ---- */

static bool has_place(const struct viewer *viewer)
{
	return viewer->welcomed && !viewer->lost && !viewer->deaf && !viewer->dead;
}

static uint64_t waits_for(const struct viewer *viewer)
{
	return viewer->corridor->ring.end - viewer->acknowledged;
}

/*
 * What was kept for somebody who came back is his, however slowly he takes it, as long as it need
 * not be overwritten.
 */
static bool is_far(const struct viewer *viewer, uint64_t now_us)
{
	uint64_t waits = waits_for(viewer);

	if (!has_place(viewer))
		return false;
	if (waits >= BEHIND_MAX)
		return true;
	return viewer->sent >= viewer->owed &&
	       waits >= pace_behind(&viewer->pace, viewer->acknowledged, now_us, BEHIND_MAX);
}

static bool somebody_is_far(const struct corridor *corridor)
{
	uint64_t now_us = clock_monotonic_us();

	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		if (is_far(viewer, now_us))
			return true;
	return false;
}

static void on_budget(void *context)
{
	struct corridor *corridor = context;

	corridor->hold_timer = NULL;
	corridor_settle(corridor);
}

static void account(struct hold *hold, uint64_t now_us)
{
	uint64_t passed = hold->at_us == 0 ? UINT64_MAX / 2 : now_us - hold->at_us;
	uint64_t most = SKIP_HOLD_MS * UINT64_C(1000);

	hold->at_us = now_us;
	if (hold->holding)
		hold->budget_us -= MIN(hold->budget_us, passed);
	else
		hold->budget_us = MIN(most, hold->budget_us + passed / SKIP_HOLD_PART);
}

bool skip_holds(struct corridor *corridor)
{
	struct hold *hold = &corridor->hold;

	account(hold, clock_monotonic_us());
	hold->holding = somebody_is_far(corridor) && hold->budget_us >= HOLD_LEAST_US;
	if (hold->holding && corridor->hold_timer == NULL &&
		loop_after(corridor->host->room.loop, hold->budget_us / 1000, on_budget, corridor,
			&corridor->hold_timer) < 0)
		hold->holding = false;
	return hold->holding;
}

/* ---- losing the thread ---- */

/* A frame that was begun has to be ended: what is left of it is kept beside the ring. */
static int keep_rest(struct viewer *viewer)
{
	const struct ring *ring = &viewer->corridor->ring;
	struct iovec pieces[2];
	size_t len = (size_t)(viewer->boundary - viewer->sent);
	int count = ring_pieces(ring, viewer->sent, len, pieces), r = 0;

	for (int i = 0; i < count && r == 0; i++)
		r = buf_append(&viewer->rest, pieces[i].iov_base, pieces[i].iov_len);
	return r;
}

/* Words to the person count more than the target's output. */
static void keep_notices(struct viewer *viewer)
{
	const struct ring *ring = &viewer->corridor->ring;
	uint8_t bytes[VIEW_HEADER_LEN + REASON_SIZE] = { 0 };

	for (uint64_t at = viewer->boundary, end; at < ring->end; at = end) {
		struct iovec pieces[2];
		size_t len = 0;
		end = ring_frame_end(ring, at);
		int count = ring_pieces(ring, at, MIN((size_t)(end - at), sizeof(bytes)), pieces);
		for (int i = 0; i < count; i++) {
			memcpy(bytes + len, pieces[i].iov_base, pieces[i].iov_len);
			len += pieces[i].iov_len;
		}
		if (bytes[0] == VIEW_NOTICE)
			view_write(&viewer->control, VIEW_TOLD, bytes + VIEW_HEADER_LEN,
				len - VIEW_HEADER_LEN);
	}
}

static void lose(struct viewer *viewer)
{
	viewer_boundary(viewer);
	if (keep_rest(viewer) < 0) {
		viewer_drop(viewer, GAP_STALLED);
		return;
	}
	keep_notices(viewer);
	viewer->lost = true;
	viewer->lost_from = viewer->sent = viewer->boundary;
	pace_moved(&viewer->pace);
}

void skip_make_room(struct corridor *corridor)
{
	uint64_t now_us = clock_monotonic_us();

	account(&corridor->hold, now_us);
	bool patient = corridor->hold.budget_us >= HOLD_LEAST_US;
	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		if (is_far(viewer, now_us) && (!patient || waits_for(viewer) >= BEHIND_MAX))
			lose(viewer);
}

void skip_tell(struct corridor *corridor, const void *words, size_t len)
{
	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		if (viewer->lost)
			view_write(&viewer->control, VIEW_TOLD, words, len);
}

/* ---- and finding it again ---- */

void skip_join(struct viewer *viewer)
{
	viewer->joining = true;
}

/* It has taken nearly everything that was on its way: not before, or it would only wait there. */
static bool is_ready(const struct viewer *viewer)
{
	uint64_t window = pace_window(&viewer->pace, VIEW_WINDOW);

	if (viewer->dead || viewer->deaf)
		return false;
	return viewer->joining || (viewer->lost && !viewer->blocked && viewer->rest.len == 0 &&
					  viewer->lost_from - viewer->acknowledged <= window / 4);
}

/* What he was to be sent is still there: nothing is left out. */
static void resume(struct viewer *viewer)
{
	viewer->lost = false;
}

/* JOIN and LEAVE before offset are not in what he gets: what they come to. */
static uint32_t people_at(const struct keyframes *keyframes, uint64_t offset)
{
	return offset == keyframes->newest ? keyframes->newest_people : keyframes->people;
}

static void tell_skipped(struct viewer *viewer, uint64_t missing, uint32_t people)
{
	uint8_t skipped[20];

	put64(skipped, viewer->sent);
	put64(skipped + 8, missing);
	put32(skipped + 16, people);
	if (view_write(&viewer->control, VIEW_SKIPPED, skipped, sizeof(skipped)) < 0)
		viewer_drop(viewer, GAP_STALLED);
}

static void move(struct viewer *viewer, uint64_t offset)
{
	viewer->lost = false;
	viewer->sent = viewer->acknowledged = viewer->boundary = offset;
	viewer->moved_to = offset;
	tell_skipped(viewer, offset - viewer->lost_from,
		people_at(&viewer->corridor->keyframes, offset));
}

static void on_overdue(void *context)
{
	struct corridor *corridor = context;

	corridor->refresh_timer = NULL;
	corridor_settle(corridor);
}

/* False when there will be none. */
static bool ask(struct corridor *corridor)
{
	struct keyframes *keyframes = &corridor->keyframes;

	if (corridor->phase == CORRIDOR_OVER || corridor->worker < 0 ||
		keyframes_overdue(keyframes))
		return false;
	if (keyframes_ask(keyframes) && corridor_refresh(corridor) < 0)
		return false;
	return corridor->refresh_timer != NULL ||
	       loop_after(corridor->host->room.loop, KEYFRAME_PATIENCE_MS, on_overdue, corridor,
		       &corridor->refresh_timer) == 0;
}

static void place(struct viewer *viewer, uint64_t offset)
{
	uint32_t people = people_at(&viewer->corridor->keyframes, offset);

	if (viewer->lost) {
		move(viewer, offset);
		return;
	}
	viewer->joining = false;
	viewer_welcome_at(viewer, offset, false);
	tell_skipped(viewer, 0, people);
}

/* True when he has a place in the stream again. */
static bool go_on(struct viewer *viewer)
{
	struct corridor *corridor = viewer->corridor;
	const struct ring *ring = &corridor->ring;
	uint64_t oldest = viewer_oldest(corridor);
	bool there = viewer->lost && viewer->lost_from >= oldest;
	uint64_t least = viewer->lost ? viewer->lost_from : 0;
	uint64_t offset = keyframes_find(&corridor->keyframes, ring, least);
	bool fresh = offset != KEYFRAME_NONE && ring->end - corridor->keyframes.end <= SKIP_FRESH;

	if (there && ring->end - viewer->lost_from <= SKIP_FRESH)
		resume(viewer);
	else if (fresh)
		place(viewer, offset);
	else if (ask(corridor))
		return false;
	else if (there)
		resume(viewer);
	else
		place(viewer, offset != KEYFRAME_NONE ? offset : oldest);
	return true;
}

bool skip_go_on(struct corridor *corridor)
{
	bool some = false;

	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		if (is_ready(viewer))
			some |= go_on(viewer);
	return some;
}

void skip_finish(struct corridor *corridor)
{
	timer_cancel(STEAL(corridor->hold_timer));
	timer_cancel(STEAL(corridor->refresh_timer));
}
