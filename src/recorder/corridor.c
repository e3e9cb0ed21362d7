/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/corridor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "recorder/viewer.h"
#include "wire/wire.h"

static void on_worker(void *context, uint32_t events);
static void on_tape(void *context, enum writer_event event);
static void on_typed_late(void *context);
static void finish_session(struct corridor *corridor);
static void reap(struct corridor *corridor, struct viewer **link);

int corridor_create(const struct corridor_host *host, const struct msg_recording_start *start,
	int worker, struct corridor **ret_corridor)
{
	struct corridor *corridor = calloc(1, sizeof(*corridor));

	if (corridor == NULL) {
		fd_closep(&worker);
		return -ERR_SYSTEM;
	}
	corridor->host = host;
	corridor->session = start->session;
	text_copy(corridor->session_id, sizeof(corridor->session_id), start->session_id);
	corridor->worker = worker;
	corridor->partial = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
	corridor->input = BUF(CORRIDOR_INPUT_MAX + CORRIDOR_SCRATCH);
	corridor->last.session = start->session;
	corridor->last.state = VIEW_CONNECTING;
	corridor->last.exit_status = -1;
	corridor->input_at = corridor->left_at = clock_monotonic_ms();
	keyframes_init(&corridor->keyframes, start->keyframe_seconds);
	tape_init(&corridor->tape, &host->room, corridor->session_id, corridor->public_key);
	typed_init(&corridor->typed, (enum recording_input)start->record_input, &corridor->tape,
		on_typed_late, corridor);
	*ret_corridor = corridor;
	return 0;
}

static void close_worker(struct corridor *corridor)
{
	watch_remove(STEAL(corridor->worker_watch));
	fd_closep(&corridor->worker);
	buf_wipe(&corridor->input);
	buf_clear(&corridor->partial);
}

static void cancel_timers(struct corridor *corridor)
{
	skip_finish(corridor);
	timer_cancel(STEAL(corridor->activity_timer));
	timer_cancel(STEAL(corridor->end_timer));
}

void corridor_destroy(struct corridor *corridor)
{
	if (corridor == NULL)
		return;
	while (corridor->viewers != NULL) {
		struct viewer *viewer = corridor->viewers;
		corridor->viewers = viewer->next;
		viewer_destroy(viewer);
	}
	close_worker(corridor);
	cancel_timers(corridor);
	typed_finish(&corridor->typed);
	tape_finish(&corridor->tape);
	ring_finish(&corridor->ring);
	free(corridor);
}

/* ---- beginning ---- */

static void tell_started(struct corridor *corridor, int r)
{
	if (corridor->told_started)
		return;
	corridor->told_started = true;
	corridor->host->started(corridor->host->context, corridor, r);
}

void corridor_begin(struct corridor *corridor, const struct recording_header *header)
{
	int r = tape_begin(&corridor->tape, header, on_tape, corridor);

	if (r < 0)
		corridor_end(corridor, r, error_text(r));
}

static void open_now(struct corridor *corridor)
{
	int r = loop_watch(corridor->host->room.loop, corridor->worker, EPOLLIN, on_worker,
		corridor, &corridor->worker_watch);

	if (r < 0) {
		corridor_end(corridor, r, error_text(r));
		return;
	}
	tell_started(corridor, 0);
	corridor->worker_reads = true;
	corridor->phase = CORRIDOR_OPEN;
	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		viewer_welcome(viewer);
	corridor_settle(corridor);
}

/* ---- what is put into the stream ---- */

int corridor_say(
	struct corridor *corridor, uint8_t type, uint16_t viewer, const void *payload, size_t len)
{
	CLEANUP(buf_finish) struct buf frame = BUF(VIEW_HEADER_LEN + REASON_SIZE + 8);
	int r = tape_put(&corridor->tape, type, viewer, payload, len);

	if (r == 0)
		r = view_write(&frame, type, payload, len);
	if (r == 0)
		r = ring_append(&corridor->ring, frame.data, frame.len);
	corridor->keyframes.people += type == VIEW_JOIN;
	corridor->keyframes.people -= type == VIEW_LEAVE;
	return r;
}

