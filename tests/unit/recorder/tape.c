/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/writer.h"

static bool pretended_full;
static bool pretended_writer_full(struct writer_file *file);
#define writer_full pretended_writer_full
#include "recorder/tape.c"
#undef writer_full

#include <errno.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "ctl/reader.h"
#include "failing.h"
#include "fixture.h"
#include "wire/view.h"

static bool pretended_writer_full(struct writer_file *file)
{
	return pretended_full || writer_full(file);
}

struct world {
	struct fixture fixture;
	struct packer packer;
	struct tape_room room;
	struct tape tape;
	char path[64];
	int dir;
	unsigned events[3], signatures;
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
	assert_int_equal(tape_begin(&world->tape, &world->fixture.header, on_event, world), 0);
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

static void count_signature(void *context, void *tape_context)
{
	assert_ptr_equal(context, tape_context);
	((struct world *)context)->signatures++;
}

static void each_signature_is_told(void **state)
{
	struct world *world = *state;
	struct recording_end end = { .why = -ERR_TARGET_GONE, .reason = "gone" };

	world->room.signed_fn = count_signature;
	world->room.context = world;
	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	for (int i = 0; i < 300 && world->signatures == 0; i++)
		pump(world, 10);
	assert_int_equal(world->signatures, 1);
	assert_int_equal(tape_end(&world->tape, &end), 0);
	assert_int_equal(world->signatures, 2);
}

static void ends(void **state)
{
	struct world *world = *state;
	struct recording_end end = { .why = -ERR_TARGET_GONE, .exit_status = 5, .reason = "gone" };
	static const uint8_t zero[64];

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	assert_int_equal(tape_end(&world->tape, &end), 0);
	pump(world, 2 * TAPE_CHUNK_MS); /* the open chunk's timer went with it */
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

static void a_keyframe_begins_a_chunk(void **state)
{
	struct world *world = *state;
	uint8_t payload[VIEW_KEYFRAME_LEN];
	struct view_keyframe keyframe = {
		.columns = 80, .rows = 24, .parts = 2, .state = VIEW_LIVE
	};

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	view_keyframe_write(payload, &keyframe);
	assert_int_equal(tape_put(&world->tape, VIEW_KEYFRAME, 0, payload, sizeof(payload)), 0);
	assert_int_equal(world->tape.chain.chunks, 1);
	keyframe.part = 1;
	view_keyframe_write(payload, &keyframe);
	assert_int_equal(tape_put(&world->tape, VIEW_KEYFRAME, 0, payload, sizeof(payload)), 0);
	assert_int_equal(world->tape.chain.chunks, 1);
	assert_int_equal(world->tape.chunk.frames, 2);
}

static void errors_stick_and_are_told(void **state)
{
	struct world *world = *state;

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	world->room.packer->scratch_len = 1; /* the chunk cannot be closed */
	wait_event(world, WRITER_FAILED);
	assert_true(world->tape.error < 0);
	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "more", 4), world->tape.error);
	int first = world->tape.error;
	struct recording_end end = { .why = 0 };
	assert_int_equal(tape_end(&world->tape, &end), first);
	assert_int_equal(end.chunks, 0);
}

/* Whoever heard of an error by tape_put() is not told a second time. */
static void an_error_is_told_once(void **state)
{
	struct world *world = *state;

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	assert_non_null(world->tape.timer);
	failing_once("malloc", 1, ENOMEM);
	uint8_t noise[2000] = { 0 };
	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, noise, sizeof(noise)), -ERR_SYSTEM);
	failing_end();
	pump(world, 2 * TAPE_CHUNK_MS);
	assert_null(world->tape.timer);
	assert_int_equal(world->events[WRITER_FAILED], 0);
}

