/* SPDX-License-Identifier: Apache-2.0 */
/* The Telnet worker, as built, against inetutils telnetd and against targets that lie. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "../play.h"

static struct {
	const char *worker;
	struct account account;
	pid_t telnetd;
	unsigned short port;
	bool root;
} stage;

/* What inetd does: one telnetd per connection, on its standard descriptors. */
static pid_t start_inetd(unsigned short *ret_port)
{
	int listener = listen_on(ret_port);
	pid_t pid = fork_child();

	if (pid > 0) {
		close(listener);
		return pid;
	}
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fork() == 0) {
			signal(SIGCHLD, SIG_DFL);
			for (int i = 0; i < 3; i++)
				dup2(fd, i);
			close_range(3, ~0u, 0);
			execl("/usr/sbin/telnetd", "telnetd", "-h", (char *)NULL);
			_exit(127);
		}
		close(fd);
	}
}

static int set_up(void **state)
{
	stage.root = getuid() == 0;
	if (!stage.root)
		return 0;
	account_make(&stage.account);
	stage.telnetd = start_inetd(&stage.port);
	return 0;
}

static int tear_down(void **state)
{
	stop_program(stage.telnetd);
	if (stage.root)
		account_remove(&stage.account);
	return 0;
}

static void start(struct play *play, unsigned short port)
{
	play_start(play, stage.worker, play_dial(port));
}

static void finish_well(struct play *play)
{
	play_finish(play);
	assert_int_equal(play->wait_status, 0);
}

static void telnetd_lets_us_in(void **state)
{
	static const uint8_t zeros[HASH_LEN];
	struct play play;

	if (!stage.root)
		skip();
	play_init(&play, "telnet", stage.account.name);
	play.secret = stage.account.password;
	start(&play, stage.port);
	assert_true(play_live(&play, 15000));
	assert_int_equal(play.asked, 1);
	assert_memory_equal(play.proof, zeros, HASH_LEN);
	play_type(&play, "stty size; echo $TERM; exec env -i /bin/bash --norc\r");
	assert_true(play_shows(&play, "30 100\r\n", 5000));
	assert_true(play_shows(&play, "xterm-256color\r\n", 5000));
	play_resize(&play, 90, 33);
	play_type(&play, "sleep 0.3; stty size\r");
	assert_true(play_shows(&play, "33 90\r\n", 5000));
	/* What is echoed comes from the target alone. */
	play_type(&play, "echo mar''ker\r");
	assert_true(play_shows(&play, "marker", 5000));
	play_type(&play, "exit\r");
	assert_true(play_over(&play, 5000));
	assert_int_equal(play.why, 0);
	assert_null(memmem(play.text.data, play.text.len, stage.account.password,
		strlen(stage.account.password)));
	finish_well(&play);
}

static void telnetd_refuses_a_wrong_password(void **state)
{
	struct play play;

	if (!stage.root)
		skip();
	play_init(&play, "telnet", stage.account.name);
	play.secret = "wrong";
	start(&play, stage.port);
	assert_true(play_over(&play, 15000));
	assert_int_equal(play.why, -ERR_LOGIN_REFUSED);
	finish_well(&play);
}

/*
 * A script for a target: sends `say`, waits until it was told `hear` (NULL: nothing), and so on.
 * Everything it was told is left in a pipe.
 */
struct line {
	const char *say;
	size_t say_len;
	const char *hear;
	unsigned wait_ms;
};
#define SAY(text, hear)                                                                            \
	{                                                                                          \
		text, sizeof text - 1, hear, 0                                                     \
	}

struct script {
	pid_t pid;
	int told;
	unsigned short port;
};

static void act_script(int fd, int told, const struct line *lines, unsigned count)
{
	char all[65536];
	size_t len = 0;

	for (unsigned i = 0; i < count; i++) {
		if (write(fd, lines[i].say, lines[i].say_len) < 0)
			_exit(1);
		usleep(lines[i].wait_ms * 1000);
		while (lines[i].hear != NULL &&
			memmem(all, len, lines[i].hear, strlen(lines[i].hear)) == NULL) {
			ssize_t n = read(fd, all + len, sizeof all - len);

			if (n <= 0 || write(told, all + len, (size_t)n) != n)
				_exit(1);
			len += (size_t)n;
		}
	}
	/* Whatever is sent after the script, until the worker hangs up. */
	for (ssize_t n; (n = read(fd, all, sizeof all)) > 0;)
		if (write(told, all, (size_t)n) != n)
			_exit(1);
	_exit(0);
}