int corridor_tell_gap(struct corridor *corridor)
{
	uint8_t payload[GAP_PAYLOAD_MAX];
	size_t len = gap_end(&corridor->gap, payload);

	return len > 0 ? corridor_say(corridor, VIEW_GAP, 0, payload, len) : 0;
}

void corridor_notice(struct corridor *corridor, const char *words)
{
	if (corridor->phase != CORRIDOR_OPEN || words[0] == '\0')
		return;
	int r = corridor_say(corridor, VIEW_NOTICE, 0, words, strlen(words));
	skip_tell(corridor, words, strlen(words));
	if (r < 0)
		corridor_end(corridor, r, error_text(r));
	else
		corridor_settle(corridor);
}

static void tell_moved(struct corridor *corridor, uint8_t state, int why, int exit_status,
	const void *words, size_t len)
{
	struct msg_moved *moved = &corridor->last;

	moved->state = state;
	moved->why = why;
	moved->exit_status = exit_status;
	memset(moved->reason, 0, sizeof(moved->reason));
	memcpy(moved->reason, words, MIN(len, sizeof(moved->reason) - 1));
	if (!TEXT_VALID(moved->reason))
		memset(moved->reason, 0, sizeof(moved->reason));
	corridor->host->moved(corridor->host->context, moved);
}

/* ---- ending ---- */

/* The person hears why even when nothing can be recorded any more: the words are the gateway's. */
static void last_words(struct corridor *corridor, int why, const char *words)
{
	uint8_t payload[8 + REASON_SIZE];
	CLEANUP(buf_finish) struct buf frame = BUF(VIEW_HEADER_LEN + sizeof(payload));
	size_t len = strnlen(words, REASON_SIZE - 1);

	put32(payload, (uint32_t)why);
	put32(payload + 4, (uint32_t)-1);
	memcpy(payload + 8, words, len);
	if (corridor->tape.open)
		tape_put(&corridor->tape, VIEW_ENDED, 0, payload, 8 + len);
	if (view_write(&frame, VIEW_ENDED, payload, 8 + len) == 0)
		ring_append(&corridor->ring, frame.data, frame.len);
}

void corridor_end(struct corridor *corridor, int why, const char *words)
{
	if (corridor->phase == CORRIDOR_OVER)
		return;
	tell_started(corridor, why < 0 ? why : -ERR_CLOSED);
	if (corridor->tape.open) {
		typed_settle(&corridor->typed);
		corridor_tell_gap(corridor);
	}
	last_words(corridor, why, words);
	tell_moved(corridor, VIEW_OVER, why, -1, words, strlen(words));
	finish_session(corridor);
	corridor_settle(corridor);
}

static void abandon_viewers(struct corridor *corridor)
{
	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		viewer->dead = true;
}

static void on_linger(void *context)
{
	struct corridor *corridor = context;

	corridor->end_timer = NULL;
	abandon_viewers(corridor);
	corridor_settle(corridor);
}

static void tell_done(struct corridor *corridor)
{
	const struct tape *tape = &corridor->tape;
	struct msg_recording_done done;

	if (corridor->told_done)
		return;
	corridor->told_done = true;
	memset(&done, 0, sizeof(done));
	done.session = corridor->session;
	done.result = tape->error;
	done.output_bytes = corridor->output_bytes;
	done.input_bytes = corridor->input_bytes;
	done.inputs = corridor->inputs;
	done.file_bytes = tape->chain.produced;
	done.chunks = tape->chain.chunks;
	done.duration_ms = corridor->end.ms;
	memcpy(done.head, tape->chain.head, sizeof(done.head));
	corridor->host->done(corridor->host->context, &done);
}

/* Everything is said: the worker goes, the file is sealed, viewers get what is on its way. */
static void finish_session(struct corridor *corridor)
{
	bool recorded = corridor->tape.open;

	corridor->phase = CORRIDOR_OVER;
	typed_finish(&corridor->typed);
	close_worker(corridor);
	cancel_timers(corridor);
	corridor->end = (struct recording_end){ .why = corridor->last.why,
		.exit_status = corridor->last.exit_status,
		.output_bytes = corridor->output_bytes,
		.input_bytes = corridor->input_bytes };
	memcpy(corridor->end.reason, corridor->last.reason, sizeof(corridor->end.reason));
	if (!recorded || tape_end(&corridor->tape, &corridor->end) < 0)
		corridor->sealed = true;
	if (recorded && corridor->sealed)
		tell_done(corridor);
	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		if (!viewer->welcomed)
			viewer_welcome(viewer);
	if (corridor->viewers != NULL && loop_after(corridor->host->room.loop, CORRIDOR_LINGER_MS,
						 on_linger, corridor, &corridor->end_timer) < 0)
		abandon_viewers(corridor);
}

