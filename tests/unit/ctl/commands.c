/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/commands.c"

static const char *source_root;

static void commands_are_listed_once(void **state)
{
	for (unsigned i = 0; commands[i] != NULL; i++)
		for (unsigned j = 0; j < i; j++) {
			assert_ptr_not_equal(commands[i], commands[j]);
			assert_string_not_equal(commands[i]->words, commands[j]->words);
		}
}

/* All that is declared in commands.h stands in the table. */
static void no_command_is_forgotten(void **state)
{
	char path[512], text[8192];
	unsigned declared = 0, listed = 0;

	snprintf(path, sizeof path, "%s/src/ctl/commands.h", source_root);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, sizeof text - 1);
	close(fd);
	assert_true(got > 0);
	text[got] = '\0';
	const char *at = strstr(text, "extern const struct command");
	assert_non_null(at);
	for (; (at = strstr(at, "command_")) != NULL; at++)
		declared++;
	while (commands[listed] != NULL)
		listed++;
	assert_int_equal(listed, declared);
}

static void commands_are_whole(void **state)
{
	for (unsigned i = 0; commands[i] != NULL; i++) {
		const struct command *command = commands[i];
		for (const char *p = command->words; *p != '\0'; p++)
			assert_true(islower(*p) || *p == ' ');
		assert_non_null(command->takes);
		assert_true(isupper(command->sentence[0]));
		assert_int_not_equal(command->sentence[strlen(command->sentence) - 1], '.');
		assert_int_equal(command->method != NULL, command->path != NULL);
		assert_true(command->run != NULL || command->path != NULL);
		unsigned options = 0;
		const struct option_row *row = command->options;
		for (; row != NULL && row->name != NULL; row++, options++) {
			assert_true(strlen(row->name) < 32); /* see struct taking */
			assert_int_equal(row->kind == OPTION_FLAG, row->value == NULL);
			assert_string_not_equal(row->name, "json");
			assert_string_not_equal(row->name, "data");
			assert_true(row->sentence[0] != '\0');
			for (unsigned j = 0; j < options; j++)
				assert_string_not_equal(row->name, command->options[j].name);
		}
	}
}

/* ---- each endpoint that is called is there: "POST user/add" stands in src/api ---- */

static void read_sources(const char *room, char *text, size_t size)
{
	char path[512];
	size_t len = 0;

	snprintf(path, sizeof path, "%s/src/%s", source_root, room);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		const char *ending = strrchr(entry->d_name, '.');
		if (ending == NULL || strcmp(ending, ".c") != 0)
			continue;
		int fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_CLOEXEC);
		for (ssize_t got; (got = read(fd, text + len, size - len - 1)) > 0;)
			len += (size_t)got;
		close(fd);
	}
	closedir(directory);
	assert_true(len > 0 && len < size - 1);
	text[len] = '\0';
}

static bool endpoint_exists(const char *sources, const char *method, const char *path)
{
	char line[256];

	snprintf(line, sizeof line, ".method = \"%s\",\n\t.path = \"%s\",", method, path);
	for (const char *at = sources; (at = strstr(at, line)) != NULL; at++) {
		const char *door = at - strlen("\t.door = DOOR_CONTROL,\n\t") + 1;
		if (strncmp(door, ".door = DOOR_CONTROL,", 21) == 0)
			return true;
	}
	return false;
}

static void what_is_called_is_there(void **state)
{
	static char api[2 << 20], ctl[2 << 20];
	static const char call[] = "client_entity(cli, \"";
	unsigned calls = 0;

	read_sources("api", api, sizeof api);
	read_sources("ctl", ctl, sizeof ctl);
	for (unsigned i = 0; commands[i] != NULL; i++)
		if (commands[i]->path != NULL &&
			!endpoint_exists(api, commands[i]->method, commands[i]->path))
			fail_msg("%s: no %s %s", commands[i]->words, commands[i]->method,
				commands[i]->path);
	for (const char *at = ctl; (at = strstr(at, call)) != NULL; calls++) {
		char method[8], path[64];
		at += sizeof call - 1;
		size_t len = strcspn(at, "\"");
		assert_int_equal(text_copy_len(method, sizeof method, at, len), 0);
		at += len + strcspn(at + len + 1, "\"") + 2;
		len = strcspn(at, "\"");
		assert_int_equal(text_copy_len(path, sizeof path, at, len), 0);
		if (!endpoint_exists(api, method, path))
			fail_msg("no %s %s", method, path);
	}
	assert_true(calls >= 8);
	assert_false(endpoint_exists(api, "GET", "user/add"));
	assert_false(endpoint_exists(api, "POST", "user/nonesuch"));
	assert_false(endpoint_exists(api, "POST", "remote/session")); /* of the other door */
}

