/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <zstd.h>

static ZSTD_CCtx *failing_createCCtx(void);
#define ZSTD_createCCtx failing_createCCtx
#include "recorder/chunk.c"
#undef ZSTD_createCCtx

#include "failing.h"

#include "fixture.h"
#include "wire/view.h"

static ZSTD_CCtx *failing_createCCtx(void)
{
	return failing_now("ZSTD_createCCtx") ? NULL : ZSTD_createCCtx();
}

struct world {
	struct packer packer;
	struct chunk chunk;
	struct chain chain;
	uint8_t head[HASH_LEN]; /* before the last chunk */
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	uint8_t public_key[32];

	assert_int_equal(packer_init(&world->packer), 0);
	chunk_init(&world->chunk);
	chain_init(&world->chain, FIXTURE_SESSION, public_key);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	chunk_finish(&world->chunk);
	chain_finish(&world->chain);
	packer_finish(&world->packer);
	free(world);
	return 0;
}

static void put(struct world *world, uint32_t ms, const void *bytes, uint32_t len)
{
	struct recording_frame frame = { ms, VIEW_TEXT, 3, len, bytes };

	assert_int_equal(chunk_append(&world->chunk, &frame), 0);
}

/* Closes, takes the record and opens it again. Returns the plain bytes; the caller frees. */
static uint8_t *reopen(struct world *world, struct recording_chunk *ret_chunk)
{
	struct recording_record record;
	uint8_t *packed = malloc(RECORDING_BODY_MAX), *plain = malloc(RECORDING_PLAIN_MAX);
	uint8_t key[RECORDING_KEY_LEN];
	size_t len;

	memcpy(key, world->chunk.key, sizeof(key));
	memcpy(world->head, world->chain.head, HASH_LEN);
	assert_int_equal(chunk_close(&world->chunk, &world->packer, &world->chain, false), 0);
	uint8_t *bytes = chain_take(&world->chain, &len);
	assert_int_equal(recording_record_next(bytes, len, &record), len);
	assert_int_equal(recording_chunk_read(&record, ret_chunk), 0);
	assert_int_equal(recording_open(packed, ret_chunk, key, world->head, bytes), 0);
	assert_int_equal(ZSTD_decompress(plain, RECORDING_PLAIN_MAX, packed,
				 ret_chunk->sealed_len - RECORDING_TAG_LEN),
		ret_chunk->plain_len);
	free(packed);
	free(bytes);
	return plain;
}

static void round_trip(void **state)
{
	struct world *world = *state;
	struct recording_chunk chunk;
	struct recording_frame frame;

	put(world, 100, "one", 3);
	put(world, 130, "", 0);
	put(world, 120, "three", 5); /* a clock that goes back is held */
	uint8_t *plain = reopen(world, &chunk);
	assert_int_equal(chunk.number, 1);
	assert_int_equal(chunk.start_ms, 100);
	assert_int_equal(chunk.end_ms, 130);
	assert_int_equal(chunk.frames, 3);
	size_t at = (size_t)recording_frame_next(plain, chunk.plain_len, &frame);
	assert_int_equal(frame.ms, 0);
	assert_int_equal(frame.viewer, 3);
	assert_memory_equal(frame.payload, "one", 3);
	at += (size_t)recording_frame_next(plain + at, chunk.plain_len - at, &frame);
	assert_int_equal(frame.ms, 30);
	at += (size_t)recording_frame_next(plain + at, chunk.plain_len - at, &frame);
	assert_int_equal(frame.ms, 0);
	assert_memory_equal(frame.payload, "three", 5);
	assert_int_equal(at, chunk.plain_len);
	free(plain);
	/* The next chunk starts where this one ended, whatever the clock says. */
	put(world, 90, "late", 4);
	plain = reopen(world, &chunk);
	assert_int_equal(chunk.number, 2);
	assert_int_equal(chunk.start_ms, 130);
	free(plain);
}

