/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/lines.c"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/mem.h"

static int file_of(const void *text, size_t len)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void expect(struct lines *lines, const char *text, uint64_t offset, bool whole)
{
	struct lines_line line;

	assert_int_equal(lines_next(lines, &line), 1);
	assert_int_equal(line.len, strlen(text));
	assert_memory_equal(line.text, text, line.len);
	assert_int_equal(line.offset, offset);
	assert_int_equal(line.whole, whole);
}

static void test_lines_one_by_one(void **state)
{
	CLEANUP(fd_closep) int fd = file_of("one\n\nthree\nrest", 15);
	CLEANUP(lines_finish) struct lines lines;
	struct lines_line line;

	assert_int_equal(lines_init(&lines, fd), 0);
	expect(&lines, "one", 0, true);
	expect(&lines, "", 4, true);
	expect(&lines, "three", 5, true);
	assert_int_equal(lines.number, 3);
	expect(&lines, "rest", 11, false);
	assert_int_equal(lines_next(&lines, &line), 0);
	assert_int_equal(lines_next(&lines, &line), 0);
}

static void test_an_empty_file(void **state)
{
	CLEANUP(fd_closep) int fd = file_of("", 0);
	CLEANUP(lines_finish) struct lines lines;
	struct lines_line line;

	assert_int_equal(lines_init(&lines, fd), 0);
	assert_int_equal(lines_next(&lines, &line), 0);
}

/* More than the buffer holds: lines across its end, and one that never fits. */
static void test_long_files(void **state)
{
	size_t size = 3 * LINES_BUFFER + 64, at = 0;
	CLEANUP(mem_freep) char *text = malloc(size);
	CLEANUP(lines_finish) struct lines lines;
	struct lines_line line;

	memset(text, 'x', size);
	for (at = 999; at < LINES_BUFFER; at += 1000)
		text[at] = '\n';
	at -= 1000; /* the last newline; then a line of more than two buffers */
	memcpy(text + size - 6, "\nlast\n", 6);
	CLEANUP(fd_closep) int fd = file_of(text, size);
	assert_int_equal(lines_init(&lines, fd), 0);
	for (size_t i = 0; i <= at; i += 1000) {
		assert_int_equal(lines_next(&lines, &line), 1);
		assert_int_equal(line.len, 999);
		assert_int_equal(line.offset, i);
	}
	expect(&lines, "", at + 1, false);
	expect(&lines, "last", size - 5, true);
	assert_int_equal(lines_next(&lines, &line), 0);
}

static void test_a_line_without_end(void **state)
{
	size_t size = 2 * LINES_BUFFER + 1;
	CLEANUP(mem_freep) char *text = malloc(size);
	CLEANUP(lines_finish) struct lines lines;
	struct lines_line line;

	memset(text, 'x', size);
	CLEANUP(fd_closep) int fd = file_of(text, size);
	assert_int_equal(lines_init(&lines, fd), 0);
	expect(&lines, "", 0, false);
	assert_int_equal(lines_next(&lines, &line), 0);
}

static void test_what_cannot_be_read(void **state)
{
	CLEANUP(lines_finish) struct lines lines;
	struct lines_line line;

	assert_int_equal(lines_init(&lines, -1), 0);
	assert_int_equal(lines_next(&lines, &line), -ERR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_one_by_one),
		cmocka_unit_test(test_an_empty_file),
		cmocka_unit_test(test_long_files),
		cmocka_unit_test(test_a_line_without_end),
		cmocka_unit_test(test_what_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
