/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <fcntl.h>
#include <unistd.h>

#define main tested_main
#include "ctl/cli.c"
#undef main

static const struct command sample = {
	.words = "thing make",
	.takes = "NAME [WHY]",
	.sentence = "Make a thing",
	.params = (const char *const[]){ "name", "why", NULL },
	.options = (const struct option_row[]){ { "colour", "colour", OPTION_TEXT, "WORD",
							"of the thing", true },
		{ "tag", "tags", OPTION_LIST, "TAG", "may be repeated" },
		{ "own", NULL, OPTION_TEXT, "X", "read by the command itself" },
		{ "fast", "fast", OPTION_FLAG, NULL, "a flag" }, { 0 } },
};
static const char usage[] = "usage: sallyport thing make NAME [WHY] --colour WORD [--tag TAG].. "
			    "[--own X] [--fast]\n";

/* cli_take() on the words; its params as "name=value ..". */
static int take(struct desk *desk, struct cli *cli, char **argv, char said[512])
{
	struct param param;

	buf_finish(&cli->params);
	*cli = (struct cli){ .command = &sample, .params = BUF(MESSAGE_MAX - 8192) };
	while (argv[cli->argc] != NULL)
		cli->argc++;
	cli->argv = argv;
	desk_capture(desk);
	int r = cli_take(cli);
	desk_release(desk);
	said[0] = '\0';
	const uint8_t *at = cli->params.data, *end = at + cli->params.len;
	while (cli->params.len > 0 && params_next(&at, end, &param) == 1) {
		size_t len = strlen(said);
		snprintf(said + len, 512 - len, "%.*s=%.*s;", (int)param.name_len, param.name,
			(int)MIN(param.value_len, 40U), param.value);
	}
	return r;
}

#define WORDS(...) ((char *[]){ __VA_ARGS__, NULL })

static void options_stand_anywhere(void **state)
{
	static char *const table[][8] = {
		{ "n", "--colour", "red" },
		{ "--colour", "red", "n" },
		{ "--colour=red", "n" },
		{ "--colour=red", "--", "n" },
	};
	struct cli cli = { 0 };
	char said[512];

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(take(*state, &cli, (char **)table[i], said), CLI_OK);
		assert_true(strcmp(said, "name=n;colour=red;") == 0 ||
			    strcmp(said, "colour=red;name=n;") == 0);
		assert_string_equal(cli_option(&cli, "colour", 0), "red");
		assert_string_equal(cli_argument(&cli, 0), "n");
		assert_null(cli_argument(&cli, 1));
		assert_null(cli_option(&cli, "fast", 0));
	}
	buf_finish(&cli.params);
}

static void values_are_taken_as_they_are(void **state)
{
	struct cli cli = { 0 };
	char said[512];

	assert_int_equal(
		take(*state, &cli, WORDS("--colour==--fast", "--own", "--tag", "n"), said), CLI_OK);
	assert_string_equal(said, "colour==--fast;name=n;");
	assert_string_equal(cli_option(&cli, "own", 0), "--tag");
	assert_int_equal(take(*state, &cli, WORDS("--colour=", "n"), said), CLI_OK);
	assert_string_equal(said, "colour=;name=n;");
	/* After "--" nothing is an option. */
	assert_int_equal(
		take(*state, &cli, WORDS("--colour=x", "--", "--fast", "--tag"), said), CLI_OK);
	assert_string_equal(said, "colour=x;name=--fast;why=--tag;");
	assert_null(cli_option(&cli, "fast", 0));
	/* One dash is a word: a file may be called so. */
	assert_int_equal(take(*state, &cli, WORDS("--colour=x", "-", "-v"), said), CLI_OK);
	assert_string_equal(said, "colour=x;name=-;why=-v;");
	buf_finish(&cli.params);
}

static void lists_are_numbered(void **state)
{
	struct cli cli = { 0 };
	char said[512];

	assert_int_equal(
		take(*state, &cli,
			WORDS("--tag", "a", "n", "--tag=b", "--colour=c", "--fast", "--tag", "c"),
			said),
		CLI_OK);
	assert_string_equal(said, "tags.0=a;name=n;tags.1=b;colour=c;fast=true;tags.2=c;");
	assert_string_equal(cli_option(&cli, "tag", 1), "b");
	assert_string_equal(cli_option(&cli, "tag", 2), "c");
	assert_null(cli_option(&cli, "tag", 3));
	buf_finish(&cli.params);
}

