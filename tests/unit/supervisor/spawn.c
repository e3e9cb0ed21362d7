/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "supervisor/spawn.c"

#define PATIENCE_MS 20000

struct scene {
	struct stage stage;
	struct supervisor supervisor;
	int ends[2]; /* of what a worker has as descriptor 4 */
	int fds[WORKER_FDS];
	char report[2048];
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	struct supervisor *supervisor = &scene->supervisor;

	stage_open(&scene->stage);
	assert_int_equal(loop_create(&supervisor->loop), 0);
	settings_defaults(&supervisor->settings);
	supervisor->root = geteuid() == 0;
	text_copy(supervisor->program_directory, sizeof supervisor->program_directory,
		scene->stage.bin);
	char complaint[REASON_SIZE];
	assert_int_equal(programs_open(&supervisor->programs, scene->stage.bin, complaint), 0);
	supervisor->generation = 1;
	assert_int_equal(wire_pair(SOCK_SEQPACKET, scene->ends), 0);
	for (unsigned i = 0; i < WORKER_FDS; i++)
		scene->fds[i] = i == 1 ? scene->ends[1] : memfd_create("given", MFD_CLOEXEC);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	while (scene->supervisor.workers != NULL)
		spawn_forget(&scene->supervisor, scene->supervisor.workers);
	templates_stop(&scene->supervisor);
	for (pid_t pid; (pid = waitpid(-1, NULL, 0)) > 0;)
		template_reaped(&scene->supervisor, pid);
	assert_null(scene->supervisor.templates);
	programs_close(&scene->supervisor.programs);
	loop_destroy(scene->supervisor.loop);
	for (unsigned i = 0; i < WORKER_FDS; i++)
		close(scene->fds[i]);
	close(scene->ends[0]);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

static int spawn(struct scene *scene, int64_t session, const char *driver)
{
	struct msg_worker_start start;

	memset(&start, 0, sizeof start);
	start.session = session;
	text_copy(start.driver, sizeof start.driver, driver);
	return spawn_worker(&scene->supervisor, &start, scene->fds);
}

static void read_report(struct scene *scene, pid_t pid)
{
	struct pollfd poller = { scene->ends[0], POLLIN, 0 };
	int status;

	assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
	ssize_t got = recv(scene->ends[0], scene->report, sizeof scene->report - 1, 0);
	assert_true(got > 0);
	scene->report[got] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

static void reported(const struct scene *scene, const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (strstr(scene->report, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, scene->report);
}

static unsigned long inode(int fd)
{
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	return (unsigned long)stat.st_ino;
}

/* Descriptors that nobody closed on exec, in every place where they could hurt. */
static void litter(void)
{
	static const int places[] = { 20, 50, 99, 101, 103, 150, 199, 201, 250, 900 };

	for (unsigned i = 0; i < ARRAY_LEN(places); i++)
		assert_true(dup2(2, places[i]) >= 0);
}

static void take_litter_away(void)
{
	static const int places[] = { 20, 50, 99, 101, 103, 150, 199, 201, 250, 900 };

	for (unsigned i = 0; i < ARRAY_LEN(places); i++)
		close(places[i]);
}

static void block_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigprocmask(how, &set, NULL);
	signal(SIGPIPE, how == SIG_BLOCK ? SIG_IGN : SIG_DFL);
}

/* The two ways to be born: copied from a template, and executed. */
static const char *const ways[] = { "reports", "executed" };

static void born_with_four_descriptors(struct scene *scene, const char *way)
{
	litter();
	block_signals(SIG_BLOCK);
	setenv("SALLYPORT_CANARY", "sings", 1);
	int r = spawn(scene, 7, way);
	block_signals(SIG_UNBLOCK);
	take_litter_away();
	assert_int_equal(r, 0);
	assert_int_equal(scene->supervisor.worker_count, 1);
	assert_int_equal(scene->supervisor.workers->session, 7);
	read_report(scene, scene->supervisor.workers->pid);
	reported(scene, "open 0 1 2 3 4 5 6\n");
	reported(scene, "inodes %lu %lu %lu %lu\n", inode(scene->fds[0]), inode(scene->fds[1]),
		inode(scene->fds[2]), inode(scene->fds[3]));
	reported(scene, "standard 1 1 1\n");
	reported(scene, "environment 0\n");
	reported(scene, "blocked 0\npipe default\n");
	reported(scene, "privileges 1\ncore 0\n");
	/* Also when its uid changed on the way: that takes the wish away. */
	reported(scene, "dies with 9\n");
	spawn_forget(&scene->supervisor, scene->supervisor.workers);
}

static void worker_is_born_with_four_descriptors(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++)
		born_with_four_descriptors(*state, ways[i]);
}

/* Where the line of this namespace is ours too, the worker shares it. */
static bool shares_namespace(const struct scene *scene, const char *kind)
{
	char path[64], ours[64];

	snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
	ssize_t len = readlink(path, ours, sizeof ours - 2);
	assert_true(len > 0);
	ours[len] = '\n';
	ours[len + 1] = '\0';
	return strstr(scene->report, ours) != NULL;
}

/* Which of the namespaces the set has; only the last set has none. */
static bool set_has(unsigned set, const char *kind)
{
	if (set == 0)
		return true;
	return set == 1 && (strcmp(kind, "pid") == 0 || strcmp(kind, "net") == 0);
}

static void worker_sees_nobody(void **state)
{
	static const char *const kinds[] = { "pid", "net", "ipc", "uts", "mnt" };
	struct scene *scene = *state;

	for (unsigned way = 0; way < ARRAY_LEN(ways); way++) {
		assert_int_equal(spawn(scene, 7, ways[way]), 0);
		read_report(scene, scene->supervisor.workers->pid);
		assert_true(scene->supervisor.spaces_known);
		for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
			assert_int_equal(shares_namespace(scene, kinds[i]),
				!set_has(scene->supervisor.spaces, kinds[i]));
		if (set_has(scene->supervisor.spaces, "pid"))
			reported(scene, "pid 1\n");
	}
}

static void worker_starts_without_namespaces(void **state)
{
	struct scene *scene = *state;

	scene->supervisor.spaces = 2;
	assert_int_equal(spawn(scene, 7, "reports"), 0);
	read_report(scene, scene->supervisor.workers->pid);
	assert_true(shares_namespace(scene, "net"));
	reported(scene, "pid %d\n", scene->supervisor.workers->pid);
	reported(scene, "open 0 1 2 3 4 5 6\n");
}

/* clone() with any of these flags is not permitted from here on, as in a unit that says so. */
static void forbid(unsigned long flags)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)flags, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_LEN(filter), filter };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* In a process of its own, because what is forbidden stays so: the set that was found, or -1. */
static int set_found(struct scene *scene, unsigned long forbidden, bool known)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		forbid(forbidden);
		scene->supervisor.spaces_known = known;
		if (spawn(scene, 7, "reports") < 0)
			_exit(99);
		waitpid(scene->supervisor.workers->pid, &status, 0);
		_exit(scene->supervisor.spaces_known ? (int)scene->supervisor.spaces : 98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 99 ? -1 : WEXITSTATUS(status);
}

