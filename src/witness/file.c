/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#define TAIL_MAX (256 * 1024) /* where the last row of a mirror must be */

void file_init(struct file *file, int directory, const char *path)
{
	const char *slash = strrchr(path, '/');

	*file = (struct file){ .directory = directory, .fd = -1 };
	text_copy(file->name, sizeof file->name, slash != NULL ? slash + 1 : path);
}

/* ---- what is in it ---- */

static ssize_t read_tail(int fd, int64_t size, char *text)
{
	int64_t from = size > TAIL_MAX ? size - TAIL_MAX : 0;
	ssize_t got = pread(fd, text, (size_t)(size - from), from);

	return got == size - from ? got : -1;
}

static void position_of(const struct line *line, struct position *ret_at)
{
	bool row = line->kind == LINE_ROW;

	ret_at->sequence = row ? line->row.sequence : line->place.sequence;
	memcpy(ret_at->hash, row ? line->row.hash : line->place.hash, HASH_LEN);
}

/*
 * The last row, or what a first line says of the rows before it, from the end of the text.
 * headless: nothing stands behind that row, not even its head.
 */
static bool find_position(const char *text, size_t len, struct position *ret_at, bool *ret_headless)
{
	CLEANUP(mem_freep) struct line *line = malloc(sizeof *line);
	bool last = true;

	while (line != NULL && len > 0) {
		const char *before = len > 1 ? memrchr(text, '\n', len - 1) : NULL;
		size_t start = before != NULL ? (size_t)(before - text) + 1 : 0;
		int r = line_read(text + start, len - 1 - start, line);
		if (r == 0 && (line->kind == LINE_ROW || line->kind == LINE_CONTINUED)) {
			position_of(line, ret_at);
			*ret_headless = last && line->kind == LINE_ROW;
			return true;
		}
		last = false;
		len = start;
	}
	return false;
}

/* Half a line is no line. Returns the length without it. */
static ssize_t cut_half(struct file *file, const char *text, ssize_t len)
{
	const char *end = len > 0 ? memrchr(text, '\n', (size_t)len) : NULL;
	ssize_t whole = end != NULL ? end - text + 1 : 0;

	if (whole == len)
		return len;
	file->size -= len - whole;
	return ftruncate(file->fd, file->size) < 0 ? -1 : whole;
}

/* Where a mirror stands, by what it holds itself. */
static int look_inside(struct file *file, struct outlet *outlet)
{
	CLEANUP(mem_freep) char *text = malloc(TAIL_MAX);
	struct position at = { 0 };
	bool headless = false;
	ssize_t len = text != NULL ? read_tail(file->fd, file->size, text) : -1;

	if (len >= 0)
		len = cut_half(file, text, len);
	if (len < 0)
		return -ERR_DISK;
	if (!outlet->whole)
		return 0;
	if (!find_position(text, (size_t)len, &at, &headless))
		log_warning("witness.mirror", "%s ends with no row of the trail", file->name);
	else if (headless || at.sequence != outlet->taken.sequence ||
		 memcmp(at.hash, outlet->taken.hash, HASH_LEN) != 0)
		outlet_restart(outlet, &at, headless);
	return 0;
}

/* ---- opening ---- */

static int write_all(struct file *file, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(file->fd, bytes, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -ERR_DISK;
		file->size += done;
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

static int begin_next(struct file *file, const struct outlet *outlet)
{
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);
	struct line line = { .kind = LINE_CONTINUED };

	if (!outlet->whole || outlet->taken.sequence == 0)
		return 0;
	line.place.sequence = outlet->taken.sequence;
	memcpy(line.place.hash, outlet->taken.hash, HASH_LEN);
	int r = line_write(&text, &line);
	return r < 0 ? r : write_all(file, text.data, text.len);
}

static int open_file(struct file *file, struct outlet *outlet)
{
	struct stat stat;

	file->fd = openat(file->directory, file->name,
		O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (file->fd < 0 || fstat(file->fd, &stat) < 0)
		return -ERR_DISK;
	if (!S_ISREG(stat.st_mode)) {
		errno = EINVAL;
		return -ERR_DISK;
	}
	/* Another witness that has not ended yet: two would write every row twice. */
	if (flock(file->fd, LOCK_EX | LOCK_NB) < 0)
		return -ERR_DISK;
	file->size = stat.st_size;
	if (file->size == 0) {
		if (fsync(file->directory) < 0) /* the name must survive as well */
			return -ERR_DISK;
		return begin_next(file, outlet);
	}
	return look_inside(file, outlet);
}

/* Still under its name, and as long as we left it? */
static bool is_ours(const struct file *file)
{
	struct stat there, here;

	return fstatat(file->directory, file->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(file->fd, &here) == 0 && there.st_ino == here.st_ino &&
	       there.st_dev == here.st_dev && here.st_size == file->size;
}

/* ---- the outlet ---- */

static void fail(struct file *file, struct outlet *outlet)
{
	int error = errno;

	fd_closep(&file->fd); /* what is in it is looked at when it is opened again */
	outlet_failed(outlet, "%s", strerror(error));
}

static int ready(struct file *file, struct outlet *outlet)
{
	if (file->fd >= 0 && !is_ours(file))
		fd_closep(&file->fd);
	return file->fd >= 0 ? 0 : open_file(file, outlet);
}

static void file_send(struct outlet *outlet)
{
	struct file *file = outlet->self;

	if (ready(file, outlet) < 0 || write_all(file, outlet->batch.data, outlet->batch.len) < 0 ||
		fdatasync(file->fd) < 0)
		fail(file, outlet);
	else
		outlet_took(outlet);
}

static void file_look(struct outlet *outlet)
{
	struct file *file = outlet->self;

	if (outlet->stage != OUTLET_IDLE)
		return;
	if (ready(file, outlet) < 0)
		fail(file, outlet);
	else
		outlet_alive(outlet);
}

static void file_close(struct outlet *outlet)
{
	struct file *file = outlet->self;

	fd_closep(&file->fd);
	fd_closep(&file->directory);
}

static int file_write(struct outlet *outlet, const struct line *line, struct buf *out)
{
	return line_write(out, line);
}

const struct outlet_kind file_kind = {
	.send = file_send,
	.look = file_look,
	.close = file_close,
	.write = file_write,
};
