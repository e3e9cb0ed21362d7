/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor/supervisor.h"

#define CGROUP2_MAGIC 0x63677270
#define PATH_SIZE 512
#define LOOK_MS 5000
#define HUNGRY_LOOKS 2
#define HEAVY_MS 60000
#define DOUBLINGS_MOST 4u
#define NICENESS_MOST 19
#define NICENESS_BORN 2 /* worker.c gives it itself */

static const struct {
	const char *name, *weight;
} parts[] = { { "gateway", "400" }, { "sessions", "100" }, { "heavy", "10" } };

/* Our place in the unified hierarchy, beginning with a slash. */
static int find_own(char path[PATH_SIZE])
{
	char text[4096];
	CLEANUP(fd_closep) int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (got <= 0)
		return -ERR_NOT_FOUND;
	text[got] = '\0';
	const char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
	if (line == NULL)
		return -ERR_NOT_FOUND;
	line = strchr(line, '/');
	size_t len = strcspn(line, "\n");
	/* A supervisor that took over from another is in its part already. */
	static const char part[] = "/sessions";
	if (len >= sizeof part - 1 &&
		strncmp(line + len - (sizeof part - 1), part, sizeof part - 1) == 0)
		len -= sizeof part - 1;
	return text_copy_len(path, PATH_SIZE, line, len);
}

static int open_own(void)
{
	static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char own[PATH_SIZE], path[PATH_SIZE * 2];
	struct statfs stat;

	if (find_own(own) < 0)
		return -1;
	for (unsigned i = 0; i < ARRAY_LEN(mounts); i++) {
		snprintf(path, sizeof path, "%s%s", mounts[i], own);
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && fstatfs(fd, &stat) == 0 && stat.f_type == CGROUP2_MAGIC)
			return fd;
		fd_closep(&fd);
	}
	return -1;
}

static int write_file(int dir, const char *path, const char *text)
{
	CLEANUP(fd_closep) int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -ERR_SYSTEM;
	return 0;
}

/* Nobody is in it but us: who shares his group with others has not been given it. */
static bool alone(int dir)
{
	char text[64], own[16];
	CLEANUP(fd_closep) int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

	if (got < 0)
		return false;
	text[got] = '\0';
	snprintf(own, sizeof own, "%d\n", getpid());
	return got == 0 || strcmp(text, own) == 0;
}

/* root may write everywhere; what systemd keeps for itself it marks by not marking it. */
static bool delegated(int dir)
{
	char value[8];

	if (geteuid() != 0 || access("/run/systemd/system", F_OK) < 0)
		return true;
	return fgetxattr(dir, "trusted.delegate", value, sizeof value) > 0 ||
	       fgetxattr(dir, "user.delegate", value, sizeof value) > 0;
}

static int move_self(int dir, const char *path)
{
	char own[16];

	snprintf(own, sizeof own, "%d", getpid());
	return write_file(dir, path, own);
}

static void undo(int dir)
{
	move_self(dir, "cgroup.procs");
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++)
		unlinkat(dir, parts[i].name, AT_REMOVEDIR);
}

static int set_weight(int dir, const char *name, const char *weight)
{
	char path[64];

	snprintf(path, sizeof path, "%s/cpu.weight", name);
	return write_file(dir, path, weight);
}

/* A group that has processes of its own cannot be divided: we leave it first. */
static int divide(int dir)
{
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++)
		if (mkdirat(dir, parts[i].name, 0755) < 0 && errno != EEXIST)
			return -ERR_SYSTEM;
	int r = move_self(dir, "sessions/cgroup.procs");
	if (r == 0)
		r = write_file(dir, "cgroup.subtree_control", "+cpu");
	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(parts); i++)
		r = set_weight(dir, parts[i].name, parts[i].weight);
	return r;
}

static int open_part(int dir, const char *path)
{
	return openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
}

static int take(struct share *share, int dir)
{
	if (!alone(dir) || !delegated(dir)) {
		errno = EBUSY;
		return -ERR_SYSTEM;
	}
	int r = divide(dir);
	if (r == 0) {
		share->gateway = open_part(dir, "gateway/cgroup.procs");
		share->sessions = open_part(dir, "sessions/cgroup.procs");
		share->heavy = open_part(dir, "heavy/cgroup.procs");
		share->divided = true;
		if (share->gateway >= 0 && share->sessions >= 0 && share->heavy >= 0)
			return 0;
	}
	int saved = errno;
	share_close(share);
	undo(dir);
	errno = saved;
	return -ERR_SYSTEM;
}

/* Whether the kernel shows us of others what it shows of ourselves: process 1 is always there. */
static bool is_blind(void)
{
	return access("/proc/1/schedstat", R_OK) < 0;
}