static void on_tape(void *context, enum writer_event event)
{
	struct corridor *corridor = context;

	if (corridor->phase == CORRIDOR_OVER && event != WRITER_ROOM) {
		if (event == WRITER_FAILED)
			corridor->tape.error = -ERR_DISK;
		corridor->sealed = true;
		tell_done(corridor);
	} else if (event == WRITER_FAILED) {
		corridor_end(corridor, -ERR_DISK, error_text(-ERR_DISK));
		return; /* it settles */
	} else if (event == WRITER_SYNCED && corridor->phase == CORRIDOR_WAITING) {
		open_now(corridor);
		return;
	}
	corridor_settle(corridor);
}

/* ---- from the worker ---- */

static void take_ended(struct corridor *corridor, const struct view_frame *frame)
{
	int32_t why = (int32_t)get32(frame->payload);

	if (why > 0 || why <= -ERR_COUNT)
		why = -ERR_PROTOCOL_FAULT;
	tell_moved(corridor, VIEW_OVER, why, (int32_t)get32(frame->payload + 4), frame->payload + 8,
		frame->len - 8);
}

/* What a driver can have to say; anything else comes from a worker that was taken over. */
static bool worker_may_send(const struct corridor *corridor, const struct view_frame *frame)
{
	/* Each state once, forward: every one of them is work for the broker and its store. */
	if (frame->type == VIEW_STATE)
		return frame->payload[0] > corridor->said && frame->payload[0] <= VIEW_OVER;
	return frame->type == VIEW_TEXT || frame->type == VIEW_SIZE || frame->type == VIEW_ENDED ||
	       frame->type == VIEW_KEYFRAME;
}

/* Records one frame. 1: it was the last, 0, or why nothing more may pass. */
static int take_frame(struct corridor *corridor, const struct view_frame *frame, uint64_t offset)
{
	if (!worker_may_send(corridor, frame) ||
		keyframes_saw(&corridor->keyframes, frame, offset) < 0)
		return -ERR_WORKER_DIED;
	corridor->heard = true;
	int r = 0;
	if (frame->type == VIEW_TEXT)
		r = typed_saw(&corridor->typed, frame);
	if (frame->type == VIEW_ENDED)
		r = typed_settle(&corridor->typed);
	if (r == 0)
		r = tape_put(&corridor->tape, frame->type, 0, frame->payload, frame->len);
	if (r < 0)
		return r;
	if (frame->type == VIEW_TEXT)
		corridor->output_bytes += frame->len;
	if (frame->type == VIEW_STATE)
		corridor->said = frame->payload[0];
	/* That it is over is said by ENDED alone. */
	if (frame->type == VIEW_STATE && frame->payload[0] < VIEW_OVER)
		tell_moved(corridor, frame->payload[0], 0, -1, frame->payload + 1, frame->len - 1);
	if (frame->type == VIEW_ENDED)
		take_ended(corridor, frame);
	return frame->type == VIEW_ENDED;
}

/* Frames of ours go between the worker's: what is before them goes into the ring first. */
static int tell_gap_after(struct corridor *corridor, const uint8_t *bytes, size_t len)
{
	int r = ring_append(&corridor->ring, bytes, len);

	return r < 0 ? r : corridor_tell_gap(corridor);
}