/* Each way to an end of the recording: none says that it went well when it did not. */
static void an_end_says_what_it_was(void **state)
{
	struct world *world = *state;
	struct recording_end end = { .why = -ERR_TARGET_GONE, .exit_status = 5, .reason = "gone" };
	size_t scratch = world->packer.scratch_len;

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	world->packer.scratch_len = 1;
	assert_int_equal(tape_end(&world->tape, &end), -ERR_SYSTEM);
	world->packer.scratch_len = scratch;
	assert_int_equal(tape_end(&world->tape, &end), -ERR_WRONG_MOMENT);
	assert_int_equal(verify(world)->verdict, RECORDING_CUT);
	assert_false(tape_full(&world->tape));
	pretended_full = true;
	assert_false(tape_full(&world->tape)); /* it is over: nothing to wait for */
	pretended_full = false;
}

static void full_is_said(void **state)
{
	struct world *world = *state;

	assert_false(tape_full(&world->tape));
	pretended_full = true;
	assert_true(tape_full(&world->tape));
	pretended_full = false;
}

/* Closed bytes go to the writer by themselves once there are enough of them. */
static void batches_do_not_wait(void **state)
{
	struct world *world = *state;
	uint8_t noise[16384];

	while (world->tape.chain.chunks < 2) {
		random_bytes(noise, sizeof(noise));
		assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, noise, sizeof(noise)), 0);
		assert_true(world->tape.chain.len < TAPE_BATCH);
	}
	assert_true(world->tape.chain.produced > TAPE_BATCH); /* one chunk alone waited */
	assert_int_equal(world->tape.chain.len, 0);
}

static void fill(struct chain *chain, size_t body)
{
	uint8_t *place;

	assert_int_equal(chain_room(chain, body, &place), 0);
	recording_record_head(place, RECORDING_OPTIONAL, (uint32_t)body);
	memset(place + RECORDING_RECORD_LEN, 0, body);
	chain_add(chain, place, body);
}

/* A chunk that cannot be signed does not leave for the disk as if it were proven. */
static void unsigned_is_an_error(void **state)
{
	struct world *world = *state;
	struct chain *chain = &world->tape.chain;
	uint8_t *place;
	size_t body = 4096;
	off_t before = file_size(world);

	assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, "hello", 5), 0);
	while (chain_room(chain, body, &place) == 0)
		fill(chain, body);
	while (chain_room(chain, body, &place) < 0)
		body--;
	fill(chain, body - 150); /* for the chunk, not for a signature as well */
	wait_event(world, WRITER_FAILED);
	assert_int_equal(world->tape.error, -ERR_TOO_LARGE);
	assert_int_equal(chain->chunks, 1);
	assert_int_equal(file_size(world), before);
}

/* What does not fit into the chain any more is an error, in the middle and at the end. */
static void a_chain_has_an_end(void **state)
{
	struct world *world = *state;
	struct recording_end end = { .why = 0 };
	uint8_t *place, noise[16384];

	random_bytes(noise, sizeof(noise));
	while (chain_room(&world->tape.chain, 4096, &place) == 0)
		fill(&world->tape.chain, 4096);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tape_put(&world->tape, VIEW_TEXT, 0, noise, sizeof(noise)), 0);
	assert_int_equal(
		tape_put(&world->tape, VIEW_TEXT, 0, noise, sizeof(noise)), -ERR_TOO_LARGE);
	assert_int_equal(tape_end(&world->tape, &end), -ERR_TOO_LARGE);
}

static void beginnings(void **state)
{
	struct world *world = *state;
	struct tape tape;
	uint8_t public_key[32];

	tape_init(&tape, &world->room, FIXTURE_SESSION, public_key);
	fixture_certify(&world->fixture, public_key, tape.chunk.key);
	assert_int_equal(tape_begin(&tape, &world->fixture.header, on_event, world), -ERR_EXISTS);
	assert_false(tape.open);
	assert_int_equal(tape_put(&tape, VIEW_TEXT, 0, "x", 1), -ERR_WRONG_MOMENT);
	tape_finish(&tape);
	tape_init(&tape, &world->room, FIXTURE_SESSION, public_key);
	world->fixture.header.facts_len = RECORDING_FACTS_MAX + 1;
	assert_int_equal(
		tape_begin(&tape, &world->fixture.header, on_event, world), -ERR_TOO_LARGE);
	tape_finish(&tape);
}

