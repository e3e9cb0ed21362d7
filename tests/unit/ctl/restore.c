/* SPDX-License-Identifier: Apache-2.0 */
#include "installation.h"

#include "ctl/restore.c"

static int run(struct desk *desk, const char *words, const char *data)
{
	char passphrase[192], file[192];
	char copy[32];

	snprintf(copy, sizeof copy, "%s", words);
	char *second = strchr(copy, ' ');
	if (second != NULL)
		*second++ = '\0';
	snprintf(passphrase, sizeof passphrase, "--passphrase-file=%s/passphrase", desk->directory);
	snprintf(file, sizeof file, "%s/out/one", desk->directory);
	return second != NULL
		       ? desk_run(desk, copy, second, file, passphrase, "--json", NULL)
		       : desk_run(desk, copy, file, passphrase, "--json", "--data", data, NULL);
}

static void makes_an_installation(void **state)
{
	struct desk *desk = *state;
	struct store *store = installation_make(desk);
	char text[512];

	assert_int_equal(installation_backup(desk, "out/one", "--with-recordings"), CLI_OK);
	store_close(store);
	assert_int_equal(run(desk, "backup verify", NULL), CLI_OK);
	assert_non_null(strstr(desk->out, "\"files\":5"));
	assert_int_equal(run(desk, "restore", installation_path(desk, "new")), CLI_OK);
	assert_non_null(strstr(desk->out, "\"sessions_ended\":0"));
	assert_true(installation_has(desk, "new/sallyport.conf"));
	assert_true(installation_has(desk, "new/recordings/one.rec"));
	assert_false(installation_has(desk, "new/.restoring"));
	assert_int_equal(
		store_open_read("sqlite", installation_path(desk, "new/store"), &store), 0);
	assert_int_equal(store_fact_get(store, FACT_RESTORED, text, sizeof text), 0);
	assert_non_null(strstr(text, "\"row\":0,\"row_hash\":\"0000"));
	assert_non_null(strstr(text, ",\"sessions_ended\":0}"));
	store_close(store);
	/* not twice into one */
	assert_int_equal(run(desk, "restore", installation_path(desk, "new")), CLI_FAILED);
	desk_complained(desk, "it is not empty");
	assert_true(installation_has(desk, "new/sallyport.conf"));
}

static void what_is_not_whole_makes_nothing(void **state)
{
	struct desk *desk = *state;
	struct store *store = installation_make(desk);

	assert_int_equal(run(desk, "restore", installation_path(desk, "new")), CLI_FAILED);
	desk_complained(desk, "No such file");
	desk_file(desk, "out/one", "short");
	assert_int_equal(run(desk, "restore", installation_path(desk, "new")), CLI_CUT);
	desk_complained(desk, "it is cut off");
	assert_int_equal(unlink(installation_path(desk, "out/one")), 0);
	assert_int_equal(installation_backup(desk, "out/one", NULL), CLI_OK);
	desk_file(desk, "passphrase", "mule");
	assert_int_equal(run(desk, "restore", installation_path(desk, "new")), CLI_ALTERED);
	desk_complained(desk, "the passphrase is another");
	assert_false(installation_has(desk, "new"));
	store_close(store);
}

static void only_an_unfinished_restore_is_cleared_away(void **state)
{
	struct desk *desk = *state;
	int directory = -1;

	assert_int_equal(mkdir(installation_path(desk, "new"), 0700), 0);
	assert_int_equal(mkdir(installation_path(desk, "new/tls"), 0700), 0);
	desk_file(desk, "new/tls/key.pem", "x");
	desk_capture(desk);
	assert_int_equal(open_empty(installation_path(desk, "new"), &directory), CLI_FAILED);
	fd_closep(&directory);
	assert_int_equal(mkdir(installation_path(desk, "new/.restoring"), 0700), 0);
	desk_file(desk, "new/mine", "x");
	assert_int_equal(open_empty(installation_path(desk, "new"), &directory), CLI_FAILED);
	fd_closep(&directory);
	assert_int_equal(unlink(installation_path(desk, "new/mine")), 0);
	desk_file(desk, "new/sallyport.conf", "");
	assert_int_equal(open_empty(installation_path(desk, "new"), &directory), CLI_FAILED);
	fd_closep(&directory);
	assert_true(installation_has(desk, "new/tls/key.pem"));
	assert_int_equal(unlink(installation_path(desk, "new/sallyport.conf")), 0);
	assert_int_equal(open_empty(installation_path(desk, "new"), &directory), CLI_OK);
	fd_closep(&directory);
	desk_release(desk);
	assert_false(installation_has(desk, "new/tls"));
	assert_true(installation_has(desk, "new/.restoring"));
	desk_complained(desk, "it is not empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(makes_an_installation),
		DESK_CASE(what_is_not_whole_makes_nothing),
		DESK_CASE(only_an_unfinished_restore_is_cleared_away),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
