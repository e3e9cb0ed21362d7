/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the manual that are tables here, as roff: they cannot drift from what there is. */
#include "ctl/commands.h"

#include <string.h>

#include "base/settings.h"

/* roff reads a leading dot or quote as a request, a backslash as an escape, a hyphen as a break. */
static void roff(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\\')
			fputs("\\e", stdout);
		else if (*p == '-')
			fputs("\\-", stdout);
		else if ((*p == '.' || *p == '\'') && p == text)
			printf("\\&%c", *p);
		else
			putchar(*p);
	}
}

static void one_command(const struct command *command)
{
	printf(".TP\n.B ");
	roff(command->words);
	if (command->takes[0] != '\0') {
		fputs(" \\fI", stdout);
		roff(command->takes);
		fputs("\\fR", stdout);
	}
	putchar('\n');
	roff(command->sentence);
	puts(".");
	for (const struct option_row *row = command->options; row != NULL && row->name != NULL;
		row++) {
		fputs(".RS\n.TP\n.B \\-\\-", stdout);
		roff(row->name);
		if (row->value != NULL) {
			fputs(" \\fI", stdout);
			roff(row->value);
			fputs("\\fR", stdout);
		}
		putchar('\n');
		roff(row->sentence);
		puts(row->required ? " (required)\n.RE" : "\n.RE");
	}
}

static void one_setting(const struct setting_row *row)
{
	printf(".TP\n.B ");
	roff(row->section);
	putchar('.');
	roff(row->key);
	putchar('\n');
	roff(row->sentence);
	fputs("\nDefault: ", stdout);
	roff(row->value[0] != '\0' ? row->value : "empty");
	if (row->range[0] != '\0') {
		fputs("; allowed: ", stdout);
		roff(row->range);
	}
	puts(".");
}

static int manual(struct cli *cli)
{
	unsigned count;
	const struct setting_row *rows = settings_rows(&count);
	const char *part = cli_argument(cli, 0);

	if (strcmp(part, "commands") == 0)
		for (unsigned i = 0; commands[i] != NULL; i++)
			one_command(commands[i]);
	else if (strcmp(part, "settings") == 0)
		for (unsigned i = 0; i < count; i++)
			one_setting(&rows[i]);
	else
		return cli_usage_error(cli, "the parts are commands and settings");
	return CLI_OK;
}

const struct command command_manual = {
	.words = "manual",
	.takes = "PART",
	.sentence = "Print a table of the manual (commands, settings) as roff",
	.run = manual,
};
