/* SPDX-License-Identifier: Apache-2.0 */
#include "pen.h"

#include <stdio.h>

#include "../store/fixture.h"
#include "ctl/releases.c"

static void write_some(struct desk *desk, struct pen *pen)
{
	pen_open(pen, desk);
	pen_write(pen, "password", 1);
	pen_next_file(pen);
	pen_write(pen, "key", 2);
	pen_write(pen, "signature", 2);
}

static void lists_what_was_let_go(void **state)
{
	struct desk *desk = *state;
	struct pen pen;

	write_some(desk, &pen);
	assert_int_equal(desk_run(desk, "releases", "list", NULL), CLI_OK);
	assert_non_null(strstr(desk->out, "LINE  TIME"));
	assert_non_null(strstr(desk->out, "1     2026-11-23T14:05:09.123Z  password   db\\x1b1"));
	assert_non_null(strstr(desk->out, "3     2026-11-23T14:05:09.123Z  signature"));
	assert_int_equal(
		desk_run(desk, "releases", "list", "--json", "--after=1", "--limit=1", NULL),
		CLI_OK);
	assert_memory_equal(desk->out, "[{\"sequence\":2,", 15);
	assert_null(strstr(desk->out, "\"sequence\":3"));
	assert_int_equal(desk_run(desk, "releases", "list", "--json", "--limit=0", NULL), CLI_OK);
	desk_said(desk, "[]\n");
	assert_int_equal(desk_run(desk, "releases", "list", "--after=x", NULL), CLI_USAGE);
	assert_int_equal(desk_run(desk, "releases", "list", "--after=-1", NULL), CLI_USAGE);
	assert_int_equal(desk->connections, 0);
}

static void what_is_no_line_is_shown_as_that(void **state)
{
	struct desk *desk = *state;
	struct pen pen;

	write_some(desk, &pen);
	desk_file(desk, "vault/releases.log", "rub\033bish\n");
	assert_int_equal(desk_run(desk, "releases", "list", "--json", NULL), CLI_OK);
	assert_non_null(strstr(desk->out, ",{\"what\":\"unreadable\"}]"));
}

static void verify_says_what_is_wrong(void **state)
{
	struct desk *desk = *state;
	struct pen pen;
	char path[128];

	write_some(desk, &pen);
	assert_int_equal(desk_run(desk, "releases", "verify", NULL), CLI_FAILED);
	desk_complained(desk, "--alone proves the log without it");
	assert_int_equal(desk_run(desk, "releases", "verify", "--alone", NULL), CLI_OK);
	desk_said(desk, "intact: 3 lines; there was no audit trail to compare\n");
	assert_int_equal(desk_run(desk, "releases", "verify", "--alone", "--json", NULL), CLI_OK);
	desk_said(desk, "{\"verdict\":\"intact\",\"lines\":3,\"line\":0,\"row\":0,"
			"\"compared\":false}\n");
	snprintf(path, sizeof path, "%s/vault/releases-000000000001.log", desk->directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(desk_run(desk, "releases", "verify", "--alone", NULL), CLI_FAILED);
	desk_said(desk, "line 1 is missing\n");
	desk_file(desk, "vault/releases.log", "rubbish\n");
	assert_int_equal(desk_run(desk, "releases", "verify", "--alone", NULL), CLI_FAILED);
	desk_said(desk, "line 1 was altered\n");
	assert_int_equal(
		desk_run(desk, "releases", "verify", "--certificate=/nonesuch", NULL), CLI_FAILED);
	desk_complained(desk, "/nonesuch: No such file");
	assert_int_equal(
		desk_run(desk, "releases", "verify", "--data=/nonesuch", NULL), CLI_FAILED);
	desk_complained(desk, "/nonesuch/vault: No such file");
}

static void the_trail_is_compared(void **state)
{
	struct desk *desk = *state;
	struct fixture *fixture;
	struct pen pen;
	char path[128];

	write_some(desk, &pen);
	fixture_open((void **)&fixture);
	snprintf(path, sizeof path, "%s/store", desk->directory);
	assert_int_equal(symlink(fixture->directory, path), 0);
	assert_int_equal(desk_run(desk, "releases", "verify", NULL), CLI_OK);
	desk_said(desk, "intact: 3 lines, and the audit trail agrees\n");
	fixture_close((void **)&fixture);
}

static void every_verdict_has_its_words(void **state)
{
	static const struct {
		struct release_report report;
		const char *words;
	} rows[] = {
		{ { .verdict = RELEASES_CUT, .line = 4, .row = 9, .seen = 6 },
			"cut short after line 4: row 9 of the audit trail has seen line 6\n" },
		{ { .verdict = RELEASES_OTHER, .line = 4, .row = 9 },
			"line 4 is not the one that row 9 of the audit trail has seen\n" },
		{ { .verdict = RELEASES_UNAUDITED, .line = 4 },
			"line 4 is a release that is not in the audit trail\n" },
	};
	struct desk *desk = *state;
	const struct cli cli = { .json = false };

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		desk_capture(desk);
		int r = say(&cli, &rows[i].report);
		desk_release(desk);
		assert_int_equal(r, CLI_FAILED);
		desk_said(desk, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(lists_what_was_let_go),
		DESK_CASE(what_is_no_line_is_shown_as_that),
		DESK_CASE(verify_says_what_is_wrong),
		DESK_CASE(the_trail_is_compared),
		DESK_CASE(every_verdict_has_its_words),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
