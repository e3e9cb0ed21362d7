/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and the audit trail. */
#include "ctl/commands.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FOLLOW_MS 500
#define PAGE 500

static const struct column session_columns[] = { { "ID", "id" }, { "STATE", "state" },
	{ "USER", "user" }, { "TARGET", "device" }, { "ACCOUNT", "username" },
	{ "PROTOCOL", "protocol" }, { "CREATED", "created_at" }, { "ENDED", "ended_at" },
	{ "WHY", "end_reason" }, { 0 } };

const struct command command_session_list = {
	.words = "session list",
	.takes = "",
	.sentence = "List sessions, newest first",
	.method = "GET",
	.path = "session/list",
	.columns = session_columns,
	.options = (const struct option_row[]){ { "limit", "limit", OPTION_TEXT, "N",
							"at most so many" },
		{ "before", "before", OPTION_TEXT, "ID", "older than this one" }, { 0 } },
};
const struct command command_session_show = {
	.words = "session show",
	.takes = "ID",
	.sentence = "Show everything known of one session",
	.method = "GET",
	.path = "session/show",
	.params = PARAMS("id"),
};
const struct command command_session_end = {
	.words = "session end",
	.takes = "ID REASON",
	.sentence = "End a session and say why in its audit line",
	.method = "POST",
	.path = "session/end",
	.params = PARAMS("id", "reason"),
	.done = "Session %s ended.",
};

static const struct column audit_columns[] = { { "SEQUENCE", "sequence" }, { "TIME", "at" },
	{ "EVENT", "event" }, { "ACTOR", "actor" }, { "FROM", "from" }, { "OBJECT", "object" },
	{ "RESULT", "result" }, { "DETAIL", "detail" }, { 0 } };

/* One page of rows after *after; advances it. *ret_rows is the caller's. */
static int audit_page(struct cli *cli, json_int_t *after, json_int_t limit, json_t **ret_rows)
{
	char number[24];

	buf_clear(&cli->params);
	snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, *after);
	cli_param(cli, "after", number);
	snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, limit < PAGE ? limit : PAGE);
	cli_param(cli, "limit", number);
	int r = client_entity(cli, "GET", "audit/list", ret_rows);
	size_t count = r == CLI_OK ? json_array_size(*ret_rows) : 0;
	if (count > 0)
		*after = json_integer_value(
			json_object_get(json_array_get(*ret_rows, count - 1), "sequence"));
	return r;
}

static int parse_count(
	struct cli *cli, const char *name, json_int_t otherwise, json_int_t *ret_value)
{
	const char *text = cli_option(cli, name, 0);
	char *end = NULL;

	*ret_value = text != NULL ? strtoll(text, &end, 10) : otherwise;
	if (text != NULL && (*end != '\0' || end == text || *ret_value < 0))
		return cli_usage_error(cli, "--%s takes a number", name);
	return CLI_OK;
}

/* The gateway answers in pages; people and scripts get the whole. */
static int audit_list(struct cli *cli)
{
	json_int_t after = 0, limit = 0;
	json_t *all = json_pack("[]"), *rows = NULL;

	int r = parse_count(cli, "after", 0, &after);
	if (r == CLI_OK)
		r = parse_count(cli, "limit", INT64_MAX, &limit);
	for (size_t got = 1; r == CLI_OK && got > 0 && limit > 0;) {
		r = audit_page(cli, &after, limit, &rows);
		got = r == CLI_OK ? json_array_size(rows) : 0;
		limit -= (json_int_t)got;
		json_array_extend(all, rows);
		json_decref(rows);
		rows = NULL;
	}
	if (r == CLI_OK && cli->json)
		show_json(all);
	else if (r == CLI_OK)
		show_table(all, audit_columns);
	json_decref(all);
	return r;
}

const struct command command_audit_list = {
	.words = "audit list",
	.takes = "",
	.sentence = "List the audit trail, oldest first",
	.options = (const struct option_row[]){ { "after", NULL, OPTION_TEXT, "SEQUENCE",
							"only what came after this one" },
		{ "limit", NULL, OPTION_TEXT, "N", "at most so many" }, { 0 } },
	.run = audit_list,
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

static void print_event(const struct cli *cli, const json_t *row)
{
	static const char *const keys[] = { "at", "event", "actor", "from", "object", "result",
		"detail" };

	if (cli->json) {
		show_json(row);
	} else {
		for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
			const json_t *value = json_object_get(row, keys[i]);
			char *text = json_is_string(value)
					     ? strdup(json_string_value(value))
					     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
			show_text(stdout, text != NULL ? text : "-");
			putchar(i + 1 < sizeof keys / sizeof keys[0] ? ' ' : '\n');
			free(text);
		}
	}
	fflush(stdout);
}

/* Everything after *after; print: show it, else only find the end. */
static int follow_on(struct cli *cli, json_int_t *after, bool print)
{
	json_t *rows = NULL, *row;
	size_t index, count = 1;
	int r = CLI_OK;

	while (r == CLI_OK && count > 0) {
		r = audit_page(cli, after, PAGE, &rows);
		count = r == CLI_OK ? json_array_size(rows) : 0;
		if (print && count > 0)
			json_array_foreach(rows, index, row) print_event(cli, row);
		json_decref(rows);
		rows = NULL;
	}
	return r;
}

static int audit_follow(struct cli *cli)
{
	json_int_t after = 0;

	if (!client_gateway_running(cli))
		return cli_fail("the gateway is not running: there is nothing to follow");
	signal(SIGINT, on_interrupt);
	int r = follow_on(cli, &after, false);
	while (r == CLI_OK && !interrupted) {
		r = follow_on(cli, &after, true);
		nanosleep(&(struct timespec){ 0, FOLLOW_MS * 1000000L }, NULL);
	}
	return r;
}

const struct command command_audit_follow = {
	.words = "audit follow",
	.takes = "",
	.sentence = "Print audit lines as they are written, until Ctrl-C",
	.run = audit_follow,
};
