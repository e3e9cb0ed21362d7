/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/corridor.h"

#undef CORRIDOR_STALL_MS
#define CORRIDOR_STALL_MS 300
#undef CORRIDOR_LINGER_MS
#define CORRIDOR_LINGER_MS 300
#undef CORRIDOR_END_MS
#define CORRIDOR_END_MS 100
#undef CORRIDOR_ACTIVITY_MS
#define CORRIDOR_ACTIVITY_MS 200
#include "recorder/corridor.c"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <stdio.h>
#include <unistd.h>

#include "base/random.h"
#include "ctl/reader.h"
#include "fixture.h"

struct world {
	struct fixture fixture;
	struct packer packer;
	struct corridor_host host;
	struct corridor *corridor; /* NULL once gone */
	char path[64];
	int dir, worker;
	uint8_t key[RECORDING_KEY_LEN];
	int started; /* 1 when told 0, else the error */
	unsigned left, activities, dones;
	struct msg_moved moved;
	struct msg_activity activity;
	struct msg_recording_done done;
	struct timer *timer;
	bool over;
};

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
static void pump(struct world *world, unsigned ms)
{
	loop_after(world->host.room.loop, ms, on_pump_timer, world, &world->timer);
	assert_int_equal(loop_run(world->host.room.loop), 0);
}

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void create(struct world *world, bool record_input)
{
	struct msg_recording_start start = { .session = 4711, .record_input = record_input };
	int ends[2];

	assert_int_equal(text_copy(start.session_id, sizeof(start.session_id), FIXTURE_SESSION), 0);
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	world->worker = ends[1];
	assert_int_equal(corridor_create(&world->host, &start, ends[0], &world->corridor), 0);
	fixture_certify(
		&world->fixture, world->corridor->public_key, world->corridor->tape.chunk.key);
	memcpy(world->key, world->corridor->tape.chunk.key, sizeof(world->key));
}

static void begin(struct world *world, bool record_input)
{
	create(world, record_input);
	corridor_begin(world->corridor, &world->fixture.header);
	for (int i = 0; i < 100 && world->started == 0; i++)
		pump(world, 10);
	assert_int_equal(world->started, 1);
}

/* From the worker: blocks while the corridor takes nothing, so it lets it run. False: it stopped.
 */
