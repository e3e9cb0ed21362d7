/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/version.h"
#include "wire/params.h"

#define ARGUMENTS_MAX 16

static void usage_line(FILE *out, const struct command *command)
{
	fprintf(out, "sallyport %s%s%s", command->words, command->takes[0] ? " " : "",
		command->takes);
	for (const struct option_row *row = command->options; row != NULL && row->name != NULL;
		row++)
		fprintf(out, " %s--%s%s%s%s%s", row->required ? "" : "[", row->name,
			row->value ? " " : "", row->value ? row->value : "",
			row->required ? "" : "]", row->kind == OPTION_LIST ? ".." : "");
	putc('\n', out);
}

int cli_fail(const char *format, ...)
{
	char words[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	fputs("sallyport: ", stderr);
	show_text(stderr, words);
	putc('\n', stderr);
	return CLI_FAILED;
}

int cli_usage_error(struct cli *cli, const char *format, ...)
{
	char words[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	cli_fail("%s", words);
	if (cli->command != NULL) {
		fputs("usage: ", stderr);
		usage_line(stderr, cli->command);
	}
	return CLI_USAGE;
}

int cli_param(struct cli *cli, const char *name, const char *value)
{
	struct param param = { .place = PLACE_CONTROL,
		.type = PARAM_TEXT,
		.name = name,
		.name_len = (uint16_t)strlen(name),
		.value = value,
		.value_len = (uint32_t)strlen(value) };

	if (strlen(value) > PARAM_VALUE_MAX || params_write(&cli->params, &param) < 0)
		return cli_usage_error(cli, "%s is too long", name);
	return CLI_OK;
}

static const struct option_row *find_option(
	const struct command *command, const char *name, size_t len)
{
	for (const struct option_row *row = command->options; row != NULL && row->name != NULL;
		row++)
		if (strlen(row->name) == len && strncmp(row->name, name, len) == 0)
			return row;
	return NULL;
}

/*
 * Walks the words after the command. Calls back for each option and argument: `row` NULL for an
 * argument. "--" ends the options; "--name=value" and "--name value" are the same.
 */
static int walk(struct cli *cli,
	int (*each)(struct cli *, const struct option_row *, const char *, void *), void *context)
{
	bool plain = false;

	for (int i = 0; i < cli->argc; i++) {
		const char *word = cli->argv[i];
		if (plain || strncmp(word, "--", 2) != 0) {
			int r = each(cli, NULL, word, context);
			if (r != CLI_OK)
				return r;
			continue;
		}
		if (word[2] == '\0') {
			plain = true;
			continue;
		}
		size_t len = strcspn(word + 2, "=");
		const struct option_row *row = find_option(cli->command, word + 2, len);
		if (row == NULL)
			return cli_usage_error(cli, "unknown option %s", word);
		const char *value = word[2 + len] == '=' ? word + 3 + len : NULL;
		if (row->kind == OPTION_FLAG && value != NULL)
			return cli_usage_error(cli, "--%s takes no value", row->name);
		if (row->kind == OPTION_FLAG)
			value = "true";
		else if (value == NULL && ++i == cli->argc)
			return cli_usage_error(cli, "--%s needs a value", row->name);
		else if (value == NULL)
			value = cli->argv[i];
		int r = each(cli, row, value, context);
		if (r != CLI_OK)
			return r;
	}
	return CLI_OK;
}

struct search {
	const char *name; /* option, or NULL for arguments */
	unsigned index;
	const char *found;
};

static int search_one(
	struct cli *cli, const struct option_row *row, const char *value, void *context)
{
	struct search *search = context;
	bool match = row == NULL ? search->name == NULL
				 : search->name != NULL && strcmp(row->name, search->name) == 0;

	if (match && search->index-- == 0)
		search->found = value;
	return CLI_OK;
}

const char *cli_option(const struct cli *cli, const char *name, unsigned index)
{
	struct search search = { name, index, NULL };

	walk((struct cli *)cli, search_one, &search);
	return search.found;
}

const char *cli_argument(const struct cli *cli, unsigned index)
{
	return cli_option(cli, NULL, index);
}

struct taking {
	unsigned arguments, lists;
	char seen[32][32];
	unsigned seen_count;
};

static int take_option(
	struct cli *cli, const struct option_row *row, const char *value, struct taking *taking)
{
	unsigned before = 0;
	char name[PARAM_NAME_MAX];

	for (unsigned i = 0; i < taking->seen_count; i++)
		before += strcmp(taking->seen[i], row->name) == 0;
	if (before > 0 && row->kind != OPTION_LIST)
		return cli_usage_error(cli, "--%s is given twice", row->name);
	if (taking->seen_count == ARRAY_LEN(taking->seen))
		return cli_usage_error(cli, "too many options");
	text_copy(taking->seen[taking->seen_count++], sizeof taking->seen[0], row->name);
	if (row->param == NULL)
		return CLI_OK;
	if (row->kind == OPTION_LIST)
		snprintf(name, sizeof name, "%s.%u", row->param, before);
	else
		snprintf(name, sizeof name, "%s", row->param);
	return cli_param(cli, name, value);
}

static int take_one(struct cli *cli, const struct option_row *row, const char *value, void *context)
{
	struct taking *taking = context;

	if (row != NULL)
		return take_option(cli, row, value, taking);
	if (taking->arguments == ARGUMENTS_MAX)
		return cli_usage_error(cli, "too many arguments");
	const char *param = NULL;
	for (unsigned i = 0; cli->command->params != NULL && cli->command->params[i] != NULL; i++)
		if (i == taking->arguments)
			param = cli->command->params[i];
	taking->arguments++;
	return param != NULL && param[0] != '\0' ? cli_param(cli, param, value) : CLI_OK;
}

/* "LOGIN", "[FILE]", "ID REASON", "[FILE..]": how few and how many. */
static void arity(const char *takes, unsigned *ret_least, unsigned *ret_most)
{
	*ret_least = *ret_most = 0;
	for (bool inside = false; *takes != '\0'; takes++) {
		if (*takes == ' ') {
			inside = false;
		} else if (!inside) {
			inside = true;
			*ret_least += *takes != '[';
			(*ret_most)++;
		} else if (strncmp(takes, "..", 2) == 0) {
			*ret_most = ARGUMENTS_MAX;
		}
	}
}

int cli_take(struct cli *cli)
{
	struct taking taking = { 0 };
	unsigned least, most;

	int r = walk(cli, take_one, &taking);
	if (r != CLI_OK)
		return r;
	arity(cli->command->takes, &least, &most);
	if (taking.arguments < least)
		return cli_usage_error(cli, "%s is missing", cli->command->takes);
	if (taking.arguments > most)
		return cli_usage_error(cli, "too many arguments");
	for (const struct option_row *row = cli->command->options; row != NULL && row->name != NULL;
		row++)
		if (row->required && cli_option(cli, row->name, 0) == NULL)
			return cli_usage_error(cli, "--%s is missing", row->name);
	return CLI_OK;
}

static void print_help(FILE *out)
{
	fputs("Sallyport opens recorded sessions on targets without showing anyone a "
	      "credential.\n\n"
	      "usage: sallyport [--data DIR] [--json] COMMAND ..\n\n",
		out);
	for (unsigned i = 0; commands[i] != NULL; i++)
		fprintf(out, "  %-20s %s\n", commands[i]->words, commands[i]->sentence);
	fputs("\n  --data DIR   the installation (or SALLYPORT_DATA; else /var/lib/sallyport)\n"
	      "  --json       print one JSON value and nothing else\n\n"
	      "sallyport COMMAND --help explains one command; sallyport(1) explains all.\n",
		out);
}

static int print_command_help(const struct command *command)
{
	printf("%s.\n\nusage: ", command->sentence);
	usage_line(stdout, command);
	if (command->options != NULL && command->options->name != NULL)
		putchar('\n');
	for (const struct option_row *row = command->options; row != NULL && row->name != NULL;
		row++) {
		char left[64];
		snprintf(left, sizeof left, "--%s%s%s", row->name, row->value ? " " : "",
			row->value ? row->value : "");
		printf("  %-28s %s\n", left, row->sentence);
	}
	return CLI_OK;
}

/* How many of argv the command's words take; 0: another command. */
static int words_match(const struct command *command, int argc, char **argv)
{
	const char *words = command->words;
	int used = 0;

	while (*words != '\0') {
		size_t len = strcspn(words, " ");
		if (used == argc || strlen(argv[used]) != len ||
			strncmp(argv[used], words, len) != 0)
			return 0;
		used++;
		words += len + (words[len] == ' ');
	}
	return used;
}

static int find_command(struct cli *cli, int argc, char **argv)
{
	int best = 0;

	for (unsigned i = 0; commands[i] != NULL; i++) {
		int used = words_match(commands[i], argc, argv);
		if (used > best) {
			best = used;
			cli->command = commands[i];
		}
	}
	cli->argc = argc - best;
	cli->argv = argv + best;
	return best;
}

/* --data and --json may stand anywhere before a lone "--"; they are taken out of argv. */
static int take_global(struct cli *cli, int argc, char **argv)
{
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[kept++] = argv[i++];
		} else if (strcmp(argv[i], "--json") == 0) {
			cli->json = true;
		} else if (strncmp(argv[i], "--data=", 7) == 0) {
			cli->data = argv[i] + 7;
		} else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
			cli->data = argv[++i];
		} else {
			argv[kept++] = argv[i];
		}
	}
	return kept;
}