/* Memory is asked for when it is used up, twice as much each time. */
static void grows_by_doubling(void **state)
{
	struct world *world = *state;

	put(world, 0, "x", 1);
	assert_int_equal(world->chunk.cap, CHUNK_LEAST);
	const uint8_t *place = world->chunk.plain;
	while (world->chunk.len + RECORDING_FRAME_LEN + 1 <= CHUNK_LEAST) {
		put(world, 0, "x", 1);
		assert_ptr_equal(world->chunk.plain, place);
	}
	put(world, 0, "x", 1);
	assert_int_equal(world->chunk.cap, 2 * CHUNK_LEAST);
}

static void idle_costs_nothing(void **state)
{
	struct world *world = *state;

	assert_int_equal(chunk_close(&world->chunk, &world->packer, &world->chain, false), 0);
	assert_int_equal(world->chain.len, 0);
	put(world, 1, "x", 1);
	assert_int_equal(chunk_close(&world->chunk, &world->packer, &world->chain, false), 0);
	assert_null(world->chunk.plain);
	put(world, 1, "x", 1);
	assert_int_equal(chunk_close(&world->chunk, &world->packer, &world->chain, true), 0);
	assert_non_null(world->chunk.plain);
	assert_int_equal(world->chain.chunks, 2);
}

static void largest(void **state)
{
	struct world *world = *state;
	struct recording_chunk chunk;
	uint8_t *noise = malloc(VIEW_FRAME_MAX + 1);
	struct recording_frame frame = { 0, VIEW_TEXT, 0, VIEW_FRAME_MAX + 1, noise };

	random_bytes(noise, VIEW_FRAME_MAX + 1);
	assert_int_equal(chunk_append(&world->chunk, &frame), -ERR_TOO_LARGE);
	put(world, 0, noise, VIEW_FRAME_MAX);
	assert_false(chunk_fits(&world->chunk, 0));
	frame.len = 1;
	assert_int_equal(chunk_append(&world->chunk, &frame), -ERR_TOO_LARGE);
	uint8_t *plain = reopen(world, &chunk);
	assert_int_equal(chunk.plain_len, RECORDING_PLAIN_MAX);
	assert_memory_equal(plain + RECORDING_FRAME_LEN, noise, VIEW_FRAME_MAX);
	free(plain);
	free(noise);
}

static void fills_to_the_brim(void **state)
{
	struct world *world = *state;
	uint8_t text[4096] = { 'a' };
	unsigned count = 0;

	while (chunk_fits(&world->chunk, sizeof(text))) {
		put(world, 0, text, sizeof(text));
		count++;
	}
	assert_int_equal(count, CHUNK_FULL / (sizeof(text) + RECORDING_FRAME_LEN));
	assert_true(world->chunk.len <= CHUNK_FULL);
}

static void put_keyframe(struct world *world, uint8_t part)
{
	uint8_t payload[VIEW_KEYFRAME_LEN + 1];
	struct view_keyframe keyframe = {
		.columns = 80, .rows = 24, .part = part, .parts = 2, .state = VIEW_LIVE
	};
	struct recording_frame frame = { 0, VIEW_KEYFRAME, 0, sizeof(payload), payload };

	view_keyframe_write(payload, &keyframe);
	payload[VIEW_KEYFRAME_LEN] = 'x';
	assert_int_equal(chunk_append(&world->chunk, &frame), 0);
}

/* Said outside of what is sealed, and only of a chunk that begins so. */
static void says_that_it_begins_with_a_keyframe(void **state)
{
	struct world *world = *state;
	struct recording_chunk chunk;

	put_keyframe(world, 0);
	put(world, 1, "more", 4);
	free(reopen(world, &chunk));
	assert_int_equal(chunk.flags, RECORDING_CHUNK_KEYFRAME);
	put_keyframe(world, 1);
	free(reopen(world, &chunk));
	assert_int_equal(chunk.flags, 0);
	put(world, 2, "text", 4);
	put_keyframe(world, 0);
	free(reopen(world, &chunk));
	assert_int_equal(chunk.flags, 0);
}

