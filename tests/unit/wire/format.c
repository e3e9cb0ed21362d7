/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/format.c"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <cmocka.h>

#define OTHER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int file_with(const char *bytes, size_t len, off_t at)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, len, at), len);
	return fd;
}

static void expect(int fd, int r, const char *format)
{
	char found[WIRE_FORMAT_SIZE] = "nothing";

	assert_int_equal(wire_format_of(fd, found), r);
	assert_string_equal(found, format);
	close(fd);
}

static void is_in_every_executable(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	expect(fd, 0, wire_format());
	assert_int_equal(strlen(wire_format()), WIRE_FORMAT_SIZE - 1);
}

/* Wherever it lies, across two reads as well. */
static void is_found_anywhere(void **state)
{
	static const char whole[] = WIRE_FORMAT_MARK OTHER;
	const off_t places[] = { 0, 1, 65536 - WHOLE_LEN, 65536 - WHOLE_LEN + 1, 65536 - 40, 65535,
		65536, 3 * 65536 - 50 };

	for (unsigned i = 0; i < ARRAY_LEN(places); i++)
		expect(file_with(whole, sizeof whole, places[i]), 0, OTHER);
}

static void the_word_alone_is_none(void **state)
{
	static const char word[] =
		WIRE_FORMAT_MARK "%s and more than sixty-four characters of "
				 "words that are no digits at all\0" WIRE_FORMAT_MARK OTHER;
	static const char cut[] = WIRE_FORMAT_MARK "00112233";

	expect(file_with(word, sizeof word, 100), 0, OTHER);
	expect(file_with(word, 80, 0), -ERR_NOT_FOUND, "nothing");
	expect(file_with(cut, sizeof cut - 1, 0), -ERR_NOT_FOUND, "nothing");
	expect(file_with("", 1, 200000), -ERR_NOT_FOUND, "nothing");
	expect(memfd_create("empty", MFD_CLOEXEC), -ERR_NOT_FOUND, "nothing");
}

static void unreadable_is_said(void **state)
{
	expect(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), -ERR_SYSTEM, "nothing");
	expect(-1, -ERR_SYSTEM, "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_in_every_executable),
		cmocka_unit_test(is_found_anywhere),
		cmocka_unit_test(the_word_alone_is_none),
		cmocka_unit_test(unreadable_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
