/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder passes on what a page sent. Whatever bytes come, the target is only typed at with
 * keys, pastes and the five reports, in order and nothing twice; a screen is within reason.
 */
#include "worker/input.c"
#include "worker/report.c"
#include "worker/view.c"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct buf typed;
static size_t most; /* what the driver takes at a time */

static ssize_t input(void *session, const uint8_t *bytes, size_t len)
{
	size_t taken = MIN(len, most);
	int r = buf_append(&typed, bytes, taken);

	assert(r == 0);
	return (ssize_t)taken;
}

static int resize(void *session, const struct screen *screen)
{
	assert(screen->columns >= 1 && screen->columns <= INPUT_SIDE_MAX);
	assert(screen->rows >= 1 && screen->rows <= INPUT_SIDE_MAX);
	return 0;
}

const struct driver driver = { .name = "fuzz", .input = input, .resize = resize };

bool worker_live(const struct worker *worker)
{
	return worker->state == VIEW_LIVE;
}

int worker_end(struct worker *worker, int why, int exit_status, const char *format, ...)
{
	worker->ended = true;
	return why;
}

/* What must be typed: read once more, by the simplest reader there could be. */
static void expect(const uint8_t *bytes, size_t len, struct buf *out)
{
	struct view_frame frame;
	struct screen screen = input_screen(80, 24, 0, 0);
	int r;

	for (; (r = view_next(bytes, len, &frame)) > 0; bytes += r, len -= (size_t)r) {
		char report[REPORT_SIZE];

		if (frame.type == VIEW_KEYS || frame.type == VIEW_PASTE)
			buf_append(out, frame.payload, frame.len);
		else if (frame.type == VIEW_RESIZE)
			screen = input_screen(get16(frame.payload), get16(frame.payload + 2), 0, 0);
		else if (frame.type == VIEW_REFRESH)
			continue; /* nothing of it goes to the target */
		else if (frame.type != VIEW_REPORT)
			return;
		else if ((r = report_bytes(frame.payload, screen.columns, screen.rows, report)) < 0)
			return;
		else {
			buf_append(out, report, (size_t)r);
			r = VIEW_HEADER_LEN + (int)frame.len;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker worker;
	struct buf expected = BUF(1024 * 1024);

	if (size > VIEW_FRAME_MAX)
		return 0;
	memset(&worker, 0, sizeof worker);
	view_init(&worker.view, -1);
	worker.state = VIEW_LIVE;
	worker.screen = input_screen(80, 24, 0, 0);
	typed = BUF(1024 * 1024);
	/* At least a whole report at a time: half of one is dropped, which expect() does not know.
	 */
	most = REPORT_SIZE + (size > 0 ? data[0] : 0);
	for (size_t at = 0; at < size; at++) {
		buf_append(&worker.view.in, data + at, 1);
		for (int r = 1; r == 1 && !worker.ended;)
			if ((r = input_work_off(&worker)) < 0)
				worker.ended = true;
		if (worker.ended)
			break;
	}
	expect(data, size, &expected);
	assert(typed.len == expected.len);
	assert(typed.len == 0 || memcmp(typed.data, expected.data, typed.len) == 0);
	buf_finish(&worker.view.in);
	buf_finish(&expected);
	buf_finish(&typed);
	return 0;
}
