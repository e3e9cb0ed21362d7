/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "supervisor/token.c"

#define PATIENCE_MS 20000

/* The vault's end of its channel is the test. */
struct scene {
	struct stage stage;
	struct supervisor supervisor;
	struct channel *vault, *inside; /* the vault's end; the supervisor's */
	bool started;
	int result, end; /* what TOKEN_STARTED said */
	char report[4096];
};

static int on_vault(void *context, struct channel *channel, struct message *message)
{
	struct scene *scene = context;

	assert_int_equal(message->type, MSG_TOKEN_STARTED);
	assert_int_equal(message->serial, 77);
	scene->started = true;
	scene->result = ((const struct msg_result *)message->payload)->result;
	scene->end = message->fd_count == 1 ? STEAL_FD(message->fds[0]) : -1;
	loop_stop(scene->supervisor.loop);
	return 0;
}

static int on_supervisor(void *context, struct channel *channel, struct message *message)
{
	return token_start(context, channel, message);
}

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	struct supervisor *supervisor = &scene->supervisor;
	char complaint[REASON_SIZE];
	int ends[2];

	log_open("test", LOG_LEVEL_ERROR + 1);
	stage_open(&scene->stage);
	settings_defaults(&supervisor->settings);
	supervisor->place.token_pin = -1;
	text_copy(supervisor->settings.vault_token_key, URL_SIZE, "pkcs11:token=t;object=o");
	supervisor->root = geteuid() == 0;
	text_copy(supervisor->program_directory, sizeof supervisor->program_directory,
		scene->stage.bin);
	assert_int_equal(programs_open(&supervisor->programs, scene->stage.bin, complaint), 0);
	assert_int_equal(loop_create(&supervisor->loop), 0);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_create(supervisor->loop, ends[0], PARTY_VAULT, PARTY_SUPERVISOR,
				 on_vault, NULL, scene, &scene->vault),
		0);
	assert_int_equal(channel_create(supervisor->loop, ends[1], PARTY_SUPERVISOR, PARTY_VAULT,
				 on_supervisor, NULL, supervisor, &scene->inside),
		0);
	scene->end = -1;
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	token_end(&scene->supervisor.token);
	while (waitpid(-1, NULL, 0) > 0)
		;
	fd_closep(&scene->end);
	channel_destroy(scene->vault);
	channel_destroy(scene->inside);
	loop_destroy(scene->supervisor.loop);
	programs_close(&scene->supervisor.programs);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

/* pin NULL: the one the settings name. */
static int ask(struct scene *scene, const char *pin)
{
	struct msg_token_start start = { 0 };
	int ends[2] = { -1, -1 };

	if (pin != NULL) {
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		assert_int_equal(write(ends[1], pin, strlen(pin)), strlen(pin));
		close(ends[1]);
	}
	scene->started = false;
	fd_closep(&scene->end);
	channel_send(scene->vault, MSG_TOKEN_START, 77, &start, NULL, 0, ends, pin != NULL);
	fd_closep(&ends[0]);
	assert_int_equal(loop_run(scene->supervisor.loop), 0);
	assert_true(scene->started);
	return scene->result;
}

static void read_report(struct scene *scene)
{
	size_t len = 0;
	int status;

	/* Two packets: what it was told, what it was born with. */
	for (unsigned i = 0; i < 2; i++) {
		struct pollfd poller = { scene->end, POLLIN, 0 };
		assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
		ssize_t got =
			recv(scene->end, scene->report + len, sizeof scene->report - 1 - len, 0);
		assert_true(got > 0);
		len += (size_t)got;
	}
	scene->report[len] = '\0';
	pid_t pid = scene->supervisor.token.pid;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(token_reaped(&scene->supervisor, pid, status));
}

