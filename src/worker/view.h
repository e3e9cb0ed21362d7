/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/view.h"

/*
 * The worker's end of the view stream. Outgoing: a frame is written at once when nothing waits,
 * else queued; view_room() says 0 until the queue is empty, which is what stops the reading of the
 * target. Incoming: whole frames one after the other; one that was taken only in part stays.
 */
#define VIEW_QUEUE_MAX (2 * (VIEW_HEADER_LEN + VIEW_FRAME_MAX))

struct view {
	int fd;
	struct buf out, in;
	size_t taken; /* bytes of the first waiting frame's payload that are done with */
};

void view_init(struct view *view, int fd);
void view_finish(struct view *view);
size_t view_room(const struct view *view); /* bytes of TEXT it takes now */
/* Payload in two pieces; -ERR_TOO_LARGE when the caller did not ask for room, -ERR_CLOSED. */
int view_send(struct view *view, enum view_type type, const void *a, size_t a_len, const void *b,
	size_t b_len);
int view_flush(struct view *view); /* -ERR_CLOSED */
/* Reads what is there, while there is room for it. -ERR_CLOSED at the end of the stream. */
int view_receive(struct view *view);
/* The first waiting frame, without what view_take() took of it: 1, 0 none, -ERR_MALFORMED. */
int view_peek(const struct view *view, struct view_frame *ret_frame);
void view_take(struct view *view, const struct view_frame *frame, size_t len);
