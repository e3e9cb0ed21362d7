/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

#define GATHER_MAX (1024 * 1024) /* bytes of a commit kept before they are written */
#define GATHER_LEAST (64 * 1024)
#define PIECE_MAX (64 * 1024) /* SQLite's files write less than 128 KiB at a time */
#define LOG_HEADER_LEN 32     /* SQLite file format, section 4.1 */

struct log_sync {
	sqlite3_vfs files; /* the system's, but for the log */
	sqlite3_vfs *system;
	char layer[32];
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t work, progress;
	bool started, stopping;
	int fd;        /* the log; opened with it, and again when it is another file */
	int wake;      /* eventfd */
	uint64_t left; /* loop only: commits whose sync was left to the thread */
	bool defer;    /* loop only */
	uint64_t asked, done;
	bool broken;
};

/* The first member is SQLite's; the system's own file lies behind it. */
struct log_file {
	sqlite3_file file;
	struct log_sync *sync;
	uint8_t *bytes; /* written by SQLite, not yet by us */
	size_t cap, len;
	sqlite3_int64 at; /* where bytes[0] belongs */
	bool header;      /* a new log's header is among them */
};

static int files_open(
	sqlite3_vfs *files, const char *name, sqlite3_file *file, int flags, int *ret_flags);

static sqlite3_file *real_of(struct log_file *log)
{
	return (sqlite3_file *)(log + 1);
}

/* ---- the thread ---- */

static void tell(struct log_sync *sync)
{
	uint64_t one = 1;

	/* Cannot fail: the counter is read long before it is full. */
	ssize_t done = write(sync->wake, &one, sizeof one);
	(void)done;
}

static void *sync_main(void *context)
{
	struct log_sync *sync = context;

	pthread_mutex_lock(&sync->mutex);
	for (;;) {
		while (sync->asked == sync->done && !sync->stopping)
			pthread_cond_wait(&sync->work, &sync->mutex);
		if (sync->asked == sync->done || sync->broken)
			break;
		uint64_t mark = sync->asked;
		int fd = sync->fd;
		pthread_mutex_unlock(&sync->mutex);
		int r = fdatasync(fd);
		pthread_mutex_lock(&sync->mutex);
		if (r < 0)
			sync->broken = true;
		else
			sync->done = MAX(sync->done, mark);
		pthread_cond_broadcast(&sync->progress);
		tell(sync);
	}
	pthread_mutex_unlock(&sync->mutex);
	return NULL;
}

static int start(struct log_sync *sync)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&sync->thread, NULL, sync_main, sync);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sync->started = r == 0;
	return r == 0 ? 0 : -ERR_SYSTEM;
}

static int register_layer(struct log_sync *sync)
{
	sync->system = sqlite3_vfs_find(NULL);
	if (sync->system == NULL)
		return -ERR_SYSTEM;
	snprintf(sync->layer, sizeof sync->layer, "sallyport-%p", (void *)sync);
	sync->files = *sync->system;
	sync->files.zName = sync->layer;
	sync->files.pNext = NULL;
	sync->files.szOsFile += (int)sizeof(struct log_file);
	sync->files.pAppData = sync;
	sync->files.xOpen = files_open;
	return sqlite3_vfs_register(&sync->files, 0) == SQLITE_OK ? 0 : -ERR_SYSTEM;
}

int log_sync_create(struct log_sync **ret_sync)
{
	struct log_sync *sync = calloc(1, sizeof *sync);

	if (sync == NULL)
		return -ERR_SYSTEM;
	pthread_mutex_init(&sync->mutex, NULL);
	pthread_cond_init(&sync->work, NULL);
	pthread_cond_init(&sync->progress, NULL);
	sync->fd = -1;
	sync->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sync->wake < 0 || register_layer(sync) < 0) {
		log_sync_destroy(sync);
		return -ERR_SYSTEM;
	}
	*ret_sync = sync;
	return 0;
}

const char *log_sync_layer(const struct log_sync *sync)
{
	return sync->layer;
}

void log_sync_destroy(struct log_sync *sync)
{
	if (sync == NULL)
		return;
	sqlite3_vfs_unregister(&sync->files);
	pthread_mutex_lock(&sync->mutex);
	sync->stopping = true;
	pthread_cond_signal(&sync->work);
	pthread_mutex_unlock(&sync->mutex);
	if (sync->started)
		pthread_join(sync->thread, NULL);
	pthread_cond_destroy(&sync->progress);
	pthread_cond_destroy(&sync->work);
	pthread_mutex_destroy(&sync->mutex);
	fd_closep(&sync->fd);
	fd_closep(&sync->wake);
	free(sync);
}

