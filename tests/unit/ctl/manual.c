/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/manual.c"

/* As manual.c prints it. */
static void escaped(struct desk *desk, const char *text, char out[1024])
{
	desk_capture(desk);
	roff(text);
	desk_release(desk);
	assert_int_equal(text_copy(out, 1024, desk->out), 0);
}

static void roff_is_escaped(void **state)
{
	static const char *const table[][2] = {
		{ "plain words", "plain words" },
		{ ".SH evil", "\\&.SH evil" },
		{ "'quoted", "\\&'quoted" },
		{ "it's a.b", "it's a.b" },
		{ "a\\fBb", "a\\efBb" },
		{ "--any-port", "\\-\\-any\\-port" },
		{ "", "" },
	};
	char out[1024];

	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		escaped(*state, table[i][0], out);
		assert_string_equal(out, table[i][1]);
	}
}

static void every_command_is_explained(void **state)
{
	struct desk *desk = *state;
	char page[65536], word[1024], line[1200];

	assert_int_equal(desk_run(desk, "manual", "commands", NULL), CLI_OK);
	assert_int_equal(text_copy(page, sizeof page, desk->out), 0);
	const char *at = page;
	for (unsigned i = 0; commands[i] != NULL; i++) {
		escaped(desk, commands[i]->words, word);
		snprintf(line, sizeof line, ".TP\n.B %s%s", word,
			commands[i]->takes[0] != '\0' ? " \\fI" : "\n");
		at = strstr(at, line);
		if (at == NULL)
			fail_msg("%s is not explained in its turn", commands[i]->words);
		const char *next = strstr(at + 1, "\n.TP\n.B ");
		const struct option_row *row = commands[i]->options;
		for (; row != NULL && row->name != NULL; row++) {
			escaped(desk, row->name, word);
			snprintf(line, sizeof line, ".RS\n.TP\n.B \\-\\-%s", word);
			next = strstr(at, line);
			if (next == NULL)
				fail_msg("--%s of %s is not explained", row->name,
					commands[i]->words);
		}
	}
	assert_non_null(strstr(page, " (required)\n.RE\n"));
}

static void every_setting_is_explained(void **state)
{
	struct desk *desk = *state;
	char page[65536], word[1024], line[1200];
	unsigned count;
	const struct setting_row *rows = settings_rows(&count);

	assert_int_equal(desk_run(desk, "manual", "settings", NULL), CLI_OK);
	assert_int_equal(text_copy(page, sizeof page, desk->out), 0);
	assert_true(count > 20);
	for (unsigned i = 0; i < count; i++) {
		snprintf(line, sizeof line, ".TP\n.B %s.%s\n", rows[i].section, rows[i].key);
		const char *at = strstr(page, line);
		assert_non_null(at);
		escaped(desk, rows[i].sentence, word);
		assert_non_null(strstr(at, word));
		escaped(desk, rows[i].value[0] != '\0' ? rows[i].value : "empty", word);
		snprintf(line, sizeof line, "\nDefault: %s", word);
		assert_non_null(strstr(at, line));
	}
}

static void other_parts_are_usage_errors(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(desk_run(desk, "manual", "pages", NULL), CLI_USAGE);
	desk_said(desk, "");
	desk_complained(
		desk, "the parts are commands and settings\nusage: sallyport manual PART\n");
	assert_int_equal(desk_run(desk, "manual", NULL), CLI_USAGE);
}

/* The text that groff reads, with every warning it has. */
static int lint(void *context)
{
	execl("/usr/bin/groff", "groff", "-man", "-ww", "-z", "-Tutf8", (const char *)context,
		(char *)NULL);
	return 127;
}

static void groff_has_no_complaints(void **state)
{
	static const char *const parts[] = { "commands", "settings" };
	struct desk *desk = *state;
	char page[70000], path[256];

	if (access("/usr/bin/groff", X_OK) < 0)
		skip();
	snprintf(path, sizeof path, "%s/page", desk->directory);
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
		desk_run(desk, "manual", parts[i], NULL);
		snprintf(page, sizeof page, ".TH PAGE 1\n.SH TABLE\n%s", desk->out);
		desk_file(desk, "page", page);
		assert_int_equal(desk_fork(desk, lint, path), 0);
		assert_string_equal(desk->error, "");
	}
	desk_file(desk, "page", ".TH PAGE 1\n.SH TABLE\n.NONESUCH\n");
	desk_fork(desk, lint, path);
	assert_string_not_equal(desk->error, ""); /* it does look */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(roff_is_escaped),
		DESK_CASE(every_command_is_explained),
		DESK_CASE(every_setting_is_explained),
		DESK_CASE(other_parts_are_usage_errors),
		DESK_CASE(groff_has_no_complaints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
