/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "ctl/targets.c"

#define PRINT "SHA256:abcdef"

static void device_commands_ask_their_endpoints(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	assert_int_equal(desk_run(desk, "device", "add", "db1", "--ip=192.0.2.7", "--any-port",
				 "--connectivity", "SSH:22", "--domain=lab", NULL),
		CLI_OK);
	desk_called(desk, 0, "POST /control/device/add",
		"hostname=db1 ip=192.0.2.7 any_port=true connectivity=SSH:22 domain=lab");
	desk_said(desk, "Device db1 added. Pin its host key with: sallyport device trust\n");
	desk->answers[1] = "{\"response\":{},\"devices\":[{\"id\":\"1\",\"hostname\":\"db1\","
			   "\"ip\":\"192.0.2.7\",\"connectivity\":\"SSH:22\"}]}";
	assert_int_equal(desk_run(desk, "device", "list", NULL), CLI_OK);
	desk_called(desk, 1, "GET /control/device/list", "");
	assert_non_null(strstr(desk->out, "1   db1       192.0.2.7  SSH:22"));
	assert_int_equal(desk_run(desk, "device", "add", "db1", "--ip=192.0.2.7", NULL), CLI_USAGE);
	desk_complained(desk, "--connectivity is missing");
}

static const char shown[] = "{\"response\":{},\"key\":{\"algorithm\":\"ssh-ed25519\","
			    "\"fingerprint\":\"" PRINT "\",\"pinned\":\"\"}}";

/* What was shown is what is pinned: the second call names it. */
static void pins_what_was_shown(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = shown;
	desk->answers[1] = "{\"response\":{\"message\":\"pinned\"}}";
	desk->input = "y\n";
	assert_int_equal(desk_run(desk, "device", "trust", "db1", NULL), CLI_OK);
	desk_called(desk, 0, "POST /control/device/trust", "hostname=db1");
	desk_called(desk, 1, "POST /control/device/pin",
		"hostname=db1 algorithm=ssh-ed25519 fingerprint=" PRINT);
	assert_string_equal(desk->error,
		"db1 shows ssh-ed25519 " PRINT "\n"
		"Compare it with the key on the device itself. Pin it? [y/N] ");
	desk_said(desk, "Pinned ssh-ed25519 " PRINT " for db1.\n");
}

static void pins_without_asking_when_told(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = shown;
	assert_int_equal(
		desk_run(desk, "--json", "device", "trust", "db1", "--yes", "--protocol=SSH", NULL),
		CLI_OK);
	assert_string_equal(desk->error, "");
	desk_called(desk, 1, "POST /control/device/pin",
		"hostname=db1 protocol=SSH algorithm=ssh-ed25519 fingerprint=" PRINT);
	desk_said(desk,
		"{\"algorithm\":\"ssh-ed25519\",\"fingerprint\":\"" PRINT "\",\"pinned\":\"\"}\n");
}

static void pins_nothing_without_a_yes(void **state)
{
	static const char *const answers[] = { "", "\n", "n\n", "no\n", "N\n", "j\n", " y\n" };
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = shown;
	for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
		desk->call_count = 0;
		desk->input = answers[i];
		assert_int_equal(desk_run(desk, "device", "trust", "db1", NULL), CLI_FAILED);
		assert_int_equal(desk->call_count, 1);
		desk_complained(desk, "sallyport: not pinned\n");
	}
}

static void a_changed_key_is_said_loudly(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"key\":{\"algorithm\":\"ssh\\u001b[2Jrsa\","
			   "\"fingerprint\":\"SHA256:new\",\"pinned\":\"SHA256:old\"}}";
	assert_int_equal(desk_run(desk, "device", "trust", "db1", NULL), CLI_FAILED);
	desk_complained(desk, "This is NOT the key pinned before: SHA256:old\n");
	/* The algorithm's name is the target's own word. */
	desk_complained(desk, "db1 shows ssh\\x1b[2Jrsa SHA256:new\n");
	assert_null(strchr(desk->error, '\033'));
	desk->answers[0] = "{\"response\":{},\"key\":{\"algorithm\":\"a\",\"fingerprint\":"
			   "\"SHA256:same\",\"pinned\":\"SHA256:same\"}}";
	assert_int_equal(desk_run(desk, "device", "trust", "db1", NULL), CLI_FAILED);
	assert_null(strstr(desk->error, "NOT"));
}

static void a_refused_pin_is_a_failure(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = shown;
	desk->answers[1] = "{\"response\":{\"error\":true,\"message\":\"It shows another now\"}}";
	assert_int_equal(desk_run(desk, "device", "trust", "db1", "--yes", NULL), CLI_FAILED);
	desk_said(desk, "");
	desk_complained(desk, "It shows another now");
	desk->answers[0] = "{\"response\":{\"error\":true,\"message\":\"Cannot reach it\"}}";
	desk->call_count = 0;
	assert_int_equal(desk_run(desk, "device", "trust", "db1", "--yes", NULL), CLI_FAILED);
	assert_int_equal(desk->call_count, 1);
}

#define ACCOUNT "--device=db1", "--username=root"

