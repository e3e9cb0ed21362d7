/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_content.c"

#include <unistd.h>

#include "../recorder/fixture.h"
#include "wire/view.h"

struct world {
	struct fixture fixture;
	struct made made;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	fixture_init(&world->fixture);
	made_init(&world->made, &world->fixture, 4, true);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	buf_finish(&world->made.file);
	free(world);
	return 0;
}

/* Reads to the end. Returns the last result; counts what came. */
static int read_all(const struct world *world, const void *bytes, size_t len, unsigned *ret_events)
{
	struct reader *reader;
	struct reader_event event;
	int fd = fixture_file(bytes, len);
	int r = reader_open(fd, world->fixture.key, &reader);

	*ret_events = 0;
	if (r == 0) {
		while ((r = reader_next(reader, &event)) > 0)
			++*ret_events;
		reader_close(reader);
	}
	close(fd);
	return r;
}

static void all_events(void **state)
{
	struct world *world = *state;
	struct reader *reader;
	struct reader_event event;
	int fd = fixture_file(world->made.file.data, world->made.file.len);

	assert_int_equal(reader_open(fd, world->fixture.key, &reader), 0);
	assert_string_equal(reader_header(reader)->session_id, FIXTURE_SESSION);
	for (unsigned round = 0; round < 2; round++) {
		static const uint32_t times[] = { 0, 10, 20, 500, 1010, 1020, 1500 };
		for (unsigned i = 0; i < ARRAY_LEN(times); i++) {
			assert_int_equal(reader_next(reader, &event), 1);
			assert_int_equal(event.ms, times[i]);
			if (times[i] % 1000 == 20) {
				assert_int_equal(event.frame.type, VIEW_KEYS);
				assert_int_equal(event.frame.viewer, 7);
				assert_memory_equal(event.frame.payload, "ls -l\r", 6);
			}
		}
		assert_int_equal(reader_chunk(reader), 2);
		assert_null(reader_end(reader));
		while (reader_next(reader, &event) > 0)
			;
		assert_non_null(reader_end(reader));
		assert_string_equal(reader_end(reader)->reason, "logged out");
		assert_int_equal(reader_rewind(reader), 0);
	}
	reader_close(reader);
	close(fd);
}

static void wrong_key(void **state)
{
	struct world *world = *state;
	unsigned events;

	world->fixture.key[5] ^= 1;
	assert_int_equal(
		read_all(world, world->made.file.data, world->made.file.len, &events), -ERR_CRYPTO);
	assert_int_equal(events, 0);
	world->fixture.key[5] ^= 1;
}

/* Cut anywhere: what is whole is read, and nothing is invented. */
static void cut_anywhere(void **state)
{
	struct world *world = *state;
	unsigned events, before = 0;

	for (size_t len = world->made.header_len; len < world->made.file.len; len++) {
		assert_int_equal(read_all(world, world->made.file.data, len, &events), 0);
		assert_true(events >= before);
		before = events;
	}
	assert_int_equal(before, 13);
	assert_int_equal(read_all(world, world->made.file.data, 100, &events), -ERR_MALFORMED);
	assert_int_equal(read_all(world, "x", 1, &events), -ERR_MALFORMED);
}

static void altered_anywhere(void **state)
{
	struct world *world = *state;
	uint8_t *copy = malloc(world->made.file.len);
	unsigned events;

	for (size_t at = 0; at < world->made.file.len; at++) {
		memcpy(copy, world->made.file.data, world->made.file.len);
		copy[at] ^= 0x40;
		assert_true(read_all(world, copy, world->made.file.len, &events) < 0);
		assert_true(events < 14);
	}
	free(copy);
}

