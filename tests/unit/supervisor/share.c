/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <signal.h>
#include <sys/wait.h>

#include "supervisor/share.c"

#define MILLION 1000000u

/* A directory that looks like a control group of ours, except that nothing happens. */
struct scene {
	struct stage stage;
	struct share share;
	int dir;
};

static int open_scene(void **state)
{
	static const char *const groups[] = { "group/gateway", "group/sessions", "group/heavy" };
	struct scene *scene = calloc(1, sizeof *scene);
	char path[64];

	stage_open(&scene->stage);
	assert_int_equal(mkdir("group", 0755), 0);
	stage_file("group/cgroup.procs", "", 0600);
	stage_file("group/cgroup.subtree_control", "", 0600);
	for (unsigned i = 0; i < ARRAY_LEN(groups); i++) {
		assert_int_equal(mkdir(groups[i], 0755), 0);
		snprintf(path, sizeof path, "%s/cgroup.procs", groups[i]);
		stage_file(path, "", 0600);
		snprintf(path, sizeof path, "%s/cpu.weight", groups[i]);
		stage_file(path, "", 0600);
	}
	scene->dir = open("group", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	share_close(&scene->share);
	close(scene->dir);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

static void holds(const char *path, const char *text)
{
	char bytes[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, bytes, sizeof bytes - 1);

	close(fd);
	bytes[got > 0 ? got : 0] = '\0';
	assert_string_equal(bytes, text);
}

static const char *own_pid(void)
{
	static char text[16];

	snprintf(text, sizeof text, "%d", getpid());
	return text;
}

static void a_group_of_ours_is_divided(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(take(&scene->share, scene->dir), 0);
	assert_true(scene->share.divided);
	holds("group/sessions/cgroup.procs", own_pid());
	holds("group/cgroup.subtree_control", "+cpu");
	holds("group/gateway/cpu.weight", "400");
	holds("group/sessions/cpu.weight", "100");
	holds("group/heavy/cpu.weight", "10");
	share_service(&scene->share, 4242);
	holds("group/gateway/cgroup.procs", "4242");
}

static void who_shares_a_group_does_not_own_it(void **state)
{
	struct scene *scene = *state;
	char text[32];

	stage_file("group/cgroup.procs", "1\n", 0600);
	assert_true(take(&scene->share, scene->dir) < 0);
	snprintf(text, sizeof text, "%s\n17\n", own_pid());
	stage_file("group/cgroup.procs", text, 0600);
	assert_true(take(&scene->share, scene->dir) < 0);
	assert_false(scene->share.divided);
	holds("group/sessions/cgroup.procs", "");
	snprintf(text, sizeof text, "%s\n", own_pid());
	stage_file("group/cgroup.procs", text, 0600);
	assert_int_equal(take(&scene->share, scene->dir), 0);
}

/* No controller, no right: everything as it was. */
static void what_fails_is_undone(void **state)
{
	static const char *const missing[] = { "group/cgroup.subtree_control",
		"group/heavy/cpu.weight", "group/sessions/cgroup.procs",
		"group/gateway/cgroup.procs" };
	struct scene *scene = *state;

	for (unsigned i = 0; i < ARRAY_LEN(missing); i++) {
		stage_file("group/cgroup.procs", "", 0600);
		assert_int_equal(rename(missing[i], "away"), 0);
		assert_true(take(&scene->share, scene->dir) < 0);
		assert_false(scene->share.divided);
		holds("group/cgroup.procs", own_pid());
		assert_int_equal(rename("away", missing[i]), 0);
		share_service(&scene->share, 4242);
		holds("group/gateway/cgroup.procs", "");
	}
}

static void only_a_real_group_is_looked_for(void **state)
{
	char path[PATH_SIZE];
	int dir = open_own();

	if (find_own(path) == 0)
		assert_int_equal(path[0], '/');
	if (dir >= 0) {
		struct statfs stat;
		assert_int_equal(fstatfs(dir, &stat), 0);
		assert_int_equal(stat.f_type, CGROUP2_MAGIC);
		close(dir);
	}
}

static struct worker worker_with(pid_t pid)
{
	return (struct worker){ .pid = pid, .session = 7 };
}

static void judged(
	const struct share *share, struct worker *worker, bool hungry, uint64_t now, bool heavy)
{
	judge(share, worker, hungry, now);
	assert_int_equal(worker->appetite.heavy_until != 0, heavy);
}

static void who_is_hungry_twice_is_heavy(void **state)
{
	struct scene *scene = *state;
	struct worker worker = worker_with(4243);

	assert_int_equal(take(&scene->share, scene->dir), 0);
	judged(&scene->share, &worker, true, 1000, false);
	judged(&scene->share, &worker, false, 2000, false); /* a pause */
	judged(&scene->share, &worker, true, 3000, false);
	holds("group/heavy/cgroup.procs", "");
	judged(&scene->share, &worker, true, 4000, true);
	holds("group/heavy/cgroup.procs", "4243");
	judged(&scene->share, &worker, false, 4000 + HEAVY_MS - 1, true);
	stage_file("group/sessions/cgroup.procs", "", 0600);
	judged(&scene->share, &worker, true, 4000 + HEAVY_MS, false);
	holds("group/sessions/cgroup.procs", "4243");
}

static void every_time_is_longer(void **state)
{
	struct share share = { 0 };
	struct worker worker = worker_with(0x7ffffff0); /* nobody */
	uint64_t now = 1000;

	for (unsigned i = 0; i < 8; i++) {
		judged(&share, &worker, true, now, false);
		judged(&share, &worker, true, now, true);
		assert_int_equal(worker.appetite.heavy_until - now,
			(uint64_t)HEAVY_MS << (i < DOUBLINGS_MOST ? i : DOUBLINGS_MOST));
		now = worker.appetite.heavy_until;
		judged(&share, &worker, true, now, false);
	}
}

static void hungry_is_relative_when_all_are(void **state)
{
	uint64_t processors = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN), second = 1000 * MILLION;

	assert_int_equal(threshold(1000, 0, 0), second / 5 * 4);
	assert_int_equal(threshold(1000, processors * second / 2 - 1, second), second / 5 * 4);
	assert_int_equal(threshold(1000, processors * second / 2, second / 10), second / 20);
	assert_int_equal(threshold(1000, processors * second, second), second / 2);
}

static pid_t spinner(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			;
	assert_true(pid > 0);
	return pid;
}

static void ends(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void without_groups_the_heavy_are_nice(void **state)
{
	struct share share = { 0 };
	pid_t pid = spinner();
	struct worker worker = worker_with(pid);

	judged(&share, &worker, true, 1000, false);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), getpriority(PRIO_PROCESS, 0));
	judged(&share, &worker, true, 2000, true);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), NICENESS_MOST);
	if (geteuid() == 0) {
		judged(&share, &worker, true, 2000 + HEAVY_MS, false);
		assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), NICENESS_BORN);
	}
	ends(pid);
}