/* Without a thread there is nobody to leave it to. */
void log_sync_defer(struct log_sync *sync, bool defer)
{
	sync->defer = defer && (sync->started || start(sync) == 0);
}

uint64_t log_sync_mark(const struct log_sync *sync)
{
	return sync->left;
}

int log_sync_descriptor(const struct log_sync *sync)
{
	return sync->wake;
}

int log_synced(struct log_sync *sync, uint64_t *ret_mark)
{
	uint64_t count;

	ssize_t got = read(sync->wake, &count, sizeof count);
	(void)got;
	pthread_mutex_lock(&sync->mutex);
	*ret_mark = sync->done;
	bool broken = sync->broken;
	pthread_mutex_unlock(&sync->mutex);
	return broken ? -ERR_STORE_BROKEN : 0;
}

int log_sync_wait(struct log_sync *sync)
{
	pthread_mutex_lock(&sync->mutex);
	while (sync->done < sync->asked && !sync->broken)
		pthread_cond_wait(&sync->progress, &sync->mutex);
	bool broken = sync->broken;
	pthread_mutex_unlock(&sync->mutex);
	return broken ? -ERR_STORE_BROKEN : 0;
}

static void leave(struct log_sync *sync)
{
	pthread_mutex_lock(&sync->mutex);
	sync->asked = ++sync->left;
	pthread_cond_signal(&sync->work);
	pthread_mutex_unlock(&sync->mutex);
}

static bool is_broken(struct log_sync *sync)
{
	pthread_mutex_lock(&sync->mutex);
	bool broken = sync->broken;
	pthread_mutex_unlock(&sync->mutex);
	return broken;
}

/* What is synced now covers what was left before. */
static void note_synced(struct log_sync *sync, bool well)
{
	pthread_mutex_lock(&sync->mutex);
	if (well)
		sync->done = sync->asked;
	else
		sync->broken = true;
	pthread_mutex_unlock(&sync->mutex);
}

/* ---- the file ---- */

static int flush(struct log_file *log)
{
	sqlite3_file *real = real_of(log);
	int r = SQLITE_OK;

	for (size_t done = 0; done < log->len && r == SQLITE_OK; done += PIECE_MAX) {
		int len = (int)MIN(log->len - done, (size_t)PIECE_MAX);
		sqlite3_int64 at = log->at + (sqlite3_int64)done;
		r = real->pMethods->xWrite(real, log->bytes + done, len, at);
	}
	log->len = 0;
	return r;
}

static int reserve(struct log_file *log, size_t len)
{
	size_t cap = MAX(log->cap, (size_t)GATHER_LEAST);

	while (cap < log->len + len)
		cap *= 2;
	if (cap == log->cap)
		return 0;
	uint8_t *bytes = realloc(log->bytes, cap);
	if (bytes == NULL)
		return -ERR_SYSTEM;
	log->bytes = bytes;
	log->cap = cap;
	return 0;
}

static int log_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
	struct log_file *log = (struct log_file *)file;
	sqlite3_file *real = real_of(log);
	bool follows = log->len > 0 && at == log->at + (sqlite3_int64)log->len;
	int r = SQLITE_OK;

	if (!follows || log->len + (size_t)len > GATHER_MAX)
		r = flush(log);
	if (r != SQLITE_OK)
		return r;
	if (reserve(log, (size_t)len) < 0)
		return real->pMethods->xWrite(real, bytes, len, at);
	if (log->len == 0)
		log->at = at;
	memcpy(log->bytes + log->len, bytes, (size_t)len);
	log->len += (size_t)len;
	if (at < LOG_HEADER_LEN)
		log->header = true;
	return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
	struct log_file *log = (struct log_file *)file;
	sqlite3_file *real = real_of(log);
	int r = SQLITE_OK;

	if (log->len > 0 && at + len > log->at)
		r = flush(log);
	return r != SQLITE_OK ? r : real->pMethods->xRead(real, bytes, len, at);
}

