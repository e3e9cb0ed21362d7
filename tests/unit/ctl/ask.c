/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <stdlib.h>

#include "ctl/ask.c"

/* Prints what the descriptor reads as, in brackets. */
static int ask_and_tell(void *context)
{
	const bool *twice = context;
	char text[2 * ASK_SECRET_MAX] = "";
	int fd = -1;
	int r = ask_secret("Word: ", *twice, &fd);

	if (r != CLI_OK)
		return r;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	printf("[%.*s]", n > 0 ? (int)n : 0, text);
	return isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &(struct termios){ 0 }) < 0;
}

static int ask_in(struct desk *desk, bool twice)
{
	return desk_fork(desk, ask_and_tell, &twice);
}

static void what_is_piped_is_passed_on_unread(void **state)
{
	struct desk *desk = *state;

	desk->input = "piped\n";
	assert_int_equal(ask_in(desk, true), CLI_OK);
	desk_said(desk, "[piped\n]");
	assert_string_equal(desk->error, "");
}

static void what_is_typed_is_not_shown(void **state)
{
	struct desk *desk = *state;

	desk->terminal = true;
	desk->typed[0] = "correct horse\n";
	assert_int_equal(ask_in(desk, false), CLI_OK);
	desk_said(desk, "[correct horse]");
	assert_string_equal(desk->error, "Word: \n");
	assert_null(strstr(desk->shown, "horse"));
}

static void a_new_one_is_typed_twice(void **state)
{
	struct desk *desk = *state;

	desk->terminal = true;
	desk->typed[0] = desk->typed[1] = "correct horse\n";
	assert_int_equal(ask_in(desk, true), CLI_OK);
	desk_said(desk, "[correct horse]");
	assert_string_equal(desk->error, "Word: \nOnce more: \n");
	desk->typed[1] = "correct house\n";
	assert_int_equal(ask_in(desk, true), CLI_FAILED);
	desk_complained(desk, "that is not what was typed first");
	desk_said(desk, "");
	desk->typed[1] = "correct\n";
	assert_int_equal(ask_in(desk, true), CLI_FAILED);
}

static void nothing_is_no_secret(void **state)
{
	static const char *const lines[] = { "\n", "\x03", "half\x03", "\x04" };
	static char endless[ASK_SECRET_MAX + 3];
	struct desk *desk = *state;

	desk->terminal = true;
	for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
		/* Ctrl-C, which is a character here, is in a line of its own. */
		char line[16];
		snprintf(line, sizeof line, "%s%s", lines[i], lines[i][0] == '\x04' ? "" : "\n");
		desk->typed[0] = line;
		assert_int_equal(ask_in(desk, false), CLI_FAILED);
		desk_complained(desk, "nothing was given");
		desk_said(desk, "");
	}
	memset(endless, 'x', ASK_SECRET_MAX + 1);
	endless[ASK_SECRET_MAX + 1] = '\n';
	desk->typed[0] = endless;
	assert_int_equal(ask_in(desk, false), CLI_FAILED);
}

/* The echo is back for the shell, whatever was typed. */
static int ask_and_look(void *context)
{
	struct termios mode;
	int fd = -1;

	ask_secret("Word: ", false, &fd);
	fd_closep(&fd);
	return tcgetattr(STDIN_FILENO, &mode) == 0 && (mode.c_lflag & ECHO) != 0 &&
			       (mode.c_lflag & ISIG) != 0
		       ? 0
		       : 1;
}

static void the_echo_comes_back(void **state)
{
	struct desk *desk = *state;

	desk->terminal = true;
	desk->typed[0] = "word\n";
	assert_int_equal(desk_fork(desk, ask_and_look, NULL), 0);
	desk->typed[0] = "\x03\n";
	assert_int_equal(desk_fork(desk, ask_and_look, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_CASE(what_is_piped_is_passed_on_unread),
		DESK_CASE(what_is_typed_is_not_shown),
		DESK_CASE(a_new_one_is_typed_twice),
		DESK_CASE(nothing_is_no_secret),
		DESK_CASE(the_echo_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
