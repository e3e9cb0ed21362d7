/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "ctl/reader.h"
#include "wire/wire.h"

static void on_started(void *context, struct corridor *corridor, int r)
{
	struct world *world = context;

	world->started = r == 0 ? 1 : r;
}

static void on_moved(void *context, const struct msg_moved *moved)
{
	((struct world *)context)->moved = *moved;
}

static void on_left(void *context, const struct msg_viewer *viewer)
{
	((struct world *)context)->left++;
}

static void on_activity_told(void *context, const struct msg_activity *activity)
{
	struct world *world = context;

	world->activity = *activity;
	world->activities++;
}

static void on_done(void *context, const struct msg_recording_done *done)
{
	struct world *world = context;

	world->done = *done;
	world->dones++;
}

static void on_gone(void *context, struct corridor *corridor)
{
	((struct world *)context)->corridor = NULL;
}

static void on_pump_timer(void *context)
{
	struct world *world = context;

	world->timer = NULL;
	loop_stop(world->host.room.loop);
}

/* Lets the corridor run for that long. */
void pump(struct world *world, unsigned ms)
{
	loop_after(world->host.room.loop, ms, on_pump_timer, world, &world->timer);
	assert_int_equal(loop_run(world->host.room.loop), 0);
}

int world_set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct corridor_host *host = &world->host;

	signal(SIGXFSZ, SIG_IGN);
	fixture_init(&world->fixture);
	world->dir = fixture_directory(world->path);
	world->worker = -1;
	*host = (struct corridor_host){ on_started, on_moved, on_left, on_activity_told, on_done,
		on_gone, world, { NULL, &world->packer, NULL }, malloc(CORRIDOR_SCRATCH) };
	assert_int_equal(loop_create(&host->room.loop), 0);
	assert_int_equal(packer_init(&world->packer), 0);
	assert_int_equal(writer_create(host->room.loop, world->dir, &host->room.writer), 0);
	*state = world;
	return 0;
}

int world_tear_down(void **state)
{
	struct world *world = *state;

	corridor_destroy(world->corridor);
	fd_closep(&world->worker);
	writer_destroy(world->host.room.writer);
	packer_finish(&world->packer);
	loop_destroy(world->host.room.loop);
	free(world->host.scratch);
	close(world->dir);
	fixture_remove(world->path);
	free(world);
	return 0;
}

void create(struct world *world, enum recording_input how)
{
	struct msg_recording_start start = { .session = 4711, .record_input = (uint8_t)how };
	int ends[2];

	assert_int_equal(text_copy(start.session_id, sizeof(start.session_id), FIXTURE_SESSION), 0);
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	world->worker = ends[1];
	assert_int_equal(corridor_create(&world->host, &start, ends[0], &world->corridor), 0);
	fixture_certify(
		&world->fixture, world->corridor->public_key, world->corridor->tape.chunk.key);
	memcpy(world->key, world->corridor->tape.chunk.key, sizeof(world->key));
	if (how == INPUT_APART)
		assert_int_equal(tape_keep_apart(&world->corridor->tape, FIXTURE_SESSION,
					 world->fixture.vault_public),
			0);
	memcpy(world->secrets_key, world->corridor->tape.secrets.key, sizeof(world->secrets_key));
}

void begin(struct world *world, enum recording_input how)
{
	create(world, how);
	corridor_begin(world->corridor, &world->fixture.header);
	for (int i = 0; i < 100 && world->started == 0; i++)
		pump(world, 10);
	assert_int_equal(world->started, 1);
}

/* From the worker: lets the corridor run while it takes nothing. False: nothing for long. */
bool worker_sends(struct world *world, uint8_t type, const void *payload, size_t len)
{
	struct buf frame = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
	unsigned tries = 0;

	assert_int_equal(view_write(&frame, type, payload, len), 0);
	while (frame.len > 0 && tries < 1000) {
		ssize_t done =
			send(world->worker, frame.data, frame.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done > 0) {
			buf_consume(&frame, (size_t)done);
			tries = 0;
		} else {
			pump(world, 1);
			tries++;
		}
	}
	bool whole = frame.len == 0;
	buf_finish(&frame);
	return whole;
}

void worker_says(struct world *world, const char *text)
{
	assert_true(worker_sends(world, VIEW_TEXT, text, strlen(text)));
}

/* page_number: what the page itself is known by; 0: one that does not count what it types. */
void page_join_as(struct world *world, struct page *page, uint32_t number, uint64_t offset,
	bool read_only, uint64_t page_number)
{
	struct msg_viewer join = { .session = 4711,
		.viewer = number,
		.page = page_number,
		.offset = offset,
		.read_only = read_only,
		.who = "ana",
		.from = "192.0.2.7" };
	int ends[2];

	memset(page, 0, sizeof(*page));
	page->in = BUF(8 * 1024 * 1024);
	page->text = BUF(64 * 1024 * 1024);
	page->notes = BUF(65536);
	page->acknowledges = true;
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	page->fd = ends[1];
	corridor_join(world->corridor, &join, ends[0]);
}

void page_join_at(
	struct world *world, struct page *page, uint32_t number, uint64_t offset, bool read_only)
{
	page_join_as(world, page, number, offset, read_only, 0);
}

void page_join(struct world *world, struct page *page, uint32_t number)
{
	page_join_at(world, page, number, UINT64_MAX, false);
}

void page_send(struct page *page, uint8_t type, const void *payload, size_t len)
{
	struct buf frame = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);

	assert_int_equal(view_write(&frame, type, payload, len), 0);
	assert_int_equal(
		send(page->fd, frame.data, frame.len, MSG_DONTWAIT | MSG_NOSIGNAL), frame.len);
	buf_finish(&frame);
}

