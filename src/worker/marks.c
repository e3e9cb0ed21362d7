/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/marks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CAP_LEAST 64

void marks_finish(struct marks *marks)
{
	free(marks->characters);
	*marks = (struct marks){};
}

static uint32_t find(const struct marks *marks, const struct marks_character *character)
{
	/* Texts repeat themselves: the newest are looked through, not all. */
	uint32_t oldest = marks->count > CAP_LEAST ? marks->count - CAP_LEAST : 0;

	for (uint32_t i = marks->count; i > oldest; i--)
		if (memcmp(&marks->characters[i - 1], character, sizeof *character) == 0)
			return i - 1;
	return UINT32_MAX;
}

static uint32_t append(struct marks *marks, const struct marks_character *character)
{
	if (marks->count == marks->cap) {
		uint32_t cap = MAX(2 * marks->cap, (uint32_t)CAP_LEAST);
		if (cap > MARKS_CHARACTERS_MAX)
			return UINT32_MAX;
		void *grown = realloc(marks->characters, cap * sizeof *marks->characters);
		if (grown == NULL)
			return UINT32_MAX;
		marks->characters = grown;
		marks->cap = cap;
	}
	marks->characters[marks->count] = *character;
	return marks->count++;
}

uint32_t marks_add(struct marks *marks, uint32_t base, uint32_t before, uint32_t mark)
{
	struct marks_character character = { .points = { base }, .count = 1 };

	if (before != UINT32_MAX)
		character = *marks_get(marks, before);
	if (character.count == MARKS_POINTS_MAX)
		return UINT32_MAX;
	character.points[character.count++] = mark;
	uint32_t found = find(marks, &character);
	return found != UINT32_MAX ? found : append(marks, &character);
}

const struct marks_character *marks_get(const struct marks *marks, uint32_t number)
{
	assert(number < marks->count);
	return &marks->characters[number];
}
