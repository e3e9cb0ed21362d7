/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"

/*
 * The command line. A command is one struct: the words that call it, what it takes, and either a
 * control endpoint that does the work (method, path, columns for people) or a function of its own.
 * Help, usage errors, shell completion and the manual's synopsis come from these structs.
 */
struct cli {
	const char *data; /* installation directory */
	bool json;        /* one JSON value on stdout and nothing else */
	const struct command *command;
	int argc; /* what stands after the command's words */
	char **argv;
	struct buf params; /* tail of the call being built; wiped at the end */
	int fds[2];        /* secret in, secret out; -1 */
	struct client *client;
};

enum option_kind {
	OPTION_TEXT = 1,
	OPTION_FLAG,
	OPTION_LIST /* may be repeated: name.0, name.1 */
};
struct option_row {
	const char *name; /* long option without dashes */
	const char
		*param; /* parameter of the call; NULL: only the command's own function reads it */
	enum option_kind kind;
	const char *value; /* "ADDR", for help; NULL for flags */
	const char *sentence;
	bool required;
};
struct column {
	const char *title, *key;
};

struct command {
	const char *words;         /* "user add" */
	const char *takes;         /* "LOGIN"; words separated by blanks, "[X]" optional */
	const char *sentence;      /* for help: what it does, imperative */
	const char *method, *path; /* control endpoint; "{}" in path takes the first argument */
	const char *const *params; /* parameter name per argument; NULL-terminated */
	const struct option_row *options; /* ends with a row without name; NULL: none */
	const struct column *columns;     /* lists: what people see; NULL: key: value */
	const char *done; /* objects: "User %s added." with the first argument; NULL: the answer's
			     message */
	int (*run)(struct cli *cli);
};
extern const struct command *const commands[];

/* Exit codes. Functions that return int return one of these. From 3 on: what was verified. */
enum {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_CUT = 3,
	CLI_ALTERED = 4,
	CLI_DISAGREES = 5, /* the witness does */
	CLI_FOREIGN = 6,   /* not certified by this installation */
	CLI_UNPROVEN = 7   /* not signed, or not by a certified key */
};

/* cli.c */
int cli_usage_error(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2))); /* "sallyport: ..." */
/* Value of --name, NULL when not given; the index-th one for lists. Valid after cli_take(). */
const char *cli_option(const struct cli *cli, const char *name, unsigned index);
const char *cli_argument(const struct cli *cli, unsigned index);
int cli_param(struct cli *cli, const char *name, const char *value);
/* Parses options and arguments of the command; fills cli->params for its endpoint. */
int cli_take(struct cli *cli);
int cli_complete(struct cli *cli);

/* client.c: one call to the gateway, running or not. */
int client_call(struct cli *cli, const char *method, const char *path, json_t **ret_answer);
/* One call that says nothing about failing: -ERR_PEER_GONE, -ERR_TIMED_OUT .. */
int client_try(struct cli *cli, const char *method, const char *path, json_t **ret_answer);
/* The same, printing the gateway's complaint. Returns CLI_OK with *ret_entity (owned), or
 * CLI_FAILED. */
int client_entity(struct cli *cli, const char *method, const char *path, json_t **ret_entity);
bool client_gateway_running(const struct cli *cli);
void client_close(struct cli *cli);
int program_path(char *out, size_t size, const char *program); /* an executable beside this one */

/* show.c */
void show_json(const json_t *value);
void show_table(const json_t *rows, const struct column *columns);
void show_object(const json_t *object);
/* Either, as --json says; gives the object away. */
void show_answer(const struct cli *cli, json_t *answer);
void show_text(FILE *out, const char *text); /* control characters made visible */

/* init.c: root makes an installation for the one whose directory it is: a package's, say. */
int become_owner(int directory);

int run_endpoint(struct cli *cli); /* what commands without run do */