/* What is kept apart needs the second key too, and that one alone opens nothing. */
static void kept_apart(void **state)
{
	struct world *world = *state;
	struct recording_end end = { .why = 0 };
	struct tape tape;
	uint8_t public_key[32], key[32], opened[32];
	static const char id[SESSION_ID_SIZE] = "00112233445566778899aabbccddeeff00112233";

	memcpy(world->fixture.header.session_id, id, sizeof(id));
	tape_init(&tape, &world->room, id, public_key);
	fixture_certify(&world->fixture, public_key, tape.chunk.key);
	assert_int_equal(
		tape_keep_apart(&tape, "no id", world->fixture.vault_public), -ERR_MALFORMED);
	assert_int_equal(tape_keep_apart(&tape, id, world->fixture.vault_public), 0);
	memcpy(key, tape.secrets.key, sizeof(key));
	assert_int_equal(tape_begin(&tape, &world->fixture.header, on_event, world), 0);
	wait_event(world, WRITER_SYNCED);
	assert_int_equal(tape_put_secret(&tape, VIEW_KEYS, 7, (const uint8_t *)"hunter2", 7), 0);
	assert_int_equal(tape_put_secret(&tape, VIEW_PASTE, 7, (const uint8_t *)"x", 1), 0);
	assert_int_equal(tape_end(&tape, &end), 0);
	assert_int_equal(
		tape_put_secret(&tape, VIEW_KEYS, 7, (const uint8_t *)"x", 1), -ERR_WRONG_MOMENT);
	for (unsigned i = 0; i < sizeof(tape.secrets); i++)
		assert_int_equal(((uint8_t *)&tape.secrets)[i], 0);
	wait_event(world, WRITER_SYNCED);
	tape_finish(&tape);

	struct reader *reader;
	struct reader_event event;
	struct recording_secret secret;
	int fd = openat(
		world->dir, "00112233445566778899aabbccddeeff00112233.rec", O_RDONLY | O_CLOEXEC);
	assert_int_equal(reader_open(fd, world->fixture.key, &reader), 0);
	for (unsigned i = 1; i <= 2; i++) {
		assert_int_equal(reader_next(reader, &event), 1);
		assert_int_equal(recording_secret_read(&event.frame, &secret), 0);
		assert_int_equal(secret.number, i);
		assert_int_equal(
			recording_secret_open(opened, &secret, world->fixture.key), -ERR_CRYPTO);
		assert_int_equal(recording_secret_open(opened, &secret, key), 0);
		assert_memory_equal(opened, i == 1 ? "hunter2" : "x", secret.len);
	}
	reader_close(reader);
	close(fd);
}

/* Memory that is missing anywhere on the way is an error at the call, or told by the timer. */
static void without_memory(void **state)
{
	struct world *world = *state;
	struct recording_end end = { .why = 0 };
	unsigned run = 0;
	char id[SESSION_ID_SIZE] = FIXTURE_SESSION;

	/* Facts after which the record with the second key needs more room. */
	memset(world->fixture.header.facts, ' ', 700);
	world->fixture.header.facts_len = 700;
	FAILING(FAILING_MEMORY) {
		struct tape tape;
		uint8_t public_key[32];
		snprintf(id, sizeof(id), "%040u", ++run);
		memcpy(world->fixture.header.session_id, id, sizeof(id));
		tape_init(&tape, &world->room, id, public_key);
		fixture_certify(&world->fixture, public_key, tape.chunk.key);
		assert_int_equal(tape_keep_apart(&tape, id, world->fixture.vault_public), 0);
		int r = tape_begin(&tape, &world->fixture.header, on_event, world);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		if (r == 0)
			r = tape_put_secret(&tape, VIEW_KEYS, 0, (const uint8_t *)"hello", 5);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		if (r == 0)
			r = tape_end(&tape, &end);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		failing_end();
		tape_finish(&tape);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(idle_adds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(proven_as_it_grows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_signature_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_keyframe_begins_a_chunk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors_stick_and_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_error_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_end_says_what_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(batches_do_not_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_chain_has_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unsigned_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(beginnings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kept_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