/* The look itself, on real processes: one that spins and one that sleeps. */
static void find_the_hungry(bool blind)
{
	struct supervisor supervisor = { .share = { .blind = blind } };
	struct worker idle = worker_with(getpid()), hungry = worker_with(spinner());
	uint64_t used = 0;

	while (used < 100 * MILLION) /* events, not time: it has run */
		assert_int_equal(time_used(hungry.pid, &used), 0);
	if (!blind && time_wanted(hungry.pid, &used) < 0)
		blind = true; /* nobody is shown anything here */
	hungry.next = &idle;
	supervisor.workers = &hungry;
	assert_int_equal(blind ? time_used(idle.pid, &idle.appetite.used)
			       : time_wanted(idle.pid, &idle.appetite.used),
		0);
	/* As if all of it had been taken in the time between two looks. */
	for (unsigned i = 0; i < HUNGRY_LOOKS; i++) {
		supervisor.share.looked_at = clock_monotonic_ms() - LOOK_MS;
		hungry.appetite.used -= (uint64_t)LOOK_MS * MILLION;
		look(&supervisor);
	}
	assert_true(hungry.appetite.heavy_until != 0);
	assert_int_equal(idle.appetite.heavy_until, 0);
	/* Too short to judge, and one that is gone. */
	supervisor.share.looked_at = clock_monotonic_ms();
	look(&supervisor);
	assert_true(hungry.appetite.heavy_until != 0);
	ends(hungry.pid);
	look(&supervisor);
}

static void the_hungry_are_found(void **state)
{
	find_the_hungry(false);
}

static void the_hungry_are_found_when_they_hide(void **state)
{
	find_the_hungry(true);
}

static void looks_while_there_is_somebody(void **state)
{
	struct supervisor supervisor = { 0 };
	struct worker worker = worker_with(getpid());

	assert_int_equal(loop_create(&supervisor.loop), 0);
	share_watch(&supervisor);
	struct timer *first = supervisor.look;
	assert_non_null(first);
	share_watch(&supervisor);
	assert_ptr_equal(supervisor.look, first);
	timer_cancel(STEAL(supervisor.look));
	on_look(&supervisor);
	assert_null(supervisor.look);
	supervisor.workers = &worker;
	on_look(&supervisor);
	assert_non_null(supervisor.look);
	loop_destroy(supervisor.loop);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_group_of_ours_is_divided),
		CASE(who_shares_a_group_does_not_own_it),
		CASE(what_fails_is_undone),
		cmocka_unit_test(only_a_real_group_is_looked_for),
		CASE(who_is_hungry_twice_is_heavy),
		cmocka_unit_test(every_time_is_longer),
		cmocka_unit_test(hungry_is_relative_when_all_are),
		cmocka_unit_test(without_groups_the_heavy_are_nice),
		cmocka_unit_test(the_hungry_are_found),
		cmocka_unit_test(the_hungry_are_found_when_they_hide),
		cmocka_unit_test(looks_while_there_is_somebody),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
