/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked in front of libc into copies of the programs, for trials: time that jumps, allocations and
 * file calls that fail, a store that promises too much. The programs know nothing of it, and no
 * program that is shipped has it (tests/house). It is told what to do by slots.def in a file that
 * is mapped before the sandbox closes, since a process is born without environment or arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum all_slots {
#define ALL(name) all_##name,
#define EACH(name)
#include "slots.def"
#undef ALL
#undef EACH
	ALL_COUNT
};
enum each_slots {
#define ALL(name)
#define EACH(name) each_##name,
#include "slots.def"
#undef ALL
#undef EACH
	EACH_COUNT
};
enum call_kind {
	NO_CALL,
	CALL_WRITE,
	CALL_SYNC,
	CALL_OPEN,
	CALL_RENAME,
	CALL_TRUNCATE,
	CALL_ALLOCATE,
	CALL_CLOSE
};

static const char *const programs[] = { PROGRAMS };
#define PROGRAM_COUNT (sizeof programs / sizeof *programs)
#define CONTROL "torture.control"
#define LATE_COMMITS 20 /* transactions that commit_late makes one of */

static int64_t *control, *mine; /* NULL: no control file, no hooks */

__attribute__((constructor)) static void take_control(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 32);
	size_t size = (ALL_COUNT + PROGRAM_COUNT * EACH_COUNT) * sizeof *control, at = 0;

	if (len <= 0)
		return;
	path[len] = '\0';
	char *name = strrchr(path, '/') + 1;
	const char *which = strchr(name, '-') != NULL ? strchr(name, '-') + 1 : "other";
	while (at < PROGRAM_COUNT - 1 && strncmp(which, programs[at], strlen(programs[at])) != 0)
		at++;
	memcpy(name, CONTROL, sizeof CONTROL);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (mapped == MAP_FAILED)
		return;
	mine = (int64_t *)mapped + ALL_COUNT + at * EACH_COUNT;
	control = mapped;
}

static int64_t all(enum all_slots slot)
{
	return control != NULL ? __atomic_load_n(&control[slot], __ATOMIC_RELAXED) : 0;
}

static int64_t add(enum each_slots slot, int64_t value)
{
	return __atomic_add_fetch(&mine[slot], value, __ATOMIC_RELAXED);
}

static int64_t get(enum each_slots slot)
{
	return __atomic_load_n(&mine[slot], __ATOMIC_RELAXED);
}

/* ---- allocations ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

extern const char __executable_start[];

static bool no_memory(const void *who)
{
	if (control == NULL)
		return false;
	add(each_memory_seen, 1);
	if (get(each_memory_at) <= 0 || add(each_memory_at, -1) != 0)
		return false;
	add(each_memory_hits, 1);
	__atomic_store_n(
		&mine[each_memory_where], (const char *)who - __executable_start, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return no_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(old, bytes);
}

/* ---- files ---- */

/* Sockets, pipes and event descriptors are not what a disk does. */
static bool on_disk(int fd)
{
	struct stat stat;
	int saved = errno;
	bool is = fstat(fd, &stat) == 0 && (S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode));

	errno = saved;
	return is;
}

