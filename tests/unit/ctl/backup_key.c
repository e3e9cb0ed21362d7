/* SPDX-License-Identifier: Apache-2.0 */
#include "installation.h"

#include "ctl/backup_key.c"

/* How two passphrases and heads compare; 0: the keys are the same. */
static int compare(const char *one, const char *two, bool same_head)
{
	uint8_t heads[2][BACKUP_HEAD_LEN], *keys[2] = { NULL, NULL };
	const char *const words[2] = { one, two };

	backup_head(heads[0]);
	backup_head(heads[1]);
	put64(heads[0] + 16, BACKUP_MEMORY_LEAST);
	put64(heads[1] + 16, BACKUP_MEMORY_LEAST);
	for (unsigned i = 0; i < 2; i++) {
		int ends[2];
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		assert_true(write(ends[1], words[i], strlen(words[i])) >= 0);
		close(ends[1]);
		assert_int_equal(backup_key(ends[0], heads[same_head ? 0 : i], &keys[i]), CLI_OK);
		assert_int_equal(close(ends[0]), -1); /* it was closed */
	}
	int r = memcmp(keys[0], keys[1], BACKUP_KEY_LEN);
	guarded_destroy(keys[0]);
	guarded_destroy(keys[1]);
	return r;
}

static void is_of_the_passphrase_and_the_head(void **state)
{
	assert_int_equal(compare("horse", "horse\n", true), 0);
	assert_int_not_equal(compare("horse", "mule", true), 0);
	assert_int_not_equal(compare("horse", "horse", false), 0);
}

static void an_empty_one_is_none(void **state)
{
	struct desk *desk = *state;
	uint8_t head[BACKUP_HEAD_LEN], *key = NULL;

	backup_head(head);
	desk_capture(desk);
	int r = backup_key(open("/dev/null", O_RDONLY | O_CLOEXEC), head, &key);
	desk_release(desk);
	assert_int_equal(r, CLI_FAILED);
	assert_null(key);
	desk_complained(desk, "no key could be made of the passphrase");
}

static void a_file_that_is_not_there(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, "backup", "x", "--passphrase-file", "/nonexistent", NULL),
		CLI_FAILED);
	desk_complained(desk, "/nonexistent: No such file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(is_of_the_passphrase_and_the_head),
		DESK_CASE(an_empty_one_is_none),
		DESK_CASE(a_file_that_is_not_there),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