static void keys_are_wiped_and_differ(void **state)
{
	struct chunk a, b;
	uint8_t zero[RECORDING_KEY_LEN] = { 0 };

	chunk_init(&a);
	chunk_init(&b);
	assert_memory_not_equal(a.key, b.key, sizeof(a.key));
	chunk_finish(&a);
	assert_memory_equal(a.key, zero, sizeof(zero));
	chunk_finish(&b);
	chunk_finish(&b);
}

/* The level shows in the bytes: a flood is packed like any program packs at -3, the rest at 1. */
static void only_a_flood_is_packed_in_haste(void **state)
{
	static const struct {
		uint32_t last_ms;
		bool full;
		int level;
	} rows[] = { { FLOOD_MS, true, LEVEL_FLOOD }, { FLOOD_MS + 1, true, LEVEL },
		{ 0, false, LEVEL } };
	struct world *world = *state;
	char text[8192];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "abcdefgh 0123456\n"[(i * 7 + i / 31 + i / 97) % 17];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t *expected = malloc(world->packer.scratch_len);
		put(world, world->chunk.last_ms, text, sizeof(text));
		put(world, world->chunk.last_ms + rows[i].last_ms, text, 100);
		size_t packed = ZSTD_compress(expected, world->packer.scratch_len,
			world->chunk.plain, world->chunk.len, rows[i].level);
		size_t other =
			ZSTD_compress(expected, world->packer.scratch_len, world->chunk.plain,
				world->chunk.len, rows[i].level == LEVEL ? LEVEL_FLOOD : LEVEL);
		assert_int_not_equal(packed, other);
		size_t before = world->chain.len;
		assert_int_equal(
			chunk_close(&world->chunk, &world->packer, &world->chain, rows[i].full), 0);
		assert_int_equal(world->chain.len - before,
			RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN + packed + RECORDING_TAG_LEN +
				RECORDING_CHECK_LEN);
		free(expected);
	}
}

static void without_memory(void **state)
{
	struct world *world = *state;
	struct recording_chunk chunk;
	struct packer packer;
	uint8_t noise[3000];
	struct recording_frame frame = { 10, VIEW_TEXT, 0, sizeof(noise), noise };

	FAILING(FAILING_MEMORY " ZSTD_createCCtx") {
		int r = packer_init(&packer);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_true(r == 0 || (packer.scratch == NULL && packer.context == NULL));
		packer_finish(&packer);
	}
	/* What is in the chunk already is not lost with what did not fit. */
	random_bytes(noise, sizeof(noise));
	put(world, 5, "kept", 4);
	failing_once("malloc", 1, ENOMEM);
	assert_int_equal(chunk_append(&world->chunk, &frame), -ERR_SYSTEM);
	failing_end();
	assert_int_equal(world->chunk.frames, 1);
	assert_int_equal(chunk_append(&world->chunk, &frame), 0);
	failing_once("realloc", 1, ENOMEM);
	assert_int_equal(
		chunk_close(&world->chunk, &world->packer, &world->chain, false), -ERR_SYSTEM);
	failing_end();
	assert_int_equal(world->chain.chunks, 0);
	uint8_t *plain = reopen(world, &chunk);
	assert_int_equal(chunk.frames, 2);
	assert_int_equal(chunk.end_ms, 10);
	assert_memory_equal(plain + RECORDING_FRAME_LEN, "kept", 4);
	free(plain);
}

static void what_cannot_be_packed_stays(void **state)
{
	struct world *world = *state;
	size_t scratch = world->packer.scratch_len;

	put(world, 5, "kept", 4);
	world->packer.scratch_len = 1;
	assert_int_equal(
		chunk_close(&world->chunk, &world->packer, &world->chain, false), -ERR_SYSTEM);
	assert_int_equal(world->chunk.frames, 1);
	assert_int_equal(world->chain.len, 0);
	world->packer.scratch_len = scratch;
	assert_int_equal(chunk_close(&world->chunk, &world->packer, &world->chain, false), 0);
	assert_int_equal(world->chain.chunks, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(grows_by_doubling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idle_costs_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(largest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fills_to_the_brim, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_a_flood_is_packed_in_haste, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_packed_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			says_that_it_begins_with_a_keyframe, set_up, tear_down),
		cmocka_unit_test(keys_are_wiped_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
