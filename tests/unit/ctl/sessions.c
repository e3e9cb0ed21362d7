/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <unistd.h>

#include "base/mem.h"
#include "ctl/sessions.c"

#define ROW(sequence) "{\"sequence\":" #sequence ",\"at\":\"T\",\"event\":\"user.added\"}"
#define ROWS(rows) "{\"response\":{},\"rows\":[" rows "]}"
#define REFUSED "{\"response\":{\"error\":true,\"message\":\"Enough\"}}"

static void session_commands_ask_their_endpoints(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"sessions\":[{\"id\":\"4\",\"state\":\"live\","
			   "\"user\":\"ana\",\"device\":\"db1\"}]}";
	assert_int_equal(desk_run(desk, "session", "list", "--limit=5", "--before", "9", NULL), 0);
	desk_called(desk, 0, "GET /control/session/list", "limit=5 before=9");
	assert_non_null(strstr(desk->out, "4   live   ana   db1"));
	desk->answers[1] = "{\"response\":{},\"session\":{\"id\":\"4\",\"why\":\"\\u001bc\"}}";
	assert_int_equal(desk_run(desk, "session", "show", "4", NULL), 0);
	desk_called(desk, 1, "GET /control/session/show", "id=4");
	desk_said(desk, "id   4\nwhy  \\x1bc\n");
	assert_int_equal(desk_run(desk, "session", "end", "4", "it is late", NULL), 0);
	desk_called(desk, 2, "POST /control/session/end", "id=4 reason=it is late");
	desk_said(desk, "Session 4 ended.\n");
	assert_int_equal(desk_run(desk, "session", "end", "4", NULL), CLI_USAGE);
	desk_complained(desk, "ID REASON is missing");
}

static void the_trail_is_listed_page_by_page(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = ROWS(ROW(3) "," ROW(4));
	desk->answers[1] = ROWS(ROW(7));
	desk->answers[2] = ROWS();
	assert_int_equal(desk_run(desk, "audit", "list", "--json", NULL), CLI_OK);
	desk_said(desk, "[" ROW(3) "," ROW(4) "," ROW(7) "]\n");
	desk_called(desk, 0, "GET /control/audit/list", "after=0 limit=500");
	desk_called(desk, 1, "GET /control/audit/list", "after=4 limit=500");
	desk_called(desk, 2, "GET /control/audit/list", "after=7 limit=500");
	assert_int_equal(desk->call_count, 3);
}

static void a_part_of_the_trail(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = ROWS(ROW(8) "," ROW(9));
	assert_int_equal(desk_run(desk, "audit", "list", "--after=7", "--limit=2", NULL), CLI_OK);
	desk_called(desk, 0, "GET /control/audit/list", "after=7 limit=2");
	assert_int_equal(desk->call_count, 1);
	assert_non_null(strstr(desk->out, "SEQUENCE  TIME  EVENT       ACTOR"));
	assert_non_null(strstr(desk->out, "\n9         T     user.added"));
	desk->call_count = 0;
	assert_int_equal(desk_run(desk, "audit", "list", "--limit=0", "--json", NULL), CLI_OK);
	desk_said(desk, "[]\n");
	assert_int_equal(desk->call_count, 0);
}

static void numbers_are_numbers(void **state)
{
	static const char *const bad[] = { "--limit=", "--limit=x", "--limit=5x", "--limit=-1",
		"--after=one" };
	struct desk *desk = *state;

	desk_gateway(desk);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(desk_run(desk, "audit", "list", bad[i], NULL), CLI_USAGE);
		desk_complained(desk, " takes a number\nusage: sallyport audit list");
	}
	assert_int_equal(desk->call_count, 0);
}

/* Half a trail is none: a failure on the way prints nothing that looks whole. */
static void a_failure_on_the_way_is_one(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = ROWS(ROW(3));
	desk->answers[1] = REFUSED;
	assert_int_equal(desk_run(desk, "audit", "list", "--json", NULL), CLI_FAILED);
	desk_said(desk, "");
	desk_complained(desk, "Enough");
}

static void follows_from_the_end(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = ROWS(ROW(5)); /* was there before: not shown */
	desk->answers[1] = ROWS();
	desk->answers[2] = ROWS("{\"sequence\":6,\"at\":\"T\",\"event\":\"e\",\"actor\":\"a\\nb\","
				"\"from\":null,\"detail\":{\"x\":1}}");
	desk->answers[3] = ROWS();
	desk->answers[4] = REFUSED;
	assert_int_equal(desk_run(desk, "audit", "follow", NULL), CLI_FAILED);
	desk_called(desk, 2, "GET /control/audit/list", "after=5 limit=500");
	desk_called(desk, 4, "GET /control/audit/list", "after=6 limit=500");
	desk_said(desk, "T e a\\x0ab null - - {\"x\":1}\n");

	desk->call_count = 0;
	desk->answers[2] = ROWS(ROW(6));
	assert_int_equal(desk_run(desk, "--json", "audit", "follow", NULL), CLI_FAILED);
	desk_said(desk, ROW(6) "\n");
}

static int follow_until_interrupted(void *context)
{
	char *words[] = { "sallyport", "audit", "follow", NULL };
	pid_t self = getpid();

	if (fork() == 0) {
		nanosleep(&(struct timespec){ 0, 700000000 }, NULL);
		kill(self, SIGINT);
		_exit(0);
	}
	return tested_main(3, words);
}

static void follows_until_interrupted(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = ROWS();
	assert_int_equal(desk_fork(desk, follow_until_interrupted, NULL), CLI_OK);
	assert_true(desk->call_count >= 2);
	assert_string_equal(desk->error, "");
}

static void nothing_to_follow_without_a_gateway(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, "audit", "follow", NULL), CLI_FAILED);
	assert_string_equal(
		desk->error, "sallyport: the gateway is not running: there is nothing to follow\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(session_commands_ask_their_endpoints),
		DESK_CASE(the_trail_is_listed_page_by_page),
		DESK_CASE(a_part_of_the_trail),
		DESK_CASE(numbers_are_numbers),
		DESK_CASE(a_failure_on_the_way_is_one),
		DESK_CASE(follows_from_the_end),
		DESK_CASE(follows_until_interrupted),
		DESK_CASE(nothing_to_follow_without_a_gateway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
