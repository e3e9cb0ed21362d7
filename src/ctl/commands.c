/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#include <stdlib.h>
#include <string.h>

const struct option_row list_options[] = {
	{ "limit", "limit", OPTION_TEXT, "N", "so many at most" },
	{ "offset", "offset", OPTION_TEXT, "N", "leave out so many first" },
	{ "since", "since", OPTION_TEXT, "TIME", "only what changed at or after it" },
	{ 0 },
};

/* In the order of the help: the life of an installation. */
const struct command *const commands[] = {
	&command_init,
	&command_serve,
	&command_status,
	&command_settings,
	&command_reload,
	&command_unseal,
	&command_seal,
	&command_vault_rotate,
	&command_user_add,
	&command_user_list,
	&command_user_edit,
	&command_user_disable,
	&command_user_enable,
	&command_domain_add,
	&command_domain_list,
	&command_device_add,
	&command_device_edit,
	&command_device_list,
	&command_device_disable,
	&command_device_enable,
	&command_device_trust,
	&command_credential_add,
	&command_credential_replace,
	&command_credential_edit,
	&command_credential_disable,
	&command_credential_enable,
	&command_credential_list,
	&command_policy_add,
	&command_policy_list,
	&command_policy_edit,
	&command_policy_assign,
	&command_application_add,
	&command_application_list,
	&command_application_disable,
	&command_application_enable,
	&command_authorization_add,
	&command_authorization_list,
	&command_authorization_edit,
	&command_authorization_cover,
	&command_authorization_uncover,
	&command_authorization_disable,
	&command_authorization_enable,
	&command_session_list,
	&command_session_show,
	&command_session_end,
	&command_session_receipt,
	&command_receipt_verify,
	&command_recording_list,
	&command_recording_verify,
	&command_recording_export,
	&command_recording_play,
	&command_audit_list,
	&command_audit_verify,
	&command_audit_follow,
	&command_releases_list,
	&command_releases_verify,
	&command_completion,
	&command_manual,
	NULL,
};

static void say_done(const struct cli *cli, const json_t *entity)
{
	const char *message = json_string_value(json_object_get(entity, "message"));
	const char *warning = json_string_value(json_object_get(entity, "warning"));
	const char *argument = cli_argument(cli, 0);

	if (cli->command->done != NULL) {
		const char *gap = strstr(cli->command->done, "%s");
		printf("%.*s",
			gap ? (int)(gap - cli->command->done) : (int)strlen(cli->command->done),
			cli->command->done);
		if (gap != NULL) {
			show_text(stdout, argument != NULL ? argument : "");
			fputs(gap + 2, stdout);
		}
		putchar('\n');
	} else if (message != NULL && json_object_size(entity) == 1) {
		show_text(stdout, message);
		putchar('\n');
	} else {
		show_object(entity);
	}
	if (warning != NULL)
		cli_fail("warning: %s", warning);
}

int run_endpoint(struct cli *cli)
{
	json_t *entity = NULL;

	int r = client_entity(cli, cli->command->method, cli->command->path, &entity);
	if (r != CLI_OK)
		return r;
	if (cli->json)
		show_json(entity);
	else if (json_is_array(entity) && cli->command->columns != NULL)
		show_table(entity, cli->command->columns);
	else
		say_done(cli, entity);
	json_decref(entity);
	return CLI_OK;
}

/* Words and options come from the table, so completion cannot drift from what there is. */
static int completion(struct cli *cli)
{
	puts("# bash completion for sallyport; put into "
	     "/usr/share/bash-completion/completions/sallyport\n"
	     "_sallyport()\n{\n"
	     "\tlocal line=\" ${COMP_WORDS[*]:1:COMP_CWORD-1} \" current=${COMP_WORDS[COMP_CWORD]} "
	     "words=\n"
	     "\tcase \"$line\" in");
	for (unsigned i = 0; commands[i] != NULL; i++) {
		printf("\t*\" %s \"*) words='--data --json --help", commands[i]->words);
		for (const struct option_row *row = commands[i]->options;
			row != NULL && row->name != NULL; row++)
			printf(" --%s", row->name);
		puts("' ;;");
	}
	for (unsigned i = 0; commands[i] != NULL; i++) {
		const char *blank = strchr(commands[i]->words, ' ');
		size_t len = blank != NULL ? (size_t)(blank - commands[i]->words) : 0;
		if (len == 0 || (i > 0 && strncmp(commands[i]->words, commands[i - 1]->words,
						  len + 1) == 0))
			continue;
		printf("\t*\" %.*s \"*) words='", (int)len, commands[i]->words);
		for (unsigned j = 0; commands[j] != NULL; j++)
			if (strncmp(commands[j]->words, commands[i]->words, len + 1) == 0)
				printf("%s ", commands[j]->words + len + 1);
		puts("' ;;");
	}
	fputs("\t*) words='--data --json --help --version", stdout);
	for (unsigned i = 0; commands[i] != NULL; i++) {
		size_t len = strcspn(commands[i]->words, " ");
		if (i == 0 || strncmp(commands[i]->words, commands[i - 1]->words, len) != 0)
			printf(" %.*s", (int)len, commands[i]->words);
	}
	puts("' ;;\n\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	     "\t[[ -z ${COMPREPLY[*]} ]] && COMPREPLY=($(compgen -f -- \"$current\"))\n}\n"
	     "complete -o filenames -F _sallyport sallyport");
	return CLI_OK;
}

const struct command command_completion = {
	.words = "completion",
	.takes = "[bash]",
	.sentence = "Print the completion script for bash",
	.run = completion,
};
