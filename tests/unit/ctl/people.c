/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "ctl/people.c"

static void each_command_asks_its_endpoint(void **state)
{
	static const struct {
		char *words[8];
		const char *call, *params, *said;
	} table[] = {
		{ { "user", "add", "ana", "--name", "Ana Sousa" }, "POST /control/user/add",
			"login=ana name=Ana Sousa", "User ana added.\n" },
		{ { "user", "edit", "ana", "--sessions=3" }, "POST /control/user/edit",
			"login=ana sessions=3", "User ana edited.\n" },
		{ { "user", "disable", "ana" }, "POST /control/user/disable", "login=ana",
			"User ana disabled.\n" },
		{ { "user", "enable", "ana" }, "POST /control/user/enable", "login=ana",
			"User ana enabled.\n" },
		{ { "application", "add", "portal", "--auth=oauth1" },
			"POST /control/application/add", "name=portal auth=oauth1",
			"Application portal added.\n" },
		{ { "application", "disable", "portal" }, "POST /control/application/disable",
			"name=portal", "Application portal disabled.\n" },
		{ { "application", "enable", "portal" }, "POST /control/application/enable",
			"name=portal", "Application portal enabled.\n" },
		{ { "authorization", "disable", "7" }, "POST /control/authorization/disable",
			"id=7", "Authorization 7 disabled.\n" },
		{ { "authorization", "edit", "7", "--expires=never" },
			"POST /control/authorization/edit", "id=7 expires=never",
			"Authorization 7 edited.\n" },
		{ { "authorization", "cover", "7", "--credential=root@db1" },
			"POST /control/authorization/cover", "id=7 credentials.0=root@db1",
			"Authorization 7 covers them.\n" },
		{ { "authorization", "uncover", "7", "--credential=root@db1" },
			"POST /control/authorization/uncover", "id=7 credentials.0=root@db1",
			"Authorization 7 does not cover them any more.\n" },
		{ { "authorization", "enable", "7" }, "POST /control/authorization/enable", "id=7",
			"Authorization 7 enabled.\n" },
	};
	struct desk *desk = *state;

	desk_gateway(desk);
	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		char *const *w = table[i].words;
		desk->call_count = 0;
		assert_int_equal(desk_run(desk, w[0], w[1], w[2], w[3], w[4], NULL), CLI_OK);
		desk_called(desk, 0, table[i].call, table[i].params);
		desk_said(desk, table[i].said);
		assert_int_equal(desk->calls[0].fd_count, 0);
	}
}

static void lists_are_tables(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"users\":[{\"id\":\"1\",\"login\":\"ana\",\"name\":"
			   "\"Ana\",\"disabled_at\":null}]}";
	assert_int_equal(desk_run(desk, "user", "list", NULL), CLI_OK);
	desk_called(desk, 0, "GET /control/user/list", "");
	desk_said(desk, "ID  LOGIN  NAME  DISABLED\n1   ana    Ana   \n");
	desk->answers[1] = "{\"response\":{},\"applications\":[{\"id\":\"2\",\"name\":\"p\","
			   "\"auth\":\"oauth2\"}]}";
	assert_int_equal(desk_run(desk, "application", "list", NULL), CLI_OK);
	desk_called(desk, 1, "GET /control/application/list", "");
	desk_said(desk, "ID  NAME  AUTH    DISABLED\n2   p     oauth2  \n");
	desk->answers[2] = "{\"response\":{},\"authorizations\":[{\"id\":\"3\",\"application\":"
			   "\"p\",\"auth\":\"oauth2\",\"resources\":[\"users:r\"]}]}";
	assert_int_equal(desk_run(desk, "authorization", "list", NULL), CLI_OK);
	desk_called(desk, 2, "GET /control/authorization/list", "");
	assert_non_null(strstr(desk->out, "3   p            oauth2  [\"users:r\"]"));
}

static const char *const rights[] = { "--application=portal", "--resource",
	"web-proxy-session:rw" };

static void oauth2_secret_is_in_the_answer(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"authorization\":{\"client_id\":\"c\","
			   "\"client_secret\":\"s\"}}";
	assert_int_equal(desk_run(desk, "authorization", "add", rights[0], rights[1], rights[2],
				 "--credential=root@db1", "--credential=root@db2",
				 "--expires=2027-01-31", "--ip=192.0.2.0/24", "--referer=r", NULL),
		CLI_OK);
	desk_called(desk, 0, "POST /control/authorization/add",
		"application=portal resource=web-proxy-session:rw credentials.0=root@db1 "
		"credentials.1=root@db2 expires=2027-01-31 ip=192.0.2.0/24 referer=r");
	assert_int_equal(desk->calls[0].fd_count, 1); /* where a secret may be written */
	desk_said(desk, "client_id      c\nclient_secret  s\n");
	assert_string_equal(desk->error, "The secret is shown this once.\n");
	assert_int_equal(desk_run(desk, "--json", "authorization", "add", rights[0], rights[1],
				 rights[2], NULL),
		CLI_OK);
	desk_said(desk, "{\"client_id\":\"c\",\"client_secret\":\"s\"}\n");
	assert_string_equal(desk->error, "");
}

/* Past the gateway's processes, through the memory file. */
static void oauth1_secrets_come_by_descriptor(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"authorization\":{\"consumer_key\":\"k\"}}";
	desk->secret_out = "c0ffee\ndecaf\n";
	assert_int_equal(desk_run(desk, "--json", "authorization", "add", rights[0], rights[1],
				 rights[2], NULL),
		CLI_OK);
	desk_said(desk, "{\"consumer_key\":\"k\",\"consumer_secret\":\"c0ffee\","
			"\"token_secret\":\"decaf\"}\n");
}

static void rights_must_be_named(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	assert_int_equal(desk_run(desk, "authorization", "add", rights[0], NULL), CLI_USAGE);
	desk_complained(desk, "--resource is missing");
	assert_int_equal(
		desk_run(desk, "authorization", "add", rights[1], rights[2], NULL), CLI_USAGE);
	desk_complained(desk, "--application is missing");
	assert_int_equal(desk->call_count, 0);
	desk->answers[0] = "{\"response\":{\"error\":true,\"message\":\"No such application\"}}";
	assert_int_equal(
		desk_run(desk, "authorization", "add", rights[0], rights[1], rights[2], NULL),
		CLI_FAILED);
	assert_string_equal(desk->error, "sallyport: No such application\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(each_command_asks_its_endpoint),
		DESK_CASE(lists_are_tables),
		DESK_CASE(oauth2_secret_is_in_the_answer),
		DESK_CASE(oauth1_secrets_come_by_descriptor),
		DESK_CASE(rights_must_be_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
