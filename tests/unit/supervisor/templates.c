/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "supervisor/templates.c"

struct scene {
	struct stage stage;
	struct supervisor supervisor;
	int fds[4];
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	stage_open(&scene->stage);
	assert_int_equal(loop_create(&scene->supervisor.loop), 0);
	scene->supervisor.root = geteuid() == 0;
	for (unsigned i = 0; i < 4; i++)
		scene->fds[i] = memfd_create("given", MFD_CLOEXEC);
	*state = scene;
	return 0;
}

static void reap_all(struct scene *scene)
{
	for (pid_t pid; (pid = waitpid(-1, NULL, 0)) > 0;)
		template_reaped(&scene->supervisor, pid);
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	templates_stop(&scene->supervisor);
	reap_all(scene);
	assert_null(scene->supervisor.templates);
	loop_destroy(scene->supervisor.loop);
	for (unsigned i = 0; i < 4; i++)
		close(scene->fds[i]);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

static pid_t copy(struct scene *scene, const char *driver)
{
	struct msg_worker_fork fork;
	int program = open(stage_stand_in, O_PATH | O_CLOEXEC);

	memset(&fork, 0, sizeof fork);
	assert_true(program >= 0);
	pid_t pid = template_fork(&scene->supervisor, driver, program, &fork, scene->fds);
	close(program);
	return pid;
}

/* The copies are ours to reap and to kill, and there is one template for all of them. */
static void copies_are_children_of_the_supervisor(void **state)
{
	struct scene *scene = *state;
	pid_t pids[3];
	int status;

	for (int i = 0; i < 3; i++)
		assert_true((pids[i] = copy(scene, "waits")) > 0);
	assert_non_null(scene->supervisor.templates);
	assert_null(scene->supervisor.templates->next);
	for (int i = 0; i < 3; i++) {
		assert_int_not_equal(pids[i], scene->supervisor.templates->pid);
		assert_false(template_reaped(&scene->supervisor, pids[i]));
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
}

static void each_driver_has_its_own(void **state)
{
	struct scene *scene = *state;
	pid_t one = copy(scene, "waits"), two = copy(scene, "reports");

	assert_true(one > 0 && two > 0);
	assert_non_null(scene->supervisor.templates->next);
	assert_null(scene->supervisor.templates->next->next);
	kill(one, SIGKILL);
}

/* Copies live on; the next session makes a new template. */
static void a_dead_template_is_replaced(void **state)
{
	struct scene *scene = *state;
	pid_t before = copy(scene, "waits"), template = scene->supervisor.templates->pid;

	assert_int_equal(kill(template, SIGKILL), 0);
	assert_int_equal(waitpid(template, NULL, 0), template);
	assert_true(template_reaped(&scene->supervisor, template));
	assert_false(template_reaped(&scene->supervisor, template));
	assert_null(scene->supervisor.templates);
	assert_int_equal(waitpid(before, NULL, WNOHANG), 0);
	pid_t after = copy(scene, "waits");
	assert_true(after > 0);
	assert_int_not_equal(scene->supervisor.templates->pid, template);
	kill(before, SIGKILL);
	kill(after, SIGKILL);
}

static void a_template_that_ends_or_is_silent_gives_nothing(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(copy(scene, "executed"), -1);
	assert_int_equal(copy(scene, "mute"), -1);
	assert_int_equal(errno, EAGAIN);
	reap_all(scene); /* both were killed, or ended */
	assert_null(scene->supervisor.templates);
}

static void what_the_kernel_refuses_is_told(void **state)
{
	struct scene *scene = *state;
	struct msg_worker_fork fork;
	int program = open(stage_stand_in, O_PATH | O_CLOEXEC);

	memset(&fork, 0, sizeof fork);
	fork.namespaces = CLONE_SIGHAND; /* without CLONE_VM */
	assert_int_equal(
		template_fork(&scene->supervisor, "waits", program, &fork, scene->fds), -1);
	assert_int_equal(errno, EINVAL);
	close(program);
	pid_t pid = copy(scene, "waits");
	assert_true(pid > 0);
	kill(pid, SIGKILL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(copies_are_children_of_the_supervisor),
		TEST(each_driver_has_its_own),
		TEST(a_dead_template_is_replaced),
		TEST(a_template_that_ends_or_is_silent_gives_nothing),
		TEST(what_the_kernel_refuses_is_told),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