static bool worker_sends(struct world *world, uint8_t type, const void *payload, size_t len)
{
	struct buf frame = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
	unsigned tries = 0;

	assert_int_equal(view_write(&frame, type, payload, len), 0);
	while (frame.len > 0 && tries < 20) {
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

static void worker_says(struct world *world, const char *text)
{
	assert_true(worker_sends(world, VIEW_TEXT, text, strlen(text)));
}

/* A page: takes the stream apart, acknowledges when told to. */
struct page {
	int fd;
	struct buf in;
	struct buf text;  /* TEXT payloads */
	struct buf notes; /* one letter per other frame */
	uint64_t offset;  /* of the next frame */
	uint64_t live;
	bool welcomed, complete, read_only, closed, acknowledges;
	unsigned pongs, joins, leaves;
	int32_t ended_why;
	char ended[REASON_SIZE];
};

static void page_join_at(
	struct world *world, struct page *page, uint32_t number, uint64_t offset, bool read_only)
{
	struct msg_viewer join = { .session = 4711,
		.viewer = number,
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

static void page_join(struct world *world, struct page *page, uint32_t number)
{
	page_join_at(world, page, number, UINT64_MAX, false);
}

static void page_send(struct page *page, uint8_t type, const void *payload, size_t len)
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
		assert_int_equal(frame->len, 24);
		page->offset = get64(frame->payload);
		page->read_only = frame->payload[12];
		page->complete = frame->payload[13];
		page->live = get64(frame->payload + 16);
		page->welcomed = true;
		return;
	case VIEW_PONG:
		assert_memory_equal(frame->payload, "pingpong", 8);
		page->pongs++;
		return;
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
	default:
		break;
	}
	assert_true(view_shared(frame->type));
	assert_true(page->welcomed);
	page->offset += VIEW_HEADER_LEN + frame->len;
}

static void page_acknowledge(struct page *page)
{
	uint8_t offset[8];

	put64(offset, page->offset);
	page_send(page, VIEW_ACK, offset, 8);
}

/* Takes at most `most` bytes that wait. */
static void page_read(struct page *page, size_t most)
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

static void page_close(struct page *page)
{
	fd_closep(&page->fd);
	buf_finish(&page->in);
	buf_finish(&page->text);
	buf_finish(&page->notes);
}

static void settle(struct world *world, struct page **pages, unsigned count)
{
	for (int round = 0; round < 20; round++) {
		pump(world, 1);
		for (unsigned i = 0; i < count; i++)
			page_read(pages[i], SIZE_MAX);
	}
}

/* Ends the session from the worker's side and waits until it is sealed and gone. */
static void finish(struct world *world, struct page **pages, unsigned count)
{
	uint8_t ended[8 + 7] = { 0, 0, 0, 0, 3, 0, 0, 0, 'l', 'o', 'g', 'o', 'u', 't', '.' };

	assert_true(worker_sends(world, VIEW_ENDED, ended, sizeof(ended)));
	for (int i = 0; i < 300 && world->corridor != NULL; i++)
		settle(world, pages, count);
	assert_null(world->corridor);
	assert_int_equal(world->dones, 1);
	assert_int_equal(world->done.result, 0);
}

static void verify(struct world *world, struct recording_report *report)
{
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(recording_verify(fd, world->fixture.installation_public, report), 0);
	close(fd);
}

/* All payloads of one type, as they stand in the recording. */
static void recorded(struct world *world, uint8_t type, struct buf *out, unsigned *ret_count)
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

static void assert_recorded(struct world *world, uint8_t type, const void *bytes, size_t len)
{
	struct buf out = BUF(64 * 1024 * 1024);
	unsigned count;

	recorded(world, type, &out, &count);
	assert_int_equal(out.len, len);
	if (len > 0)
		assert_memory_equal(out.data, bytes, len);
	buf_finish(&out);
}

/* ---- the tests ---- */

static void recorded_then_shown(void **state)
{
	struct world *world = *state;
	struct recording_report *report = malloc(sizeof(*report));
	struct page a, b, *pages[] = { &a, &b };

	begin(world, true);
	page_join(world, &a, 1);
	worker_sends(world, VIEW_STATE, "\3live", 5);
	worker_says(world, "hello ");
	settle(world, pages, 1);
	assert_int_equal(world->moved.state, VIEW_LIVE);
	assert_string_equal(world->moved.reason, "live");
	page_join(world, &b, 2);
	worker_says(world, "world");
	page_send(&a, VIEW_KEYS, "ls\r", 3);
	settle(world, pages, 2);
	assert_true(a.complete && b.complete && !a.read_only);
	assert_memory_equal(a.text.data, "hello world", 11);
	assert_memory_equal(b.text.data, "hello world", 11);
	assert_int_equal(a.offset, b.offset);
	assert_int_equal(a.joins, 2);
	assert_int_equal(b.joins, 2);
	page_close(&b);
	settle(world, pages, 1);
	assert_int_equal(a.leaves, 1);
	assert_int_equal(world->left, 1);
	finish(world, pages, 1);
	assert_true(a.closed);
	assert_string_equal(a.ended, "logout.");
	assert_int_equal(world->moved.state, VIEW_OVER);
	assert_int_equal(world->moved.exit_status, 3);
	assert_int_equal(world->done.output_bytes, 11);
	assert_int_equal(world->done.input_bytes, 3);
	assert_int_equal(world->done.inputs, 1);
	verify(world, report);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_string_equal(report->end.reason, "logout.");
	assert_memory_equal(report->head, world->done.head, HASH_LEN);
	assert_int_equal(report->bytes, world->done.file_bytes);
	assert_recorded(world, VIEW_TEXT, "hello world", 11);
	assert_recorded(world, VIEW_KEYS, "ls\r", 3);
	page_close(&a);
	free(report);
}

static size_t worker_gets(struct world *world, void *bytes, size_t size)
{
	ssize_t got = recv(world->worker, bytes, size, MSG_DONTWAIT);

	return got > 0 ? (size_t)got : 0;
}

static void input_is_recorded_first(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t bytes[256];

	begin(world, true);
	page_join(world, &page, 1);
	page_send(&page, VIEW_KEYS, "secret", 6);
	pump(world, 20);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), VIEW_HEADER_LEN + 6);
	assert_memory_equal(bytes + VIEW_HEADER_LEN, "secret", 6);
	/* It is in the open chunk already, which nobody has closed. */
	assert_true(
		world->corridor->tape.chunk.frames > 0 || world->corridor->tape.chain.chunks > 0);
	/* What cannot be recorded does not pass: the session ends instead. */
	world->corridor->tape.error = -ERR_DISK;
	page_send(&page, VIEW_KEYS, "more", 4);
	settle(world, pages, 1);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), 0);
	assert_int_equal(world->moved.why, -ERR_DISK);
	assert_int_equal(page.ended_why, -ERR_DISK);
	assert_string_equal(page.ended, "The recording cannot be written");
	page_close(&page);
}