static void walls_are_what_is_permitted(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(set_found(scene, CLONE_NEWPID, false), 2);
	assert_int_equal(set_found(scene, CLONE_NEWUSER | CLONE_NEWNET, false), 2);
	if (set_found(scene, 0, false) == 2)
		skip(); /* where there are none, fewer is none too */
	assert_int_equal(set_found(scene, CLONE_NEWNS, false), 1);
	assert_int_equal(set_found(scene, 0, false), 0);
}

/* Something ran short: no session rather than one with lower walls. */
static void walls_do_not_get_lower(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(set_found(scene, CLONE_NEWNS, true), -1);
}

/* As whoever, by which way: 0, or the line where it went wrong. */
static int powerless(struct scene *scene, unsigned uid, const char *way)
{
	struct pollfd poller = { scene->ends[0], POLLIN, 0 };

	if (uid != 0 && setresuid(uid, uid, uid) < 0)
		return __LINE__;
	scene->supervisor.root = geteuid() == 0;
	if (spawn(scene, 7, way) < 0 || poll(&poller, 1, PATIENCE_MS) != 1)
		return __LINE__;
	ssize_t got = recv(scene->ends[0], scene->report, sizeof scene->report - 1, 0);
	scene->report[got > 0 ? got : 0] = '\0';
	if (strstr(scene->report, "powers 0000000000000000 0000000000000000\n") == NULL)
		return __LINE__;
	return strstr(scene->report, "privileges 1\n") != NULL ? 0 : __LINE__;
}

/* Also who was copied into a user namespace of its own, where it would be root. */
static void worker_has_no_powers(void **state)
{
	const unsigned uids[] = { 0, 61801 };

	for (unsigned i = 0; i < ARRAY_LEN(uids); i++)
		for (unsigned way = 0; way < ARRAY_LEN(ways); way++) {
			int status;
			pid_t pid = geteuid() == 0 || uids[i] == 0 ? fork() : -1;
			if (pid == 0)
				_exit(powerless(*state, uids[i], ways[way]) % 255);
			if (pid < 0)
				continue;
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_int_equal(status, 0);
		}
}

