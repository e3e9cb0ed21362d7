/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording_source.c"

#include "../recorder/fixture.h"

/* A file far larger than the buffer, over a pipe that gives a few bytes at a time. */
static void streams(void **state)
{
	struct fixture fixture;
	struct made made;
	struct source source;
	struct source_record it;
	int ends[2], r;
	unsigned records = 0;

	fixture_init(&fixture);
	made_init(&made, &fixture, 20, true);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(source_init(&source, ends[0]), 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		for (size_t at = 0; at < made.file.len; at += 777)
			if (write(ends[1], made.file.data + at,
				    MIN((size_t)777, made.file.len - at)) < 0)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(source_header(&source), 0);
	while ((r = source_next(&source, &it)) > 0)
		assert_int_equal(it.record.type, made.types[records++]);
	assert_int_equal(r, 0);
	assert_int_equal(records, made.record_count);
	assert_int_equal(source.passed, made.file.len);
	source_finish(&source);
	close(ends[0]);
	buf_finish(&made.file);
}

static void faults(void **state)
{
	struct fixture fixture;
	struct made made;
	struct source source;
	struct source_record it;

	fixture_init(&fixture);
	made_init(&made, &fixture, 2, true);
	int fd = fixture_file(made.file.data, made.header_len - 1);
	source_init(&source, fd);
	assert_int_equal(source_header(&source), -ERR_CLOSED);
	source_finish(&source);
	close(fd);
	fd = fixture_file(made.file.data, made.records[1] + 5);
	source_init(&source, fd);
	assert_int_equal(source_header(&source), 0);
	assert_int_equal(source_next(&source, &it), 1);
	assert_int_equal(source_next(&source, &it), -ERR_CLOSED);
	source_finish(&source);
	close(fd);
	source_init(&source, -1);
	assert_int_equal(source_header(&source), -ERR_SYSTEM);
	source_finish(&source);
	buf_finish(&made.file);
}

/* The second record up to `keep` bytes, then zeros, and `last` as the last byte. */
static int second_record(const struct made *made, size_t keep, size_t zeros, uint8_t last)
{
	struct source source;
	struct source_record it;
	uint8_t *bytes = calloc(1, made->records[1] + keep + zeros);

	memcpy(bytes, made->file.data, made->records[1] + keep);
	bytes[made->records[1] + keep + zeros - 1] |= last;
	int fd = fixture_file(bytes, made->records[1] + keep + zeros);
	source_init(&source, fd);
	assert_int_equal(source_header(&source), 0);
	assert_int_equal(source_next(&source, &it), 1);
	uint64_t passed = source.passed;
	uint8_t head[HASH_LEN];
	memcpy(head, source.head, sizeof head);
	int r = source_next(&source, &it);
	/* Neither counts what is not whole. */
	assert_int_equal(source.passed, passed);
	assert_memory_equal(source.head, head, sizeof head);
	source_finish(&source);
	close(fd);
	free(bytes);
	return r;
}

static void torn_records(void **state)
{
	struct fixture fixture;
	struct made made = {};

	fixture_init(&fixture);
	made_init(&made, &fixture, 3, true);
	size_t len = made.records[2] - made.records[1];
	size_t sector = SECTOR - made.records[1] % SECTOR;
	assert_true(sector < len);
	/* Nothing of it, its first sector, and so much that the zeros behind look like its own. */
	const size_t kept[] = { 0, sector, sector - 1 };
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		assert_int_equal(second_record(&made, kept[i], 3 * len, 0), -ERR_CLOSED);
		assert_int_equal(second_record(&made, kept[i], 2 * SOURCE_BUFFER, 0), -ERR_CLOSED);
		/* Something behind the zeros, or no zeros: not what a power cut leaves. */
		assert_true(second_record(&made, kept[i], 3 * len, 1) < 0);
		assert_int_not_equal(second_record(&made, kept[i], 3 * len, 1), -ERR_CLOSED);
	}
	assert_int_equal(second_record(&made, sector, len - sector, 1), -ERR_CRYPTO);
	/* No sector begins where these zeros do. */
	made.file.data[made.records[1] + len - 2] |= 1;
	assert_int_equal(second_record(&made, len - 1, 3 * len, 0), -ERR_CRYPTO);
	buf_finish(&made.file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams),
		cmocka_unit_test(faults),
		cmocka_unit_test(torn_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