static void input_withheld(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t bytes[256], size[8] = { 100, 0, 40, 0 };
	struct buf out = BUF(1024);
	unsigned count;

	begin(world, false);
	page_join(world, &page, 1);
	page_send(&page, VIEW_KEYS, "secret", 6);
	page_send(&page, VIEW_RESIZE, size, 8);
	pump(world, 20);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), 2 * VIEW_HEADER_LEN + 14);
	finish(world, pages, 1);
	recorded(world, RECORDING_WITHHELD, &out, &count);
	assert_int_equal(count, 1);
	assert_int_equal(out.data[0], VIEW_KEYS);
	assert_int_equal(get32(out.data + 4), 6);
	assert_recorded(world, VIEW_KEYS, "", 0);
	assert_recorded(world, VIEW_RESIZE, size, 8);
	assert_int_equal(world->done.input_bytes, 6);
	assert_int_equal(world->done.inputs, 1);
	buf_finish(&out);
	page_close(&page);
}

static void foul_viewers_are_detached(void **state)
{
	struct world *world = *state;
	static const uint8_t frames[][24] = {
		{ 0x50, 0, 0, 0, 1, 0, 0, 0, 'x' },      /* unknown input */
		{ VIEW_TEXT, 0, 0, 0, 1, 0, 0, 0, 'x' }, /* only the target says that */
		{ 0x3f, 0, 0, 0, 1, 0, 0, 0, 'x' },      /* unknown, but of the target's kind */
		{ VIEW_PONG, 0, 0, 0, 8 },               /* only the gateway says that */
		{ VIEW_KEYS, 1, 0, 0, 1, 0, 0, 0, 'x' }, /* a byte that must be zero */
		{ VIEW_KEYS, 0, 0, 0, 0 },               /* too short */
		{ VIEW_KEYS, 0, 0, 0, 1, 0, 1, 0 },      /* too long */
		{ VIEW_RESIZE, 0, 0, 0, 7, 0, 0, 0 },    /* not its size */
		{ VIEW_ACK, 0, 0, 0, 8, 0, 0, 0, 0xff, 0xff, 0xff }, /* beyond what was sent */
	};
	struct page good, bad, *pages[] = { &good, &bad };
	uint8_t bytes[64];

	begin(world, true);
	page_join(world, &good, 1);
	for (unsigned i = 0; i < ARRAY_LEN(frames); i++) {
		page_join(world, &bad, 100 + i);
		assert_true(send(bad.fd, frames[i], 16, MSG_NOSIGNAL) == 16);
		settle(world, pages, 2);
		assert_true(bad.closed);
		assert_int_equal(world->left, i + 1);
		assert_int_equal(good.leaves, i + 1);
		page_close(&bad);
	}
	/* Unknown frames of the attachment's own kind are skipped: later pages may send them. */
	page_join(world, &bad, 200);
	assert_true(send(bad.fd, "\xf7\0\0\0\1\0\0\0x", 9, MSG_NOSIGNAL) == 9);
	settle(world, pages, 2);
	assert_false(bad.closed);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), 0);
	page_close(&bad);
	page_close(&good);
}

static void watchers_cannot_type(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t bytes[64];

	begin(world, true);
	page_join_at(world, &page, 1, 0, true);
	page_send(&page, VIEW_KEYS, "rm", 2);
	page_send(&page, VIEW_PING, "pingpong", 8);
	settle(world, pages, 1);
	assert_true(page.read_only && !page.closed);
	assert_int_equal(page.pongs, 1);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), 0);
	finish(world, pages, 1);
	assert_recorded(world, VIEW_KEYS, "", 0);
	page_close(&page);
}

