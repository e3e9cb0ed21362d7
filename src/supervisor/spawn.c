/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#define WORKER_FDS 4
#define FIRST_FD 3
#define WORKER_UIDS 4096
#define WORKER_UID_OFFSET 16
#define TOKEN_FDS 2
#define TOKEN_UID_OFFSET 5
#define TOKEN_VARIABLES 16 /* of its module's environment */

/* Room for the title that ps shows: see process_title(). */
#define TITLE_ROOM                                                                                 \
	"                                                                                "         \
	"                                                                                "

/* Like fork(), into new namespaces. Only this process and exec follow, so no atfork handlers
 * matter. */
static pid_t fork_into(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

/* Places fds at 3.. and closes everything else but `keep` (close-on-exec); -1 in fds is not
 * allowed. */
static int place_fds(const int *fds, unsigned count, int keep)
{
	int high[WORKER_FDS];

	for (unsigned i = 0; i < count; i++) {
		high[i] = fcntl(fds[i], F_DUPFD, 100);
		if (high[i] < 0)
			return -1;
	}
	for (unsigned i = 0; i < count; i++)
		if (dup2(high[i], (int)(FIRST_FD + i)) < 0)
			return -1;
	unsigned first = FIRST_FD + count;
	if (syscall(SYS_close_range, first, (unsigned)keep - 1, 0) < 0)
		return -1;
	return (int)syscall(SYS_close_range, (unsigned)keep + 1, ~0U, 0);
}

static void close_standard(bool keep_error)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(null, 1);
	if (!keep_error)
		dup2(null, 2);
	if (null > 2)
		close(null);
}

static int find_program(
	const struct supervisor *supervisor, const struct programs *programs, const char *name)
{
	int fd = program_find(programs, name);

	if (fd < 0)
		log_error("supervisor.program", "%s/%s: %s", supervisor->program_directory, name,
			strerror(ENOENT));
	return fd;
}

/*
 * Executed by descriptor: after the uid has changed, the path to the program may not be walkable.
 * No environment. The descriptor is moved out of the way of those the program is born with.
 */
static void execute(int program, char *const *arguments, char *const *environment, const int *fds,
	unsigned count, unsigned uid, bool dies_with_us)
{
	int moved = fcntl(program, F_DUPFD_CLOEXEC, 200);

	if (moved < 0 || place_fds(fds, count, moved) < 0)
		_exit(126);
	for (int capability = 0; uid != 0 && capability < 64; capability++)
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	if (uid != 0 && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
				setresuid(uid, uid, uid) < 0))
		_exit(126);
	if (dies_with_us) /* after the uid: the kernel forgets the wish when that changes */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	reset_signals();
	syscall(SYS_execveat, moved, "", arguments, environment, AT_EMPTY_PATH);
	_exit(127);
}

static void become(int program, const char *name, const char *task, const int *fds, unsigned count,
	unsigned uid, bool dies_with_us)
{
	char *const arguments[] = { (char *)name, (char *)TITLE_ROOM, (char *)task, NULL };
	char *const nothing[] = { NULL };
	execute(program, arguments, nothing, fds, count, uid, dies_with_us);
}

pid_t spawn_service(struct supervisor *supervisor, const struct service *service, int channel)
{
	const struct programs *programs = service->generation == supervisor->generation
						  ? &supervisor->programs
						  : &supervisor->reload.programs;
	int program = find_program(supervisor, programs, service->program);
	if (program < 0)
		return -1;
	pid_t pid = fork_into(0);
	if (pid != 0)
		return pid;
	close_standard(true);
	/* Services start as root and drop by themselves: they chroot into their directory first. */
	setsid(); /* Ctrl-C is for the supervisor, which ends its services in order */
	become(program, service->program, NULL, &channel, 1, 0, false);
	return -1;
}

