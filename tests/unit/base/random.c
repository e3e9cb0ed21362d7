/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* The kernel's generator, which may be interrupted, give little, or not be there. */
static struct {
	unsigned interrupted, calls;
	size_t most;
	int error;
} kernel = { .most = SIZE_MAX };

static ssize_t kernel_getrandom(void *bytes, size_t len, unsigned flags)
{
	kernel.calls++;
	assert_int_equal(
		flags, 0); /* waits until it is ready, and is never the one for early boot */
	if (kernel.interrupted > 0) {
		kernel.interrupted--;
		errno = EINTR;
		return -1;
	}
	errno = kernel.error;
	if (kernel.error != 0 || kernel.most == 0)
		return kernel.error != 0 ? -1 : 0;
	return getrandom(bytes, len < kernel.most ? len : kernel.most, flags);
}
#define getrandom kernel_getrandom
#include "base/random.c"
#undef getrandom

static void fills_exactly(void **state)
{
	uint8_t bytes[1002] = { 0 };
	unsigned seen[256] = { 0 };

	random_bytes(bytes + 1, 1000);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[1001], 0);
	for (int i = 1; i <= 1000; i++)
		seen[bytes[i]]++;
	for (int i = 0; i < 256; i++)
		assert_true(seen[i] < 40); /* 4 expected */
	random_bytes(bytes, 0);
}

static void never_the_same(void **state)
{
	char a[41], b[41];

	random_hex(a, 20);
	random_hex(b, 20);
	assert_int_equal(strlen(a), 40);
	assert_int_equal(strspn(a, "0123456789abcdef"), 40);
	assert_string_not_equal(a, b);
}

static void hex_of_any_length(void **state)
{
	char out[512];

	for (size_t bytes = 0; bytes < 200; bytes++) {
		memset(out, '!', sizeof(out));
		random_hex(out, bytes);
		assert_int_equal(strlen(out), 2 * bytes);
		assert_int_equal(out[2 * bytes + 1], '!');
	}
}

static void asks_until_it_has_all(void **state)
{
	static const uint8_t none[16];
	uint8_t bytes[64] = { 0 };

	kernel.calls = 0;
	kernel.interrupted = 3;
	kernel.most = 7;
	random_bytes(bytes, sizeof(bytes));
	kernel.most = SIZE_MAX;
	assert_int_equal(kernel.calls, 3 + 10);
	for (size_t i = 0; i < sizeof(bytes); i += sizeof(none))
		assert_memory_not_equal(bytes + i, none, sizeof(none));
}

static void a_child_without(void)
{
	uint8_t bytes[32];

	random_bytes(bytes, sizeof(bytes));
	_exit(0);
}

/* Rather no process than a token that can be guessed. */
static void without_a_generator(void **state)
{
	for (int i = 0; i < 2; i++) {
		int status;
		kernel.error = i == 0 ? ENOSYS : 0;
		kernel.most = i == 0 ? SIZE_MAX : 0;
		pid_t pid = fork();
		if (pid == 0)
			a_child_without();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
	kernel.error = 0;
	kernel.most = SIZE_MAX;
}

#define TOKENS 1000000
#define TOKEN_LEN 32

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, TOKEN_LEN);
}

static void a_million_tokens_differ(void **state)
{
	uint8_t(*tokens)[TOKEN_LEN] = malloc((size_t)TOKENS * TOKEN_LEN);

	assert_non_null(tokens);
	for (unsigned i = 0; i < TOKENS; i++)
		random_bytes(tokens[i], TOKEN_LEN);
	qsort(tokens, TOKENS, TOKEN_LEN, compare);
	for (unsigned i = 1; i < TOKENS; i++)
		if (compare(tokens[i - 1], tokens[i]) == 0)
			fail_msg("a token came twice");
	free(tokens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_exactly),
		cmocka_unit_test(never_the_same),
		cmocka_unit_test(hex_of_any_length),
		cmocka_unit_test(asks_until_it_has_all),
		cmocka_unit_test(without_a_generator),
		cmocka_unit_test(a_million_tokens_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