/* The page takes nothing: what is under way is bounded, and goes on where it stopped. */
static void window(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t block[4096];
	size_t sent = 0;

	begin(world, true);
	page_join(world, &page, 1);
	page.acknowledges = false;
	memset(block, 'a', sizeof(block));
	while (worker_sends(world, VIEW_TEXT, block, sizeof(block)) && sent < 8 * 1024 * 1024) {
		sent += sizeof(block);
		page_read(&page, SIZE_MAX);
	}
	assert_true(sent < VIEW_WINDOW + 2 * 1024 * 1024);
	assert_true(page.offset - 0 <= VIEW_WINDOW + VIEW_FRAME_MAX);
	assert_true(page.text.len >= VIEW_WINDOW - 3 * sizeof(block));
	assert_true(world->corridor->ring.end < VIEW_WINDOW + 4 * CORRIDOR_READ);
	assert_false(world->corridor->worker_reads);
	/* A PONG does not wait for the window. */
	page_send(&page, VIEW_PING, "pingpong", 8);
	settle(world, pages, 1);
	assert_int_equal(page.pongs, 1);
	page.acknowledges = true;
	page_acknowledge(&page);
	settle(world, pages, 1);
	assert_true(page.text.len >= sent);
	page_close(&page);
}

static void stalled_viewer_stops_nobody_for_ever(void **state)
{
	struct world *world = *state;
	struct page slow, good, *pages[] = { &good };
	uint8_t block[4096];
	size_t sent = 0;

	begin(world, true);
	page_join(world, &slow, 1);
	page_join(world, &good, 2);
	memset(block, 'b', sizeof(block));
	while (sent < VIEW_WINDOW - 4 * sizeof(block)) {
		assert_true(worker_sends(world, VIEW_TEXT, block, sizeof(block)));
		sent += sizeof(block);
		page_read(&good, SIZE_MAX);
	}
	/* From here on the slow one holds everybody up, but only for a while. */
	for (int i = 0; i < 100 && good.text.len < 4 * VIEW_WINDOW; i++) {
		worker_sends(world, VIEW_TEXT, block, sizeof(block));
		if (world->left == 0)
			pump(world, 20);
		page_read(&good, SIZE_MAX);
		assert_true(
			world->corridor->ring.end - world->corridor->ring.start <= VIEW_RING_MAX);
		for (int j = 0; j < 16 && world->left > 0; j++) {
			assert_true(worker_sends(world, VIEW_TEXT, block, sizeof(block)));
			page_read(&good, SIZE_MAX);
		}
	}
	assert_int_equal(world->left, 1);
	settle(world, pages, 1);
	assert_int_equal(good.leaves, 1);
	assert_false(good.closed);
	assert_true(good.text.len >= 4 * VIEW_WINDOW);
	page_close(&slow);
	page_close(&good);
}

static void nobody_attached(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t block[4096];
	uint64_t total = 0;

	begin(world, true);
	for (unsigned i = 0; i < 1000; i++) {
		memset(block, (int)('a' + i % 26), sizeof(block));
		assert_true(worker_sends(world, VIEW_TEXT, block, sizeof(block)));
		total += sizeof(block) + VIEW_HEADER_LEN;
	}
	pump(world, 50);
	assert_int_equal(world->corridor->ring.end, total);
	assert_int_equal(world->corridor->ring.cap, VIEW_RING_MAX);
	page_join_at(world, &page, 1, 0, false); /* asks for what is gone */
	settle(world, pages, 1);
	assert_false(page.complete);
	assert_int_equal(page.live, total);
	assert_true(page.text.len > VIEW_RING_MAX - 2 * VIEW_FRAME_MAX);
	assert_true(page.text.len % sizeof(block) == 0);
	assert_int_equal(page.text.data[page.text.len - 1], 'a' + 999 % 26);
	finish(world, pages, 1);
	assert_int_equal(world->done.output_bytes, 1000 * sizeof(block));
	page_close(&page);
}