static void worker_is_somebody_else(void **state)
{
	struct scene *scene = *state;
	unsigned first = (unsigned)scene->supervisor.settings.gateway_uid_base + WORKER_UID_OFFSET;
	const unsigned expected[] = { first, first + 1, first + WORKER_UIDS - 1, first };

	if (geteuid() != 0)
		skip();
	assert_int_equal(setgroups(2, (gid_t[]){ 0, 4242 }), 0);
	for (unsigned i = 0; i < ARRAY_LEN(expected); i++) {
		if (i == 2)
			scene->supervisor.next_worker_uid = WORKER_UIDS - 1;
		assert_int_equal(spawn(scene, i, ways[i % 2]), 0);
		read_report(scene, scene->supervisor.workers->pid);
		reported(scene, "uid %u %u gid %u %u groups 0\n", expected[i], expected[i],
			expected[i], expected[i]);
	}
}

static void only_names_of_drivers_are_started(void **state)
{
	static const char *const bad[] = { "", "../sh", "SSH", "a-b", "s h", "ssh\n", "\xc3\x28" };
	struct scene *scene = *state;
	struct msg_worker_start endless;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		if (bad[i][0] == '\0')
			assert_int_equal(spawn(scene, 1, bad[i]), -ERR_SYSTEM);
		else
			assert_int_equal(spawn(scene, 1, bad[i]), -ERR_MALFORMED);
	}
	memset(&endless, 'a', sizeof endless);
	assert_int_equal(spawn_worker(&scene->supervisor, &endless, scene->fds), -ERR_MALFORMED);
	assert_int_equal(spawn(scene, 1, "nonesuch"), -ERR_SYSTEM);
	scene->supervisor.worker_count = SESSIONS_MAX;
	assert_int_equal(spawn(scene, 1, "reports"), -ERR_FULL);
	scene->supervisor.worker_count = 0;
	assert_null(scene->supervisor.workers);
}

static void kills_the_session_that_is_meant(void **state)
{
	struct scene *scene = *state;
	struct supervisor *supervisor = &scene->supervisor;
	pid_t pids[3];
	int status;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(spawn(scene, 70 + i, "waits"), 0);
		pids[i] = supervisor->workers->pid;
	}
	assert_int_equal(supervisor->worker_count, 3);
	spawn_kill(supervisor, 71);
	spawn_kill(supervisor, 12345);
	assert_int_equal(waitpid(pids[1], &status, 0), pids[1]);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(waitpid(pids[0], &status, WNOHANG), 0);
	assert_int_equal(waitpid(pids[2], &status, WNOHANG), 0);
	assert_int_equal(spawn_find(supervisor, pids[1])->session, 71);
	spawn_forget(supervisor, spawn_find(supervisor, pids[1]));
	assert_null(spawn_find(supervisor, pids[1]));
	assert_int_equal(spawn_find(supervisor, pids[0])->session, 70);
	assert_int_equal(spawn_find(supervisor, pids[2])->session, 72);
	assert_int_equal(supervisor->worker_count, 2);
	for (int i = 0; i < 3; i += 2) {
		spawn_kill(supervisor, 70 + i);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
	}
}

static void service_is_born_with_its_channel(void **state)
{
	struct scene *scene = *state;
	struct service service = { .program = "sallyport-service-reports", .generation = 1 };

	litter();
	block_signals(SIG_BLOCK);
	pid_t pid = spawn_service(&scene->supervisor, &service, scene->ends[1]);
	block_signals(SIG_UNBLOCK);
	take_litter_away();
	assert_true(pid > 0);
	read_report(scene, pid);
	reported(scene, "open 0 1 2 3\ninodes %lu\n", inode(scene->ends[1]));
	reported(scene, "standard 1 1 0\n"); /* its log is ours */
	reported(scene, "environment 0\nuid %u %u gid", getuid(), geteuid());
	reported(scene, "blocked 0\npipe default\ndies with 0\n");
	reported(scene, "leader 1\n"); /* the keys of our terminal are not for it */
	service.program = "sallyport-nonesuch";
	assert_int_equal(spawn_service(&scene->supervisor, &service, scene->ends[1]), -1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(worker_is_born_with_four_descriptors),
		CASE(worker_sees_nobody),
		CASE(worker_starts_without_namespaces),
		CASE(walls_are_what_is_permitted),
		CASE(walls_do_not_get_lower),
		CASE(worker_has_no_powers),
		CASE(worker_is_somebody_else),
		CASE(only_names_of_drivers_are_started),
		CASE(kills_the_session_that_is_meant),
		CASE(service_is_born_with_its_channel),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
