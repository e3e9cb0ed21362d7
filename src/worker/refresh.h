/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "worker/digest.h"
#include "worker/view.h"

/*
 * A keyframe on its way to the recorder, part by part as the view takes them. While it is, nothing
 * else of the target goes: its parts belong together.
 */
#define REFRESH_LAST (256 * 1024) /* bytes of output after which a session ends with a keyframe */

struct refresh {
	bool asked;
	uint8_t part, parts; /* the next one; parts is 0 while none is under way */
};

bool refresh_under_way(const struct refresh *refresh);
/* Begins when one was asked for, goes on as far as there is room. -ERR_CLOSED. */
int refresh_turn(
	struct refresh *refresh, struct digest *digest, struct view *view, enum view_state state);
/*
 * The session is over. A person who was far behind, or skipped a flood, can only be shown how it
 * ended from a keyframe that is not far back; when there is no room for one, from an older one.
 */
void refresh_last(
	struct refresh *refresh, struct digest *digest, struct view *view, enum view_state state);
