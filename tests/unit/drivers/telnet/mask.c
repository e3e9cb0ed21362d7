/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/telnet/mask.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What is shown of `text`, given in pieces of `step` bytes. */
static void shows(const char *secret_text, const char *text, const char *shown)
{
	for (size_t step = 1; step <= strlen(text); step++) {
		CLEANUP(secret_destroyp)
		struct secret *secret = secret_create(secret_text, strlen(secret_text));
		CLEANUP(buf_finish) struct buf out = BUF(4096);
		struct mask mask;

		mask_init(&mask, secret);
		for (size_t at = 0; at < strlen(text); at += step)
			assert_int_equal(
				mask_pass(&mask, text + at, MIN(step, strlen(text) - at), &out), 0);
		assert_int_equal(mask_release(&mask, &out), 0);
		assert_int_equal(out.len, strlen(shown));
		assert_memory_equal(out.data, shown, out.len);
		mask_finish(&mask);
	}
}

static void the_secret_is_never_shown(void **state)
{
	shows("s3cret", "s3cret", "********");
	shows("s3cret", "Password: s3cret\r\nHello", "Password: ********\r\nHello");
	shows("s3cret", "s3crets3cret", "****************");
	shows("aab", "aaab", "a********");
	shows("abab", "ababab", "********ab");
}

static void everything_else_is(void **state)
{
	shows("s3cret", "s3cre", "s3cre");
	shows("s3cret", "s3s3cre s3", "s3s3cre s3");
	shows("$ x", "db1$ ", "db1$ ");
	shows("", "anything", "anything");
}

static void without_a_secret_nothing_is_held(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(64);
	struct mask mask;

	mask_init(&mask, NULL);
	assert_int_equal(mask_pass(&mask, "abc", 3, &out), 0);
	assert_int_equal(out.len, 3);
	mask_finish(&mask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_secret_is_never_shown),
		cmocka_unit_test(everything_else_is),
		cmocka_unit_test(without_a_secret_nothing_is_held),
	};

	return cmocka_run_group_tests_name("drivers/telnet/mask", tests, NULL, NULL);
}
