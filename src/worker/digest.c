/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/digest.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "worker/flood.h"
#include "worker/keyframe.h"

#define PENDING_ROOM (DIGEST_PENDING_MAX + VIEW_FRAME_MAX) /* until a frame was looked at */
#define REST_MOST (DIGEST_PENDING_MAX / 4 * 3) /* of them; or the next look would come too soon */
#define LARGE (16 * 1024) /* a frame that may have a screen of lines and more in it */
#define FLOOD_LEAD_MAX (2 * GRID_SIDE_MAX + 256)

void digest_init(struct digest *digest, unsigned columns, unsigned rows)
{
	*digest = (struct digest){ .columns = MAX(columns, 2U), .rows = MAX(rows, 1U) };
	digest->pending = BUF(PENDING_ROOM);
}

static void forget_base(struct digest *digest)
{
	if (digest->base != NULL)
		mem_wipe(digest->base, digest->base_len);
	free(digest->base);
	digest->base = NULL;
	digest->base_len = 0;
	digest->pen = (struct attributes){};
	digest->unusual = false;
}

void digest_finish(struct digest *digest)
{
	forget_base(digest);
	buf_finish_wiped(&digest->pending);
}

static void give_up(struct digest *digest)
{
	digest_finish(digest);
	digest->off = true;
}

/* ---- one terminal, for a moment ---- */

static int open_terminal(const struct digest *digest, struct terminal **ret_terminal)
{
	int r = terminal_create(digest->columns, digest->rows, ret_terminal);

	if (r < 0)
		return r;
	terminal_feed(*ret_terminal, digest->base, digest->base_len);
	terminal_feed(*ret_terminal, digest->pending.data, digest->pending.len);
	return 0;
}

static int keep(struct digest *digest, const struct terminal *terminal)
{
	CLEANUP(buf_finish_wiped) struct buf bytes = BUF(KEYFRAME_MAX);
	int r = keyframe_write(terminal, &bytes);
	uint8_t *base = r == 0 ? malloc(bytes.len) : NULL;

	if (base == NULL)
		return r < 0 ? r : -ERR_SYSTEM;
	memcpy(base, bytes.data, bytes.len);
	forget_base(digest);
	buf_wipe(&digest->pending);
	digest->base = base;
	digest->base_len = bytes.len;
	digest->pen = terminal->pen;
	digest->unusual = terminal->modes.no_wrap || terminal->active->top > 0 ||
			  terminal->active->bottom < terminal->active->rows - 1;
	return 0;
}

/* Everything so far becomes one keyframe; of another size, when the person's window changed. */
static void digest_now(struct digest *digest, unsigned columns, unsigned rows)
{
	CLEANUP(terminal_destroyp) struct terminal *terminal = NULL;
	int r = open_terminal(digest, &terminal);

	if (r == 0 && (columns != digest->columns || rows != digest->rows))
		r = terminal_resize(terminal, columns, rows);
	if (r == 0)
		r = keep(digest, terminal);
	if (r < 0)
		give_up(digest);
}

/* ---- what comes ---- */

static int begin_flood(struct digest *digest, const uint8_t *older, size_t older_len,
	const uint8_t *newer, size_t newer_len, struct flood *ret_flood, struct buf *lead)
{
	*ret_flood = (struct flood){
		.columns = digest->columns, .rows = digest->rows, .pen = digest->pen
	};
	if (digest->unusual || !flood_scan(ret_flood, older, older_len, newer, newer_len))
		return -ERR_WRONG_MOMENT;
	return flood_lead(ret_flood, lead);
}

/* Lines as they run through a shell's screen: of a large frame only the newest are taken. */
static bool let_frame_run(struct digest *digest, const uint8_t *bytes, size_t len)
{
	CLEANUP(buf_finish) struct buf lead = BUF(FLOOD_LEAD_MAX);
	struct buf *pending = &digest->pending;
	struct flood flood;
	uint8_t *room;

	if (begin_flood(digest, pending->data, pending->len, bytes, len, &flood, &lead) < 0)
		return false;
	buf_wipe(pending);
	if (buf_reserve(pending, lead.len + flood.rest_len, &room) < 0) {
		give_up(digest);
		return true;
	}
	memcpy(room, lead.data, lead.len);
	memcpy(room + lead.len, flood.rest, flood.rest_len);
	buf_commit(pending, lead.len + flood.rest_len);
	return true;
}

/* Of many small frames together only the newest are kept, where they are. */
static bool let_pending_run(struct digest *digest)
{
	CLEANUP(buf_finish) struct buf lead = BUF(FLOOD_LEAD_MAX);
	struct buf *pending = &digest->pending;
	struct flood flood;

	if (begin_flood(digest, NULL, 0, pending->data, pending->len, &flood, &lead) < 0)
		return false;
	size_t before = pending->len - flood.rest_len;
	if (before < lead.len || flood.rest_len > REST_MOST)
		return false;
	memcpy(pending->data + before - lead.len, lead.data, lead.len);
	buf_consume(pending, before - lead.len);
	return true;
}

void digest_note(struct digest *digest, const void *bytes, size_t len)
{
	struct buf *pending = &digest->pending;

	digest->noted += len;
	if (digest->off)
		return;
	if ((len >= LARGE || pending->len + len > DIGEST_PENDING_MAX) &&
		let_frame_run(digest, bytes, len))
		return;
	if (buf_append(pending, bytes, len) < 0)
		give_up(digest);
	else if (pending->len > DIGEST_PENDING_MAX && !let_pending_run(digest))
		digest_now(digest, digest->columns, digest->rows);
}

void digest_resize(struct digest *digest, unsigned columns, unsigned rows)
{
	columns = MAX(columns, 2U);
	rows = MAX(rows, 1U);
	if (columns == digest->columns && rows == digest->rows)
		return;
	if (digest->off)
		digest->off = false; /* what is drawn anew will be known */
	else if (digest->base != NULL || digest->pending.len > 0)
		digest_now(digest, columns, rows);
	digest->columns = columns;
	digest->rows = rows;
}

void digest_rest(struct digest *digest)
{
	if (!digest->off && digest->pending.len > DIGEST_REST)
		digest_now(digest, digest->columns, digest->rows);
}

int digest_keyframe(struct digest *digest, const uint8_t **ret_bytes, size_t *ret_len)
{
	if (!digest->off && (digest->base == NULL || digest->pending.len > 0))
		digest_now(digest, digest->columns, digest->rows);
	if (digest->off)
		return -ERR_WRONG_MOMENT;
	digest->noted = 0;
	*ret_bytes = digest->base;
	*ret_len = digest->base_len;
	return 0;
}
