/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <stdio.h>

#define RELOAD_MS 3000
#include "ctl/reload.c"

#define BEGUN(generation)                                                                          \
	"{\"response\":{},\"reload\":{\"generation\":" #generation ",\"ends_sessions\":false}}"
#define STATUS(generation, state, words)                                                           \
	"{\"response\":{},\"status\":{\"generation\":" #generation                                 \
	",\"reload\":{\"state\":\"" state "\",\"detail\":\"" words "\"}}}"

static void waits_until_the_new_one_serves(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = BEGUN(4);
	desk->answers[1] = STATUS(3, "under_way", "");
	desk->answers[2] = STATUS(3, "under_way", "");
	desk->answers[3] = STATUS(4, "done", "");
	assert_int_equal(desk_run(desk, "reload", NULL), CLI_OK);
	desk_called(desk, 0, "POST /control/gateway/reload", "");
	desk_called(desk, 1, "GET /control/status", "");
	assert_int_equal(desk->call_count, 4);
	assert_true(desk->connections >= 4); /* each question to whoever serves then */
	desk_said(desk, "Generation 4 serves.\n");
}

static void for_scripts(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = BEGUN(2);
	desk->answers[1] = STATUS(2, "done", "");
	assert_int_equal(desk_run(desk, "reload", "--force", "--json", NULL), CLI_OK);
	desk_called(desk, 0, "POST /control/gateway/reload", "force=true");
	desk_said(desk, "{\"generation\":2,\"ends_sessions\":false}\n");
}

/* Somebody else's later reload is no failure of ours. */
static void a_later_generation_will_do(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = BEGUN(2);
	desk->answers[1] = STATUS(3, "done", "");
	assert_int_equal(desk_run(desk, "reload", NULL), CLI_OK);
}

static void what_is_refused_is_said(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{\"error\":true,\"code\":\"RELOAD_REFUSED\",\"message\":"
			   "\"sallyport.conf: line 3: unknown setting\"}}";
	assert_int_equal(desk_run(desk, "reload", NULL), CLI_FAILED);
	desk_complained(desk, "line 3: unknown setting");
	assert_int_equal(desk->call_count, 1);
	desk_said(desk, "");
}

static void what_fails_later_is_said(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = BEGUN(2);
	desk->answers[1] = STATUS(1, "under_way", "");
	desk->answers[2] = STATUS(1, "failed", "sallyport-vault is not ready in time");
	assert_int_equal(desk_run(desk, "reload", NULL), CLI_FAILED);
	desk_complained(desk, "the old generation goes on: sallyport-vault is not ready in time");
}

static void does_not_wait_for_ever(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = BEGUN(2);
	desk->answers[1] = STATUS(1, "under_way", "");
	assert_int_equal(desk_run(desk, "reload", NULL), CLI_FAILED);
	desk_complained(desk, "generation 2 does not serve yet");
}

/* The broker that was asked goes in that moment: the next one is asked. */
static void an_answer_that_does_not_come_is_no_end(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = BEGUN(2);
	desk->answers[1] = "{";
	desk->answers[2] = STATUS(2, "done", "");
	assert_int_equal(desk_run(desk, "reload", NULL), CLI_OK);
	assert_int_equal(desk->call_count, 3);
}

static void there_must_be_a_gateway(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, "reload", NULL), CLI_FAILED);
	desk_complained(desk, "is not running");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(waits_until_the_new_one_serves),
		DESK_CASE(for_scripts),
		DESK_CASE(a_later_generation_will_do),
		DESK_CASE(what_is_refused_is_said),
		DESK_CASE(what_fails_later_is_said),
		DESK_CASE(does_not_wait_for_ever),
		DESK_CASE(an_answer_that_does_not_come_is_no_end),
		DESK_CASE(there_must_be_a_gateway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