/* Records frames and keeps them in the ring, as far as they were recorded. */
static int take_bytes(struct corridor *corridor, const uint8_t *bytes, size_t len)
{
	struct view_frame frame;
	size_t whole = 0;
	int r, taken = 0;

	skip_make_room(corridor);
	while (taken == 0 && (r = view_next(bytes + whole, len - whole, &frame)) != 0) {
		if (r > 0 && frame.type == VIEW_ENDED) {
			taken = tell_gap_after(corridor, bytes, whole);
			bytes += whole, len -= whole, whole = 0;
		}
		uint64_t offset = corridor->ring.end + whole;
		if (taken == 0)
			taken = r < 0 ? -ERR_WORKER_DIED : take_frame(corridor, &frame, offset);
		if (taken >= 0)
			whole += (size_t)r;
	}
	r = ring_append(&corridor->ring, bytes, whole);
	if (r < 0 || taken != 0)
		return r < 0 ? r : taken;
	return buf_append(&corridor->partial, bytes + whole, len - whole);
}

/* 0, 1 after the last frame, or why the session ends. */
static int read_worker(struct corridor *corridor)
{
	uint8_t *scratch = corridor->host->scratch;
	size_t kept = corridor->partial.len;
	ssize_t got;

	do {
		got = recv(corridor->worker, scratch + kept, CORRIDOR_READ, MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got <= 0)
		return -ERR_CLOSED;
	if (kept > 0)
		memcpy(scratch, corridor->partial.data, kept);
	buf_clear(&corridor->partial);
	return take_bytes(corridor, scratch, kept + (size_t)got);
}

int corridor_refresh(struct corridor *corridor)
{
	return view_write(&corridor->input, VIEW_REFRESH, NULL, 0);
}

/* For the recording, as often as the setting says. */
static void refresh_when_due(struct corridor *corridor)
{
	if (keyframes_due(&corridor->keyframes) && keyframes_ask(&corridor->keyframes))
		corridor_refresh(corridor);
}

static void flush_input(struct corridor *corridor)
{
	while (corridor->input.len > 0 && !corridor->input_blocked && corridor->worker >= 0) {
		ssize_t done = send(corridor->worker, corridor->input.data, corridor->input.len,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done > 0)
			buf_consume(&corridor->input, (size_t)done);
		else if (done < 0 && errno == EINTR)
			continue;
		else if (errno == EAGAIN || errno == ENOBUFS)
			corridor->input_blocked = true;
		else
			buf_wipe(&corridor->input); /* reading will tell that the worker is gone */
	}
}

static void on_grace(void *context)
{
	struct corridor *corridor = context;

	corridor->end_timer = NULL;
	corridor_end(corridor, -ERR_WORKER_DIED, error_text(-ERR_WORKER_DIED));
}

static void on_unclaimed(void *context)
{
	struct corridor *corridor = context;

	corridor->end_timer = NULL;
	corridor_end(corridor, -ERR_GATEWAY_RESTARTED, error_text(-ERR_GATEWAY_RESTARTED));
}

/*
 * The stream ended without a last word. Who closed it may be the broker, with the true reason on
 * its way over another socket: that word goes before ours. If nothing ever came, there was no
 * worker yet: a broker that died left it so, and the next one may go on.
 */
static void worker_is_gone(struct corridor *corridor)
{
	struct loop *loop = corridor->host->room.loop;

	close_worker(corridor);
	timer_cancel(STEAL(corridor->end_timer));
	int r = corridor->heard ? loop_after(loop, CORRIDOR_GRACE_MS, on_grace, corridor,
					  &corridor->end_timer)
				: loop_after(loop, CORRIDOR_CLAIM_MS, on_unclaimed, corridor,
					  &corridor->end_timer);
	if (r < 0)
		corridor_end(corridor, -ERR_WORKER_DIED, error_text(-ERR_WORKER_DIED));
	else
		corridor_settle(corridor);
}

int corridor_claim(struct corridor *corridor, int worker)
{
	if (corridor->heard || corridor->phase == CORRIDOR_OVER) {
		fd_closep(&worker);
		return -ERR_WRONG_MOMENT;
	}
	close_worker(corridor);
	corridor->input_blocked = false;
	timer_cancel(STEAL(corridor->end_timer));
	corridor->worker = worker;
	if (corridor->phase == CORRIDOR_OPEN)
		corridor_settle(corridor); /* it may be gone after this, with its reason told */
	return 0;
}

/* Nobody holds the other end: a worker that was never born. */
static bool worker_missing(const struct corridor *corridor)
{
	char byte;

	return corridor->worker < 0 ||
	       (!corridor->heard && recv(corridor->worker, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

void corridor_list(const struct corridor *corridor, struct msg_listed *ret_listed)
{
	uint64_t now = clock_monotonic_ms();

	memset(ret_listed, 0, sizeof(*ret_listed));
	ret_listed->moved = corridor->last;
	ret_listed->worker = !worker_missing(corridor);
	ret_listed->viewers = corridor->viewer_count;
	ret_listed->last_viewer = corridor->last_viewer;
	ret_listed->idle_ms = now - corridor->input_at;
	ret_listed->away_ms = corridor->viewer_count > 0 ? 0 : now - corridor->left_at;
}

static void on_worker(void *context, uint32_t events)
{
	struct corridor *corridor = context;
	int r = 0;

	if ((events & EPOLLOUT) != 0)
		corridor->input_blocked = false;
	if ((events & EPOLLIN) != 0 || corridor->worker_reads)
		r = read_worker(corridor);
	else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		watch_remove(
			STEAL(corridor->worker_watch)); /* until somebody may be shown the rest */
	if (r == -ERR_CLOSED)
		worker_is_gone(corridor);
	else if (r < 0)
		corridor_end(corridor, r, error_text(r));
	else if (r > 0)
		finish_session(corridor), corridor_settle(corridor);
	else
		corridor_settle(corridor);
}

/* ---- from the viewers ---- */

static void tell_activity(struct corridor *corridor)
{
	struct msg_activity activity;

	memset(&activity, 0, sizeof(activity));
	activity.session = corridor->session;
	activity.input_bytes = corridor->input_bytes;
	activity.output_bytes = corridor->output_bytes;
	corridor->activity_at = clock_monotonic_ms();
	corridor->activity_due = false;
	corridor->host->activity(corridor->host->context, &activity);
}

static void on_activity(void *context)
{
	struct corridor *corridor = context;

	corridor->activity_timer = NULL;
	if (corridor->activity_due)
		tell_activity(corridor);
}

static void note_activity(struct corridor *corridor, uint32_t len)
{
	uint64_t now = clock_monotonic_ms();

	corridor->input_bytes += len;
	corridor->input_at = now;
	if (corridor->activity_at == 0 || now - corridor->activity_at >= CORRIDOR_ACTIVITY_MS) {
		tell_activity(corridor);
		return;
	}
	corridor->activity_due = true;
	if (corridor->activity_timer == NULL)
		loop_after(corridor->host->room.loop,
			corridor->activity_at + CORRIDOR_ACTIVITY_MS - now, on_activity, corridor,
			&corridor->activity_timer);
}

static void on_end_asked(void *context)
{
	struct corridor *corridor = context;

	corridor->end_timer = NULL;
	corridor_end(corridor, 0, "Ended by the person");
}

static void note_input(struct corridor *corridor, const struct view_frame *frame)
{
	if (frame->type == VIEW_KEYS || frame->type == VIEW_PASTE) {
		corridor->inputs++;
		note_activity(corridor, frame->len);
	}
	if (frame->type == VIEW_END && corridor->end_timer == NULL)
		loop_after(corridor->host->room.loop, CORRIDOR_END_MS, on_end_asked, corridor,
			&corridor->end_timer);
}

/* What was typed a while ago is on the tape now, or could not be put there. */
static void on_typed_late(void *context)
{
	corridor_settle(context);
}

int corridor_input(struct corridor *corridor, uint16_t viewer, const struct view_frame *frame)
{
	int r;

	if (corridor->phase != CORRIDOR_OPEN || corridor->worker < 0)
		return 0;
	r = typed_put(&corridor->typed, viewer, frame);
	if (r < 0)
		return 0; /* settling ends the session; the key was neither recorded nor passed on
			   */
	note_input(corridor, frame);
	return view_write(&corridor->input, frame->type, frame->payload, frame->len);
}

bool corridor_input_waits(const struct corridor *corridor)
{
	return corridor->input.len >= CORRIDOR_INPUT_MAX || tape_full(&corridor->tape);
}

/*
 * A page is attached once. An older attachment of it is a connection that broke without anybody
 * having noticed: what it still holds unread the page sends again, as not taken.
 */
static void replace_earlier(struct corridor *corridor, const struct msg_viewer *join)
{
	for (struct viewer **link = &corridor->viewers; *link != NULL;) {
		struct viewer *viewer = *link;
		if (join->page == 0 || viewer->who.page != join->page) {
			link = &viewer->next;
			continue;
		}
		viewer->why = GAP_LOST;
		reap(corridor, link);
	}
}

void corridor_join(struct corridor *corridor, const struct msg_viewer *join, int fd)
{
	struct viewer *viewer, **last = &corridor->viewers;
	struct gap before = corridor->gap;

	replace_earlier(corridor, join);
	corridor->last_viewer = MAX(corridor->last_viewer, join->viewer);
	if (corridor->viewer_count >= VIEWERS_MAX ||
		viewer_create(corridor, join, fd, &viewer) < 0) {
		corridor->host->left(corridor->host->context, join);
		fd_closep(&fd);
		return;
	}
	corridor->gap = before; /* that one goes and this one comes is the same moment */
	while (*last != NULL)
		last = &(*last)->next;
	*last = viewer;
	corridor->viewer_count++;
	if (corridor->phase != CORRIDOR_WAITING)
		viewer_welcome(viewer);
	corridor_settle(corridor);
}

/* ---- settling ---- */

static void reap(struct corridor *corridor, struct viewer **link)
{
	struct viewer *viewer = *link;
	uint8_t words[256];

	*link = viewer->next;
	corridor->viewer_count--;
	if (corridor->phase == CORRIDOR_OPEN && viewer->welcomed) {
		corridor_say(corridor, VIEW_LEAVE, (uint16_t)viewer->who.viewer, words,
			viewer_words(viewer, words));
		if (corridor->keyframes.people == 0) /* who waits for a keyframe is not there yet */
			gap_begin(&corridor->gap, viewer->why);
	}
	corridor->left_at = clock_monotonic_ms();
	corridor->host->left(corridor->host->context, &viewer->who);
	viewer_destroy(viewer);
}

/* Sends to all until nobody new has gone: each who goes is told to the others. */
static void serve_viewers(struct corridor *corridor)
{
	bool again = true;

	while (again) {
		again = false;
		for (struct viewer *viewer = corridor->viewers; viewer != NULL;
			viewer = viewer->next)
			viewer_send(viewer);
		for (struct viewer **link = &corridor->viewers; *link != NULL;) {
			bool over = corridor->phase == CORRIDOR_OVER && viewer_drained(*link);
			if ((*link)->dead || over) {
				reap(corridor, link);
				again = true;
			} else {
				link = &(*link)->next;
			}
		}
	}
}

static void set_watches(struct corridor *corridor)
{
	bool type = !corridor_input_waits(corridor);

	for (struct viewer *viewer = corridor->viewers; viewer != NULL; viewer = viewer->next)
		viewer_watch(viewer, type && viewer->welcomed);
	if (corridor->phase != CORRIDOR_OPEN || corridor->worker < 0)
		return;
	bool reads = !tape_full(&corridor->tape) && !skip_holds(corridor);
	corridor->worker_reads = reads;
	uint32_t events = (reads ? EPOLLIN : 0) | (corridor->input_blocked ? EPOLLOUT : 0);
	if (corridor->worker_watch != NULL)
		watch_set(corridor->worker_watch, events);
	else if (reads)
		loop_watch(corridor->host->room.loop, corridor->worker, events, on_worker, corridor,
			&corridor->worker_watch);
}

void corridor_settle(struct corridor *corridor)
{
	if (corridor->phase == CORRIDOR_OPEN && corridor->tape.error < 0) {
		corridor_end(corridor, corridor->tape.error, error_text(corridor->tape.error));
		return; /* it settles */
	}
	if (corridor->phase == CORRIDOR_OPEN)
		refresh_when_due(corridor);
	flush_input(corridor);
	serve_viewers(corridor);
	while (skip_go_on(corridor))
		serve_viewers(corridor);
	flush_input(corridor);
	if (corridor->phase == CORRIDOR_OVER && corridor->sealed && corridor->viewers == NULL) {
		corridor->host->gone(corridor->host->context, corridor);
		corridor_destroy(corridor);
		return;
	}
	set_watches(corridor);
}