/* True: this call fails, and errno says how; 0 there: it is cut short. */
static bool fails(enum call_kind kind, int fd)
{
	if (control == NULL || (fd >= 0 && !on_disk(fd)))
		return false;
	add(each_seen_none + kind, 1);
	if (get(each_call_kind) != (int64_t)kind || get(each_call_at) <= 0)
		return false;
	if (add(each_call_at, -1) != 0)
		return false;
	if (get(each_call_stays) != 0)
		add(each_call_at, 1);
	add(each_call_hits, 1);
	errno = (int)get(each_call_error);
	return true;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	if (fails(CALL_WRITE, fd)) {
		if (errno != 0)
			return -1;
		len /= 2;
	}
	return syscall(SYS_write, fd, bytes, len);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	if (fails(CALL_WRITE, fd)) {
		if (errno != 0)
			return -1;
		len /= 2;
	}
	return syscall(SYS_pwrite64, fd, bytes, len, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite64(fd, bytes, len, at);
}

static void be_slow(int fd)
{
	int64_t ms = all(all_sync_delay_ms);
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	if (ms > 0 && on_disk(fd))
		nanosleep(&time, NULL);
}

int fsync(int fd)
{
	be_slow(fd);
	if (fails(CALL_SYNC, fd))
		return -1;
	return all(all_sync_nothing) != 0 ? 0 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	be_slow(fd);
	if (fails(CALL_SYNC, fd))
		return -1;
	return all(all_sync_nothing) != 0 ? 0 : (int)syscall(SYS_fdatasync, fd);
}

/* The SSH worker has an open() of its own, which opens nothing: it stays. */
#pragma weak open
#pragma weak open64
#pragma weak openat
#pragma weak openat64

static int open_file(int directory, const char *path, int flags, mode_t mode)
{
	return fails(CALL_OPEN, -1) ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name, ...)                                                                            \
	int name(__VA_ARGS__ const char *path, int flags, ...)                                     \
	{                                                                                          \
		va_list rest;                                                                      \
		va_start(rest, flags);                                                             \
		mode_t mode = mode_of(flags, rest);                                                \
		va_end(rest);                                                                      \
		return open_file(OPEN_AT, path, flags, mode);                                      \
	}
#define OPEN_AT AT_FDCWD
OPEN(open)
OPEN(open64)
#undef OPEN_AT
#define OPEN_AT directory
OPEN(openat, int directory, )
OPEN(openat64, int directory, )

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return open_file(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open_file(AT_FDCWD, path, flags, 0);
}

int __openat_2(int directory, const char *path, int flags)
{
	return open_file(directory, path, flags, 0);
}

int __openat64_2(int directory, const char *path, int flags)
{
	return open_file(directory, path, flags, 0);
}

int renameat(int from, const char *old, int to, const char *new)
{
	return fails(CALL_RENAME, -1) ? -1 : (int)syscall(SYS_renameat, from, old, to, new);
}

int rename(const char *old, const char *new)
{
	return renameat(AT_FDCWD, old, AT_FDCWD, new);
}

int ftruncate64(int fd, off_t len)
{
	return fails(CALL_TRUNCATE, fd) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int ftruncate(int fd, off_t len)
{
	return ftruncate64(fd, len);
}

int fallocate64(int fd, int mode, off_t at, off_t len)
{
	return fails(CALL_ALLOCATE, fd) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, len);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
	return fallocate64(fd, mode, at, len);
}

/* A close that fails has closed all the same: so Linux does it. */
int close(int fd)
{
	bool failed = fails(CALL_CLOSE, fd);
	int error = errno, r = (int)syscall(SYS_close, fd);

	if (!failed)
		return r;
	errno = error;
	return -1;
}

/* ---- time ---- */

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int r = (int)syscall(SYS_clock_gettime, clock, time);
	int64_t ms = clock == CLOCK_REALTIME   ? all(all_clock_ms)
		     : clock == CLOCK_BOOTTIME ? all(all_machine_ms)
					       : 0;

	if (r == 0 && ms != 0) {
		int64_t total = time->tv_nsec / 1000000 + (int64_t)time->tv_sec * 1000 + ms;
		time->tv_nsec = time->tv_nsec % 1000000 + total % 1000 * 1000000;
		time->tv_sec = total / 1000;
	}
	return r;
}

int gettimeofday(struct timeval *restrict value, void *restrict zone)
{
	struct timespec time;
	int r = clock_gettime(CLOCK_REALTIME, &time);

	*value = (struct timeval){ time.tv_sec, time.tv_nsec / 1000 };
	return r;
}

time_t time(time_t *ret_time)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	if (ret_time != NULL)
		*ret_time = time.tv_sec;
	return time.tv_sec;
}

/* ---- the store, through --wrap: programs without one have none of these ---- */

struct store;
struct sqlite3;
int __real_store_begin(struct store *store) __attribute__((weak));
int __real_store_commit(struct store *store) __attribute__((weak));
int __wrap_store_begin(struct store *store);
int __wrap_store_commit(struct store *store);
typedef int row_fn(void *context, int count, char **values, char **names);
int __real_sqlite3_exec(struct sqlite3 *database, const char *sql, row_fn *fn, void *context,
	char **ret_error) __attribute__((weak));
int __wrap_sqlite3_exec(
	struct sqlite3 *database, const char *sql, row_fn *fn, void *context, char **ret_error);

static unsigned late; /* transactions that were acknowledged and not committed */

int __wrap_store_begin(struct store *store)
{
	return late > 0 ? 0 : __real_store_begin(store);
}

int __wrap_store_commit(struct store *store)
{
	if (all(all_commit_late) != 0 && ++late < LATE_COMMITS)
		return 0;
	late = 0;
	return __real_store_commit(store);
}

static void replace(char *text, const char *old, const char *new)
{
	char *at = strstr(text, old);

	if (at == NULL)
		return;
	memmove(at + strlen(new), at + strlen(old), strlen(at + strlen(old)) + 1);
	memcpy(at, new, strlen(new));
}

int __wrap_sqlite3_exec(
	struct sqlite3 *database, const char *sql, row_fn *fn, void *context, char **ret_error)
{
	char other[8192];

	if (all(all_store_small) == 0 || strlen(sql) + 64 > sizeof other)
		return __real_sqlite3_exec(database, sql, fn, context, ret_error);
	memcpy(other, sql, strlen(sql) + 1);
	replace(other, "cache_size = -32768", "cache_size = -256");
	return __real_sqlite3_exec(database, other, fn, context, ret_error);
}
