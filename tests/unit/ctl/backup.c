/* SPDX-License-Identifier: Apache-2.0 */
#include "installation.h"

#include "ctl/backup.c"

static void makes_one_file(void **state)
{
	struct desk *desk = *state;
	struct store *store = installation_make(desk);
	struct stat stat;

	assert_int_equal(installation_backup(desk, "out/one", "--json"), CLI_OK);
	assert_non_null(strstr(desk->out, "\"recordings_absent\":1"));
	assert_non_null(strstr(desk->out, "\"files\":4"));
	assert_string_equal(desk->calls[0].method, "POST");
	assert_non_null(strstr(desk->calls[0].params, "recordings=false"));
	assert_int_equal(lstat(installation_path(desk, "out/one"), &stat), 0);
	assert_int_equal(stat.st_mode & 07777, 0600);
	/* never over another */
	assert_int_equal(installation_backup(desk, "out/one", NULL), CLI_FAILED);
	desk_complained(desk, "it is there already");
	assert_int_equal(installation_backup(desk, "out/two", "--with-recordings"), CLI_OK);
	assert_non_null(strstr(desk->calls[1].params, "recordings=true"));
	assert_non_null(strstr(desk->out, "recordings_absent"));
	store_close(store);
}

static void leaves_nothing_when_it_fails(void **state)
{
	struct desk *desk = *state;
	struct store *store = installation_make(desk);

	assert_int_equal(installation_backup(desk, "nonesuch/one", NULL), CLI_FAILED);
	desk_complained(desk, "No such file");
	desk->answers[0] = "{\"response\":{},\"backup\":{\"store\":\"postgresql\"}}";
	assert_int_equal(installation_backup(desk, "out/one", NULL), CLI_FAILED);
	desk_complained(desk, "the store is not SQLite's");
	desk->answers[0] = desk->answers[1] = desk->answers[2] = BEGUN;
	assert_int_equal(unlink(installation_path(desk, "vault/keyring")), 0);
	assert_int_equal(installation_backup(desk, "out/one", NULL), CLI_FAILED);
	desk_complained(desk, "vault/keyring: No such file");
	desk_file(desk, "passphrase", "\n");
	assert_int_equal(installation_backup(desk, "out/one", NULL), CLI_FAILED);
	desk_complained(desk, "no key could be made");
	assert_int_equal(rmdir(installation_path(desk, "out")), 0); /* it is empty */
	store_close(store);
}

/* Where a file cannot be without a name it has one beside, which is gone afterwards. */
static void a_name_beside(void **state)
{
	struct desk *desk = *state;
	struct target target;

	assert_int_equal(target_open(installation_path(desk, "one"), &target), CLI_OK);
	fd_closep(&target.fd);
	target.nameless = false;
	snprintf(target.beside, sizeof target.beside, ".one.part");
	target.fd = openat(target.directory, ".one.part", O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(target.fd >= 0);
	assert_int_equal(target_keep(&target), 0);
	target_finish(&target);
	assert_true(installation_has(desk, "one"));
	assert_false(installation_has(desk, ".one.part"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(makes_one_file),
		DESK_CASE(leaves_nothing_when_it_fails),
		DESK_CASE(a_name_beside),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
