/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#define RESERVE_NAME "reserve"
#define CLOSE 0x100 /* a job without bytes: the file's last */

struct job {
	struct job *next;
	struct writer_file *file;
	uint8_t *bytes;
	size_t len;
	unsigned flags;
};

/* Fields are guarded by the writer's mutex, unless said otherwise. */
struct writer_file {
	struct writer *writer;
	int fd;      /* thread only */
	bool broken; /* thread only: nothing more can be written */
	bool failed; /* WRITER_FAILED was posted */
	bool wants_room;
	bool closed;     /* the thread is done with it */
	unsigned events; /* bits of enum writer_event, not yet delivered */
	bool posted;     /* in the writer's list of files with events */
	size_t queued;
	uint64_t dirty_at; /* thread only: first write since the last sync; 0: clean */
	struct writer_file *next_posted, *next_dirty;
	struct writer_file *previous, *next; /* loop only: all files */
	writer_fn *fn;                       /* loop only; NULL after writer_close() */
	void *context;
};

struct writer {
	struct loop *loop;
	struct watch *watch;
	struct timer *stall_timer;
	struct writer_file *files; /* loop only */
	int dir, wake;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t work;
	bool sleeping, stopping;
	struct job *first, **last;
	struct writer_file *posted;
	struct writer_file *dirty, **dirty_last; /* thread only, oldest first */
	uint64_t busy_since; /* when the thread began what it is doing; 0: nothing */
	int reserve;         /* thread only */
	bool full;           /* the reserve is given up */
	uint64_t retry_at;   /* thread only */
};

static void post(struct writer_file *file, unsigned events)
{
	struct writer *writer = file->writer;
	uint64_t one = 1;

	file->events |= events;
	if (file->posted)
		return;
	file->posted = true;
	file->next_posted = writer->posted;
	writer->posted = file;
	/* Cannot fail: the counter is read long before it is full. */
	ssize_t done = write(writer->wake, &one, sizeof(one));
	(void)done;
}

static void post_failure(struct writer_file *file)
{
	if (file->failed)
		return;
	file->failed = true;
	post(file, 1U << WRITER_FAILED);
}

/* ---- the thread ---- */

static int reserve_take(struct writer *writer)
{
	int r;

	do {
		r = fallocate(writer->reserve, 0, 0, WRITER_RESERVE);
	} while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EOPNOTSUPP)
		return 0; /* no such thing on this file system: nothing to hold, nothing to give */
	return r < 0 ? -ERR_DISK : 0;
}

static void reserve_give_up(struct writer *writer)
{
	if (ftruncate(writer->reserve, 0) < 0)
		log_error("recorder.reserve", "cannot be given up: %s", strerror(errno));
	pthread_mutex_lock(&writer->mutex);
	writer->full = true;
	pthread_mutex_unlock(&writer->mutex);
	writer->retry_at = clock_monotonic_ms() + WRITER_RETRY_MS;
}

static void reserve_retry(struct writer *writer)
{
	if (writer->retry_at == 0 || clock_monotonic_ms() < writer->retry_at)
		return;
	writer->retry_at = clock_monotonic_ms() + WRITER_RETRY_MS;
	if (reserve_take(writer) < 0)
		return;
	writer->retry_at = 0;
	pthread_mutex_lock(&writer->mutex);
	writer->full = false;
	pthread_mutex_unlock(&writer->mutex);
}

