/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/buf.h"
#include "wire/view.h"
#include "worker/terminal.h"

/*
 * The bytes that bring a terminal of the same size, just reset, to where this one is. They are also
 * how a screen is kept between two looks at it: a terminal that read them writes them again.
 *
 * Not reproduced, because no program could tell or no bytes can: an empty cell that has more than a
 * background (it becomes a blank), a cursor past the end of a line whose last cell was erased
 * since, a character set other than ASCII that ESC 8 left in force beside the designated ones.
 */
#define KEYFRAME_MAX (VIEW_KEYFRAME_PARTS_MAX * (VIEW_FRAME_MAX - VIEW_KEYFRAME_LEN))

/*
 * Appends at most KEYFRAME_MAX bytes. What would be longer loses the lines above the screen, then
 * its colours: -ERR_TOO_LARGE when even the text does not fit.
 */
int keyframe_write(const struct terminal *terminal, struct buf *out);
