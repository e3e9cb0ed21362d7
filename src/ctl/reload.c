/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/cli.h"

#ifndef RELOAD_MS
#define RELOAD_MS 60000 /* for the new generation to serve */
#endif
#define POLL_MS 50

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ 0, POLL_MS * 1000000 }, NULL);
}

static const char *text_at(const json_t *object, const char *outer, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, outer), key));

	return text != NULL ? text : "";
}

/* How it went, once that is known: CLI_OK, CLI_FAILED; -1: not yet. */
static int outcome(const json_t *answer, json_int_t generation)
{
	const json_t *status = json_object_get(answer, "status");
	json_int_t serving = json_integer_value(json_object_get(status, "generation"));

	if (serving >= generation)
		return CLI_OK;
	if (strcmp(text_at(status, "reload", "state"), "failed") != 0)
		return -1;
	return cli_fail("the old generation goes on: %s", text_at(status, "reload", "detail"));
}

/* The broker that is asked is among what is replaced: a question without an answer is asked again.
 */
static int wait_for(struct cli *cli, json_int_t generation)
{
	uint64_t deadline = clock_monotonic_ms() + RELOAD_MS;

	while (clock_monotonic_ms() < deadline) {
		json_t *answer = NULL;
		int r = -1;
		client_close(cli);
		buf_clear(&cli->params);
		if (client_gateway_running(cli) && client_try(cli, "GET", "status", &answer) == 0)
			r = outcome(answer, generation);
		json_decref(answer);
		if (r >= 0)
			return r;
		pause_a_little();
	}
	return cli_fail(
		"generation %lld does not serve yet; see the gateway's log", (long long)generation);
}

static int reload(struct cli *cli)
{
	json_t *entity = NULL;

	if (!client_gateway_running(cli))
		return cli_fail("the gateway of %s is not running", cli->data);
	int r = client_entity(cli, "POST", "gateway/reload", &entity);
	if (r != CLI_OK)
		return r;
	json_int_t generation = json_integer_value(json_object_get(entity, "generation"));
	r = wait_for(cli, generation);
	if (r == CLI_OK && cli->json)
		show_json(entity);
	else if (r == CLI_OK)
		printf("Generation %" JSON_INTEGER_FORMAT " serves.\n", generation);
	json_decref(entity);
	return r;
}

const struct command command_reload = {
	.words = "reload",
	.takes = "",
	.sentence = "Replace the running gateway by what is on disk now; sessions live on",
	.options = (const struct option_row[]){ { "force", "force", OPTION_FLAG, NULL,
							"end the sessions if the programs on disk "
							"cannot live with those that run" },
		{ 0 } },
	.run = reload,
};