/* A worker drops its uid before it is executed; the walls inside it close right after its birth. */
static void become_worker(int program, const char *name, const int fds[WORKER_FDS], unsigned uid)
{
	close_standard(false);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	become(program, name, NULL, fds, WORKER_FDS, uid, true);
}

pid_t spawn_template(const char *driver, int program, int channel)
{
	char name[64];

	snprintf(name, sizeof name, "sallyport-worker-%s", driver);
	pid_t pid = fork_into(0);
	if (pid != 0)
		return pid;
	/* As root it stays root: its copies get uids of their own. It hears nobody but us. */
	close_standard(false);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setsid();
	become(program, name, "template", &channel, 1, 0, true);
	return -1;
}

/* A worker that is executed: where a template does not answer. */
static pid_t execute_worker(const char *driver, int program, const struct msg_worker_fork *fork,
	const int fds[WORKER_FDS])
{
	char name[64];

	snprintf(name, sizeof name, "sallyport-worker-%s", driver);
	pid_t pid = fork_into(fork->namespaces);
	if (pid == 0)
		become_worker(program, name, fds, fork->uid);
	return pid;
}

static pid_t fork_worker(struct supervisor *supervisor, const char *driver, int program,
	const struct msg_worker_fork *fork, const int fds[WORKER_FDS])
{
	pid_t pid = template_fork(supervisor, driver, program, fork, fds);

	return pid > 0 ? pid : execute_worker(driver, program, fork, fds);
}

/*
 * What a worker is shut in with, most first: a unit may permit less (RestrictNamespaces=). Found
 * out with the first session. What was had once does not become less later, when something runs
 * short: then it is that session that is not started.
 */
static pid_t start_worker(struct supervisor *supervisor, const char *driver, int program,
	unsigned uid, const int fds[WORKER_FDS])
{
	static const unsigned spaces[SPACES] = {
		CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS,
		CLONE_NEWPID | CLONE_NEWNET,
		0,
	};
	struct msg_worker_fork fork;

	memset(&fork, 0, sizeof fork);
	fork.uid = uid;
	for (unsigned i = supervisor->spaces;; i++) {
		bool last = i == SPACES - 1;

		fork.namespaces = last               ? 0
				  : supervisor->root ? spaces[i]
						     : spaces[i] | CLONE_NEWUSER;
		pid_t pid = fork_worker(supervisor, driver, program, &fork, fds);
		if (pid < 0 && !last && !supervisor->spaces_known) {
			log_warning("supervisor.namespaces", "not permitted here (%s): %s",
				strerror(errno),
				i + 2 == SPACES
					? "sessions are walled off by seccomp and Landlock alone"
					: "trying with fewer");
			continue;
		}
		if (pid > 0) {
			supervisor->spaces = i;
			supervisor->spaces_known = true;
		}
		return pid;
	}
}

int spawn_worker(
	struct supervisor *supervisor, const struct msg_worker_start *start, const int fds[4])
{
	char program_name[64];
	unsigned uid = 0;

	if (!TEXT_VALID(start->driver) ||
		strspn(start->driver, "abcdefghijklmnopqrstuvwxyz") != strlen(start->driver))
		return -ERR_MALFORMED;
	if (supervisor->worker_count >= SESSIONS_MAX)
		return -ERR_FULL;
	snprintf(program_name, sizeof program_name, "sallyport-worker-%s", start->driver);
	int program = find_program(supervisor, &supervisor->programs, program_name);
	if (program < 0)
		return -ERR_SYSTEM;
	if (supervisor->root)
		uid = (unsigned)supervisor->settings.gateway_uid_base + WORKER_UID_OFFSET +
		      supervisor->next_worker_uid++ % WORKER_UIDS;
	pid_t pid = start_worker(supervisor, start->driver, program, uid, fds);
	return pid < 0 ? -ERR_SYSTEM : worker_add(supervisor, pid, start->session);
}