static void passwords_come_on_standard_input(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->input = "s3cret\n";
	assert_int_equal(
		desk_run(desk, "credential", "add", ACCOUNT, "--password-stdin", NULL), CLI_OK);
	desk_called(
		desk, 0, "POST /control/credential/add", "device=db1 username=root kind=password");
	assert_string_equal(desk->calls[0].secret, "s3cret\n"); /* unread by this program */
	assert_int_equal(desk->calls[0].fd_count, 1);
	desk_said(desk, "Credential added.\n");
	assert_int_equal(desk_run(desk, "credential", "replace", ACCOUNT, "--password-stdin",
				 "--domain=lab", NULL),
		CLI_OK);
	desk_called(desk, 1, "POST /control/credential/replace",
		"device=db1 username=root domain=lab kind=password");
	desk_said(desk, "Credential replaced.\n");
}

static void keys_come_from_files(void **state)
{
	struct desk *desk = *state;
	char option[128];

	desk_gateway(desk);
	desk_file(desk, "id_ed25519", "a private key");
	snprintf(option, sizeof option, "--ssh-key-file=%s/id_ed25519", desk->directory);
	assert_int_equal(desk_run(desk, "credential", "add", ACCOUNT, option, NULL), CLI_OK);
	desk_called(
		desk, 0, "POST /control/credential/add", "device=db1 username=root kind=ssh_key");
	assert_string_equal(desk->calls[0].secret, "a private key");
	assert_int_equal(
		desk_run(desk, "credential", "add", ACCOUNT, "--ssh-key-file=/nonesuch", NULL),
		CLI_FAILED);
	assert_string_equal(desk->error, "sallyport: /nonesuch: No such file or directory\n");
	assert_int_equal(desk->call_count, 1);
}

static void one_secret_and_never_typed(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	assert_int_equal(desk_run(desk, "credential", "add", ACCOUNT, NULL), CLI_USAGE);
	desk_complained(desk, "give either --password-stdin or --ssh-key-file");
	assert_int_equal(desk_run(desk, "credential", "add", ACCOUNT, "--password-stdin",
				 "--ssh-key-file=x", NULL),
		CLI_USAGE);
	desk_complained(desk, "give either --password-stdin or --ssh-key-file");
	desk->terminal = true;
	assert_int_equal(
		desk_run(desk, "credential", "add", ACCOUNT, "--password-stdin", NULL), CLI_USAGE);
	desk_complained(desk, "the password is read from standard input, not from the terminal");
	assert_int_equal(desk->call_count, 0);
}

static void a_child_has_no_secret_and_settings_are_edited(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	assert_int_equal(
		desk_run(desk, "credential", "add", ACCOUNT, "--parent=a@b", NULL), CLI_OK);
	desk_called(desk, 0, "POST /control/credential/add",
		"device=db1 username=root parent=a@b kind=password");
	assert_int_equal(desk->calls[0].fd_count, 0);
	assert_int_equal(desk_run(desk, "credential", "add", ACCOUNT, "--parent=a@b",
				 "--password-stdin", NULL),
		CLI_USAGE);
	desk_complained(desk, "a child has its parent's secret");
	assert_int_equal(desk_run(desk, "credential", "add", ACCOUNT, "--parent=a@b",
				 "--ssh-key-file=x", NULL),
		CLI_USAGE);
	assert_int_equal(desk_run(desk, "credential", "edit", ACCOUNT, "--connect-as=a@b",
				 "--protocols=SSH", "--policy=one", NULL),
		CLI_OK);
	desk_called(desk, 1, "POST /control/credential/edit",
		"device=db1 username=root login=a@b protocols=SSH policy=one");
	desk_said(desk, "Credential edited.\n");
}

static void accounts_are_withdrawn_and_given_back(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	assert_int_equal(desk_run(desk, "credential", "disable", ACCOUNT, NULL), CLI_OK);
	desk_called(desk, 0, "POST /control/credential/disable", "device=db1 username=root");
	desk_said(desk, "Credential disabled.\n");
	assert_int_equal(desk_run(desk, "credential", "enable", ACCOUNT, NULL), CLI_OK);
	desk_called(desk, 1, "POST /control/credential/enable", "device=db1 username=root");
	desk->answers[2] = "{\"response\":{},\"credentials\":[{\"id\":\"5\",\"username\":\"root\","
			   "\"device\":\"db1\",\"kind\":\"password\",\"version\":2}]}";
	assert_int_equal(desk_run(desk, "credential", "list", NULL), CLI_OK);
	desk_called(desk, 2, "GET /control/credential/list", "");
	assert_non_null(strstr(desk->out, "5   root      db1     password  2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(device_commands_ask_their_endpoints),
		DESK_CASE(pins_what_was_shown),
		DESK_CASE(pins_without_asking_when_told),
		DESK_CASE(pins_nothing_without_a_yes),
		DESK_CASE(a_changed_key_is_said_loudly),
		DESK_CASE(a_refused_pin_is_a_failure),
		DESK_CASE(passwords_come_on_standard_input),
		DESK_CASE(keys_come_from_files),
		DESK_CASE(one_secret_and_never_typed),
		DESK_CASE(a_child_has_no_secret_and_settings_are_edited),
		DESK_CASE(accounts_are_withdrawn_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
