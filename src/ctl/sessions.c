/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and the audit trail. */
#include "ctl/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FOLLOW_MS 500
#define PAGE "500"

static const struct column session_columns[] = { { "ID", "id" }, { "STATE", "state" }, { "USER", "user" },
	{ "TARGET", "device" }, { "ACCOUNT", "username" }, { "PROTOCOL", "protocol" }, { "CREATED", "created_at" },
	{ "ENDED", "ended_at" }, { "WHY", "end_reason" }, { 0 } };

const struct command command_session_list = {
	.words = "session list", .takes = "", .sentence = "List sessions, newest first",
	.method = "GET", .path = "session/list", .columns = session_columns,
	.options = (const struct option_row[]){
		{ "limit", "limit", OPTION_TEXT, "N", "at most so many" },
		{ "before", "before", OPTION_TEXT, "ID", "older than this one" }, { 0 } },
};
const struct command command_session_show = {
	.words = "session show", .takes = "ID", .sentence = "Show everything known of one session",
	.method = "GET", .path = "session/show", .params = PARAMS("id"),
};
const struct command command_session_end = {
	.words = "session end", .takes = "ID REASON", .sentence = "End a session and say why in its audit line",
	.method = "POST", .path = "session/end", .params = PARAMS("id", "reason"), .done = "Session %s ended.",
};

static const struct column audit_columns[] = { { "SEQUENCE", "sequence" }, { "TIME", "at" }, { "EVENT", "event" },
	{ "ACTOR", "actor" }, { "FROM", "from" }, { "OBJECT", "object" }, { "RESULT", "result" },
	{ "DETAIL", "detail" }, { 0 } };

const struct command command_audit_list = {
	.words = "audit list", .takes = "", .sentence = "List the audit trail, oldest first",
	.method = "GET", .path = "audit/list", .columns = audit_columns,
	.options = (const struct option_row[]){
		{ "after", "after", OPTION_TEXT, "SEQUENCE", "only what came after this one" },
		{ "limit", "limit", OPTION_TEXT, "N", "at most so many" }, { 0 } },
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

static void print_event(const struct cli *cli, const json_t *row)
{
	static const char *const keys[] = { "at", "event", "actor", "from", "object", "result", "detail" };

	if (cli->json) {
		show_json(row);
	} else {
		for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
			const json_t *value = json_object_get(row, keys[i]);
			char *text = json_is_string(value) ? strdup(json_string_value(value)) :
							     json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
			show_text(stdout, text != NULL ? text : "-");
			putchar(i + 1 < sizeof keys / sizeof keys[0] ? ' ' : '\n');
			free(text);
		}
	}
	fflush(stdout);
}

/* One page after *after; advances it. */
static int follow_page(struct cli *cli, json_int_t *after, bool print)
{
	char number[24];
	json_t *rows = NULL, *row;
	size_t index;

	buf_clear(&cli->params);
	snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, *after);
	cli_param(cli, "after", number);
	cli_param(cli, "limit", PAGE);
	int r = client_entity(cli, "GET", "audit/list", &rows);
	if (r != CLI_OK)
		return r;
	json_array_foreach(rows, index, row) {
		*after = json_integer_value(json_object_get(row, "sequence"));
		if (print)
			print_event(cli, row);
	}
	bool more = json_array_size(rows) > 0;
	json_decref(rows);
	return more && !print ? follow_page(cli, after, print) : CLI_OK;
}

static int audit_follow(struct cli *cli)
{
	json_int_t after = 0;

	if (!client_gateway_running(cli))
		return cli_fail("the gateway is not running: there is nothing to follow");
	signal(SIGINT, on_interrupt);
	int r = follow_page(cli, &after, false);
	while (r == CLI_OK && !interrupted) {
		r = follow_page(cli, &after, true);
		nanosleep(&(struct timespec){ 0, FOLLOW_MS * 1000000L }, NULL);
	}
	return r;
}

const struct command command_audit_follow = {
	.words = "audit follow", .takes = "", .sentence = "Print audit lines as they are written, until Ctrl-C",
	.run = audit_follow,
};