void share_open(struct share *share)
{
	CLEANUP(fd_closep) int dir = open_own();

	share->blind = is_blind();
	if (dir < 0)
		errno = ENOENT;
	if (dir < 0 || take(share, dir) < 0)
		log_info("supervisor.share", "no control group of our own (%s): niceness has to do",
			strerror(errno));
}

void share_close(struct share *share)
{
	if (share->divided) {
		fd_closep(&share->gateway);
		fd_closep(&share->sessions);
		fd_closep(&share->heavy);
	}
	share->divided = false;
}

static void move(int part, pid_t pid)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%d", pid);

	if (pwrite(part, text, (size_t)len, 0) < 0 && errno != ESRCH)
		log_warning("supervisor.share", "process %d: %s", pid, strerror(errno));
}

void share_service(const struct share *share, pid_t pid)
{
	if (share->divided)
		move(share->gateway, pid);
}

static void set_heavy(const struct share *share, struct worker *worker, bool heavy)
{
	log_info("supervisor.share", "session %lld is %s", (long long)worker->session,
		heavy ? "heavy: the others come first" : "light again");
	if (share->divided)
		move(heavy ? share->heavy : share->sessions, worker->pid);
	else /* back again only root may */
		setpriority(PRIO_PROCESS, (id_t)worker->pid, heavy ? NICENESS_MOST : NICENESS_BORN);
}

static void judge(const struct share *share, struct worker *worker, bool hungry, uint64_t now)
{
	struct appetite *appetite = &worker->appetite;

	if (appetite->heavy_until != 0 && now >= appetite->heavy_until) {
		/* What it takes down there says nothing: it is given a new chance. */
		*appetite = (struct appetite){ .used = appetite->used, .times = appetite->times };
		set_heavy(share, worker, false);
		return;
	}
	appetite->hungry = hungry ? appetite->hungry + 1 : 0;
	if (appetite->heavy_until != 0 || appetite->hungry < HUNGRY_LOOKS)
		return;
	appetite->heavy_until = now + ((uint64_t)HEAVY_MS << MIN(appetite->times, DOUBLINGS_MOST));
	appetite->times++;
	set_heavy(share, worker, true);
}

/* Nanoseconds that it ran, or waited to. -ERR_NOT_FOUND: it is gone, or hidden. */
static int time_wanted(pid_t pid, uint64_t *ret_wanted)
{
	char path[40], text[80], *end;

	snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (got <= 0)
		return -ERR_NOT_FOUND;
	text[got] = '\0';
	uint64_t ran = strtoull(text, &end, 10);
	*ret_wanted = ran + strtoull(end, NULL, 10);
	return 0;
}

static int time_used(pid_t pid, uint64_t *ret_used)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return -ERR_NOT_FOUND;
	*ret_used = (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
	return 0;
}

/* What makes one of them hungry: nanoseconds in the `ms` since the last look. */
static uint64_t threshold(uint64_t ms, uint64_t all, uint64_t most)
{
	uint64_t one = ms * 1000000, everything = one * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);

	return all >= everything / 2 ? MIN(one / 5 * 4, most / 2) : one / 5 * 4;
}

static void look(struct supervisor *supervisor)
{
	struct share *share = &supervisor->share;
	uint64_t now = clock_monotonic_ms(), ms = now - share->looked_at, all = 0, most = 0;
	struct worker *worker;

	share->looked_at = now;
	for (worker = supervisor->workers; worker != NULL; worker = worker->next) {
		struct appetite *appetite = &worker->appetite;
		uint64_t used = appetite->used;

		if (share->blind || time_wanted(worker->pid, &used) < 0)
			time_used(worker->pid, &used); /* of one that is gone: as before */
		appetite->took = used - appetite->used;
		appetite->used = used;
		all += appetite->took;
		most = MAX(most, appetite->took);
	}
	if (ms < LOOK_MS / 2) /* that is no measure */
		return;
	uint64_t least = threshold(ms, share->blind ? all : 0, most);
	for (worker = supervisor->workers; worker != NULL; worker = worker->next)
		judge(share, worker, worker->appetite.took >= least, now);
}

static void on_look(void *context)
{
	struct supervisor *supervisor = context;

	supervisor->look = NULL;
	look(supervisor);
	if (supervisor->workers != NULL)
		share_watch(supervisor);
}

void share_watch(struct supervisor *supervisor)
{
	if (supervisor->look != NULL)
		return;
	supervisor->share.looked_at = clock_monotonic_ms();
	if (loop_after(supervisor->loop, LOOK_MS, on_look, supervisor, &supervisor->look) < 0)
		log_warning("supervisor.share", "no look at what sessions take: no memory");
}
