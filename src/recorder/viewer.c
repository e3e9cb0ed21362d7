/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/viewer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

static void on_viewer(void *context, uint32_t events);

int viewer_create(struct corridor *corridor, const struct msg_viewer *join, int fd,
	struct viewer **ret_viewer)
{
	CLEANUP(mem_freep) struct viewer *viewer = calloc(1, sizeof(*viewer));
	int r;

	if (viewer == NULL)
		return -ERR_SYSTEM;
	viewer->corridor = corridor;
	viewer->who = *join;
	viewer->fd = fd;
	viewer->partial = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
	viewer->control = BUF(VIEWER_CONTROL_MAX);
	viewer->rest = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
	r = loop_watch(corridor->host->room.loop, fd, 0, on_viewer, viewer, &viewer->watch);
	if (r < 0)
		return r;
	*ret_viewer = STEAL(viewer);
	return 0;
}

void viewer_drop(struct viewer *viewer, uint8_t why)
{
	viewer->dead = true;
	viewer->why = why;
}

void viewer_destroy(struct viewer *viewer)
{
	if (viewer == NULL)
		return;
	sender_detach(viewer->sender);
	watch_remove(viewer->watch);
	fd_closep(&viewer->fd);
	buf_finish_wiped(&viewer->partial);
	buf_finish(&viewer->control);
	buf_finish_wiped(&viewer->rest);
	free(viewer);
}

size_t viewer_words(const struct viewer *viewer, uint8_t out[256])
{
	out[0] = viewer->who.read_only != 0;
	snprintf((char *)out + 1, 255, "%s%s%s", viewer->who.who,
		viewer->who.from[0] ? " from " : "", viewer->who.from);
	return 1 + strlen((char *)out + 1);
}

static void put_welcome(struct viewer *viewer, bool complete)
{
	struct senders *senders = &viewer->corridor->senders;
	uint8_t welcome[32] = { 0 };
	bool known;

	viewer->sender = sender_attach(senders, viewer->who.page, &known);
	put64(welcome, viewer->sent);
	put32(welcome + 8, viewer->who.viewer);
	welcome[12] = viewer->who.read_only != 0;
	welcome[13] = complete;
	welcome[14] = known;
	put64(welcome + 16, viewer->corridor->ring.end);
	put64(welcome + 24, viewer->sender != NULL ? viewer->sender->taken : 0);
	if (view_write(&viewer->control, VIEW_WELCOME, welcome, sizeof(welcome)) < 0)
		viewer_drop(viewer, GAP_LOST);
}

/* The window is told to the worker as if the person had resized it, so the recording knows why. */
static void put_size(struct viewer *viewer)
{
	uint8_t size[8] = { 0 };
	struct view_frame frame = { VIEW_RESIZE, sizeof(size), size };

	if (viewer->who.read_only || viewer->who.columns == 0 || viewer->who.rows == 0)
		return;
	put16(size, viewer->who.columns);
	put16(size + 2, viewer->who.rows);
	if (corridor_input(viewer->corridor, (uint16_t)viewer->who.viewer, &frame) < 0)
		viewer_drop(viewer, GAP_LOST);
}

uint64_t viewer_oldest(const struct corridor *corridor)
{
	const struct ring *ring = &corridor->ring;
	uint64_t oldest = ring->start;

	while (ring->end - oldest > VIEW_RING_MAX - VIEWER_SLACK)
		oldest = ring_frame_end(ring, oldest);
	return oldest;
}

void viewer_welcome_at(struct viewer *viewer, uint64_t offset, bool complete)
{
	struct corridor *corridor = viewer->corridor;
	uint8_t words[256];

	viewer->sent = viewer->acknowledged = viewer->boundary = offset;
	viewer->owed = corridor->ring.end;
	viewer->welcomed = true;
	put_welcome(viewer, complete);
	if (corridor->phase == CORRIDOR_OVER || corridor_tell_gap(corridor) < 0)
		return;
	size_t len = viewer_words(viewer, words);
	if (corridor_say(corridor, VIEW_JOIN, (uint16_t)viewer->who.viewer, words, len) == 0)
		put_size(viewer);
}

