/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/view.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"

struct row {
	const char *name;
	uint32_t least, most;
};

static const struct row rows[256] = {
#define FRAME(name, type, least, most, what) [type] = { #name, least, most },
#include "wire/view.def"
#undef FRAME
};

const char *view_name(uint8_t type)
{
	return rows[type].name != NULL ? rows[type].name : "?";
}

int view_known(uint8_t type)
{
	return rows[type].name != NULL;
}

int view_next(const uint8_t *bytes, size_t len, struct view_frame *ret_frame)
{
	if (len < VIEW_HEADER_LEN)
		return 0;
	const struct row *row = &rows[bytes[0]];
	uint32_t payload = get32(bytes + 4);
	if (bytes[1] != 0 || get16(bytes + 2) != 0 || payload > VIEW_FRAME_MAX)
		return -ERR_MALFORMED;
	if (row->name != NULL && (payload < row->least || payload > row->most))
		return -ERR_MALFORMED;
	if (row->name == NULL && view_input(bytes[0]))
		return -ERR_MALFORMED;
	if (len - VIEW_HEADER_LEN < payload)
		return 0;
	ret_frame->type = bytes[0];
	ret_frame->len = payload;
	ret_frame->payload = bytes + VIEW_HEADER_LEN;
	return (int)(VIEW_HEADER_LEN + payload);
}

int view_write_two(
	struct buf *out, uint8_t type, const void *a, size_t a_len, const void *b, size_t b_len)
{
	uint8_t *room;
	size_t len = a_len + b_len;

	if (len > rows[type].most || len < rows[type].least)
		return -ERR_TOO_LARGE;
	int r = buf_reserve(out, VIEW_HEADER_LEN + len, &room);
	if (r < 0)
		return r;
	memset(room, 0, VIEW_HEADER_LEN);
	room[0] = type;
	put32(room + 4, (uint32_t)len);
	if (a_len > 0)
		memcpy(room + VIEW_HEADER_LEN, a, a_len);
	if (b_len > 0)
		memcpy(room + VIEW_HEADER_LEN + a_len, b, b_len);
	buf_commit(out, VIEW_HEADER_LEN + len);
	return 0;
}

int view_write(struct buf *out, uint8_t type, const void *payload, size_t len)
{
	return view_write_two(out, type, payload, len, NULL, 0);
}

void view_edge_pass(struct view_edge *edge, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t most = edge->left > 0 ? edge->left : (size_t)VIEW_HEADER_LEN - edge->fill;
		size_t done = MIN(len, most);
		if (edge->left > 0) {
			edge->left -= (uint32_t)done;
		} else {
			memcpy(edge->header + edge->fill, bytes, done);
			edge->fill += (uint8_t)done;
		}
		if (edge->fill == VIEW_HEADER_LEN) {
			edge->fill = 0;
			edge->left = get32(edge->header + 4);
		}
		bytes += done;
		len -= done;
	}
}

int view_keyframe_read(const struct view_frame *frame, struct view_keyframe *ret_keyframe)
{
	const uint8_t *payload = frame->payload;

	if (frame->type != VIEW_KEYFRAME || frame->len < VIEW_KEYFRAME_LEN || payload[7] != 0)
		return -ERR_MALFORMED;
	*ret_keyframe = (struct view_keyframe){ .columns = get16(payload),
		.rows = get16(payload + 2),
		.part = payload[4],
		.parts = payload[5],
		.state = payload[6],
		.bytes = payload + VIEW_KEYFRAME_LEN,
		.len = frame->len - VIEW_KEYFRAME_LEN };
	if (ret_keyframe->columns == 0 || ret_keyframe->rows == 0 ||
		ret_keyframe->parts > VIEW_KEYFRAME_PARTS_MAX ||
		ret_keyframe->part >= ret_keyframe->parts ||
		ret_keyframe->state < VIEW_CONNECTING || ret_keyframe->state > VIEW_OVER)
		return -ERR_MALFORMED;
	return 0;
}

void view_keyframe_write(uint8_t out[VIEW_KEYFRAME_LEN], const struct view_keyframe *keyframe)
{
	put16(out, keyframe->columns);
	put16(out + 2, keyframe->rows);
	out[4] = keyframe->part;
	out[5] = keyframe->parts;
	out[6] = keyframe->state;
	out[7] = 0;
}
