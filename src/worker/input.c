/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/input.h"

#include "base/error.h"
#include "base/mem.h"
#include "worker/report.h"

struct screen input_screen(unsigned columns, unsigned rows, unsigned width, unsigned height)
{
	return (struct screen){
		.columns = (uint16_t)(columns == 0 ? 80 : MIN(columns, INPUT_SIDE_MAX)),
		.rows = (uint16_t)(rows == 0 ? 24 : MIN(rows, INPUT_SIDE_MAX)),
		.width = (uint16_t)width,
		.height = (uint16_t)height,
	};
}

/* How much of the frame is done with; less than its length: the driver takes no more now. */
static ssize_t take_keys(struct worker *worker, const struct view_frame *frame)
{
	/* Before LIVE a login speaks with the target; keys in between could answer for it. */
	if (!worker_live(worker))
		return frame->len;
	return driver.input(worker->session, frame->payload, frame->len);
}

static ssize_t take_resize(struct worker *worker, const struct view_frame *frame)
{
	struct screen screen = input_screen(get16(frame->payload), get16(frame->payload + 2),
		get16(frame->payload + 4), get16(frame->payload + 6));
	int r;

	if (screen.columns == worker->screen.columns && screen.rows == worker->screen.rows)
		return frame->len;
	worker->screen = screen;
	worker->size_pending = true;
	r = driver.resize(worker->session, &screen);
	return r < 0 ? r : (ssize_t)frame->len;
}

static ssize_t take_report(struct worker *worker, const struct view_frame *frame)
{
	char bytes[REPORT_SIZE];
	ssize_t len =
		report_bytes(frame->payload, worker->screen.columns, worker->screen.rows, bytes);

	if (len < 0 || !worker_live(worker))
		return len < 0 ? len : (ssize_t)frame->len;
	/* All of it or later; of one cut by a closing window the rest would be typed text: dropped.
	 */
	len = driver.input(worker->session, (const uint8_t *)bytes, (size_t)len);
	return len <= 0 ? len : (ssize_t)frame->len;
}

static ssize_t take(struct worker *worker, const struct view_frame *frame)
{
	switch (frame->type) {
	case VIEW_KEYS:
	case VIEW_PASTE:
		return take_keys(worker, frame);
	case VIEW_RESIZE:
		return take_resize(worker, frame);
	case VIEW_REPORT:
		return take_report(worker, frame);
	case VIEW_END:
		worker_end(worker, 0, -1, "The session was ended by its user.");
		return frame->len;
	case VIEW_REFRESH:
		worker->refresh.asked = true;
		return frame->len;
	default:
		return -ERR_MALFORMED;
	}
}

int input_work_off(struct worker *worker)
{
	struct view_frame frame;
	int r, some = 0;

	while (!worker->ended && (r = view_peek(&worker->view, &frame)) != 0) {
		ssize_t taken = r < 0 ? r : take(worker, &frame);

		if (taken < 0)
			return (int)taken;
		some |= taken > 0;
		view_take(&worker->view, &frame, (size_t)taken);
		if (taken < (ssize_t)frame.len)
			break;
	}
	return some;
}
