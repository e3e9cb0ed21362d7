/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * Characters with combining marks, for cells that hold more than one code point. Numbers are never
 * given back: a terminal lives for as long as one keyframe takes to make.
 */
#define MARKS_CHARACTERS_MAX 16384 /* what comes after loses its marks */
#define MARKS_POINTS_MAX 6         /* code points of one of them, the base included */

struct marks_character {
	uint32_t points[MARKS_POINTS_MAX];
	uint32_t count;
};

struct marks {
	struct marks_character *characters;
	uint32_t count, cap;
};

void marks_finish(struct marks *marks);
/*
 * The number of a character that is base (number `before` when that is not UINT32_MAX) and one mark
 * more; UINT32_MAX when there is no room: the mark is left out.
 */
uint32_t marks_add(struct marks *marks, uint32_t base, uint32_t before, uint32_t mark);
const struct marks_character *marks_get(const struct marks *marks, uint32_t number);
