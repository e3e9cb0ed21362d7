/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/refresh.h"

#include "base/error.h"
#include "base/mem.h"

#define PART_MAX (VIEW_FRAME_MAX - VIEW_KEYFRAME_LEN)

bool refresh_under_way(const struct refresh *refresh)
{
	return refresh->parts > 0;
}

/* The digest changes nothing while parts of it wait: the target is not read meanwhile. */
static int send_part(
	struct refresh *refresh, struct digest *digest, struct view *view, enum view_state state)
{
	struct view_keyframe keyframe = { .columns = (uint16_t)digest->columns,
		.rows = (uint16_t)digest->rows,
		.part = refresh->part,
		.parts = refresh->parts,
		.state = (uint8_t)state };
	uint8_t head[VIEW_KEYFRAME_LEN];
	const uint8_t *bytes;
	size_t len, from = refresh->part * (size_t)PART_MAX;
	int r = digest_keyframe(digest, &bytes, &len);

	if (r < 0)
		return r;
	view_keyframe_write(head, &keyframe);
	r = view_send(view, VIEW_KEYFRAME, head, sizeof head, bytes + from,
		MIN(len - from, (size_t)PART_MAX));
	if (++refresh->part == refresh->parts)
		*refresh = (struct refresh){};
	return r;
}

static void begin(struct refresh *refresh, struct digest *digest)
{
	const uint8_t *bytes;
	size_t len;

	refresh->asked = false;
	if (digest_keyframe(digest, &bytes, &len) < 0)
		return; /* who asked waits in vain, and knows what to do then */
	refresh->part = 0;
	refresh->parts = (uint8_t)MAX((len + PART_MAX - 1) / PART_MAX, (size_t)1);
}

int refresh_turn(
	struct refresh *refresh, struct digest *digest, struct view *view, enum view_state state)
{
	int r = 0;

	if (refresh->asked && !refresh_under_way(refresh) && view_room(view) > 0)
		begin(refresh, digest);
	while (r == 0 && refresh_under_way(refresh) && view_room(view) > 0)
		r = send_part(refresh, digest, view, state);
	return r;
}

void refresh_last(
	struct refresh *refresh, struct digest *digest, struct view *view, enum view_state state)
{
	if (refresh_under_way(refresh) || (!refresh->asked && digest->noted < REFRESH_LAST))
		return;
	begin(refresh, digest);
	if (refresh->parts == 1 && view_room(view) > 0)
		send_part(refresh, digest, view, state);
	*refresh = (struct refresh){};
}
