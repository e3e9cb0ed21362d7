/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "base/mem.h"

static void cleans_up_at_end_of_scope(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	{
		CLEANUP(mem_freep)
		char *text = malloc(8); /* the leak check sees whether it is freed */
		CLEANUP(fd_closep) int owned = fd;

		assert_non_null(text);
		assert_true(fcntl(owned, F_GETFD) >= 0);
		errno = EILSEQ;
	}
	assert_int_equal(errno, EILSEQ);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void steals(void **state)
{
	char *text = strdup("mine");
	int fd = 7;
	char *thief = STEAL(text);

	assert_null(text);
	assert_string_equal(thief, "mine");
	free(thief);
	assert_int_equal(STEAL_FD(fd), 7);
	assert_int_equal(fd, -1);
	fd_closep(&fd);
	mem_freep(&text);
}

static void copies_only_what_fits(void **state)
{
	char small[5] = "xxxx";

	assert_int_equal(text_copy(small, sizeof(small), "four"), 0);
	assert_string_equal(small, "four");
	assert_int_equal(text_copy(small, sizeof(small), "fives"), -ERR_TOO_LARGE);
	assert_string_equal(small, "");
	assert_int_equal(text_copy(small, sizeof(small), ""), 0);
	assert_string_equal(small, "");
	assert_int_equal(text_copy(small, 0, ""), -ERR_TOO_LARGE);
}

static void refuses_a_nul_inside(void **state)
{
	char out[8] = "before";

	assert_int_equal(text_copy_len(out, sizeof(out), "a\0b", 3), -ERR_MALFORMED);
	assert_string_equal(out, "");
	assert_int_equal(text_copy_len(out, sizeof(out), "abc", 2), 0);
	assert_string_equal(out, "ab");
	assert_int_equal(text_copy_len(out, sizeof(out), NULL, 0), 0);
	assert_string_equal(out, "");
}

static void wipes_and_compares(void **state)
{
	char bytes[] = "secret";

	assert_true(mem_equal_secret(bytes, "secret", 6));
	assert_false(mem_equal_secret(bytes, "secreT", 6));
	assert_true(mem_equal_secret(bytes, "other", 0));
	mem_wipe(bytes, sizeof(bytes));
	assert_memory_equal(bytes, "\0\0\0\0\0\0", 7);
	mem_wipe(NULL, 0);
}

static void small_macros(void **state)
{
	const int three[3] = { 0 };

	assert_int_equal(ARRAY_LEN(three), 3);
	assert_int_equal(MIN(2, 3), 2);
	assert_int_equal(MAX(2, 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleans_up_at_end_of_scope),
		cmocka_unit_test(steals),
		cmocka_unit_test(copies_only_what_fits),
		cmocka_unit_test(refuses_a_nul_inside),
		cmocka_unit_test(wipes_and_compares),
		cmocka_unit_test(small_macros),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
