/* SPDX-License-Identifier: Apache-2.0 */
/* The view stream: from a captured worker, and from a page that is somebody else's program. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "wire/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size + 1);
	struct view_frame frame;
	size_t at = 0;
	int r;

	if (size > 0)
		memcpy(exact, data, size);
	while ((r = view_next(exact + at, size - at, &frame)) > 0) {
		struct buf out = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
		assert((size_t)r == VIEW_HEADER_LEN + frame.len && at + (size_t)r <= size);
		assert(!view_input(frame.type) || view_known(frame.type));
		struct view_keyframe keyframe;
		if (view_keyframe_read(&frame, &keyframe) == 0) {
			uint8_t head[VIEW_KEYFRAME_LEN];
			view_keyframe_write(head, &keyframe);
			assert(memcmp(head, frame.payload, sizeof head) == 0);
			assert(keyframe.bytes + keyframe.len == frame.payload + frame.len);
		}
		/* What was understood is written back the same. */
		if (view_known(frame.type)) {
			assert(view_write(&out, frame.type, frame.payload, frame.len) == 0);
			assert(out.len == (size_t)r && memcmp(out.data, exact + at, out.len) == 0);
		}
		buf_finish(&out);
		at += (size_t)r;
	}
	assert(r == 0 || r == -ERR_MALFORMED);
	free(exact);
	return 0;
}
