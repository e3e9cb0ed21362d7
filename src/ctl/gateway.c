/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/version.h"
#include "ctl/cli.h"
#include "store/store.h"

static int serve(struct cli *cli)
{
	char program[URL_SIZE * 2];
	const char *arguments[8] = { "sallyport-supervisor", "--data", cli->data };
	unsigned count = 3;
	const char *listen = cli_option(cli, "listen", 0), *store = cli_option(cli, "store", 0);

	if (listen != NULL)
		arguments[count++] = "--listen", arguments[count++] = listen;
	if (store != NULL && store_where_check(store) == -ERR_MALFORMED)
		return cli_fail("a password belongs into the file store/pgpass of the "
				"installation, not into the address of the store");
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

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_counts(const json_t *status, const char *key, const char *one, const char *many)
{
	json_int_t count = number(status, key);

	printf("%" JSON_INTEGER_FORMAT " %s", count, count == 1 ? one : many);
}

static const char *word(const json_t *status, const char *key)
{
	const char *text = json_string_value(json_object_get(status, key));

	return text != NULL ? text : "";
}

/* After a reload: since when, and what of older generations still has something to finish. */
static void print_generations(const json_t *status)
{
	json_int_t current = number(status, "generation");
	const json_t *row;
	size_t i;

	if (current > 1) {
		printf("\n  generation  %" JSON_INTEGER_FORMAT " since ", current);
		show_text(stdout, word(status, "generation_since"));
	}
	json_array_foreach(json_object_get(status, "generations"), i, row)
	{
		if (!json_is_true(json_object_get(row, "retired")))
			continue;
		printf("\n  retired     ");
		show_text(stdout, word(row, "process"));
		printf(" of generation %" JSON_INTEGER_FORMAT ", version ",
			number(row, "generation"));
		show_text(stdout, word(row, "version"));
		if (json_object_get(row, "sessions") == NULL)
			continue;
		fputs(": ", stdout);
		print_counts(row, "sessions", "session", "sessions");
	}
}

static void print_vault(const json_t *vault)
{
	const json_t *rotation = json_object_get(vault, "rotation");

	printf("\n  vault       ");
	if (!json_is_true(json_object_get(vault, "reachable"))) {
		fputs("does not answer", stdout);
	} else if (json_is_true(json_object_get(vault, "sealed"))) {
		fputs("sealed: ", stdout);
		show_text(stdout, word(vault, "reason"));
		fputs("; run: sallyport unseal", stdout);
	} else {
		printf("open, root key version %" JSON_INTEGER_FORMAT,
			number(vault, "key_version"));
	}
	if (json_is_true(json_object_get(rotation, "going")))
		printf(", %" JSON_INTEGER_FORMAT " secrets still under older ones",
			number(rotation, "left"));
	if (number(rotation, "stuck") > 0)
		printf(", of which %" JSON_INTEGER_FORMAT " cannot be opened",
			number(rotation, "stuck"));
}

/* What a person wants to know first stands first. */
static void print_status(const struct cli *cli, const json_t *status, bool running)
{
	printf("Sallyport %s, tenant ", gateway_version);
	show_text(stdout, word(status, "tenant"));
	printf("\n  gateway     %s", running ? "running, " : "not running");
	if (running)
		show_text(stdout, word(status, "public_url"));
	print_generations(status);
	print_vault(json_object_get(status, "vault"));
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
