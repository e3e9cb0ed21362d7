/* SPDX-License-Identifier: Apache-2.0 */
/* Sending by offset and window, without a worker or a tape; the rest is in corridor.c. */
#include "recorder/viewer.c"

#include <sys/socket.h>

#include "fixture.h"
#include "wire/wire.h"

struct world {
	struct corridor_host host;
	struct corridor corridor;
	struct viewer *viewer;
	int page;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct msg_viewer who = { .viewer = 9, .who = "ana", .from = "192.0.2.7" };
	int ends[2];

	assert_int_equal(loop_create(&world->host.room.loop), 0);
	world->corridor.host = &world->host;
	world->corridor.phase = CORRIDOR_OVER; /* nothing is recorded any more: no tape is needed */
	assert_int_equal(wire_pair(SOCK_STREAM, ends), 0);
	world->page = ends[1];
	assert_int_equal(viewer_create(&world->corridor, &who, ends[0], &world->viewer), 0);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	viewer_destroy(world->viewer);
	close(world->page);
	ring_finish(&world->corridor.ring);
	loop_destroy(world->host.room.loop);
	free(world);
	return 0;
}

static void put_text(struct world *world, size_t payload)
{
	struct buf frame = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);
	uint8_t *bytes = calloc(1, payload);

	assert_int_equal(view_write(&frame, VIEW_TEXT, bytes, payload), 0);
	assert_int_equal(ring_append(&world->corridor.ring, frame.data, frame.len), 0);
	buf_finish(&frame);
	free(bytes);
}

