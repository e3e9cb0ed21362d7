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

static void zeros(void **state)
{
	struct source source;
	uint8_t *bytes = calloc(1, 2 * SOURCE_BUFFER);

	for (unsigned i = 0; i < 2; i++) {
		bytes[2 * SOURCE_BUFFER - 1] = (uint8_t)i;
		int fd = fixture_file(bytes, 2 * SOURCE_BUFFER);
		source_init(&source, fd);
		assert_int_equal(source_rest_is_zero(&source), i == 0);
		source_finish(&source);
		close(fd);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams),
		cmocka_unit_test(faults),
		cmocka_unit_test(zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
