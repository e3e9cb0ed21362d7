/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "ctl/gateway.c"

#define STATUS(vault)                                                                              \
	"{\"response\":{},\"status\":{\"tenant\":\"Ca\\u001bsa\",\"public_url\":"                  \
	"\"https://gate.example\",\"vault\":" vault ",\"store\":\"sqlite\",\"live\":1,"            \
	"\"waiting\":2,\"users\":1,\"devices\":3,\"credentials\":4,\"applications\":1}}"

static void status_for_people(void **state)
{
	struct desk *desk = *state;
	char said[1024];

	desk_gateway(desk);
	desk->answers[0] = STATUS("{\"reachable\":true,\"sealed\":false,\"key_version\":3}");
	assert_int_equal(desk_run(desk, "status", NULL), CLI_OK);
	desk_called(desk, 0, "GET /control/status", "");
	snprintf(said, sizeof said,
		"Sallyport %s, tenant Ca\\x1bsa\n"
		"  gateway     running, https://gate.example\n"
		"  vault       open, root key version 3\n"
		"  store       sqlite\n"
		"  sessions    1 live, 2 waiting to be opened\n"
		"  registered  1 user, 3 devices, 4 credentials, 1 application\n"
		"  data        %s\n",
		gateway_version, desk->directory);
	desk_said(desk, said);
}

static void status_of_a_vault(void **state)
{
	static const char *const rows[][2] = {
		{ STATUS("{\"reachable\":false,\"sealed\":true}"), "does not answer" },
		{ STATUS("{\"reachable\":true,\"sealed\":true,\"reason\":\"It waits\"}"),
			"sealed: It waits; run: sallyport unseal" },
		{ STATUS("{\"reachable\":true,\"sealed\":false,\"key_version\":3,\"rotation\":"
			 "{\"going\":true,\"left\":12,\"stuck\":0}}"),
			"open, root key version 3, 12 secrets still under older ones" },
		{ STATUS("{\"reachable\":true,\"sealed\":false,\"key_version\":3,\"rotation\":"
			 "{\"going\":true,\"left\":2,\"stuck\":1}}"),
			"open, root key version 3, 2 secrets still under older ones, of which 1 "
			"cannot be opened" },
	};
	struct desk *desk = *state;
	char line[256];

	desk_gateway(desk);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		desk->answers[0] = rows[i][0];
		desk->call_count = 0;
		assert_int_equal(desk_run(desk, "status", NULL), CLI_OK);
		snprintf(line, sizeof line, "  vault       %s\n  store", rows[i][1]);
		assert_non_null(strstr(desk->out, line));
	}
}

static void status_for_scripts(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"status\":{\"tenant\":\"T\"}}";
	assert_int_equal(desk_run(desk, "status", "--json", NULL), CLI_OK);
	desk_said(desk, "{\"tenant\":\"T\",\"running\":true}\n");
	desk->answers[0] = "{\"response\":{\"error\":true,\"message\":\"No\"}}";
	assert_int_equal(desk_run(desk, "status", "--json", NULL), CLI_FAILED);
	desk_said(desk, "");
}

static void settings_are_a_table(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"settings\":[{\"name\":\"ticket.lifetime\","
			   "\"value\":30,\"default\":30,\"range\":\"5 to 300\"}]}";
	assert_int_equal(desk_run(desk, "settings", NULL), CLI_OK);
	desk_called(desk, 0, "GET /control/settings", "");
	assert_non_null(strstr(desk->out, "ticket.lifetime  30     30       5 to 300"));
}

/* The supervisor takes this process's place; what it says proves what it was told. */
static void serve_becomes_the_supervisor(void **state)
{
	struct desk *desk = *state;
	char path[128], store[800] = "--store=";

	assert_int_equal(desk_run(desk, "serve", "--data", "/nonesuch/data", NULL), 1);
	assert_string_equal(desk->error, "sallyport: /nonesuch/data: no such directory; make one "
					 "with: sallyport init\n");
	static const char *const directories[] = { "vault", "store", "recordings", "tls" };
	for (unsigned i = 0; i < ARRAY_LEN(directories); i++) {
		snprintf(path, sizeof path, "%s/%s", desk->directory, directories[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	desk_file(desk, "sallyport.conf", "");
	desk_file(desk, "tls/cert.pem", "");
	desk_file(desk, "tls/key.pem", "");
	assert_int_equal(desk_run(desk, "serve", "--listen", "somewhere", NULL), 1);
	desk_complained(desk, "sallyport: somewhere: not an address:port");
	memset(store + 8, 's', sizeof store - 9);
	assert_int_equal(desk_run(desk, "serve", store, "--listen=127.0.0.1:0", NULL), 1);
	desk_complained(desk, "sallyport: gateway.store: gateway.store must be");
	assert_int_equal(desk_run(desk, "serve", "--offline", NULL), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(status_for_people),
		DESK_CASE(status_of_a_vault),
		DESK_CASE(status_for_scripts),
		DESK_CASE(settings_are_a_table),
		DESK_CASE(serve_becomes_the_supervisor),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* of the supervisor that is started */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