/* Takes what waits; returns the types of the frames that arrived whole, as letters. */
static const char *arrived(struct world *world, struct buf *in)
{
	static char letters[4096];
	struct view_frame frame;
	uint8_t bytes[8192];
	size_t count = 0;
	ssize_t got;
	int r;

	while ((got = recv(world->page, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		assert_int_equal(buf_append(in, bytes, (size_t)got), 0);
		world->viewer->blocked = false;
		viewer_send(world->viewer);
	}
	while ((r = view_next(in->data, in->len, &frame)) > 0) {
		letters[count++] = frame.type == VIEW_WELCOME ? 'w'
				   : frame.type == VIEW_PONG  ? 'p'
							      : 't';
		buf_consume(in, (size_t)r);
	}
	assert_int_equal(r, 0);
	letters[count] = '\0';
	return letters;
}

static void welcome_first(void **state)
{
	struct world *world = *state;
	struct buf in = BUF(8 * 1024 * 1024);

	put_text(world, 10);
	world->viewer->who.offset = UINT64_MAX;
	viewer_send(world->viewer); /* not welcomed: nothing goes */
	assert_string_equal(arrived(world, &in), "");
	viewer_welcome(world->viewer);
	viewer_send(world->viewer);
	assert_string_equal(arrived(world, &in), "wt");
	assert_true(viewer_drained(world->viewer));
}

/* Control frames stand between frames, even when the socket cuts everything into pieces. */
static void never_inside_a_frame(void **state)
{
	struct world *world = *state;
	struct buf in = BUF(8 * 1024 * 1024);
	struct view_frame ping = { VIEW_PING, 8, (const uint8_t *)"pingpong" };
	unsigned pongs = 0, texts = 0;
	int small = 4096;

	setsockopt(world->viewer->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	viewer_welcome(world->viewer);
	for (unsigned i = 0; i < 200; i++) {
		put_text(world, 1 + i * 37 % 3000);
		if (i % 3 == 0)
			assert_int_equal(take_frame(world->viewer, &ping), 0);
		viewer_send(world->viewer);
		if (i % 4 != 0)
			continue;
		for (const char *letter = arrived(world, &in); *letter != '\0'; letter++) {
			pongs += *letter == 'p';
			texts += *letter == 't';
		}
		world->viewer->acknowledged = world->viewer->sent;
	}
	for (int i = 0; i < 10; i++)
		for (const char *letter = arrived(world, &in); *letter != '\0'; letter++) {
			pongs += *letter == 'p';
			texts += *letter == 't';
		}
	assert_int_equal(pongs, 67);
	assert_int_equal(texts, 200);
	assert_int_equal(in.len, 0);
	buf_finish(&in);
}

static void stops_at_the_window(void **state)
{
	struct world *world = *state;
	struct buf in = BUF(8 * 1024 * 1024);
	uint8_t offset[8];
	struct view_frame acknowledge = { VIEW_ACK, 8, offset };

	viewer_welcome(world->viewer);
	for (unsigned i = 0; i < 100; i++)
		put_text(world, 4096);
	viewer_send(world->viewer);
	arrived(world, &in);
	assert_int_equal(world->viewer->sent, PACE_WINDOW_UNKNOWN);
	assert_false(viewer_drained(world->viewer));
	put64(offset, PACE_WINDOW_UNKNOWN + 1);
	assert_int_equal(take_frame(world->viewer, &acknowledge), -ERR_MALFORMED);
	put64(offset, PACE_WINDOW_UNKNOWN);
	assert_int_equal(take_frame(world->viewer, &acknowledge), 0);
	put64(offset, PACE_WINDOW_UNKNOWN - 1);
	assert_int_equal(take_frame(world->viewer, &acknowledge), -ERR_MALFORMED);
	/* It was quick, so the window is as wide as it gets. */
	world->viewer->pace.rate = 1000000000;
	viewer_send(world->viewer);
	arrived(world, &in);
	assert_int_equal(world->viewer->sent, PACE_WINDOW_UNKNOWN + VIEW_WINDOW);
	put64(offset, PACE_WINDOW_UNKNOWN + VIEW_WINDOW);
	assert_int_equal(take_frame(world->viewer, &acknowledge), 0);
	viewer_send(world->viewer);
	arrived(world, &in);
	assert_true(viewer_drained(world->viewer));
	/* Where it was moved to, what it says about before is old. */
	world->viewer->moved_to = world->viewer->acknowledged;
	put64(offset, 17);
	assert_int_equal(take_frame(world->viewer, &acknowledge), 0);
	assert_int_equal(world->viewer->acknowledged, world->viewer->moved_to);
	buf_finish(&in);
}

static void flood_of_pings(void **state)
{
	struct world *world = *state;
	struct view_frame ping = { VIEW_PING, 8, (const uint8_t *)"pingpong" };
	int r = 0;

	for (unsigned i = 0; i < 1000 && r == 0; i++)
		r = take_frame(world->viewer, &ping);
	assert_int_equal(r, -ERR_TOO_LARGE);
}

/* A full ring is not promised to its last byte: the oldest is on its way out. */
static void resumes_where_it_is_safe(void **state)
{
	struct world *world = *state;
	struct viewer *viewer = world->viewer;
	const struct ring *ring = &world->corridor.ring;

	assert_int_equal(viewer_oldest(&world->corridor), 0);
	for (unsigned i = 0; i < 600; i++)
		put_text(world, 4096);
	uint64_t oldest = viewer_oldest(&world->corridor);
	assert_true(ring_starts_frame(ring, oldest));
	assert_true(ring->end - oldest <= VIEW_RING_MAX - VIEWER_SLACK);
	assert_true(ring->end - oldest > VIEW_RING_MAX - VIEWER_SLACK - 5000);
	const uint64_t gone[] = { ring->start, ring->end - 1, ring->end + 1, 0, UINT64_MAX };
	for (unsigned i = 0; i < ARRAY_LEN(gone); i++) {
		viewer->joining = false;
		viewer->who.offset = gone[i];
		viewer_welcome(viewer);
		assert_true(viewer->joining && !viewer->welcomed);
	}
	viewer->joining = false;
	viewer->who.offset = ring->end;
	viewer_welcome(viewer);
	assert_int_equal(viewer->sent, ring->end);
	viewer->who.offset = oldest;
	viewer_welcome(viewer);
	assert_int_equal(viewer->sent, oldest);
	/* Should it be overwritten all the same, the viewer goes rather than seeing something else.
	 */
	for (unsigned i = 0; i < 600; i++)
		put_text(world, 4096);
	viewer_send(viewer);
	assert_true(viewer->dead);
}

static void words(void **state)
{
	struct world *world = *state;
	uint8_t out[256];

	world->viewer->who.read_only = 1;
	assert_int_equal(viewer_words(world->viewer, out), 19);
	assert_memory_equal(out, "\1ana from 192.0.2.7", 19);
	memset(world->viewer->who.who, 'x', sizeof(world->viewer->who.who) - 1);
	assert_true(viewer_words(world->viewer, out) <= 256);
	world->viewer->who.from[0] = '\0';
	assert_int_equal(viewer_words(world->viewer, out), sizeof(world->viewer->who.who));
}

#define VIEWER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIEWER_TEST(welcome_first),
		VIEWER_TEST(never_inside_a_frame),
		VIEWER_TEST(stops_at_the_window),
		VIEWER_TEST(flood_of_pings),
		VIEWER_TEST(resumes_where_it_is_safe),
		VIEWER_TEST(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