/* Content that the key opens and that is nonsense all the same: a recorder gone mad. */
static void hostile_plain(void **state)
{
	struct fixture fixture;
	struct packer packer;
	struct chain chain;
	struct recording_header header;
	uint8_t public_key[32], key[32] = { 1 }, *place;
	unsigned seed = 11;

	fixture_init(&fixture);
	packer_init(&packer);
	for (unsigned round = 0; round < 400; round++) {
		uint8_t plain[256], packed[1024];
		size_t len;
		chain_init(&chain, FIXTURE_SESSION, public_key);
		fixture_certify(&fixture, public_key, key);
		header = fixture.header;
		chain_header(&chain, &header);
		for (unsigned i = 0; i < sizeof(plain); i++) {
			seed = seed * 1103515245 + 12345;
			plain[i] = round % 2 != 0 ? (uint8_t)(seed >> 16) : (seed >> 20) % 3 == 0;
		}
		size_t packed_len = round % 4 < 2 ? ZSTD_compress(packed, sizeof(packed), plain,
							    sizeof(plain), 1)
						  : sizeof(plain);
		if (round % 4 >= 2)
			memcpy(packed, plain, sizeof(plain));
		struct recording_chunk chunk = { .number = 1,
			.end_ms = 1000,
			.plain_len = round % 3 == 0 ? sizeof(plain) : RECORDING_PLAIN_MAX,
			.frames = seed % 20 };
		size_t body = RECORDING_CHUNK_LEN + packed_len + RECORDING_TAG_LEN;
		assert_int_equal(chain_room(&chain, body, &place), 0);
		recording_record_head(place, RECORDING_CHUNK, (uint32_t)body);
		recording_chunk_write(place + RECORDING_RECORD_LEN, &chunk);
		recording_seal(place + RECORDING_RECORD_LEN + RECORDING_CHUNK_LEN, packed,
			packed_len, key, chain.head, place);
		chain_add(&chain, place, body);
		uint8_t *bytes = chain_take(&chain, &len);
		struct world world = { .fixture = fixture };
		unsigned events;
		assert_true(read_all(&world, bytes, len, &events) <= 0);
		free(bytes);
		chain_finish(&chain);
	}
	packer_finish(&packer);
}

/* Looking for a keyframe moves nothing; what is damaged is not looked behind. */
static void keyframes_are_found(void **state)
{
	struct world *world = *state;
	struct made made;
	struct reader *reader;
	struct reader_event event;
	struct reader_place place;

	made_keyframes(&made, &world->fixture, 40, 10);
	int fd = fixture_file(made.file.data, made.file.len);
	assert_int_equal(reader_open(fd, world->fixture.key, &reader), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(reader_next(reader, &event), 1);
	uint32_t before = event.ms;
	static const uint32_t moments[][2] = { { 0, 0 }, { 8999, 0 }, { 9000, 9000 },
		{ 29100, 29000 }, { UINT32_MAX, 39000 } };
	for (unsigned i = 0; i < ARRAY_LEN(moments); i++) {
		assert_int_equal(reader_find(reader, moments[i][0], &place), 0);
		assert_int_equal(place.ms, moments[i][1]);
		assert_int_equal(place.chunk, moments[i][1] > 0 ? moments[i][1] / 1000 : 0);
	}
	assert_int_equal(reader_next(reader, &event), 1);
	assert_true(event.ms > before && event.ms <= before + 1000);
	/* Reads on from there, to the end. */
	assert_int_equal(reader_go(reader, &place), 0);
	assert_int_equal(reader_next(reader, &event), 1);
	assert_int_equal(event.frame.type, VIEW_KEYFRAME);
	assert_int_equal(event.ms, 39000);
	assert_int_equal(reader_chunk(reader), 40);
	while (reader_next(reader, &event) > 0)
		;
	assert_non_null(reader_end(reader));
	reader_close(reader);
	close(fd);
	/* One byte of the thirtieth chunk. */
	for (size_t at = 0; at < made.file.len; at++)
		if (made_chunk_at(&made, at) == 30 && made_chunk_at(&made, at - 40) == 30) {
			made.file.data[at] ^= 1;
			break;
		}
	fd = fixture_file(made.file.data, made.file.len);
	assert_int_equal(reader_open(fd, world->fixture.key, &reader), 0);
	assert_int_equal(reader_find(reader, 39000, &place), 0);
	assert_int_equal(place.ms, 19000);
	reader_close(reader);
	close(fd);
	buf_finish(&made.file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_events),
		cmocka_unit_test(wrong_key),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(altered_anywhere),
		cmocka_unit_test_setup_teardown(keyframes_are_found, set_up, tear_down),
		cmocka_unit_test(hostile_plain),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
