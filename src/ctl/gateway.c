/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cli.h"

static int serve(struct cli *cli)
{
	char program[URL_SIZE * 2];
	const char *arguments[8] = { "sallyport-supervisor", "--data", cli->data };
	unsigned count = 3;
	const char *listen = cli_option(cli, "listen", 0), *store = cli_option(cli, "store", 0);

	if (listen != NULL)
		arguments[count++] = "--listen", arguments[count++] = listen;
	if (store != NULL)
		arguments[count++] = "--store", arguments[count] = store;
	if (program_path(program, sizeof program, "sallyport-supervisor") < 0)
		return cli_fail("the gateway's programs cannot be found");
	execv(program, (char *const *)arguments);
	return cli_fail("%s: %s", program, strerror(errno));
}

const struct command command_serve = {
	.words = "serve",
	.takes = "",
	.sentence = "Run the gateway in the foreground; prints \"ready\" when it serves",
	.options = (const struct option_row[]){ { "listen", NULL, OPTION_TEXT, "ADDRESS:PORT",
							"listen there instead of gateway.listen" },
		{ "store", NULL, OPTION_TEXT, "URL", "use this store instead of gateway.store" },
		{ 0 } },
	.run = serve,
};

static void print_counts(const json_t *status, const char *key, const char *one, const char *many)
{
	json_int_t count = json_integer_value(json_object_get(status, key));

	printf("%" JSON_INTEGER_FORMAT " %s", count, count == 1 ? one : many);
}

static const char *word(const json_t *status, const char *key)
{
	const char *text = json_string_value(json_object_get(status, key));

	return text != NULL ? text : "";
}

/* What a person wants to know first stands first. */
static void print_status(const struct cli *cli, const json_t *status, bool running)
{
	const json_t *vault = json_object_get(status, "vault");
	bool sealed = json_is_true(json_object_get(vault, "sealed"));

	printf("Sallyport %s, tenant ", VERSION);
	show_text(stdout, word(status, "tenant"));
	printf("\n  gateway     %s", running ? "running, " : "not running");
	if (running)
		show_text(stdout, word(status, "public_url"));
	printf("\n  vault       %s", sealed ? "sealed: run sallyport unseal" : "open");
	if (!sealed)
		printf(", root key version %" JSON_INTEGER_FORMAT,
			json_integer_value(json_object_get(vault, "key_version")));
	printf("\n  store       ");
	show_text(stdout, word(status, "store"));
	printf("\n  sessions    ");
	print_counts(status, "live", "live", "live");
	fputs(", ", stdout);
	print_counts(status, "waiting", "waiting to be opened", "waiting to be opened");
	printf("\n  registered  ");
	print_counts(status, "users", "user", "users");
	fputs(", ", stdout);
	print_counts(status, "devices", "device", "devices");
	fputs(", ", stdout);
	print_counts(status, "credentials", "credential", "credentials");
	fputs(", ", stdout);
	print_counts(status, "applications", "application", "applications");
	printf("\n  data        ");
	show_text(stdout, cli->data);
	putchar('\n');
}

static int status(struct cli *cli)
{
	json_t *entity = NULL;
	bool running = client_gateway_running(cli);

	int r = client_entity(cli, "GET", "status", &entity);
	if (r != CLI_OK)
		return r;
	if (cli->json) {
		json_object_set_new(entity, "running", json_boolean(running));
		show_json(entity);
	} else {
		print_status(cli, entity, running);
	}
	json_decref(entity);
	return CLI_OK;
}

const struct command command_status = {
	.words = "status",
	.takes = "",
	.sentence = "Show how the gateway is",
	.run = status,
};

const struct command command_settings = {
	.words = "settings",
	.takes = "",
	.sentence = "List the settings in force, with their ranges",
	.method = "GET",
	.path = "settings",
	.columns = (const struct column[]){ { "SETTING", "name" }, { "VALUE", "value" },
		{ "DEFAULT", "default" }, { "RANGE", "range" }, { "MEANING", "sentence" }, { 0 } },
};

/* The gateway brings over a bounded number of secrets in a call: the rest is asked for again. */
static int vault_rotate(struct cli *cli)
{
	json_t *entity = NULL;
	json_int_t rewrapped = 0;

	int r = client_entity(cli, "POST", "vault/rotate", &entity);
	while (r == CLI_OK) {
		rewrapped += json_integer_value(json_object_get(entity, "rewrapped"));
		if (!json_is_true(json_object_get(entity, "left")))
			break;
		fprintf(stderr, "%" JSON_INTEGER_FORMAT " secrets are under the new key\n",
			rewrapped);
		json_decref(entity);
		entity = NULL;
		buf_clear(&cli->params);
		r = cli_param(cli, "continue", "true");
		if (r == CLI_OK)
			r = client_entity(cli, "POST", "vault/rotate", &entity);
	}
	if (r == CLI_OK && cli->json) {
		json_object_set_new(entity, "rewrapped", json_integer(rewrapped));
		show_json(entity);
	} else if (r == CLI_OK) {
		printf("Root key version %" JSON_INTEGER_FORMAT "; %" JSON_INTEGER_FORMAT
		       " secrets brought under it.\n",
			json_integer_value(json_object_get(entity, "key_version")), rewrapped);
	}
	json_decref(entity);
	return r;
}

const struct command command_vault_rotate = {
	.words = "vault rotate",
	.takes = "",
	.sentence = "Make a new root key and bring every stored secret under it",
	.run = vault_rotate,
};

static int unseal(struct cli *cli)
{
	cli->fds[0] = STDIN_FILENO;
	if (isatty(STDIN_FILENO))
		return cli_usage_error(
			cli, "the passphrase is read from standard input, not from the terminal");
	return run_endpoint(cli);
}

const struct command command_unseal = {
	.words = "unseal",
	.takes = "",
	.sentence = "Open the vault; the passphrase comes on standard input",
	.method = "POST",
	.path = "vault/unseal",
	.run = unseal,
};
