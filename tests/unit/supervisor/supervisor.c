/* SPDX-License-Identifier: Apache-2.0 */
/* The executable itself, with stand-ins for what it starts. */
#include "stage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define PATIENCE_MS 30000

static char *supervisor_program;

struct scene {
	struct stage stage;
	pid_t pid;
	int out, error;
	int manager; /* where a service manager would listen */
};

/* Copied: it looks for the others beside itself. */
static void copy_program(void)
{
	char bytes[65536];
	int from = open(supervisor_program, O_RDONLY | O_CLOEXEC);
	int to = open("bin/sallyport-supervisor", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	assert_true(from >= 0 && to >= 0);
	for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
		assert_int_equal(write(to, bytes, (size_t)got), got);
	close(from);
	close(to);
}

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "notify" };

	stage_open(&scene->stage);
	copy_program();
	scene->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(scene->manager, (struct sockaddr *)&address, sizeof address), 0);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	if (scene->pid > 0) {
		kill(scene->pid, SIGKILL);
		waitpid(scene->pid, NULL, 0);
	}
	close(scene->manager);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

/* In a process group of its own, as a shell would have it. */
static void start(struct scene *scene, const char *one, const char *two, const char *three)
{
	char *const argv[] = { "sallyport-supervisor", (char *)one, (char *)two, (char *)three,
		NULL };
	char where[128], told[160];
	char *const environment[] = { "ASAN_OPTIONS=detect_leaks=0", told, NULL };
	int out[2], error[2];

	assert_non_null(getcwd(where, sizeof where));
	snprintf(told, sizeof told, "NOTIFY_SOCKET=%s/notify", where);

	assert_int_equal(pipe2(out, O_CLOEXEC) | pipe2(error, O_CLOEXEC), 0);
	scene->pid = fork();
	assert_true(scene->pid >= 0);
	if (scene->pid == 0) {
		setpgid(0, 0);
		dup2(out[1], 1);
		dup2(error[1], 2);
		execve("bin/sallyport-supervisor", argv, environment);
		_exit(127);
	}
	close(out[1]);
	close(error[1]);
	scene->out = out[0];
	scene->error = error[0];
}

/* What comes out of fd: up to `last`, or everything. */
static void read_until(int fd, const char *last, char said[4096])
{
	struct pollfd poller = { fd, POLLIN, 0 };
	size_t len = 0;

	said[0] = '\0';
	while (last == NULL || strstr(said, last) == NULL) {
		assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
		ssize_t got = read(fd, said + len, 4095 - len);
		if (got <= 0)
			return;
		len += (size_t)got;
		said[len] = '\0';
	}
}

static int ended(struct scene *scene)
{
	int status = -1;

	for (int i = 0; i < PATIENCE_MS / 10 && waitpid(scene->pid, &status, WNOHANG) == 0; i++)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	assert_true(WIFEXITED(status));
	scene->pid = 0;
	close(scene->out);
	close(scene->error);
	return WEXITSTATUS(status);
}

static void explains_itself(void **state)
{
	static const char *const wrong[][3] = { { NULL }, { "--data" }, { "--colour" },
		{ "--data=data", "more" }, { "--offline" } };
	struct scene *scene = *state;
	char out[4096], error[4096];

	start(scene, "--help", NULL, NULL);
	read_until(scene->out, NULL, out);
	assert_int_equal(ended(scene), 0);
	assert_non_null(strstr(out, "usage: sallyport-supervisor --data DIR"));
	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
		start(scene, wrong[i][0], wrong[i][1], wrong[i][2]);
		read_until(scene->out, NULL, out);
		read_until(scene->error, NULL, error);
		assert_int_equal(ended(scene), 2);
		assert_string_equal(out, "");
		assert_non_null(strstr(error, "usage: sallyport-supervisor"));
	}
}

static void start_ready(struct scene *scene)
{
	char out[4096];

	start(scene, "--data", "data", NULL);
	read_until(scene->out, "ready\n", out);
	assert_string_equal(out, "ready\n");
	assert_int_equal(access("data/control.sock", F_OK), 0);
}