static void mistakes_are_told_with_the_usage(void **state)
{
	static const struct {
		char *const words[8];
		const char *complaint;
	} table[] = {
		{ { "--colour=c" }, "NAME [WHY] is missing" },
		{ { "n" }, "--colour is missing" },
		{ { "n", "--colour" }, "--colour needs a value" },
		{ { "n", "--color=c" }, "unknown option --color=c" },
		{ { "n", "--col=c" }, "unknown option --col=c" },
		{ { "n", "--colours=c" }, "unknown option --colours=c" },
		{ { "n", "--=c" }, "unknown option --=c" },
		{ { "n", "--colour=c", "--colour=c" }, "--colour is given twice" },
		{ { "n", "--colour=c", "--fast", "--fast" }, "--fast is given twice" },
		{ { "n", "--colour=c", "--fast=yes" }, "--fast takes no value" },
		{ { "n", "w", "x", "--colour=c" }, "too many arguments" },
		{ { "n", "--colour=c", "--b\033[2J" }, "unknown option --b\\x1b[2J" },
	};
	struct desk *desk = *state;
	struct cli cli = { 0 };
	char said[512], error[1024];

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(take(desk, &cli, (char **)table[i].words, said), CLI_USAGE);
		snprintf(error, sizeof error, "sallyport: %s\n%s", table[i].complaint, usage);
		assert_string_equal(desk->error, error);
		assert_string_equal(desk->out, "");
	}
	buf_finish(&cli.params);
}

static void too_much_is_refused(void **state)
{
	struct desk *desk = *state;
	struct cli cli = { 0 };
	char *words[64] = { "n", "--colour=c" };
	char said[512];
	char *far = malloc(PARAM_VALUE_MAX + 2);

	memset(far, 'x', PARAM_VALUE_MAX + 1);
	far[PARAM_VALUE_MAX + 1] = '\0';
	assert_int_equal(take(desk, &cli, WORDS("--colour", far, "n"), said), CLI_USAGE);
	desk_complained(desk, "colour is too long");
	far[PARAM_VALUE_MAX] = '\0';
	assert_int_equal(take(desk, &cli, WORDS("--colour", far, "n"), said), CLI_OK);
	assert_int_equal(take(desk, &cli, WORDS("--colour", far, far), said), CLI_USAGE);
	desk_complained(desk, "name is too long"); /* together they are no message any more */
	free(far);

	for (unsigned i = 0; i < 33; i++)
		words[2 + i] = "--tag=x";
	assert_int_equal(take(desk, &cli, words, said), CLI_USAGE);
	desk_complained(desk, "too many options");
	for (unsigned i = 0; i < 33; i++)
		words[2 + i] = "x";
	assert_int_equal(take(desk, &cli, words, said), CLI_USAGE);
	desk_complained(desk, "too many arguments");
	buf_finish(&cli.params);
}

static void counts_what_a_command_takes(void **state)
{
	static const struct {
		const char *takes;
		unsigned least, most;
	} table[] = { { "", 0, 0 }, { "LOGIN", 1, 1 }, { "ID REASON", 2, 2 }, { "[FILE]", 0, 1 },
		{ "ID [X] [Y]", 1, 3 } };
	unsigned least, most;

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		arity(table[i].takes, &least, &most);
		assert_int_equal(least, table[i].least);
		assert_int_equal(most, table[i].most);
	}
}

static void longest_words_win(void **state)
{
	static const struct command one = { .words = "vault" }, two = { .words = "vault rotate" };
	char *words[] = { "vault", "rotate", "x" };

	assert_int_equal(words_match(&one, 3, words), 1);
	assert_int_equal(words_match(&two, 3, words), 2);
	assert_int_equal(words_match(&two, 1, words), 0);
	assert_int_equal(words_match(&two, 2, WORDS("vault", "rot")), 0);
	assert_int_equal(words_match(&one, 1, WORDS("vaults")), 0);

	struct cli cli = { 0 };
	assert_int_equal(find_command(&cli, 3, WORDS("vault", "rotate", "x")), 2);
	assert_string_equal(cli.command->words, "vault rotate");
	assert_int_equal(cli.argc, 1);
	assert_string_equal(cli.argv[0], "x");
	cli.command = NULL;
	assert_int_equal(find_command(&cli, 1, WORDS("vault")), 0);
	assert_null(cli.command);
}

