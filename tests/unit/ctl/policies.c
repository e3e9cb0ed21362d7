/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "ctl/policies.c"

static void each_command_asks_its_endpoint(void **state)
{
	static const struct {
		char *words[8];
		const char *call, *params, *said;
	} table[] = {
		{ { "policy", "add", "office", "--hours", "08:00-18:00", "--zone=UTC" },
			"POST /control/policy/add",
			"name=office hours=08:00-18:00 zone=UTC zone_rule=UTC0",
			"Policy office added.\n" },
		{ { "policy", "add", "one", "--simultaneous-sessions=no" },
			"POST /control/policy/add", "name=one simultaneous_sessions=no",
			"Policy one added.\n" },
		{ { "policy", "edit", "office", "--priority", "7", "--username-mask=adm*" },
			"POST /control/policy/edit", "name=office priority=7 username_mask=adm*",
			"Policy office edited.\n" },
		{ { "policy", "assign", "office", "--credential=root@db1", "--credential=a@b" },
			"POST /control/policy/assign",
			"name=office credentials.0=root@db1 credentials.1=a@b",
			"Policy office assigned.\n" },
	};
	struct desk *desk = *state;

	desk_gateway(desk);
	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		char *const *w = table[i].words;
		desk->call_count = 0;
		assert_int_equal(desk_run(desk, w[0], w[1], w[2], w[3], w[4], w[5], NULL), CLI_OK);
		desk_called(desk, 0, table[i].call, table[i].params);
		desk_said(desk, table[i].said);
	}
}

/* What is computed with is the last line of the zone's file: the rule of today. */
static void a_zone_goes_with_its_rule(void **state)
{
	char rule[HOURS_ZONE_SIZE];

	assert_int_equal(zone_rule("Europe/Berlin", rule), 0);
	assert_string_equal(rule, "CET-1CEST,M3.5.0,M10.5.0/3");
	assert_int_equal(zone_rule("Asia/Kathmandu", rule), 0);
	assert_string_equal(rule, "<+0545>-5:45");
	assert_true(zone_rule("Europe/Atlantis", rule) < 0);
	assert_true(zone_rule("../../../etc/passwd", rule) < 0);
	assert_true(zone_rule("/etc/passwd", rule) < 0);
	assert_true(zone_rule("zone.tab", rule) < 0);
	assert_true(zone_rule("Europe", rule) < 0); /* a directory */
	assert_true(zone_rule("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			    rule) < 0);
}

static void an_unknown_zone_is_not_sent(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	assert_int_equal(
		desk_run(desk, "policy", "add", "office", "--zone", "Europe/Atlantis", NULL),
		CLI_FAILED);
	assert_int_equal(desk->call_count, 0);
	assert_string_equal(desk->error, "sallyport: Europe/Atlantis: no such time zone\n");
}

static void the_list_is_a_table(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"policies\":[{\"name\":\"one\",\"priority\":3,"
			   "\"simultaneous_sessions\":false,\"days\":\"all\",\"hours\":\"all\","
			   "\"zone\":\"UTC\",\"username_mask\":\"adm*\",\"device_mask\":null}]}";
	assert_int_equal(desk_run(desk, "policy", "list", NULL), CLI_OK);
	desk_called(desk, 0, "GET /control/policy/list", "");
	desk_said(desk, "NAME  PRIORITY  SESSIONS  DAYS  HOURS  ZONE  USERNAMES  DEVICES\n"
			"one   3         no        all   all    UTC   adm*       \n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(each_command_asks_its_endpoint),
		DESK_CASE(a_zone_goes_with_its_rule),
		DESK_CASE(an_unknown_zone_is_not_sent),
		DESK_CASE(the_list_is_a_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
