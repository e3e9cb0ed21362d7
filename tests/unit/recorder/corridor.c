/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/corridor.h"

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
#include "world.h"

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

/* The page takes nothing: what is under way is bounded, and the worker goes on all the same. */
static void window(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t block[4096];

	begin(world, true);
	page_join(world, &page, 1);
	page.acknowledges = false;
	memset(block, 'a', sizeof(block));
	for (unsigned i = 0; i < 1024; i++) {
		assert_true(worker_sends(world, VIEW_TEXT, block, sizeof(block)));
		page_read(&page, SIZE_MAX);
	}
	assert_true(page.offset <= VIEW_WINDOW + VIEW_FRAME_MAX);
	/* A PONG does not wait for the window. */
	page_send(&page, VIEW_PING, "pingpong", 8);
	settle(world, pages, 1);
	assert_int_equal(page.pongs, 1);
	finish(world, pages, 0);
	assert_int_equal(world->done.output_bytes, 4 * 1024 * 1024);
	page_close(&page);
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
	const size_t most = VIEW_RING_MAX - 2 * VIEW_FRAME_MAX;
	for (unsigned i = 0; i < 500 && page.text.len <= most; i++)
		settle(world, pages, 1); /* this worker makes no keyframe */
	settle(world, pages, 1);
	assert_false(page.complete);
	assert_int_equal(page.live, total);
	assert_true(page.text.len > most);
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
	until_gone(world, pages, 1);
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
	until_gone(world, pages, 1);
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
		until_gone(world, NULL, 0);
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
	until_gone(world, pages, 1);
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
	until_gone(world, pages, 1);
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
	until_gone(world, NULL, 0);
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

/* A page says what it has seen in whole frames; the longest one is longer than its window. */
static void the_longest_frames_arrive(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	static char text[65536];

	begin(world, true);
	page_join(world, &page, 1);
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 3; i++)
		assert_true(worker_sends(world, VIEW_TEXT, text, sizeof(text)));
	for (int i = 0; i < 50 && page.text.len < 3 * sizeof(text); i++)
		settle(world, pages, 1);
	assert_int_equal(page.text.len, 3 * sizeof(text));
	assert_int_equal(page.skips, 0);
	finish(world, pages, 1);
	assert_string_equal(page.ended, "logout.");
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

/* The worker died while it was made to wait for somebody: what it said before still arrives. */
static void worker_dies_while_it_waits(void **state)
{
	struct world *world = *state;
	struct page page, *pages[] = { &page };
	uint8_t block[4096];
	size_t sent = 0;

	begin(world, true);
	page_join(world, &page, 1);
	page.acknowledges = false;
	memset(block, 'z', sizeof(block));
	while (!world->corridor->hold.holding) {
		assert_true(worker_sends(world, VIEW_TEXT, block, sizeof(block)));
		sent += sizeof(block);
		page_read(&page, SIZE_MAX);
		pump(world, 1);
	}
	assert_int_equal(send(world->worker, "\2\0\0\0\4\0\0\0last", 12, 0), 12);
	fd_closep(&world->worker);
	page.acknowledges = true;
	page_acknowledge(&page);
	until_gone(world, pages, 1);
	assert_int_equal(page.text.len, sent + 4);
	assert_int_equal(page.ended_why, -ERR_WORKER_DIED);
	page_close(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CORRIDOR_TEST(recorded_then_shown),
		CORRIDOR_TEST(input_is_recorded_first),
		CORRIDOR_TEST(input_withheld),
		CORRIDOR_TEST(foul_viewers_are_detached),
		CORRIDOR_TEST(watchers_cannot_type),
		CORRIDOR_TEST(window),
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
		CORRIDOR_TEST(the_longest_frames_arrive),
		CORRIDOR_TEST(disk_fails_in_the_middle),
		CORRIDOR_TEST(too_many_viewers),
		CORRIDOR_TEST(worker_dies_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
