/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/view.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/mem.h"

#define RECEIVE_PIECE 16384 /* bytes asked for at a time */

void view_init(struct view *view, int fd)
{
	memset(view, 0, sizeof *view);
	view->fd = fd;
	view->out = BUF(VIEW_QUEUE_MAX);
	view->in = BUF(VIEW_HEADER_LEN + VIEW_FRAME_MAX);
}

void view_finish(struct view *view)
{
	fd_closep(&view->fd);
	view->fd = -1;
	buf_finish(&view->out);
	buf_finish_wiped(&view->in); /* people type secrets too */
}

size_t view_room(const struct view *view)
{
	return view->out.len == 0 ? VIEW_FRAME_MAX : 0;
}

static bool only_full(int error)
{
	return error == EAGAIN || error == EINTR;
}

/* What the kernel took of a frame that is not in the queue; -ERR_CLOSED. */
static ssize_t send_directly(int fd, struct iovec *pieces, int count)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)count };
	ssize_t n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return only_full(errno) ? 0 : -ERR_CLOSED;
	return n;
}

static int queue_rest(struct buf *out, const struct iovec *pieces, int count, size_t done)
{
	for (int i = 0; i < count; i++) {
		size_t skip = MIN(done, pieces[i].iov_len);
		int r = buf_append(
			out, (const uint8_t *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);

		if (r < 0)
			return r;
		done -= skip;
	}
	return 0;
}

int view_send(struct view *view, enum view_type type, const void *a, size_t a_len, const void *b,
	size_t b_len)
{
	uint8_t head[VIEW_HEADER_LEN] = { (uint8_t)type };
	struct iovec pieces[3] = { { head, sizeof head }, { (void *)a, a_len },
		{ (void *)b, b_len } };
	ssize_t done = 0;

	if (view->out.len > 0)
		return view_write_two(&view->out, type, a, a_len, b, b_len);
	put32(head + 4, (uint32_t)(a_len + b_len));
	done = send_directly(view->fd, pieces, 3);
	if (done < 0)
		return (int)done;
	return queue_rest(&view->out, pieces, 3, (size_t)done);
}

int view_flush(struct view *view)
{
	while (view->out.len > 0) {
		struct iovec all = { view->out.data, view->out.len };
		ssize_t n = send_directly(view->fd, &all, 1);

		if (n <= 0)
			return (int)n;
		buf_consume(&view->out, (size_t)n);
	}
	return 0;
}

int view_receive(struct view *view)
{
	size_t size = MIN(buf_room(&view->in), (size_t)RECEIVE_PIECE);
	uint8_t *room;
	ssize_t n;
	int r;

	if (size == 0)
		return 0;
	r = buf_reserve(&view->in, size, &room);
	if (r < 0)
		return r;
	n = recv(view->fd, room, size, MSG_DONTWAIT);
	if (n < 0 && only_full(errno)) {
		buf_commit(&view->in, 0);
		return 0;
	}
	if (n <= 0)
		return -ERR_CLOSED;
	buf_commit(&view->in, (size_t)n);
	return 0;
}

int view_peek(const struct view *view, struct view_frame *ret_frame)
{
	struct view_frame frame;
	int r = view_next(view->in.data, view->in.len, &frame);

	if (r <= 0)
		return r;
	if (!view_input(frame.type) && frame.type != VIEW_REFRESH)
		return -ERR_MALFORMED;
	frame.payload += view->taken;
	frame.len -= (uint32_t)view->taken;
	*ret_frame = frame;
	return 1;
}

void view_take(struct view *view, const struct view_frame *frame, size_t len)
{
	if (len < frame->len) {
		view->taken += len;
		return;
	}
	buf_consume(&view->in, VIEW_HEADER_LEN + view->taken + frame->len);
	view->taken = 0;
}