/* An offset that is no frame's start is not believed; UINT64_MAX means everything that is kept. */
static void offsets(void **state)
{
	struct world *world = *state;
	static const uint64_t foul[] = { 3, 9, 10000, UINT64_MAX - 1 };
	struct page page, *pages[] = { &page };

	begin(world, true);
	worker_says(world, "0123456789");
	worker_says(world, "abcdefghij");
	pump(world, 20);
	page_join_at(world, &page, 1, 18, false);
	settle(world, pages, 1);
	assert_true(page.complete);
	assert_int_equal(page.text.len, 10);
	assert_memory_equal(page.text.data, "abcdefghij", 10);
	page_close(&page);
	for (unsigned i = 0; i < ARRAY_LEN(foul); i++) {
		page_join_at(world, &page, 2 + i, foul[i], false);
		settle(world, pages, 1);
		assert_int_equal(page.text.len, 20);
		page_close(&page);
	}
}

/* Comes and goes at random; every byte arrives exactly once. */
static void random_disconnects(void **state)
{
	struct world *world = *state;
	struct page page;
	struct buf sent = BUF(64 * 1024 * 1024), seen = BUF(64 * 1024 * 1024);
	uint8_t block[6000];
	unsigned seed = 99;
	uint64_t offset = UINT64_MAX;

	begin(world, true);
	for (unsigned round = 0; round < 400; round++) {
		page_join_at(world, &page, round + 1, offset, false);
		for (unsigned i = 0; i < 4; i++) {
			seed = seed * 1103515245 + 12345;
			size_t len = 1 + (seed >> 12) % sizeof(block);
			random_bytes(block, len);
			assert_true(worker_sends(world, VIEW_TEXT, block, len));
			buf_append(&sent, block, len);
			pump(world, 0);
			page_read(&page, (seed >> 4) % 20000);
		}
		assert_true(page.complete || !page.welcomed);
		buf_append(&seen, page.text.data, page.text.len);
		if (page.welcomed)
			offset = page.offset;
		page_close(&page);
		pump(world, 1);
	}
	page_join_at(world, &page, 1000, offset, false);
	struct page *pages[] = { &page };
	settle(world, pages, 1);
	assert_true(page.complete);
	buf_append(&seen, page.text.data, page.text.len);
	assert_int_equal(seen.len, sent.len);
	assert_memory_equal(seen.data, sent.data, sent.len);
	finish(world, pages, 1);
	assert_recorded(world, VIEW_TEXT, sent.data, sent.len);
	buf_finish(&sent);
	buf_finish(&seen);
	page_close(&page);
}

static void worker_dies(void **state)
{
	struct world *world = *state;
	struct recording_report *report = malloc(sizeof(*report));
	struct page page, *pages[] = { &page };

	begin(world, true);
	page_join(world, &page, 1);
	worker_says(world, "last words");
	assert_int_equal(send(world->worker, "\2\0\0\0\5\0\0\0cut", 11, 0), 11);
	fd_closep(&world->worker);
	for (int i = 0; i < 100 && world->corridor != NULL; i++)
		settle(world, pages, 1);
	assert_null(world->corridor);
	assert_int_equal(world->moved.why, -ERR_WORKER_DIED);
	assert_int_equal(page.ended_why, -ERR_WORKER_DIED);
	assert_memory_equal(page.text.data, "last words", 10);
	assert_true(page.closed);
	verify(world, report);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_int_equal(report->end.why, -ERR_WORKER_DIED);
	assert_recorded(world, VIEW_TEXT, "last words", 10);
	page_close(&page);
	free(report);
}

/* The broker closed the stream and says why a moment later: its word is the last one. */
static void late_word_of_the_broker(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };

	begin(world, true);
	page_join(world, &page, 1);
	fd_closep(&world->worker);
	pump(world, 20);
	page_send(&page, VIEW_KEYS, "x", 1); /* goes nowhere, harms nothing */
	settle(world, pages, 1);
	assert_non_null(world->corridor);
	corridor_end(world->corridor, -ERR_HOST_KEY_UNKNOWN, "not pinned");
	for (int i = 0; i < 100 && world->corridor != NULL; i++)
		settle(world, pages, 1);
	assert_null(world->corridor);
	assert_int_equal(world->moved.why, -ERR_HOST_KEY_UNKNOWN);
	assert_string_equal(page.ended, "not pinned");
	assert_recorded(world, VIEW_KEYS, "", 0);
	page_close(&page);
}

