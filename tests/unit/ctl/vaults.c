/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <stdlib.h>

#include "ctl/vaults.c"

#define STATUS(vault) "{\"response\":{},\"status\":{\"vault\":{" vault "}}}"
#define SEALED(wants) STATUS("\"sealed\":true,\"source\":\"x\",\"wants\":\"" wants "\"")
#define ROTATED "{\"response\":{},\"vault\":{\"key_version\":4,\"left\":100}}"
#define GOING(left, stuck)                                                                         \
	STATUS("\"sealed\":false,\"rotation\":{\"going\":true,\"left\":" left ",\"stuck\":" stuck  \
	       "}")
#define DONE STATUS("\"sealed\":false,\"rotation\":{\"going\":false,\"left\":0,\"stuck\":0}")
#define OPEN(source, wants)                                                                        \
	STATUS("\"sealed\":false,\"source\":\"" source "\",\"wants\":\"" wants "\"")
#define OPENED "{\"response\":{},\"vault\":{\"sealed\":false,\"key_version\":3}}"

static void unseal_brings_what_is_wanted(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = SEALED("passphrase");
	desk->answers[1] = OPENED;
	desk->input = "correct horse";
	assert_int_equal(desk_run(desk, "unseal", NULL), CLI_OK);
	desk_called(desk, 0, "GET /control/status", "");
	desk_called(desk, 1, "POST /control/vault/unseal", "");
	assert_string_equal(desk->calls[1].secret, "correct horse");
	desk_said(desk, "The vault is open, root key version 3.\n");

	desk->call_count = 0;
	desk->answers[0] = SEALED("pin");
	desk->terminal = true;
	desk->typed[0] = "4321\n";
	assert_int_equal(desk_run(desk, "unseal", "--json", NULL), CLI_OK);
	assert_string_equal(desk->calls[1].secret, "4321");
	assert_string_equal(desk->error, "PIN of the token: \n");
	desk_said(desk, "{\"sealed\":false,\"key_version\":3}\n");

	desk->call_count = 0;
	desk->answers[0] = SEALED("nothing");
	assert_int_equal(desk_run(desk, "unseal", NULL), CLI_OK);
	assert_int_equal(desk->calls[1].fd_count, 0);
}

static void unseal_has_nothing_to_do(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, "unseal", NULL), CLI_FAILED);
	desk_complained(desk, "the gateway is not running");
	desk_gateway(desk);
	desk->answers[0] = OPEN("passphrase", "passphrase");
	assert_int_equal(desk_run(desk, "unseal", NULL), CLI_FAILED);
	desk_complained(desk, "the vault is open already");
	assert_int_equal(desk->call_count, 1);
}

static void what_the_vault_says_is_passed_on(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = SEALED("passphrase");
	desk->answers[1] =
		"{\"response\":{\"error\":true,\"message\":\"The passphrase is wrong\"}}";
	desk->input = "wrong";
	assert_int_equal(desk_run(desk, "unseal", NULL), CLI_FAILED);
	desk_complained(desk, "The passphrase is wrong");
}

static void seal(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{},\"vault\":{\"sealed\":true,\"sessions_ended\":0}}";
	assert_int_equal(desk_run(desk, "seal", NULL), CLI_OK);
	desk_called(desk, 0, "POST /control/vault/seal", "");
	desk_said(desk, "The vault is sealed.\n");
	assert_int_equal(desk_run(desk, "seal", "--end-sessions", NULL), CLI_OK);
	desk_called(desk, 1, "POST /control/vault/seal", "end_sessions=true");
}

static void rotation_is_waited_for(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = OPEN("root-key", "nothing");
	desk->answers[1] = ROTATED;
	desk->answers[2] = GOING("100", "0");
	desk->answers[3] = GOING("100", "0");
	desk->answers[4] = GOING("7", "0");
	desk->answers[5] = DONE;
	assert_int_equal(desk_run(desk, "vault", "rotate", NULL), CLI_OK);
	assert_int_equal(desk->call_count, 6);
	desk_called(desk, 1, "POST /control/vault/rotate", "");
	assert_int_equal(desk->calls[1].fd_count, 0);
	assert_string_equal(desk->error, "100 secrets are still under older keys\n"
					 "7 secrets are still under older keys\n");
	desk_said(desk, "Root key version 4; every secret is under it and the older ones are "
			"erased.\n");
	desk->call_count = 0;
	assert_int_equal(desk_run(desk, "vault", "rotate", "--no-wait", "--json", NULL), CLI_OK);
	assert_int_equal(desk->call_count, 2);
	desk_said(desk, "{\"key_version\":4,\"left\":100}\n");
}

static void rotation_that_cannot_end(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = OPEN("root-key", "nothing");
	desk->answers[1] = ROTATED;
	desk->answers[2] = GOING("5", "2");
	desk->answers[3] = GOING("2", "2");
	assert_int_equal(desk_run(desk, "vault", "rotate", NULL), CLI_FAILED);
	desk_complained(desk, "2 secrets cannot be opened; the old keys are kept for them");
	assert_int_equal(desk->call_count, 4);
}

static void rotation_brings_what_its_source_wants(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = OPEN("pkcs11", "pin");
	desk->answers[1] = ROTATED;
	desk->answers[2] = DONE;
	desk->input = "4321";
	assert_int_equal(desk_run(desk, "vault", "rotate", NULL), CLI_OK);
	assert_string_equal(desk->calls[1].secret, "4321");

	desk->call_count = 0;
	desk->answers[0] = OPEN("passphrase", "passphrase");
	assert_int_equal(desk_run(desk, "vault", "rotate", NULL), CLI_OK);
	assert_int_equal(desk->calls[1].fd_count, 0); /* it stays what it is */

	desk->call_count = 0;
	desk->terminal = true;
	desk->typed[0] = desk->typed[1] = "another horse\n";
	assert_int_equal(desk_run(desk, "vault", "rotate", "--new-passphrase", NULL), CLI_OK);
	assert_string_equal(desk->calls[1].secret, "another horse");
	assert_string_equal(desk->error, "New passphrase: \nOnce more: \n");

	desk->call_count = 0;
	desk->answers[0] = OPEN("root-key", "nothing");
	assert_int_equal(desk_run(desk, "vault", "rotate", "--new-passphrase", NULL), CLI_FAILED);
	desk_complained(desk, "this vault is not opened by a passphrase");
	assert_int_equal(desk->call_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(unseal_brings_what_is_wanted),
		DESK_CASE(unseal_has_nothing_to_do),
		DESK_CASE(what_the_vault_says_is_passed_on),
		DESK_CASE(seal),
		DESK_CASE(rotation_is_waited_for),
		DESK_CASE(rotation_that_cannot_end),
		DESK_CASE(rotation_brings_what_its_source_wants),
	};

	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
