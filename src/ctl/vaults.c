/* SPDX-License-Identifier: Apache-2.0 */
/* The seal of the vault and its root key. */
#include "ctl/commands.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/ask.h"

#define POLL_MS 200 /* between looks at how far a rotation is */

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static bool is(const json_t *object, const char *key, const char *text)
{
	return strcmp(word(object, key), text) == 0;
}

static int vault_state(struct cli *cli, json_t **ret_vault)
{
	json_t *status = NULL;
	int r = client_entity(cli, "GET", "status", &status);

	if (r == CLI_OK)
		*ret_vault = json_incref(json_object_get(status, "vault"));
	json_decref(status);
	return r;
}

/* What the vault wants, into the first descriptor of the next call. */
static int bring(struct cli *cli, const json_t *vault)
{
	if (is(vault, "wants", "passphrase"))
		return ask_secret("Passphrase: ", false, &cli->fds[0]);
	if (is(vault, "wants", "pin"))
		return ask_secret("PIN of the token: ", false, &cli->fds[0]);
	return CLI_OK;
}

static int call_unseal(struct cli *cli, json_t **ret_entity)
{
	int r = client_entity(cli, "POST", "vault/unseal", ret_entity);

	fd_closep(&cli->fds[0]);
	return r;
}

static int call_rotate(struct cli *cli, json_t **ret_entity)
{
	int r = client_entity(cli, "POST", "vault/rotate", ret_entity);

	fd_closep(&cli->fds[0]);
	return r;
}

static int unseal(struct cli *cli)
{
	json_t *vault = NULL, *entity = NULL;

	if (!client_gateway_running(cli))
		return cli_fail("the gateway is not running; a vault is opened while it runs");
	int r = vault_state(cli, &vault);
	if (r == CLI_OK && !json_is_true(json_object_get(vault, "sealed")))
		r = cli_fail("the vault is open already");
	if (r == CLI_OK)
		r = bring(cli, vault);
	if (r == CLI_OK)
		r = call_unseal(cli, &entity);
	if (r == CLI_OK && cli->json)
		show_json(entity);
	else if (r == CLI_OK)
		printf("The vault is open, root key version %" JSON_INTEGER_FORMAT ".\n",
			json_integer_value(json_object_get(entity, "key_version")));
	json_decref(vault);
	json_decref(entity);
	return r;
}

const struct command command_unseal = {
	.words = "unseal",
	.takes = "",
	.sentence = "Open the vault; asks for the passphrase or PIN, or reads it from standard "
		    "input",
	.run = unseal,
};

const struct command command_seal = {
	.words = "seal",
	.takes = "",
	.sentence = "Make the vault forget its keys, until unseal; no new session opens meanwhile",
	.method = "POST",
	.path = "vault/seal",
	.done = "The vault is sealed.",
	.options = (const struct option_row[]){ { "end-sessions", "end_sessions", OPTION_FLAG, NULL,
							"end the sessions that are open as well" },
		{ 0 } },
};

/* --- rotation ------------------------------------------------------------------------------- */

static void say_left(const json_t *rotation, json_int_t *said)
{
	json_int_t left = json_integer_value(json_object_get(rotation, "left"));

	if (left != *said)
		fprintf(stderr, "%" JSON_INTEGER_FORMAT " secrets are still under older keys\n",
			left);
	*said = left;
}

/* Until the old keys are erased, or held back by secrets that nobody can open. */
static int wait_for_end(struct cli *cli)
{
	json_int_t said = 0;

	for (;;) {
		json_t *vault = NULL;
		int r = vault_state(cli, &vault);
		const json_t *rotation = json_object_get(vault, "rotation");
		bool going = json_is_true(json_object_get(rotation, "going"));
		json_int_t stuck = json_integer_value(json_object_get(rotation, "stuck"));
		if (r == CLI_OK && going && stuck > 0 &&
			stuck == json_integer_value(json_object_get(rotation, "left")))
			r = cli_fail("%" JSON_INTEGER_FORMAT
				     " secrets cannot be opened; the old keys are kept for them",
				stuck);
		else if (r == CLI_OK && going)
			say_left(rotation, &said);
		json_decref(vault);
		if (r != CLI_OK || !going)
			return r;
		nanosleep(&(struct timespec){ 0, POLL_MS * 1000000L }, NULL);
	}
}

/* On a gateway that only runs for this command the vault is as sealed as it starts. */
static int open_first(struct cli *cli, const json_t *vault)
{
	json_t *entity = NULL;

	if (!json_is_true(json_object_get(vault, "sealed")))
		return CLI_OK;
	int r = bring(cli, vault);
	if (r == CLI_OK)
		r = call_unseal(cli, &entity);
	json_decref(entity);
	return r;
}

static int bring_for_rotation(struct cli *cli, const json_t *vault)
{
	bool fresh = cli_option(cli, "new-passphrase", 0) != NULL;

	if (fresh && !is(vault, "source", "passphrase"))
		return cli_fail("this vault is not opened by a passphrase");
	if (fresh)
		return ask_secret("New passphrase: ", true, &cli->fds[0]);
	return is(vault, "source", "pkcs11") ? bring(cli, vault) : CLI_OK;
}

static int vault_rotate(struct cli *cli)
{
	json_t *vault = NULL, *entity = NULL;
	bool running = client_gateway_running(cli);
	bool wait = !running || cli_option(cli, "no-wait", 0) == NULL;

	int r = vault_state(cli, &vault);
	if (r == CLI_OK && !running)
		r = open_first(cli, vault);
	if (r == CLI_OK)
		r = bring_for_rotation(cli, vault);
	if (r == CLI_OK)
		r = call_rotate(cli, &entity);
	if (r == CLI_OK && wait)
		r = wait_for_end(cli);
	if (r == CLI_OK && cli->json)
		show_json(entity);
	else if (r == CLI_OK)
		printf("Root key version %" JSON_INTEGER_FORMAT "; %s.\n",
			json_integer_value(json_object_get(entity, "key_version")),
			wait ? "every secret is under it and the older ones are erased"
			     : "the secrets are brought under it meanwhile");
	json_decref(vault);
	json_decref(entity);
	return r;
}

const struct command command_vault_rotate = {
	.words = "vault rotate",
	.takes = "",
	.sentence = "Make a new root key, bring every stored secret under it, erase the old ones",
	.options = (const struct option_row[]){ { "new-passphrase", NULL, OPTION_FLAG, NULL,
							"change the passphrase with it" },
		{ "no-wait", NULL, OPTION_FLAG, NULL,
			"return at once; status shows how far it is" },
		{ 0 } },
	.run = vault_rotate,
};