static void worker_breaks_the_rules(void **state)
{
	struct world *world = *state;
	/* A state is said once, and there is no way back: each is a row in the store. */
	static const uint8_t types[] = { VIEW_JOIN, VIEW_NOTICE, VIEW_KEYS, VIEW_WELCOME, 0x20,
		0x90, VIEW_STATE, VIEW_STATE, VIEW_STATE };
	static const uint8_t states[] = { 0, 0, 0, 0, 0, 0, VIEW_LOGGING_IN, VIEW_CONNECTING,
		VIEW_OVER + 1 };
	uint8_t payload[16] = { 0 };

	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		uint8_t head[8] = { types[i], 0, 0, 0, 16 };
		world->started = 0;
		begin(world, true);
		worker_sends(world, VIEW_STATE, (uint8_t[]){ VIEW_CONNECTING }, 1);
		worker_sends(world, VIEW_STATE, (uint8_t[]){ VIEW_LOGGING_IN }, 1);
		payload[0] = states[i];
		send(world->worker, head, 8, 0);
		send(world->worker, payload, 16, 0);
		for (int j = 0; j < 100 && world->corridor != NULL; j++)
			pump(world, 5);
		assert_null(world->corridor);
		assert_int_equal(world->moved.why, -ERR_WORKER_DIED);
		fd_closep(&world->worker);
		unlinkat(world->dir, FIXTURE_SESSION ".rec", 0);
	}
}

static void stopped_by_the_broker(void **state)
{
	struct world *world = *state;
	struct recording_report *report = malloc(sizeof(*report));
	struct page page, *pages[] = { &page };
	char byte;

	begin(world, true);
	page_join(world, &page, 1);
	corridor_notice(world->corridor, "Five minutes left");
	corridor_notice(world->corridor, "");
	corridor_end(world->corridor, -ERR_SESSION_LIMIT, "Dropped by the administrator");
	assert_int_equal(recv(world->worker, &byte, 1, 0), 0); /* end of file: stop at once */
	for (int i = 0; i < 100 && world->corridor != NULL; i++)
		settle(world, pages, 1);
	assert_null(world->corridor);
	assert_string_equal(page.ended, "Dropped by the administrator");
	verify(world, report);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_string_equal(report->end.reason, "Dropped by the administrator");
	assert_recorded(world, VIEW_NOTICE, "Five minutes left", 17);
	page_close(&page);
	free(report);
}

static void ended_by_the_person(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t bytes[64];

	begin(world, true);
	page_join(world, &page, 1);
	page_send(&page, VIEW_END, NULL, 0);
	pump(world, 10);
	assert_int_equal(worker_gets(world, bytes, sizeof(bytes)), VIEW_HEADER_LEN);
	assert_int_equal(bytes[0], VIEW_END);
	/* A worker that does not listen is not waited for. */
	for (int i = 0; i < 100 && world->corridor != NULL; i++)
		settle(world, pages, 1);
	assert_null(world->corridor);
	assert_int_equal(world->moved.why, 0);
	page_close(&page);
}

static void deaf_viewer_does_not_hold_the_end(void **state)
{
	struct world *world = *state;
	struct page page;
	uint8_t block[60000] = { 0 };

	begin(world, true);
	page_join(world, &page, 1);
	for (int i = 0; i < 6; i++)
		worker_sends(world, VIEW_TEXT, block, sizeof(block));
	corridor_end(world->corridor, 0, "over");
	for (int i = 0; i < 100 && world->dones == 0; i++)
		pump(world, 5);
	assert_int_equal(world->dones, 1); /* sealed at once */
	for (int i = 0; i < 100 && world->corridor != NULL; i++)
		pump(world, 10);
	assert_null(world->corridor);
	page_close(&page);
}

static void activity(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };

	begin(world, true);
	page_join(world, &page, 1);
	for (int i = 0; i < 5; i++) {
		page_send(&page, VIEW_KEYS, "k", 1);
		pump(world, 5);
	}
	assert_int_equal(world->activities, 1);
	assert_int_equal(world->activity.input_bytes, 1);
	pump(world, 300);
	assert_int_equal(world->activities, 2);
	assert_int_equal(world->activity.input_bytes, 5);
	pump(world, 300);
	assert_int_equal(world->activities, 2);
	settle(world, pages, 1);
	page_close(&page);
}