static void page_take(struct page *page, const struct view_frame *frame)
{
	switch (frame->type) {
	case VIEW_WELCOME:
		assert_int_equal(frame->len, 32);
		page->offset = get64(frame->payload);
		page->read_only = frame->payload[12];
		page->complete = frame->payload[13];
		page->known = frame->payload[14];
		page->live = get64(frame->payload + 16);
		page->taken = get64(frame->payload + 24);
		page->welcomed = true;
		return;
	case VIEW_PONG:
		assert_memory_equal(frame->payload, "pingpong", 8);
		page->pongs++;
		return;
	case VIEW_SKIPPED:
		page->offset = get64(frame->payload);
		page->skips += get64(frame->payload + 8) > 0;
		page->skipped += get64(frame->payload + 8);
		page->people = get32(frame->payload + 16);
		return;
	case VIEW_TOLD:
		page->told++;
		return;
	case VIEW_KEYFRAME:
		page->keyframes++;
		buf_append(&page->text, "|", 1);
		break;
	case VIEW_TEXT:
		buf_append(&page->text, frame->payload, frame->len);
		break;
	case VIEW_ENDED:
		page->ended_why = (int32_t)get32(frame->payload);
		text_copy_len(page->ended, sizeof(page->ended), frame->payload + 8, frame->len - 8);
		break;
	case VIEW_JOIN:
		page->joins++;
		assert_memory_equal(frame->payload + 1, "ana from 192.0.2.7", 18);
		break;
	case VIEW_LEAVE:
		page->leaves++;
		break;
	case VIEW_GAP:
		page->gaps++;
		page->gap_why = frame->payload[0];
		page->gap_ms = get32(frame->payload + 4);
		break;
	default:
		break;
	}
	assert_true(view_shared(frame->type));
	assert_true(page->welcomed);
	page->offset += VIEW_HEADER_LEN + frame->len;
}

void page_acknowledge(struct page *page)
{
	uint8_t offset[8];

	put64(offset, page->offset);
	page_send(page, VIEW_ACK, offset, 8);
}

/* Takes at most `most` bytes that wait. */
void page_read(struct page *page, size_t most)
{
	uint8_t bytes[16384];
	struct view_frame frame;
	uint64_t before = page->offset;
	int r;

	while (most > 0) {
		ssize_t got = recv(page->fd, bytes, MIN(most, sizeof(bytes)), MSG_DONTWAIT);
		if (got <= 0) {
			page->closed = got == 0;
			break;
		}
		buf_append(&page->in, bytes, (size_t)got);
		most -= (size_t)got;
	}
	while (page->in.len > 0 && (r = view_next(page->in.data, page->in.len, &frame)) != 0) {
		assert_true(r > 0);
		page_take(page, &frame);
		buf_consume(&page->in, (size_t)r);
	}
	if (page->acknowledges && page->offset != before && page->welcomed && !page->closed)
		page_acknowledge(page);
}

void page_close(struct page *page)
{
	fd_closep(&page->fd);
	buf_finish(&page->in);
	buf_finish(&page->text);
	buf_finish(&page->notes);
}

void settle(struct world *world, struct page **pages, unsigned count)
{
	for (int round = 0; round < 20; round++) {
		pump(world, 1);
		for (unsigned i = 0; i < count; i++)
			page_read(pages[i], SIZE_MAX);
	}
}

void until_gone(struct world *world, struct page **pages, unsigned count)
{
	for (int i = 0; i < 300 && world->corridor != NULL; i++)
		settle(world, pages, count);
	assert_null(world->corridor);
}

/* Ends the session from the worker's side and waits until it is sealed and gone. */
void finish(struct world *world, struct page **pages, unsigned count)
{
	uint8_t ended[8 + 7] = { 0, 0, 0, 0, 3, 0, 0, 0, 'l', 'o', 'g', 'o', 'u', 't', '.' };

	assert_true(worker_sends(world, VIEW_ENDED, ended, sizeof(ended)));
	until_gone(world, pages, count);
	assert_int_equal(world->dones, 1);
	assert_int_equal(world->done.result, 0);
}

void verify(struct world *world, struct recording_report *report)
{
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(recording_verify(fd, world->fixture.installation_public, report), 0);
	close(fd);
}

/* All payloads of one type, as they stand in the recording. */
void recorded(struct world *world, uint8_t type, struct buf *out, unsigned *ret_count)
{
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);
	struct reader *reader;
	struct reader_event event;
	int r;

	*ret_count = 0;
	assert_int_equal(reader_open(fd, world->key, &reader), 0);
	while ((r = reader_next(reader, &event)) > 0) {
		if (event.frame.type != type)
			continue;
		++*ret_count;
		assert_int_equal(buf_append(out, event.frame.payload, event.frame.len), 0);
	}
	assert_int_equal(r, 0);
	reader_close(reader);
	close(fd);
}

void assert_recorded(struct world *world, uint8_t type, const void *bytes, size_t len)
{
	struct buf out = BUF(64 * 1024 * 1024);
	unsigned count;

	recorded(world, type, &out, &count);
	assert_int_equal(out.len, len);
	if (len > 0)
		assert_memory_equal(out.data, bytes, len);
	buf_finish(&out);
}

/* The same for what was typed, once the session is over. */
void assert_recorded_later(
	struct world *world, struct page **pages, unsigned count, const char *typed)
{
	finish(world, pages, count);
	assert_recorded(world, VIEW_KEYS, typed, strlen(typed));
}

size_t worker_gets(struct world *world, void *bytes, size_t size)
{
	ssize_t got = recv(world->worker, bytes, size, MSG_DONTWAIT);

	return got > 0 ? (size_t)got : 0;
}