static void ends_in_order_when_told(void **state)
{
	struct scene *scene = *state;

	start_ready(scene);
	kill(scene->pid, SIGTERM);
	assert_int_equal(ended(scene), 0);
	assert_true(stage_moment("front ends") < stage_moment("recorder stops"));
	assert_true(stage_moment("recorder ends") < stage_moment("broker stops"));
	assert_true(stage_moment("broker ends") < stage_moment("vault stops"));
	stage_moment("vault ends");
	assert_int_equal(access("data/control.sock", F_OK), -1);
}

/* Ctrl-C goes to the whole group of the terminal: the services must not die of it. */
static void interrupt_is_for_the_supervisor(void **state)
{
	struct scene *scene = *state;

	start_ready(scene);
	kill(-scene->pid, SIGINT);
	assert_int_equal(ended(scene), 0);
	stage_moment("sallyport-front ends");
	stage_moment("sallyport-recorder ends");
	stage_moment("sallyport-broker ends");
	stage_moment("sallyport-vault ends");
}

static void runs_once(void **state)
{
	struct scene *scene = *state, second = { .stage = scene->stage };
	char error[4096];

	start_ready(scene);
	start(&second, "--data", "data", "--offline");
	read_until(second.error, NULL, error);
	assert_int_equal(ended(&second), 1);
	assert_non_null(strstr(error, "a gateway is already running on it"));
	assert_int_equal(access("data/control.sock", F_OK), 0);
	kill(scene->pid, SIGTERM);
	assert_int_equal(ended(scene), 0);
}

/* The broker asks for a worker, hears of its exit, and asks for the end. */
static void starts_workers_and_tells_their_end(void **state)
{
	struct scene *scene = *state;

	stage_plan("sallyport-broker", "starts");
	start_ready(scene);
	assert_int_equal(ended(scene), 0);
	assert_true(stage_moment("sallyport-broker worker started 0\n") <
		    stage_moment("sallyport-broker worker 41 exited "));
	assert_true(stage_moment("worker 41 exited") < stage_moment("front stops"));
	stage_moment("vault ends");
}

static void fails_when_a_service_never_starts(void **state)
{
	struct scene *scene = *state;
	char out[4096], error[4096];

	stage_plan("sallyport-recorder", "dies");
	start(scene, "--data", "data", NULL);
	read_until(scene->error, "does not start", error);
	read_until(scene->out, NULL, out);
	assert_int_equal(ended(scene), 1);
	assert_string_equal(out, "");
	assert_true(stage_told("sallyport-vault ends")); /* nobody stays behind */
	assert_true(stage_told("sallyport-front ends"));
	assert_true(stage_told("sallyport-broker ends"));
}

static void fails_without_a_program(void **state)
{
	struct scene *scene = *state;
	char error[4096];

	assert_int_equal(unlink("bin/sallyport-broker"), 0);
	start(scene, "--data", "data", NULL);
	read_until(scene->error, NULL, error);
	assert_int_equal(ended(scene), 1);
	assert_non_null(strstr(error, "bin/sallyport-broker: No such file"));
}

static void services_outlive_nobody(void **state)
{
	struct scene *scene = *state;

	start_ready(scene);
	kill(scene->pid, SIGKILL);
	assert_true(stage_told("sallyport-front ends"));
	assert_true(stage_told("sallyport-recorder ends"));
	assert_true(stage_told("sallyport-broker ends"));
	assert_true(stage_told("sallyport-vault ends"));
}

static void title_tells_how_many(void **state)
{
	struct scene *scene = *state;
	char path[64], line[4096];

	start_ready(scene);
	snprintf(path, sizeof path, "/proc/%d/cmdline", scene->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, line, sizeof line - 1);
	close(fd);
	assert_true(got > 0);
	line[got] = '\0';
	/* As much as the room of its arguments holds. */
	assert_memory_equal(line, "sallyport-supervisor: 0 sessions", strlen(line));
	assert_true(strlen(line) > strlen("sallyport-supervisor: 0"));
	kill(scene->pid, SIGTERM);
	assert_int_equal(ended(scene), 0);
}

static void manager_hears(struct scene *scene, const char *words)
{
	struct pollfd poller = { scene->manager, POLLIN, 0 };
	char heard[128];

	assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
	ssize_t got = recv(scene->manager, heard, sizeof heard - 1, 0);
	heard[got > 0 ? got : 0] = '\0';
	assert_memory_equal(heard, words, strlen(words));
}