/* ---- answers for people ---- */

static void says_what_was_done(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{\"message\":\"User added\"},\"user\":{\"id\":\"1\"}}";
	assert_int_equal(desk_run(desk, "user", "add", "an\033a", NULL), CLI_OK);
	desk_said(desk, "User an\\x1ba added.\n");
	desk->answers[0] = "{\"response\":{\"message\":\"Nothing\\u0007 known\"}}";
	assert_int_equal(desk_run(desk, "session", "show", "4", NULL), CLI_OK);
	desk_said(desk, "Nothing\\x07 known\n");
	desk->answers[0] = "{\"response\":{},\"x\":{\"message\":\"m\",\"warning\":\"w\\u0007\"}}";
	assert_int_equal(desk_run(desk, "user", "disable", "ana", NULL), CLI_OK);
	desk_said(desk, "User ana disabled.\n");
	assert_string_equal(desk->error, "sallyport: warning: w\\x07\n");
	desk->answers[0] = "{\"response\":{},\"session\":{\"id\":\"4\",\"state\":\"live\"}}";
	assert_int_equal(desk_run(desk, "session", "show", "4", NULL), CLI_OK);
	desk_said(desk, "id     4\nstate  live\n");
}

static void refusals_print_nothing(void **state)
{
	struct desk *desk = *state;

	desk_gateway(desk);
	desk->answers[0] = "{\"response\":{\"error\":true,\"message\":\"Name taken\"}}";
	assert_int_equal(desk_run(desk, "user", "add", "ana", "--json", NULL), CLI_FAILED);
	desk_said(desk, "");
	assert_string_equal(desk->error, "sallyport: Name taken\n");
}

/* ---- completion ---- */

static int bash(void *context)
{
	execl("/bin/bash", "bash", "--norc", "-c", (const char *)context, (char *)NULL);
	return 127;
}

/* What is offered after `line`, its last word being completed. */
static void offers(struct desk *desk, const char *line, const char *expected)
{
	char script[1024];

	snprintf(script, sizeof script,
		"cd /nonesuch 2>/dev/null; . %s/completion; COMP_WORDS=(%s); "
		"COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _sallyport; echo \"${COMPREPLY[*]}\"",
		desk->directory, line);
	assert_int_equal(desk_fork(desk, bash, script), 0);
	assert_string_equal(desk->error, "");
	desk_said(desk, expected);
}

static void completion_knows_the_table(void **state)
{
	struct desk *desk = *state;
	char script[128];

	if (access("/bin/bash", X_OK) < 0)
		skip();
	assert_int_equal(desk_run(desk, "completion", NULL), CLI_OK);
	desk_file(desk, "completion", desk->out);
	snprintf(script, sizeof script, "bash -n %s/completion", desk->directory);
	assert_int_equal(desk_fork(desk, bash, script), 0);
	assert_string_equal(desk->error, "");

	offers(desk, "sallyport user ''", "add list edit disable enable\n");
	offers(desk, "sallyport user a", "add\n");
	offers(desk, "sallyport --data /x --json user en", "enable\n");
	offers(desk, "sallyport user add ana --n", "--name\n");
	offers(desk, "sallyport authorization add --ap", "--application\n");
	offers(desk, "sallyport au", "authorization audit\n");
	offers(desk, "sallyport vault ''", "rotate\n");
	offers(desk, "sallyport recording export x --o", "--output\n");
	offers(desk, "sallyport stat", "status\n");
	offers(desk, "sallyport --ver", "--version\n");
}

/* Every command can be reached by what is offered. */
static void completion_offers_every_command(void **state)
{
	struct desk *desk = *state;
	char line[256], expected[256];

	if (access("/bin/bash", X_OK) < 0)
		skip();
	assert_int_equal(desk_run(desk, "completion", NULL), CLI_OK);
	desk_file(desk, "completion", desk->out);
	for (unsigned i = 0; commands[i] != NULL; i++) {
		const char *blank = strrchr(commands[i]->words, ' ');
		snprintf(line, sizeof line, "sallyport %s", commands[i]->words);
		snprintf(expected, sizeof expected, "%s\n",
			blank != NULL ? blank + 1 : commands[i]->words);
		offers(desk, line, expected);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_listed_once),
		cmocka_unit_test(no_command_is_forgotten),
		cmocka_unit_test(commands_are_whole),
		cmocka_unit_test(what_is_called_is_there),
		DESK_CASE(says_what_was_done),
		DESK_CASE(refusals_print_nothing),
		DESK_CASE(completion_knows_the_table),
		DESK_CASE(completion_offers_every_command),
	};

	source_root = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
