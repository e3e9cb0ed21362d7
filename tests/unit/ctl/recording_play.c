/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_play.c"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "../recorder/fixture.h"

struct world {
	struct fixture fixture;
	struct made made;
	struct reader *reader;
	int file, out, keys, typist;
	struct play_options options;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int ends[2];

	fixture_init(&world->fixture);
	made_init(&world->made, &world->fixture, 4, true); /* 3.5 s */
	world->file = fixture_file(world->made.file.data, world->made.file.len);
	world->out = memfd_create("terminal", MFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	world->keys = ends[0];
	world->typist = ends[1];
	assert_int_equal(reader_open(world->file, world->fixture.key, &world->reader), 0);
	world->options = (struct play_options){ 64, 0, -1, world->out };
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	reader_close(world->reader);
	close(world->file);
	close(world->out);
	close(world->keys);
	close(world->typist);
	buf_finish(&world->made.file);
	free(world);
	return 0;
}

static char *shown(const struct world *world)
{
	static char text[65536];
	ssize_t got = pread(world->out, text, sizeof(text) - 1, 0);

	assert_true(got >= 0);
	text[got] = '\0';
	return text;
}

static void type(const struct world *world, const char *keys)
{
	assert_int_equal(write(world->typist, keys, strlen(keys)), strlen(keys));
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		count++;
	return count;
}

static void plays_in_time(void **state)
{
	struct world *world = *state;
	uint64_t began = clock_monotonic_ms();

	world->options.speed = 16;
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	uint64_t took = clock_monotonic_ms() - began;
	assert_in_range(took, 3500 / 16 - 20, 3000);
	assert_non_null(strstr(shown(world), "line 1 \033[1mbold\033[0m of it\r\n"));
	assert_int_equal(count_of(shown(world), "done"), 4);
	assert_non_null(strstr(shown(world), "ended at 0:03"));
	assert_null(strstr(shown(world), "ls -l")); /* typing is not what was shown */
}

static void pauses_are_shortened(void **state)
{
	struct world *world = *state;
	uint64_t began = clock_monotonic_ms();

	world->options.speed = 1;
	world->options.longest = 0.01;
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	assert_true(clock_monotonic_ms() - began < 2000);
}

static void quits(void **state)
{
	struct world *world = *state;

	world->options.keys = world->keys;
	world->options.speed = 0.1;
	type(world, "q");
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	assert_non_null(strstr(shown(world), "stopped at 0:00"));
}

static void seeks_forward_and_back(void **state)
{
	struct world *world = *state;
	struct player player = {
		.reader = world->reader, .options = &world->options, .speed = 64, .seek = -1
	};
	uint8_t right[] = "\033[C", left[] = "\033OD";

	world->options.speed = 0.0625; /* without the seek this would take 56 s */
	world->options.keys = world->keys;
	type(world, "\033[C");
	uint64_t began = clock_monotonic_ms();
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	assert_true(clock_monotonic_ms() - began < 5000);
	assert_int_equal(count_of(shown(world), "done"), 4);
	/* Back is from the start again, without waiting. */
	assert_int_equal(reader_rewind(world->reader), 0);
	player.ms = 2000;
	take_key(&player, left, 3);
	assert_int_equal(player.seek, 0);
	int64_t until;
	assert_int_equal(begin_seek(&player, &until), 0);
	assert_int_equal(until, 0);
	assert_int_equal(player.ms, 0);
	assert_int_equal(play(&player), 0);
	assert_int_equal(count_of(shown(world), "done"), 8);
	take_key(&player, right, 3);
	assert_int_equal(player.seek, 13500);
}

/* Where nobody was attached it says so, and harms nothing that stands on the screen. */
static void tells_gaps(void **state)
{
	static const uint8_t gap[] = "\2\0\0\0\240\17\0\0Nobody was \033]0;x\007attached";
	struct world *world = *state;
	struct player player = { .reader = world->reader, .options = &world->options };
	struct reader_event event = { .frame = { 0, VIEW_GAP, 0, sizeof(gap) - 1, gap } };

	assert_int_equal(put_event(&player, &event), 0);
	assert_string_equal(
		shown(world), "\0337\033[999;1H\033[0;7m Nobody was ^[]0;x^Gattached \033[0m\0338");
	for (event.frame.len = 0; event.frame.len <= 8; event.frame.len++)
		assert_int_equal(put_event(&player, &event), 0);
	assert_int_equal(count_of(shown(world), "Nobody"), 1);
}

/* What nobody saw stands there when it was opened; otherwise how much there was is said at the end.
 */
static void tells_what_was_typed_unseen(void **state)
{
	static const uint8_t key[RECORDING_KEY_LEN] = { 1 };
	struct world *world = *state;
	struct player player = { .reader = world->reader, .options = &world->options };
	struct recording_secret secret = {
		.type = VIEW_KEYS, .number = 1, .bytes = (const uint8_t *)"hunter2", .len = 7
	};
	uint8_t payload[64];
	struct reader_event event = { .frame = { 0, RECORDING_SECRET, 0, 0, payload } };

	event.frame.len = (uint32_t)recording_secret_seal(payload, &secret, key);
	assert_int_equal(put_event(&player, &event), 0);
	assert_int_equal(player.unseen, 7);
	event.frame.len--; /* malformed: the reader says so, not the player */
	assert_int_equal(put_event(&player, &event), 0);
	assert_int_equal(player.unseen, 7);
	assert_string_equal(shown(world), "");
	event = (struct reader_event){
		.frame = { 0, VIEW_KEYS, 0, 9, (const uint8_t *)"hunter\0332\r" }, .secret = true
	};
	assert_int_equal(put_event(&player, &event), 0);
	assert_string_equal(shown(world),
		"\0337\033[999;1H\033[0;7m typed without echo: hunter^[2^M \033[0m\0338");
	assert_int_equal(player.unseen, 7);
}

static void keys(void **state)
{
	struct player player = { .speed = 1, .seek = -1 };

	take_key(&player, (const uint8_t *)" ", 1);
	assert_true(player.paused);
	take_key(&player, (const uint8_t *)" ", 1);
	assert_false(player.paused);
	take_key(&player, (const uint8_t *)"+", 1);
	take_key(&player, (const uint8_t *)"\033[A", 3);
	assert_true(player.speed > 3.9 && player.speed < 4.1);
	for (int i = 0; i < 20; i++)
		take_key(&player, (const uint8_t *)"-", 1);
	assert_true(player.speed >= SPEED_LEAST);
	take_key(&player, (const uint8_t *)"\003", 1);
	assert_true(player.quit);
}

/* Another recording in its place: 40 s, every tenth chunk begins with a keyframe. */
static void with_keyframes(struct world *world)
{
	reader_close(world->reader);
	close(world->file);
	buf_finish(&world->made.file);
	made_keyframes(&world->made, &world->fixture, 40, 10);
	world->file = fixture_file(world->made.file.data, world->made.file.len);
	assert_int_equal(reader_open(world->file, world->fixture.key, &world->reader), 0);
}

static void begins_at_a_keyframe(void **state)
{
	struct world *world = *state;

	with_keyframes(world);
	world->options.from = 32.2;
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	char *text = shown(world);
	/* The screen as it was at 29 s, then every line since, once. */
	assert_non_null(strstr(text, "\033[Hscreen 30line 30 "));
	assert_int_equal(count_of(text, "line "), 11);
	assert_int_equal(count_of(text, "screen"), 1);
	assert_non_null(strstr(text, "ended at 0:39"));
}

/* Nothing begins at a keyframe that nobody asked for; its bytes are not output. */
static void keyframes_are_no_output(void **state)
{
	struct world *world = *state;

	with_keyframes(world);
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	assert_int_equal(count_of(shown(world), "line "), 40);
	assert_int_equal(count_of(shown(world), "screen"), 0);
}

static void before_the_first_keyframe(void **state)
{
	struct world *world = *state;

	with_keyframes(world);
	world->options.from = 5;
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	assert_int_equal(count_of(shown(world), "line "), 40);
	assert_int_equal(count_of(shown(world), "screen"), 0);
}

static void from_behind_the_end(void **state)
{
	struct world *world = *state;

	with_keyframes(world);
	world->options.from = 86400;
	assert_int_equal(recording_play(world->reader, &world->options), 0);
	assert_non_null(strstr(shown(world), "screen 40line 40"));
	assert_int_equal(count_of(shown(world), "line "), 1);
	assert_non_null(strstr(shown(world), "ended at 0:39"));
}

static void seeks_by_keyframes(void **state)
{
	struct world *world = *state;
	struct player player = {
		.reader = world->reader, .options = &world->options, .speed = 64, .seek = 25000
	};
	int64_t until;

	with_keyframes(world);
	player.reader = world->reader;
	assert_int_equal(begin_seek(&player, &until), 0);
	assert_int_equal(until, 25000);
	assert_int_equal(player.ms, 19000);
	struct reader_event event;
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(reader_next(player.reader, &event), 1);
		assert_int_equal(put_event(&player, &event), 0);
		player.ms = event.ms;
	}
	assert_non_null(strstr(shown(world), "screen 20line 20"));
	/* Forward without a keyframe in between: no screen is shown twice. */
	player.seek = 28000;
	assert_int_equal(begin_seek(&player, &until), 0);
	assert_int_equal(player.ms, 19020);
	assert_int_equal(count_of(shown(world), CLEAR), 1);
	assert_int_equal(reader_next(player.reader, &event), 1);
	assert_int_equal(event.ms, 19500);
	/* Back over one. */
	player.seek = 12000;
	assert_int_equal(begin_seek(&player, &until), 0);
	assert_int_equal(player.ms, 9000);
	assert_int_equal(play(&player), 0);
	assert_non_null(strstr(shown(world), "screen 10line 10"));
	assert_int_equal(count_of(shown(world), "screen"), 2);
}

#define PLAY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAY_TEST(plays_in_time),
		PLAY_TEST(pauses_are_shortened),
		PLAY_TEST(quits),
		PLAY_TEST(seeks_forward_and_back),
		PLAY_TEST(tells_gaps),
		PLAY_TEST(tells_what_was_typed_unseen),
		PLAY_TEST(begins_at_a_keyframe),
		PLAY_TEST(keyframes_are_no_output),
		PLAY_TEST(before_the_first_keyframe),
		PLAY_TEST(from_behind_the_end),
		PLAY_TEST(seeks_by_keyframes),
		cmocka_unit_test(keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