static unsigned long inode_of(const char *path)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &stat), 0);
	close(fd);
	return (unsigned long)stat.st_ino;
}

static unsigned long inode_run(const struct scene *scene)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/exe", scene->pid);
	return inode_of(path);
}

/* SIGHUP: the same process, another executable, other services; and it ends as it always did. */
static void replaces_itself_in_place(void **state)
{
	struct scene *scene = *state;
	char said[4096];

	start_ready(scene);
	manager_hears(scene, "READY=1");
	for (int i = 0; i < 3; i++) {
		unsigned long before = inode_run(scene);
		assert_int_equal(rename("bin/sallyport-supervisor", "bin/before"), 0);
		copy_program();
		kill(scene->pid, SIGHUP);
		manager_hears(scene, "RELOADING=1\nMONOTONIC_USEC=");
		read_until(scene->error, "\"gateway.renewed\"", said);
		manager_hears(scene, "READY=1");
		assert_int_equal(inode_run(scene), inode_of("bin/sallyport-supervisor"));
		assert_int_not_equal(inode_run(scene), before);
	}
	assert_non_null(strstr(said, "generation 4"));
	kill(scene->pid, SIGTERM);
	manager_hears(scene, "STOPPING=1");
	read_until(scene->out, NULL, said);
	assert_string_equal(said, ""); /* "ready" was said once */
	assert_int_equal(ended(scene), 0);
	assert_int_equal(access("data/control.sock", F_OK), -1);
}

/* What lies on disk is no gateway: everything stays as it is. */
static void stays_when_the_new_one_is_none(void **state)
{
	struct scene *scene = *state;
	char said[4096];

	start_ready(scene);
	unsigned long before = inode_run(scene);
	assert_int_equal(rename("bin/sallyport-front", "bin/before"), 0);
	stage_file("bin/sallyport-front", "#!/bin/sh\nexit 0\n", 0755);
	kill(scene->pid, SIGHUP);
	read_until(scene->error, "sallyport-front is not an executable of this gateway", said);
	assert_non_null(strstr(said, "reload.refused"));
	assert_int_equal(inode_run(scene), before);
	assert_int_equal(stage_count("sallyport-front ends"), 0);
	kill(scene->pid, SIGTERM);
	assert_int_equal(ended(scene), 0);
}

/* The state of another supervisor is believed from nobody, and nothing is started for it. */
static void takes_over_from_nobody(void **state)
{
	static const char *const numbers[] = { "--takeover=", "--takeover=x", "--takeover=1",
		"--takeover=-5", "--takeover=99999999999" };
	struct scene *scene = *state;
	char error[4096];

	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
		start(scene, "--data=data", numbers[i], NULL);
		read_until(scene->error, NULL, error);
		assert_int_equal(ended(scene), 2);
	}
	int fd = memfd_create("state", 0); /* inherited; empty, and not sealed */
	char number[32];
	snprintf(number, sizeof number, "--takeover=%d", fd);
	for (unsigned i = 0; i < 3; i++) {
		start(scene, "--data=data", i == 2 ? "--takeover=900" : number,
			i == 1 ? "--trial" : NULL);
		read_until(scene->error, NULL, error);
		assert_int_equal(ended(scene), 1);
	}
	close(fd);
	assert_int_equal(stage_count("sallyport-vault"), 0);
	assert_int_equal(access("data/control.sock", F_OK), -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(explains_itself),
		CASE(ends_in_order_when_told),
		CASE(interrupt_is_for_the_supervisor),
		CASE(runs_once),
		CASE(starts_workers_and_tells_their_end),
		CASE(fails_when_a_service_never_starts),
		CASE(fails_without_a_program),
		CASE(services_outlive_nobody),
		CASE(title_tells_how_many),
		CASE(replaces_itself_in_place),
		CASE(stays_when_the_new_one_is_none),
		CASE(takes_over_from_nobody),
	};

	stage_stand_in = realpath(argv[1], NULL);
	supervisor_program = realpath(argv[2], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(supervisor_program);
	free(stage_stand_in);
	return failed;
}