static void start_script(struct script *script, const struct line *lines, unsigned count)
{
	int listener = listen_on(&script->port), pipe_fds[2];

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	script->pid = fork_child();
	if (script->pid == 0) {
		fcntl(pipe_fds[1], F_SETFL, 0);
		act_script(accept(listener, NULL, NULL), pipe_fds[1], lines, count);
	}
	close(listener);
	close(pipe_fds[1]);
	script->told = pipe_fds[0];
}

static size_t stop_script(struct script *script, char *told, size_t size)
{
	ssize_t n;

	stop_program(script->pid);
	n = read(script->told, told, size - 1);
	close(script->told);
	told[MAX(n, (ssize_t)0)] = '\0';
	return (size_t)MAX(n, (ssize_t)0);
}

static void begin(
	struct play *play, struct script *script, const struct line *lines, unsigned count)
{
	start_script(script, lines, count);
	play_init(play, "telnet", "root");
	play->secret = "s3cret-canary";
	play->birth.login_timeout = 4;
	start(play, script->port);
}

static void an_echoed_secret_is_masked(void **state)
{
	static const struct line lines[] = {
		SAY("Router\r\nUsername: ", "root\r"),
		SAY("root\r\nPassword: ", "s3cret-canary\r"),
		{ "s3cre", 5, NULL, 100 },
		SAY("t-canary\r\nWelcome\r\nrouter> ", NULL),
	};
	struct play play;
	struct script script;
	char told[4096];

	begin(&play, &script, lines, ARRAY_LEN(lines));
	assert_true(play_live(&play, 5000));
	assert_true(play_shows(&play, "********\r\nWelcome\r\nrouter> ", 3000));
	assert_null(memmem(play.text.data, play.text.len, "s3cre", 5));
	play_type(&play, "show\r");
	usleep(200000);
	finish_well(&play);
	stop_script(&script, told, sizeof told);
	assert_non_null(strstr(told, "root\r"));
}

static void after_the_login_nothing_is_answered(void **state)
{
	static const struct line lines[] = {
		SAY("login: ", "root\r"),
		SAY("Password: ", "s3cret-canary\r"),
		SAY("\r\nHello\r\n$ ", "x"),
		SAY("\r\nlogin: ", NULL),
		SAY("\r\nPassword: ", NULL),
	};
	struct play play;
	struct script script;
	char told[4096], *first;

	begin(&play, &script, lines, ARRAY_LEN(lines));
	assert_true(play_live(&play, 5000));
	play_type(&play, "x");
	assert_true(play_shows(&play, "\r\nlogin: \r\nPassword: ", 3000));
	usleep(1500000);
	assert_int_equal(play.asked, 1);
	finish_well(&play);
	size_t len = stop_script(&script, told, sizeof told);
	first = memmem(told, len, "s3cret-canary", 13);
	assert_non_null(first);
	assert_null(memmem(first + 1, len - (size_t)(first + 1 - told), "s3cret", 6));
}

static void a_prompt_again_is_a_refusal(void **state)
{
	static const struct line lines[] = {
		SAY("login: ", "root\r"),
		SAY("Password: ", "s3cret-canary\r"),
		SAY("\r\n\r\nlogin: ", NULL),
	};
	struct play play;
	struct script script;
	char told[4096];

	begin(&play, &script, lines, ARRAY_LEN(lines));
	assert_true(play_over(&play, 5000));
	assert_int_equal(play.why, -ERR_LOGIN_REFUSED);
	assert_int_equal(play.asked, 1);
	finish_well(&play);
	stop_script(&script, told, sizeof told);
}

static void expressions_can_be_configured(void **state)
{
	static const struct line lines[] = {
		SAY("Wer da? ", "root\r"),
		SAY("Losung? ", "s3cret-canary\r"),
		{ "\r\nlast login: never\r\n", 21, NULL, 600 },
		SAY("bereit>", NULL),
	};
	struct play play;
	struct script script;
	char told[4096];

	start_script(&script, lines, ARRAY_LEN(lines));
	play_init(&play, "telnet", "root");
	play.secret = "s3cret-canary";
	text_copy(play.birth.expect[0], 128, "wer*?");
	text_copy(play.birth.expect[1], 128, "LOSUNG?|parole?");
	text_copy(play.birth.expect[2], 128, "bereit>");
	start(&play, script.port);
	assert_true(play_shows(&play, "never\r\n", 5000));
	assert_int_equal(play.state, VIEW_LOGGING_IN);
	assert_true(play_live(&play, 5000));
	finish_well(&play);
	stop_script(&script, told, sizeof told);
}