void viewer_welcome(struct viewer *viewer)
{
	const struct ring *ring = &viewer->corridor->ring;
	uint64_t oldest = viewer_oldest(viewer->corridor), asked = viewer->who.offset;

	if (asked >= oldest && ring_starts_frame(ring, asked))
		viewer_welcome_at(viewer, asked, true);
	else if (oldest == 0)
		viewer_welcome_at(viewer, 0, true);
	else
		skip_join(viewer);
}

bool viewer_boundary(struct viewer *viewer)
{
	const struct ring *ring = &viewer->corridor->ring;

	if (viewer->lost)
		return viewer->rest.len == 0;

	/* The ring never forgets what an attached viewer has yet to be sent. */
	viewer->boundary = MAX(viewer->boundary, ring->start);
	while (viewer->boundary < viewer->sent) {
		viewer->begun = viewer->boundary;
		viewer->boundary = ring_frame_end(ring, viewer->boundary);
	}
	return viewer->boundary == viewer->sent;
}

/* Bytes that went out; 0 when the socket is full or the viewer is gone. */
static size_t put_out(struct viewer *viewer, struct iovec *pieces, int count)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)count };
	ssize_t done;

	do {
		done = sendmsg(viewer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (done < 0 && errno == EINTR);
	if (done >= 0)
		return (size_t)done;
	if (errno == EAGAIN || errno == ENOBUFS)
		viewer->blocked = true;
	else
		viewer->deaf = true; /* the end of what it said comes from reading */
	return 0;
}

static void send_control(struct viewer *viewer)
{
	struct iovec piece = { viewer->control.data, viewer->control.len };
	size_t done = put_out(viewer, &piece, 1);

	if (done == 0)
		return;
	buf_consume(&viewer->control, done);
	viewer->control_cut = viewer->control.len > 0;
	viewer->blocked = viewer->control_cut;
}

/* How far the shared stream may go now. */
static uint64_t limit(struct viewer *viewer)
{
	uint64_t window = viewer->acknowledged + pace_window(&viewer->pace, VIEW_WINDOW);
	uint64_t end = viewer->corridor->ring.end;

	/* A PONG waits behind the frame that is on its way; that frame must not wait for the
	 * window. */
	bool within = !viewer_boundary(viewer);
	if (within && viewer->control.len > 0)
		return viewer->boundary;
	/* A page acknowledges whole frames: one that is longer than its window must still end. */
	if (within && viewer->begun <= viewer->acknowledged)
		window = MAX(window, viewer->boundary);
	return MIN(window, end);
}

static void send_rest(struct viewer *viewer)
{
	struct iovec piece = { viewer->rest.data, viewer->rest.len };
	size_t done = put_out(viewer, &piece, 1);

	buf_consume(&viewer->rest, done);
	viewer->blocked = viewer->rest.len > 0;
}

static void send_stream(struct viewer *viewer, uint64_t until)
{
	const struct ring *ring = &viewer->corridor->ring;
	struct iovec pieces[2];
	size_t most = (size_t)(until - viewer->sent);
	int count = ring_pieces(ring, viewer->sent, most, pieces);
	size_t done = put_out(viewer, pieces, count);

	viewer->sent += done;
	if (done < most)
		viewer->blocked = true;
	pace_sent(&viewer->pace, viewer->acknowledged, viewer->sent, viewer->sent < ring->end,
		clock_monotonic_us());
}

void viewer_send(struct viewer *viewer)
{
	/* Many who come and go while this one takes nothing could overwrite what it has yet to get.
	 */
	if (viewer->welcomed && !viewer->lost && viewer->sent < viewer->corridor->ring.start)
		viewer_drop(viewer, GAP_STALLED);
	while (viewer->welcomed && !viewer->blocked && !viewer->deaf && !viewer->dead) {
		if (viewer->rest.len > 0) {
			send_rest(viewer);
			continue;
		}
		if (viewer->control.len > 0 && (viewer->control_cut || viewer_boundary(viewer))) {
			send_control(viewer);
			continue;
		}
		uint64_t until = viewer->lost ? 0 : limit(viewer);
		if (until <= viewer->sent)
			return;
		send_stream(viewer, until);
	}
}

bool viewer_drained(const struct viewer *viewer)
{
	return viewer->deaf ||
	       (viewer->welcomed && !viewer->lost && viewer->sent == viewer->corridor->ring.end &&
		       viewer->control.len == 0);
}

void viewer_watch(struct viewer *viewer, bool wants)
{
	watch_set(viewer->watch, (wants ? EPOLLIN : 0) | (viewer->blocked ? EPOLLOUT : 0));
}

static int take_acknowledgement(struct viewer *viewer, const struct view_frame *frame)
{
	uint64_t offset = get64(frame->payload);

	if (offset < viewer->moved_to)
		return 0; /* it does not know yet that it was moved */
	if (offset < viewer->acknowledged || offset > viewer->sent)
		return -ERR_MALFORMED;
	viewer->acknowledged = offset;
	pace_acknowledged(&viewer->pace, offset, clock_monotonic_us());
	return 0;
}

static int take_input(struct viewer *viewer, const struct view_frame *frame)
{
	if (viewer->who.read_only)
		return 0;
	int r = corridor_input(viewer->corridor, (uint16_t)viewer->who.viewer, frame);
	if (r == 0 && viewer->sender != NULL)
		viewer->sender->taken++;
	return r;
}

/* The front's word on the page it lost. Only the last frame counts: a page can send it too. */
static int take_farewell(struct viewer *viewer, const struct view_frame *frame)
{
	uint8_t why = frame->payload[0];

	viewer->farewell = why >= GAP_CLOSED && why <= GAP_RENEWED ? why : GAP_LOST;
	return 0;
}

static int take_frame(struct viewer *viewer, const struct view_frame *frame)
{
	viewer->farewell = 0;
	if (view_input(frame->type))
		return take_input(viewer, frame);
	switch (frame->type) {
	case VIEW_ACK:
		return take_acknowledgement(viewer, frame);
	case VIEW_FAREWELL:
		return take_farewell(viewer, frame);
	case VIEW_PING:
		return view_write(&viewer->control, VIEW_PONG, frame->payload, frame->len);
	default:
		/* What only the gateway says must not come from a page. */
		return view_shared(frame->type) || view_known(frame->type) ? -ERR_MALFORMED : 0;
	}
}

/* bytes[len] are all there is; what is left of a frame is kept. */
static int take_bytes(struct viewer *viewer, const uint8_t *bytes, size_t len)
{
	struct view_frame frame;
	int r;

	while ((r = view_next(bytes, len, &frame)) > 0) {
		int taken = take_frame(viewer, &frame);
		if (taken < 0)
			return taken;
		bytes += r;
		len -= (size_t)r;
	}
	return r < 0 ? r : buf_append(&viewer->partial, bytes, len);
}

/*
 * The stream is at its end. A frame that was cut, by a connection that broke or by a page that
 * would have the front's last word swallowed, says that much; a front that died says nothing.
 */
static void see_off(struct viewer *viewer)
{
	viewer_drop(viewer, viewer->partial.len > 0 ? GAP_LOST
			    : viewer->farewell != 0 ? viewer->farewell
						    : GAP_CRASHED);
}

static void read_some(struct viewer *viewer)
{
	uint8_t *scratch = viewer->corridor->host->scratch;
	size_t kept = viewer->partial.len;
	ssize_t got;

	do {
		got = recv(viewer->fd, scratch + kept, CORRIDOR_READ, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		see_off(viewer);
		return;
	}
	if (kept > 0)
		memcpy(scratch, viewer->partial.data, kept);
	buf_wipe(&viewer->partial);
	if (take_bytes(viewer, scratch, kept + (size_t)got) < 0)
		viewer_drop(viewer, GAP_LOST);
	mem_wipe(scratch, kept + (size_t)got);
}

static void on_viewer(void *context, uint32_t events)
{
	struct viewer *viewer = context;

	if ((events & EPOLLOUT) != 0)
		viewer->blocked = false;
	/* After a hang-up what was typed before it is still taken, whoever waits. */
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_some(viewer);
	corridor_settle(viewer->corridor);
}
