/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include "ctl/commands.h"
#include "ctl/evidence.c"

static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MCowBQYDK2VwAyEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
			  "-----END PUBLIC KEY-----\n";

struct asked {
	struct desk *desk;
	const char *certificate, *witness;
	int want;
};

static int ask(void *context)
{
	const struct asked *asked = context;
	char *arguments[4];
	struct cli cli = {
		.data = asked->desk->directory, .command = &command_audit_verify, .argv = arguments
	};
	uint8_t key[32] = { 0 };
	int fd = -1;

	if (asked->certificate != NULL) {
		arguments[cli.argc++] = (char *)"--certificate";
		arguments[cli.argc++] = (char *)asked->certificate;
	}
	if (asked->witness != NULL) {
		arguments[cli.argc++] = (char *)"--witness";
		arguments[cli.argc++] = (char *)asked->witness;
	}
	int r = evidence_public_key(&cli, key);
	if (r == CLI_OK && key[0] != 1)
		return 100;
	if (r == CLI_OK)
		r = evidence_open_witness(&cli, &fd);
	if (r == CLI_OK && (fd >= 0) != (asked->witness != NULL))
		return 101;
	return r;
}

static void asks(struct desk *desk, const char *certificate, const char *witness, int status)
{
	struct asked asked = { desk, certificate, witness, status };

	assert_int_equal(desk_fork(desk, ask, &asked), status);
}

static void the_key_is_the_installations(void **state)
{
	struct desk *desk = *state;
	char path[128];

	asks(desk, NULL, NULL, CLI_FAILED);
	desk_complained(desk, "installation.pem: No such file");
	desk_file(desk, "installation.pem", pem);
	asks(desk, NULL, NULL, CLI_OK);
	snprintf(path, sizeof path, "%s/installation.pem", desk->directory);
	asks(desk, path, NULL, CLI_OK);
	asks(desk, "/dev/null", NULL, CLI_FAILED);
	desk_complained(desk, "/dev/null: not an installation's public key");
}

static void the_witness_is_a_file(void **state)
{
	struct desk *desk = *state;

	desk_file(desk, "installation.pem", pem);
	asks(desk, NULL, "/dev/null", CLI_OK);
	asks(desk, NULL, "/nonesuch", CLI_FAILED);
	desk_complained(desk, "/nonesuch: ");
}

struct comparison {
	struct witness_report report;
};

static int compared(void *context)
{
	return evidence_compared(context, "recording");
}

static void nothing_compared_is_said(void **state)
{
	struct desk *desk = *state;
	struct witness_report report = { .heads = 0 };

	assert_int_equal(desk_fork(desk, compared, &report), CLI_FAILED);
	desk_complained(desk, "the witness file has no head of this recording");
	report.heads = 3;
	assert_int_equal(desk_fork(desk, compared, &report), CLI_FAILED);
	desk_complained(desk, "none of the 3 heads in the witness file is of this recording");
	report.agreed = 1;
	assert_int_equal(desk_fork(desk, compared, &report), CLI_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(the_key_is_the_installations),
		DESK_CASE(the_witness_is_a_file),
		DESK_CASE(nothing_compared_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