/* Keys typed before the session is live never reach the target. */
static void early_keys_are_dropped(void **state)
{
	static const struct line lines[] = {
		{ "login: ", 7, "root\r", 500 },
		{ "Password: ", 10, "s3cret-canary\r", 500 },
		SAY("\r\nHello\r\n$ ", NULL),
	};
	struct play play;
	struct script script;
	char told[4096];

	start_script(&script, lines, ARRAY_LEN(lines));
	play_init(&play, "telnet", "root");
	play.secret = "s3cret-canary";
	start(&play, script.port);
	play_type(&play, "early");
	assert_true(play_shows(&play, "login: ", 3000));
	play_type(&play, "early");
	assert_true(play_live(&play, 5000));
	finish_well(&play);
	stop_script(&script, told, sizeof told);
	assert_null(strstr(told, "early"));
}

static void liars_end_their_own_session(void **state)
{
	/* 64 KiB of questions for the terminal type: more answers than anyone would wait for. */
	char *flood = malloc(60003);
	static const struct line silent[] = { SAY("Welcome\r\n", NULL) };
	struct play play;
	struct script script;
	char told[4096];

	memcpy(flood, "\xff\xfd\x18", 3);
	for (int i = 0; i < 10000; i++)
		memcpy(flood + 3 + 6 * i, "\xff\xfa\x18\x01\xff\xf0", 6);
	const struct line flooding[] = { { flood, 60003, NULL, 0 }, { flood, 60003, NULL, 0 },
		{ flood, 60003, NULL, 0 }, { flood, 60003, NULL, 0 } };

	begin(&play, &script, silent, 1);
	assert_true(play_over(&play, 6000));
	assert_int_equal(play.why, -ERR_TARGET_SILENT);
	assert_int_equal(play.asked, 0);
	finish_well(&play);
	stop_script(&script, told, sizeof told);
	begin(&play, &script, flooding, ARRAY_LEN(flooding));
	assert_true(play_over(&play, 6000));
	assert_true(play.why < 0);
	finish_well(&play);
	stop_script(&script, told, sizeof told);
	free(flood);
}

static void secrets_that_are_commands_are_not_typed(void **state)
{
	static const struct line lines[] = {
		SAY("login: ", "root\r"),
		SAY("Password: ", NULL),
	};
	struct play play;
	struct script script;
	char told[4096];

	start_script(&script, lines, ARRAY_LEN(lines));
	play_init(&play, "telnet", "root");
	play.secret = "two\rlines";
	start(&play, script.port);
	assert_true(play_over(&play, 5000));
	assert_int_equal(play.why, -ERR_LOGIN_REFUSED);
	finish_well(&play);
	stop_script(&script, told, sizeof told);
	assert_null(strstr(told, "two"));
}

static void without_echo_the_terminal_echoes(void **state)
{
	static const struct line lines[] = {
		SAY("login: ", "root\r"),
		SAY("Password: ", "s3cret-canary\r"),
		SAY("\r\nHello\r\n$ ", NULL),
	};
	struct play play;
	struct script script;
	char told[4096];

	begin(&play, &script, lines, ARRAY_LEN(lines));
	assert_true(play_live(&play, 5000));
	play_type(&play, "ab\177c\r");
	assert_true(play_shows(&play, "$ ab\b \bc\r\n", 3000));
	finish_well(&play);
	stop_script(&script, told, sizeof told);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(telnetd_lets_us_in),
		cmocka_unit_test(telnetd_refuses_a_wrong_password),
		cmocka_unit_test(an_echoed_secret_is_masked),
		cmocka_unit_test(after_the_login_nothing_is_answered),
		cmocka_unit_test(a_prompt_again_is_a_refusal),
		cmocka_unit_test(expressions_can_be_configured),
		cmocka_unit_test(early_keys_are_dropped),
		cmocka_unit_test(liars_end_their_own_session),
		cmocka_unit_test(secrets_that_are_commands_are_not_typed),
		cmocka_unit_test(without_echo_the_terminal_echoes),
	};

	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	stage.worker = argv[1];
	return cmocka_run_group_tests_name("drivers/telnet/telnet", tests, set_up, tear_down);
}
