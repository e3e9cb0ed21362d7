/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/secret.h"

static void keeps_what_it_was_given(void **state)
{
	CLEANUP(secret_destroyp) struct secret *secret = secret_create("p\0w", 3);

	assert_non_null(secret);
	assert_int_equal(secret_len(secret), 3);
	assert_memory_equal(secret_reveal(secret), "p\0w", 4);
}

static void every_length_ends_in_nul(void **state)
{
	char bytes[300];

	memset(bytes, 'x', sizeof(bytes));
	for (size_t len = 0; len < sizeof(bytes); len += 7) {
		CLEANUP(secret_destroyp) struct secret *secret = secret_create(bytes, len);

		assert_non_null(secret);
		assert_int_equal(strlen(secret_reveal(secret)), len);
	}
	secret_destroy(NULL);
	assert_null(secret_create(bytes, SECRET_MAX + 1));
}

static int read_back(const char *bytes, size_t len, int strip, struct secret **ret_secret)
{
	int ends[2], r;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
	close(ends[1]);
	r = secret_read(ends[0], strip, ret_secret);
	assert_int_equal(fcntl(ends[0], F_GETFD), 0); /* it does not close */
	close(ends[0]);
	return r;
}

static void reads_to_the_end(void **state)
{
	static const struct {
		const char *piped;
		int strip;
		const char *expected;
	} rows[] = {
		{ "s3cret\n", 1, "s3cret" },
		{ "s3cret\n\n", 1, "s3cret\n" },
		{ "s3cret\n", 0, "s3cret\n" },
		{ "s3cret", 1, "s3cret" },
		{ "\n", 1, "" },
		{ "", 1, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(secret_destroyp) struct secret *secret = NULL;

		assert_int_equal(
			read_back(rows[i].piped, strlen(rows[i].piped), rows[i].strip, &secret), 0);
		assert_int_equal(secret_len(secret), strlen(rows[i].expected));
		assert_string_equal(secret_reveal(secret), rows[i].expected);
	}
}

static void refuses_more_than_the_ceiling(void **state)
{
	CLEANUP(secret_destroyp) struct secret *secret = NULL;
	static char bytes[SECRET_MAX + 1];

	memset(bytes, 'k', sizeof(bytes));
	assert_int_equal(read_back(bytes, SECRET_MAX, 0, &secret), 0);
	assert_int_equal(secret_len(secret), SECRET_MAX);
	secret_destroyp(&secret);
	assert_int_equal(read_back(bytes, sizeof(bytes), 0, &secret), -ERR_TOO_LARGE);
	assert_null(secret);
	assert_int_equal(secret_read(-1, 0, &secret), -ERR_SYSTEM);
}

static void waits_for_a_slow_writer(void **state)
{
	CLEANUP(secret_destroyp) struct secret *secret = NULL;
	int ends[2];
	pid_t child;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	child = fork();
	if (child == 0) {
		ssize_t n = write(ends[1], "slow", 4);

		usleep(20000);
		n += write(ends[1], "ly", 2);
		_exit(n == 6 ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(secret_read(ends[0], 0, &secret), 0);
	assert_string_equal(secret_reveal(secret), "slowly");
	close(ends[0]);
	waitpid(child, NULL, 0);
}

/* A destroyed secret is not readable memory any more. */
static void reading_after_destroy_dies(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct secret *secret = secret_create("gone", 4);
		const volatile char *bytes = secret_reveal(secret);

		signal(SIGSEGV, SIG_DFL);
		secret_destroy(secret);
		_exit(bytes[0]);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_it_was_given),
		cmocka_unit_test(every_length_ends_in_nul),
		cmocka_unit_test(reads_to_the_end),
		cmocka_unit_test(refuses_more_than_the_ceiling),
		cmocka_unit_test(waits_for_a_slow_writer),
		cmocka_unit_test(reading_after_destroy_dies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