/* Without memory nobody would know of it: it goes. */
int worker_add(struct supervisor *supervisor, pid_t pid, int64_t session)
{
	struct worker *worker = calloc(1, sizeof *worker);

	if (worker == NULL) {
		kill(pid, SIGKILL);
		return -ERR_SYSTEM;
	}
	*worker = (struct worker){ supervisor->workers, pid, session, { 0 } };
	supervisor->workers = worker;
	supervisor->worker_count++;
	share_watch(supervisor);
	return 0;
}

int spawn_here(int program, char *const argv[])
{
	syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
	return -ERR_SYSTEM;
}

/* A trial ends by itself within milliseconds; one that does not has failed. */
int spawn_trial(int program, char *const argv[], unsigned ms)
{
	int status = 0;
	pid_t pid = fork_into(0);

	if (pid == 0) {
		reset_signals();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		syscall(SYS_execveat, program, "", argv, environ, AT_EMPTY_PATH);
		_exit(127);
	}
	if (pid < 0)
		return -ERR_SYSTEM;
	for (unsigned i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
		if (i == ms)
			kill(pid, SIGKILL);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ERR_SYSTEM;
}

/* --- the token ------------------------------------------------------------------------------ */

/* "NAME=VALUE NAME=VALUE": cut where the blanks are. */
static void cut_environment(char *text, char *ret_environment[TOKEN_VARIABLES + 1])
{
	unsigned count = 0;
	char *rest = text;
	for (char *word; count < TOKEN_VARIABLES && (word = strsep(&rest, " ")) != NULL;)
		if (word[0] != '\0')
			ret_environment[count++] = word;
	ret_environment[count] = NULL;
}

/*
 * The code it loads is other people's, and opens what its token lies behind: files, sockets. So it
 * is nobody, who has no way to become somebody, and his one group is the one that may use tokens.
 */
static void become_token(
	struct supervisor *supervisor, int program, const char *name, const int fds[TOKEN_FDS])
{
	const struct settings *settings = &supervisor->settings;
	char variables[sizeof settings->vault_token_environment];
	char *environment[TOKEN_VARIABLES + 1];
	char *const arguments[] = { (char *)name, (char *)settings->vault_token_module,
		(char *)settings->vault_token_key, (char *)TITLE_ROOM, NULL };
	unsigned uid =
		supervisor->root ? (unsigned)settings->gateway_uid_base + TOKEN_UID_OFFSET : 0;
	gid_t group = (gid_t)settings->vault_token_group;

	close_standard(false);
	text_copy(variables, sizeof variables, settings->vault_token_environment);
	cut_environment(variables, environment);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (uid != 0 && (setgroups(group != 0, &group) < 0 || setresgid(uid, uid, uid) < 0 ||
				setresuid(uid, uid, uid) < 0))
		_exit(126);
	execute(program, arguments, environment, fds, TOKEN_FDS, 0, true);
}

pid_t spawn_token(struct supervisor *supervisor, const int fds[TOKEN_FDS])
{
	static const char name[] = "sallyport-token";
	int program = find_program(supervisor, &supervisor->programs, name);
	if (program < 0)
		return -1;
	pid_t pid = fork_into(0);
	if (pid == 0)
		become_token(supervisor, program, name, fds);
	return pid;
}

void spawn_kill(struct supervisor *supervisor, int64_t session)
{
	for (struct worker *worker = supervisor->workers; worker != NULL; worker = worker->next)
		if (worker->session == session)
			kill(worker->pid, SIGKILL);
}

struct worker *spawn_find(struct supervisor *supervisor, pid_t pid)
{
	struct worker *worker = supervisor->workers;

	while (worker != NULL && worker->pid != pid)
		worker = worker->next;
	return worker;
}

void spawn_forget(struct supervisor *supervisor, struct worker *worker)
{
	for (struct worker **at = &supervisor->workers; *at != NULL; at = &(*at)->next) {
		if (*at == worker) {
			*at = worker->next;
			supervisor->worker_count--;
			free(worker);
			return;
		}
	}
}