static void global_options_stand_anywhere(void **state)
{
	struct cli cli = { 0 };
	char *words[] = { "user", "--json", "add", "--data", "/here", "ana", "--", "--json",
		"--data=x", NULL };

	assert_int_equal(take_global(&cli, 9, words), 6);
	assert_true(cli.json);
	assert_string_equal(cli.data, "/here");
	assert_string_equal(words[0], "user");
	assert_string_equal(words[1], "add");
	assert_string_equal(words[2], "ana");
	assert_string_equal(words[4], "--json");
	cli = (struct cli){ 0 };
	char *more[] = { "--data=/there", "status", "--data", NULL };
	assert_int_equal(take_global(&cli, 3, more), 2);
	assert_string_equal(cli.data, "/there");
	assert_string_equal(more[1], "--data"); /* without a value: an unknown option later */
}

static void runs_a_command(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"code\":200,\"response\":{\"error\":false},\"user\":{\"id\":\"1\"}}";
	assert_int_equal(desk_run(desk, "user", "--json", "add", "ana", "--name=A", NULL), CLI_OK);
	desk_said(desk, "{\"id\":\"1\"}\n");
	desk_called(desk, 0, "POST /control/user/add", "login=ana name=A");
	unsetenv("SALLYPORT_DATA");
	assert_int_equal(
		desk_run(desk, "user", "add", "ana", "--data", desk->directory, NULL), CLI_OK);
	desk_said(desk, "User ana added.\n");
	assert_int_equal(desk->call_count, 2);
}

static void explains_itself(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, NULL), CLI_USAGE);
	desk_said(desk, "");
	desk_complained(desk, "usage: sallyport [--data DIR] [--json] COMMAND ..");
	assert_int_equal(desk_run(desk, "help", NULL), CLI_OK);
	for (unsigned i = 0; commands[i] != NULL; i++)
		assert_non_null(strstr(desk->out, commands[i]->sentence));
	assert_int_equal(desk_run(desk, "--help", NULL), CLI_OK);
	assert_non_null(strstr(desk->out, "usage: "));
	assert_int_equal(desk_run(desk, "--version", NULL), CLI_OK);
	desk_said(desk, "sallyport 0.1.0\n");
	assert_int_equal(desk_run(desk, "user", "add", "--help", NULL), CLI_OK);
	assert_non_null(strstr(desk->out, "usage: sallyport user add LOGIN [--name TEXT]\n"));
	assert_non_null(strstr(desk->out, "--name TEXT                  the person's full name\n"));
}

static void unknown_commands_are_usage_errors(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, "user", "remove", "ana", NULL), CLI_USAGE);
	desk_complained(desk, "unknown command: user remove; see: sallyport help\n");
	assert_int_equal(desk_run(desk, "user", NULL), CLI_USAGE);
	desk_complained(desk, "unknown command: user; see");
	assert_int_equal(desk_run(desk, "--data", NULL), CLI_USAGE);
	assert_int_equal(desk_run(desk, "\033[2J", NULL), CLI_USAGE);
	assert_null(strchr(desk->error, '\033'));
	assert_int_equal(desk_run(desk, "user", "add", NULL), CLI_USAGE);
	desk_said(desk, "");
	desk_complained(desk, "LOGIN is missing\nusage: sallyport user add LOGIN");
}

static int help_into_a_full_disk(void *context)
{
	char *words[] = { "sallyport", "manual", "commands", NULL };
	int full = open("/dev/full", O_WRONLY);

	dup2(full, 1);
	return tested_main(3, words);
}

static void lost_output_is_a_failure(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_fork(desk, help_into_a_full_disk, NULL), CLI_FAILED);
	desk_complained(desk, "the output cannot be written");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(options_stand_anywhere),
		DESK_CASE(values_are_taken_as_they_are),
		DESK_CASE(lists_are_numbered),
		DESK_CASE(mistakes_are_told_with_the_usage),
		DESK_CASE(too_much_is_refused),
		cmocka_unit_test(counts_what_a_command_takes),
		cmocka_unit_test(longest_words_win),
		cmocka_unit_test(global_options_stand_anywhere),
		DESK_CASE(runs_a_command),
		DESK_CASE(explains_itself),
		DESK_CASE(unknown_commands_are_usage_errors),
		DESK_CASE(lost_output_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
