/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/tape.c"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/reader.h"
#include "fixture.h"
#include "wire/view.h"

struct world {
	struct fixture fixture;
	struct packer packer;
	struct tape_room room;
	struct tape tape;
	char path[64];
	int dir;
	unsigned events[3];
	struct timer *timer;
};

static void on_event(void *context, enum writer_event event)
{
	((struct world *)context)->events[event]++;
}

static void on_timer_of_test(void *context)
{
	struct world *world = context;

	world->timer = NULL;
	loop_stop(world->room.loop);
}

static void pump(struct world *world, unsigned ms)
{
	loop_after(world->room.loop, ms, on_timer_of_test, world, &world->timer);
	assert_int_equal(loop_run(world->room.loop), 0);
}

static void wait_event(struct world *world, enum writer_event event)
{
	for (int i = 0; i < 200 && world->events[event] == 0; i++)
		pump(world, 10);
	assert_int_equal(world->events[event], 1);
	world->events[event] = 0;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	uint8_t public_key[32];

	fixture_init(&world->fixture);
	world->dir = fixture_directory(world->path);
	assert_int_equal(loop_create(&world->room.loop), 0);
	assert_int_equal(packer_init(&world->packer), 0);
	world->room.packer = &world->packer;
	assert_int_equal(writer_create(world->room.loop, world->dir, &world->room.writer), 0);
	tape_init(&world->tape, &world->room, FIXTURE_SESSION, public_key);
	fixture_certify(&world->fixture, public_key, world->tape.chunk.key);
	assert_int_equal(
		tape_begin(&world->tape, &world->room, &world->fixture.header, on_event, world), 0);
	wait_event(world, WRITER_SYNCED);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	tape_finish(&world->tape);
	writer_destroy(world->room.writer);
	packer_finish(&world->packer);
	loop_destroy(world->room.loop);
	close(world->dir);
	fixture_remove(world->path);
	free(world);
	return 0;
}

static struct recording_report *verify(struct world *world)
{
	static struct recording_report report;
	int fd = openat(world->dir, FIXTURE_SESSION ".rec", O_RDONLY | O_CLOEXEC);

	assert_int_equal(recording_verify(fd, world->fixture.installation_public, &report), 0);
	close(fd);
	return &report;
}

static off_t file_size(struct world *world)
{
	struct stat stat;

	assert_int_equal(fstatat(world->dir, FIXTURE_SESSION ".rec", &stat, 0), 0);
	return stat.st_size;
}

static void idle_adds_nothing(void **state)
{
	struct world *world = *state;
	off_t before = file_size(world);

	assert_int_equal(verify(world)->verdict, RECORDING_CUT);
	pump(world, 600);
	assert_int_equal(file_size(world), before);
	assert_null(world->tape.timer);
}

/* Whatever moment the recorder is killed: what is on disk is whole and proven. */
static void proven_as_it_grows(void **state)
{
	struct world *world = *state;
	struct recording_report *report;
	uint8_t noise[1000];
	uint64_t began = clock_monotonic_ms();

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	do {
		pump(world, 10);
		report = verify(world);
		assert_int_equal(report->verdict, RECORDING_CUT);
		assert_int_equal(report->unsigned_chunks, 0);
	} while (report->chunks == 0 && clock_monotonic_ms() - began < 3000);
	assert_int_equal(report->chunks, 1);
	assert_in_range(clock_monotonic_ms() - began, TAPE_CHUNK_MS - 10, 2000);
	assert_null(world->tape.chunk.plain);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * i >> 3);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, noise, sizeof(noise)), 0);
	pump(world, 2 * TAPE_CHUNK_MS);
	report = verify(world);
	assert_true(report->chunks > 1);
	assert_int_equal(report->unsigned_chunks, 0);
}

static void ends(void **state)
{
	struct world *world = *state;
	struct recording_end end = { .why = -ERR_TARGET_GONE, .exit_status = 5, .reason = "gone" };
	static const uint8_t zero[64];

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	assert_int_equal(tape_end(&world->tape, &end), 0);
	assert_memory_equal(world->tape.chunk.key, zero, sizeof(world->tape.chunk.key));
	assert_memory_equal(world->tape.chain.secret_key, zero, 64);
	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "late", 4), -ERR_WRONG_MOMENT);
	assert_int_equal(tape_end(&world->tape, &end), -ERR_WRONG_MOMENT);
	wait_event(world, WRITER_SYNCED);
	struct recording_report *report = verify(world);
	assert_int_equal(report->verdict, RECORDING_INTACT);
	assert_int_equal(report->end.why, -ERR_TARGET_GONE);
	assert_int_equal(report->end.chunks, 1);
	assert_memory_equal(report->head, world->tape.chain.head, HASH_LEN);
}

static void errors_stick_and_are_told(void **state)
{
	struct world *world = *state;

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	world->tape.packer->scratch_len = 1; /* the chunk cannot be closed */
	wait_event(world, WRITER_FAILED);
	assert_true(world->tape.error < 0);
	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "more", 4), world->tape.error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(idle_adds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(proven_as_it_grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors_stick_and_are_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