static int run(struct cli *cli)
{
	int r = cli_take(cli);

	if (r == CLI_OK)
		r = cli->command->run != NULL ? cli->command->run(cli) : run_endpoint(cli);
	client_close(cli);
	buf_finish_wiped(&cli->params);
	if ((fflush(stdout) != 0 || ferror(stdout)) && r == CLI_OK)
		r = cli_fail("the output cannot be written");
	return r;
}

int main(int argc, char **argv)
{
	const char *data = getenv("SALLYPORT_DATA");
	struct cli cli = { .data = data != NULL && data[0] ? data : "/var/lib/sallyport",
		.params = BUF(MESSAGE_MAX - 8192),
		.fds = { -1, -1 } };

	/* What libraries open lazily, opened now: a reader of recordings soon cannot. */
	json_object_seed(0);
	tzset();
	argc = take_global(&cli, argc - 1, argv + 1);
	argv++;
	if (argc == 0 || strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0) {
		print_help(argc == 0 ? stderr : stdout);
		return argc == 0 ? CLI_USAGE : CLI_OK;
	}
	if (strcmp(argv[0], "--version") == 0) {
		printf("sallyport %s\n", gateway_version);
		return CLI_OK;
	}
	if (find_command(&cli, argc, argv) == 0)
		return cli_usage_error(&cli, "unknown command: %s%s%s; see: sallyport help",
			argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	for (int i = 0; i < cli.argc && strcmp(cli.argv[i], "--") != 0; i++)
		if (strcmp(cli.argv[i], "--help") == 0 || strcmp(cli.argv[i], "-h") == 0)
			return print_command_help(cli.command);
	return run(&cli);
}