static void file_exists_already(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_WRONLY | O_CREAT, 0600);

	close(fd);
	create(world, true);
	page_join(world, &page, 1); /* early: welcomed when there is something to say */
	corridor_begin(world->corridor, &world->fixture.header);
	settle(world, pages, 1);
	assert_int_equal(world->started, -ERR_EXISTS);
	assert_int_equal(page.ended_why, -ERR_EXISTS);
	assert_null(world->corridor);
	assert_int_equal(world->dones, 0);
	page_close(&page);
}

static void disk_fails_in_the_middle(void **state)
{
	struct world *world = *state;
	struct recording_report *report = malloc(sizeof(*report));
	struct page page, *pages[] = { &page };
	struct rlimit before, limit;
	uint8_t noise[32768];

	begin(world, true);
	page_join(world, &page, 1);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 300000;
	setrlimit(RLIMIT_FSIZE, &limit);
	for (int i = 0; i < 40 && world->moved.why == 0; i++) {
		random_bytes(noise, sizeof(noise));
		worker_sends(world, VIEW_TEXT, noise, sizeof(noise));
		settle(world, pages, 1);
	}
	assert_int_equal(world->moved.why, -ERR_DISK);
	for (int i = 0; i < 100 && world->corridor != NULL; i++)
		settle(world, pages, 1);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_null(world->corridor);
	assert_int_equal(world->done.result, -ERR_DISK);
	assert_string_equal(page.ended, "The recording cannot be written");
	verify(world, report);
	assert_int_equal(report->verdict, RECORDING_CUT);
	assert_true(report->chunks >= 2);
	page_close(&page);
	free(report);
}

static void too_many_viewers(void **state)
{
	struct world *world = *state;
	struct page pages[VIEWERS_MAX + 1];
	char byte;

	begin(world, true);
	for (unsigned i = 0; i <= VIEWERS_MAX; i++)
		page_join(world, &pages[i], i + 1);
	assert_int_equal(world->left, 1);
	assert_int_equal(recv(pages[VIEWERS_MAX].fd, &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(world->corridor->viewer_count, VIEWERS_MAX);
	for (unsigned i = 0; i <= VIEWERS_MAX; i++)
		page_close(&pages[i]);
	pump(world, 20);
	assert_int_equal(world->corridor->viewer_count, 0);
}

/* The worker died while nobody could be shown more: what it said before still arrives. */
static void worker_dies_behind_a_full_window(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t block[4096];
	size_t sent = 0;

	begin(world, true);
	page_join(world, &page, 1);
	page.acknowledges = false;
	memset(block, 'z', sizeof(block));
	while (worker_sends(world, VIEW_TEXT, block, sizeof(block)))
		sent += sizeof(block);
	fd_closep(&world->worker);
	settle(world, pages, 1);
	assert_int_equal(world->moved.why, 0); /* not yet */
	page.acknowledges = true;
	page_acknowledge(&page);
	for (int i = 0; i < 100 && world->corridor != NULL; i++)
		settle(world, pages, 1);
	assert_null(world->corridor);
	assert_true(page.text.len >= sent);
	assert_int_equal(page.ended_why, -ERR_WORKER_DIED);
	page_close(&page);
}

#define CORRIDOR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CORRIDOR_TEST(recorded_then_shown),
		CORRIDOR_TEST(input_is_recorded_first),
		CORRIDOR_TEST(input_withheld),
		CORRIDOR_TEST(foul_viewers_are_detached),
		CORRIDOR_TEST(watchers_cannot_type),
		CORRIDOR_TEST(window),
		CORRIDOR_TEST(stalled_viewer_stops_nobody_for_ever),
		CORRIDOR_TEST(nobody_attached),
		CORRIDOR_TEST(offsets),
		CORRIDOR_TEST(random_disconnects),
		CORRIDOR_TEST(worker_dies),
		CORRIDOR_TEST(late_word_of_the_broker),
		CORRIDOR_TEST(worker_breaks_the_rules),
		CORRIDOR_TEST(stopped_by_the_broker),
		CORRIDOR_TEST(ended_by_the_person),
		CORRIDOR_TEST(deaf_viewer_does_not_hold_the_end),
		CORRIDOR_TEST(activity),
		CORRIDOR_TEST(file_exists_already),
		CORRIDOR_TEST(disk_fails_in_the_middle),
		CORRIDOR_TEST(too_many_viewers),
		CORRIDOR_TEST(worker_dies_behind_a_full_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