static int write_all(struct writer *writer, int fd, const uint8_t *bytes, size_t len)
{
	bool gave_up = false;

	while (len > 0) {
		ssize_t done = write(fd, bytes, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && (errno == ENOSPC || errno == EDQUOT) && !gave_up) {
			reserve_give_up(writer);
			gave_up = true;
			continue;
		}
		if (done <= 0)
			return -ERR_DISK;
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

static void dirty_add(struct writer_file *file)
{
	struct writer *writer = file->writer;

	if (file->dirty_at != 0)
		return;
	file->dirty_at = clock_monotonic_ms();
	file->next_dirty = NULL;
	*writer->dirty_last = file;
	writer->dirty_last = &file->next_dirty;
}

static void dirty_remove(struct writer_file *file)
{
	struct writer *writer = file->writer;
	struct writer_file **link = &writer->dirty;

	if (file->dirty_at == 0)
		return;
	while (*link != file)
		link = &(*link)->next_dirty;
	*link = file->next_dirty;
	if (writer->dirty_last == &file->next_dirty)
		writer->dirty_last = link;
	file->dirty_at = 0;
}

/* A failed sync is final: what the kernel dropped it will not try again. */
static int file_sync(struct writer_file *file)
{
	if (file->dirty_at != 0) {
		dirty_remove(file);
		if (fdatasync(file->fd) < 0)
			file->broken = true;
	}
	return file->broken ? -ERR_DISK : 0;
}

static int job_write(struct writer *writer, struct job *job)
{
	struct writer_file *file = job->file;

	if (job->len > 0 && !file->broken) {
		dirty_add(file);
		if (write_all(writer, file->fd, job->bytes, job->len) < 0)
			file->broken = true;
	}
	if ((job->flags & (WRITER_TELL | CLOSE)) != 0)
		return file_sync(file);
	return file->broken ? -ERR_DISK : 0;
}

/* Called with the mutex held. */
static void job_done(struct writer *writer, struct job *job, int r)
{
	struct writer_file *file = job->file;
	bool counts = (job->flags & (WRITER_LAST | CLOSE)) == 0;

	file->queued -= job->len;
	/* On a full disk it was written, but on the reserve: the session can be ended properly. */
	if (r < 0 || (writer->full && counts))
		post_failure(file);
	if ((job->flags & WRITER_TELL) != 0)
		post(file, r < 0 ? 1U << WRITER_FAILED : 1U << WRITER_SYNCED);
	if (file->wants_room && file->queued <= WRITER_QUEUE_MAX / 2) {
		file->wants_room = false;
		post(file, 1U << WRITER_ROOM);
	}
	if ((job->flags & CLOSE) != 0) {
		file->closed = true;
		post(file, 0);
	}
}

static void job_run(struct writer *writer, struct job *job)
{
	int r = job_write(writer, job);

	if ((job->flags & CLOSE) != 0)
		fd_closep(&job->file->fd);
	pthread_mutex_lock(&writer->mutex);
	job_done(writer, job, r);
	pthread_mutex_unlock(&writer->mutex);
	free(job->bytes);
	free(job);
}

static void sync_due(struct writer *writer)
{
	uint64_t now = clock_monotonic_ms();

	while (writer->dirty != NULL && writer->dirty->dirty_at + WRITER_SYNC_MS <= now) {
		struct writer_file *file = writer->dirty;
		if (file_sync(file) == 0)
			continue;
		pthread_mutex_lock(&writer->mutex);
		post_failure(file);
		pthread_mutex_unlock(&writer->mutex);
	}
}

static void sleep_until(struct writer *writer, uint64_t ms)
{
	struct timespec until = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	writer->sleeping = true;
	writer->busy_since = 0;
	if (ms == 0)
		pthread_cond_wait(&writer->work, &writer->mutex);
	else
		pthread_cond_timedwait(&writer->work, &writer->mutex, &until);
	writer->sleeping = false;
}

/* The next job, after sleeping at most until something must be synced; NULL: see what is due. */
static struct job *next_job(struct writer *writer, bool *ret_stop)
{
	uint64_t due = writer->dirty != NULL ? writer->dirty->dirty_at + WRITER_SYNC_MS : 0;

	if (writer->retry_at != 0 && (due == 0 || writer->retry_at < due))
		due = writer->retry_at;
	pthread_mutex_lock(&writer->mutex);
	if (writer->first == NULL && !writer->stopping)
		sleep_until(writer, due);
	struct job *job = writer->first;
	if (job != NULL) {
		writer->first = job->next;
		if (writer->first == NULL)
			writer->last = &writer->first;
	}
	*ret_stop = job == NULL && writer->stopping;
	writer->busy_since = clock_monotonic_ms();
	pthread_mutex_unlock(&writer->mutex);
	return job;
}

static void *writer_main(void *context)
{
	struct writer *writer = context;
	bool stop = false;

	while (!stop) {
		struct job *job = next_job(writer, &stop);
		if (job != NULL)
			job_run(writer, job);
		sync_due(writer);
		reserve_retry(writer);
	}
	while (writer->dirty != NULL)
		file_sync(writer->dirty);
	return NULL;
}

/* ---- the loop ---- */

static void file_free(struct writer_file *file)
{
	if (file->previous != NULL)
		file->previous->next = file->next;
	else
		file->writer->files = file->next;
	if (file->next != NULL)
		file->next->previous = file->previous;
	fd_closep(&file->fd);
	free(file);
}

static void deliver(struct writer_file *file, unsigned events)
{
	for (unsigned event = WRITER_SYNCED; event <= WRITER_FAILED; event++)
		if (file->fn != NULL && (events & 1U << event) != 0)
			file->fn(file->context, (enum writer_event)event);
}

static void on_wake(void *context, uint32_t ready)
{
	struct writer *writer = context;
	uint64_t count;

	ssize_t got = read(writer->wake, &count, sizeof(count));
	(void)got;
	for (;;) {
		pthread_mutex_lock(&writer->mutex);
		struct writer_file *file = writer->posted;
		unsigned events = 0;
		bool closed = false;
		if (file != NULL) {
			writer->posted = file->next_posted;
			events = file->events;
			closed = file->closed;
			file->events = 0;
			file->posted = false;
		}
		pthread_mutex_unlock(&writer->mutex);
		if (file == NULL)
			return;
		deliver(file, events);
		if (closed)
			file_free(file);
	}
}

static void on_stall_timer(void *context);

static void watch_for_stall(struct writer *writer)
{
	if (writer->stall_timer == NULL &&
		loop_after(writer->loop, WRITER_STALL_MAX_MS / 4, on_stall_timer, writer,
			&writer->stall_timer) < 0)
		writer->stall_timer = NULL; /* asked for again with the next job */
}

static void on_stall_timer(void *context)
{
	struct writer *writer = context;
	uint64_t now = clock_monotonic_ms();

	writer->stall_timer = NULL;
	pthread_mutex_lock(&writer->mutex);
	uint64_t since = writer->busy_since;
	if (since != 0 && now - since > WRITER_STALL_MAX_MS)
		for (struct writer_file *file = writer->files; file != NULL; file = file->next)
			post(file, 1U << WRITER_FAILED);
	pthread_mutex_unlock(&writer->mutex);
	if (since != 0)
		watch_for_stall(writer);
}

static int thread_start(struct writer *writer)
{
	pthread_condattr_t attributes;
	sigset_t all, before;
	int r;

	pthread_mutex_init(&writer->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->work, &attributes);
	pthread_condattr_destroy(&attributes);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&writer->thread, NULL, writer_main, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0 ? 0 : -ERR_SYSTEM;
}

static void writer_free(struct writer *writer)
{
	while (writer->files != NULL)
		file_free(writer->files);
	watch_remove(writer->watch);
	timer_cancel(writer->stall_timer);
	fd_closep(&writer->wake);
	fd_closep(&writer->reserve);
	free(writer);
}

int writer_create(struct loop *loop, int dir, struct writer **ret_writer)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return -ERR_SYSTEM;
	writer->loop = loop;
	writer->dir = dir;
	writer->last = &writer->first;
	writer->dirty_last = &writer->dirty;
	writer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	writer->reserve =
		openat(dir, RESERVE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (writer->reserve >= 0 && reserve_take(writer) < 0) {
		writer->full = true;
		writer->retry_at = clock_monotonic_ms() + WRITER_RETRY_MS;
	}
	if (writer->wake < 0 || writer->reserve < 0 ||
		loop_watch(loop, writer->wake, EPOLLIN, on_wake, writer, &writer->watch) < 0 ||
		thread_start(writer) < 0) {
		writer_free(writer);
		return -ERR_SYSTEM;
	}
	*ret_writer = writer;
	return 0;
}

void writer_destroy(struct writer *writer)
{
	if (writer == NULL)
		return;
	pthread_mutex_lock(&writer->mutex);
	writer->stopping = true;
	pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->mutex);
	pthread_join(writer->thread, NULL);
	pthread_cond_destroy(&writer->work);
	pthread_mutex_destroy(&writer->mutex);
	writer_free(writer);
}

static int create_file(struct writer *writer, const char *name, int *ret_fd)
{
	int fd = openat(writer->dir, name,
		O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0)
		return errno == EEXIST ? -ERR_EXISTS : -ERR_DISK;
	if (fsync(writer->dir) < 0) { /* the name must survive as well */
		close(fd);
		return -ERR_DISK;
	}
	*ret_fd = fd;
	return 0;
}

int writer_open(struct writer *writer, const char *name, writer_fn *fn, void *context,
	struct writer_file **ret_file)
{
	CLEANUP(mem_freep) struct writer_file *file = calloc(1, sizeof(*file));
	int r;

	if (file == NULL)
		return -ERR_SYSTEM;
	pthread_mutex_lock(&writer->mutex);
	bool full = writer->full;
	pthread_mutex_unlock(&writer->mutex);
	if (full)
		return -ERR_DISK;
	r = create_file(writer, name, &file->fd);
	if (r < 0)
		return r;
	file->writer = writer;
	file->fn = fn;
	file->context = context;
	file->next = writer->files;
	if (file->next != NULL)
		file->next->previous = file;
	writer->files = file;
	*ret_file = STEAL(file);
	return 0;
}

int writer_add(struct writer_file *file, uint8_t *bytes, size_t len, unsigned flags)
{
	struct writer *writer = file->writer;
	struct job *job = malloc(sizeof(*job));

	if (job == NULL) {
		free(bytes);
		return -ERR_SYSTEM;
	}
	*job = (struct job){ .file = file, .bytes = bytes, .len = len, .flags = flags };
	pthread_mutex_lock(&writer->mutex);
	*writer->last = job;
	writer->last = &job->next;
	file->queued += len;
	if (writer->sleeping)
		pthread_cond_signal(&writer->work);
	pthread_mutex_unlock(&writer->mutex);
	watch_for_stall(writer);
	return 0;
}

bool writer_full(struct writer_file *file)
{
	pthread_mutex_lock(&file->writer->mutex);
	bool full = file->queued >= WRITER_QUEUE_MAX;
	if (full)
		file->wants_room = true;
	pthread_mutex_unlock(&file->writer->mutex);
	return full;
}

void writer_close(struct writer_file *file)
{
	if (file == NULL)
		return;
	file->fn = NULL;
	/* Without memory for this last job the file stays open until the writer ends. */
	writer_add(file, NULL, 0, CLOSE);
}