static void reported(const struct scene *scene, const char *line)
{
	if (strstr(scene->report, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, scene->report);
}

static void is_born_with_its_question_and_the_pin(void **state)
{
	struct scene *scene = *state;
	struct settings *settings = &scene->supervisor.settings;

	setenv("SALLYPORT_CANARY", "sings", 1);
	text_copy(settings->vault_token_module, URL_SIZE, "/lib/module.so");
	text_copy(settings->vault_token_environment, URL_SIZE, "ONE=1  TWO=two");
	assert_int_equal(ask(scene, "4711"), 0);
	read_report(scene);
	reported(scene, "arguments 4 /lib/module.so pkcs11:token=t;object=o\npin 4711\n");
	reported(scene, "variable ONE=1\nvariable TWO=two\nopen 0 1 2 3 4\n");
	reported(scene, "standard 1 1 1\n");
	reported(scene, "environment 2\n");
	reported(scene, "privileges 1\ncore 0\n");
	reported(scene, "dies with 9\n");
	assert_int_equal(scene->supervisor.token.pid, 0);
	assert_null(scene->supervisor.token.deadline);
}

static void is_nobody_with_one_group(void **state)
{
	struct scene *scene = *state;
	struct settings *settings = &scene->supervisor.settings;
	char line[128];

	if (geteuid() != 0)
		skip();
	assert_int_equal(setgroups(2, (gid_t[]){ 0, 4242 }), 0);
	for (unsigned group = 0; group <= 321; group += 321) {
		settings->vault_token_group = group;
		assert_int_equal(ask(scene, "4711"), 0);
		read_report(scene);
		unsigned uid = (unsigned)settings->gateway_uid_base + 5;
		snprintf(line, sizeof line, "uid %u %u gid %u %u groups %d\n", uid, uid, uid, uid,
			group != 0);
		reported(scene, line);
	}
}

static void the_pin_comes_from_where_the_settings_say(void **state)
{
	struct scene *scene = *state;
	struct settings *settings = &scene->supervisor.settings;

	assert_int_equal(ask(scene, NULL), -ERR_PIN_WANTED);
	text_copy(settings->vault_token_pin, URL_SIZE, "pin");
	assert_int_equal(ask(scene, NULL), -ERR_PIN_MISSING);
	stage_file("pin", "from a file", 0600);
	assert_int_equal(ask(scene, NULL), 0);
	read_report(scene);
	reported(scene, "pin from a file\n");
	assert_int_equal(chmod("pin", 0644), 0);
	assert_int_equal(ask(scene, NULL), -ERR_PIN_MISSING);

	text_copy(settings->vault_token_pin, URL_SIZE, "credential");
	assert_int_equal(ask(scene, NULL), -ERR_PIN_MISSING);
	/* As it was opened at the start; read from its beginning each time. */
	stage_file("given", "given", 0400);
	scene->supervisor.place.token_pin = open("given", O_RDONLY | O_CLOEXEC);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ask(scene, NULL), 0);
		read_report(scene);
		reported(scene, "pin given\n");
	}
	fd_closep(&scene->supervisor.place.token_pin);
	/* One that a person typed goes before it. */
	assert_int_equal(ask(scene, "typed"), 0);
	read_report(scene);
	reported(scene, "pin typed\n");
	settings->vault_token_key[0] = '\0';
	assert_int_equal(ask(scene, "typed"), -ERR_TOKEN_UNSET);
}

static void on_late(void *context)
{
	loop_stop(context);
}

/* One second in the settings; the test itself waits for the death, whenever it comes. */
static void is_ended_when_it_says_nothing(void **state)
{
	struct scene *scene = *state;
	struct timer *timer;
	int status;

	stage_plan("sallyport-token", "hangs");
	scene->supervisor.settings.vault_token_timeout = 1;
	assert_int_equal(ask(scene, "4711"), 0);
	pid_t pid = scene->supervisor.token.pid;
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(
		loop_after(scene->supervisor.loop, 1500, on_late, scene->supervisor.loop, &timer),
		0);
	assert_int_equal(loop_run(scene->supervisor.loop), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_true(token_reaped(&scene->supervisor, pid, status));
	assert_false(token_reaped(&scene->supervisor, pid, status));
	/* The vault's end has ended with it. */
	char byte;
	struct pollfd poller = { scene->end, POLLIN, 0 };
	assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(scene->end, &byte, 1, 0), 0);
}

/* A vault that was killed while it asked, and asks again. */
static void the_newest_question_counts(void **state)
{
	struct scene *scene = *state;
	int status;

	stage_plan("sallyport-token", "hangs");
	assert_int_equal(ask(scene, "1"), 0);
	pid_t first = scene->supervisor.token.pid;
	stage_plan("sallyport-token", "obeys");
	assert_int_equal(ask(scene, "2"), 0);
	assert_int_equal(waitpid(first, &status, 0), first);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_false(token_reaped(&scene->supervisor, first, status));
	read_report(scene);
	reported(scene, "pin 2\n");
}

static void without_its_program_it_is_said(void **state)
{
	struct scene *scene = *state;

	programs_close(&scene->supervisor.programs);
	assert_int_equal(ask(scene, "1"), -ERR_SYSTEM);
	assert_int_equal(scene->supervisor.token.pid, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(is_born_with_its_question_and_the_pin),
		CASE(is_nobody_with_one_group),
		CASE(the_pin_comes_from_where_the_settings_say),
		CASE(is_ended_when_it_says_nothing),
		CASE(the_newest_question_counts),
		CASE(without_its_program_it_is_said),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