static int sync_now(struct log_file *log, int flags)
{
	sqlite3_file *real = real_of(log);
	int r = real->pMethods->xSync(real, flags);

	note_synced(log->sync, r == SQLITE_OK);
	return r;
}

static int log_sync_file(sqlite3_file *file, int flags)
{
	struct log_file *log = (struct log_file *)file;
	struct log_sync *sync = log->sync;
	bool header = log->header;

	if (is_broken(sync))
		return SQLITE_IOERR_FSYNC;
	int r = flush(log);
	if (r != SQLITE_OK)
		return r;
	log->header = false;
	if (!sync->defer || header)
		return sync_now(log, flags);
	leave(sync);
	return SQLITE_OK;
}

static int log_close(sqlite3_file *file)
{
	struct log_file *log = (struct log_file *)file;
	sqlite3_file *real = real_of(log);

	flush(log);
	log_sync_wait(log->sync);
	free(log->bytes);
	return real->pMethods->xClose(real);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct log_file *log = (struct log_file *)file;
	sqlite3_file *real = real_of(log);
	int r = flush(log);

	return r != SQLITE_OK ? r : real->pMethods->xTruncate(real, size);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
	struct log_file *log = (struct log_file *)file;
	sqlite3_file *real = real_of(log);
	int r = flush(log);

	return r != SQLITE_OK ? r : real->pMethods->xFileSize(real, ret_size);
}

/* Nobody locks the log: the locks are on the database and its index. */
static int log_lock(sqlite3_file *file, int level)
{
	sqlite3_file *real = real_of((struct log_file *)file);

	return real->pMethods->xLock(real, level);
}

static int log_unlock(sqlite3_file *file, int level)
{
	sqlite3_file *real = real_of((struct log_file *)file);

	return real->pMethods->xUnlock(real, level);
}

static int log_reserved(sqlite3_file *file, int *ret_reserved)
{
	sqlite3_file *real = real_of((struct log_file *)file);

	return real->pMethods->xCheckReservedLock(real, ret_reserved);
}

static int log_control(sqlite3_file *file, int what, void *argument)
{
	sqlite3_file *real = real_of((struct log_file *)file);

	return real->pMethods->xFileControl(real, what, argument);
}

static int log_sector(sqlite3_file *file)
{
	sqlite3_file *real = real_of((struct log_file *)file);

	return real->pMethods->xSectorSize(real);
}

static int log_kind(sqlite3_file *file)
{
	sqlite3_file *real = real_of((struct log_file *)file);

	return real->pMethods->xDeviceCharacteristics(real);
}

static const sqlite3_io_methods log_methods = {
	.iVersion = 1,
	.xClose = log_close,
	.xRead = log_read,
	.xWrite = log_write,
	.xTruncate = log_truncate,
	.xSync = log_sync_file,
	.xFileSize = log_size,
	.xLock = log_lock,
	.xUnlock = log_unlock,
	.xCheckReservedLock = log_reserved,
	.xFileControl = log_control,
	.xSectorSize = log_sector,
	.xDeviceCharacteristics = log_kind,
};

/* A descriptor of the thread's own: fdatasync() is about the file, whoever wrote it. */
static int open_again(struct log_sync *sync, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -ERR_SYSTEM;
	log_sync_wait(sync);
	pthread_mutex_lock(&sync->mutex);
	fd_closep(&sync->fd);
	sync->fd = fd;
	pthread_mutex_unlock(&sync->mutex);
	return 0;
}

static int open_log(struct log_file *log, const char *name, int flags, int *ret_flags)
{
	sqlite3_vfs *system = log->sync->system;
	sqlite3_file *real = real_of(log);
	int r = system->xOpen(system, name, real, flags, ret_flags);

	if (r != SQLITE_OK)
		return r;
	if (open_again(log->sync, name) < 0) {
		real->pMethods->xClose(real);
		return SQLITE_CANTOPEN;
	}
	log->file.pMethods = &log_methods;
	return SQLITE_OK;
}

static int files_open(
	sqlite3_vfs *files, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct log_sync *sync = files->pAppData;
	struct log_file *log = (struct log_file *)file;

	if ((flags & SQLITE_OPEN_WAL) == 0)
		return sync->system->xOpen(sync->system, name, file, flags, ret_flags);
	*log = (struct log_file){ .sync = sync };
	return open_log(log, name, flags, ret_flags);
}
