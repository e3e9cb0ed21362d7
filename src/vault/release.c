/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/release.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

/* --- one line ------------------------------------------------------------------------------- */

static void put_host_key(struct json *json, const uint8_t *host_key)
{
	char text[2 * HASH_LEN + 1];
	if (host_key != NULL)
		hex_encode(text, host_key, HASH_LEN);
	json_text(json, "host_key", host_key == NULL ? NULL : text);
}

/* Up to and without the signature, not closed: that is what is signed. */
static int line_begin(
	struct buf *line, const struct release_log *log, const struct release *release)
{
	char time[CLOCK_TEXT_SIZE], previous[2 * HASH_LEN + 1];
	hex_encode(previous, log->previous, HASH_LEN);
	struct json json = json_begin(line);
	json_open_object(&json, NULL);
	json_number(&json, "sequence", (int64_t)log->lines + 1);
	json_text(&json, "time", clock_format_utc(clock_wall_ms(), time));
	json_text(&json, "what", release->what);
	json_text(&json, "session", release->session_id);
	json_text(&json, "device", release->target);
	json_text(&json, "username", release->username);
	put_host_key(&json, release->host_key);
	if (release->identity != NULL) {
		const struct identity *identity = release->identity;
		json_text_len(&json, "object", identity->object,
			strnlen(identity->object, sizeof identity->object));
		json_id(&json, "id", identity->id);
		json_number(&json, "version", identity->version);
	}
	json_text(&json, "previous", previous);
	return json.error;
}

static int line_sign(struct buf *line, const struct keyring *keyring)
{
	uint8_t signature[RELEASES_SIGNATURE_LEN];
	char text[2 * RELEASES_SIGNATURE_LEN + 1];
	CLEANUP(buf_finish)
	struct buf signed_bytes = BUF(RELEASES_CONTEXT_LEN + RELEASES_LINE_MAX);
	int r = buf_append(&signed_bytes, RELEASES_CONTEXT, RELEASES_CONTEXT_LEN);
	if (r == 0)
		r = buf_append(&signed_bytes, line->data, line->len);
	if (r == 0)
		r = keyring_sign(keyring, signed_bytes.data, signed_bytes.len, signature);
	if (r < 0)
		return r;
	hex_encode(text, signature, sizeof signature);
	return buf_append_format(line, RELEASES_MARK "%s" RELEASES_END "\n", text);
}

/* --- opening -------------------------------------------------------------------------------- */

struct tail_finder {
	uint64_t first; /* sequence of the first line */
	char last[RELEASES_LINE_MAX];
	size_t len;
	uint64_t count;
};

static bool tail_take(void *context, const char *line, size_t len)
{
	struct tail_finder *finder = context;
	if (finder->count++ == 0)
		finder->first = releases_line_sequence(line, len);
	memcpy(finder->last, line, len);
	finder->len = len;
	return true;
}

/* The newest of the files that are full; 0: there is none. Asked only before the sandbox. */
static int newest_full(int directory, uint64_t *ret_first)
{
	uint64_t first, newest = 0;
	DIR *list = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (list == NULL)
		return -ERR_RELEASES_DISK;
	for (struct dirent *entry; (entry = readdir(list)) != NULL;)
		if (releases_name_parse(entry->d_name, &first) && first > newest)
			newest = first;
	closedir(list);
	*ret_first = newest;
	return 0;
}

static int open_file(int directory, const char *name, int flags)
{
	struct stat status;
	CLEANUP(fd_closep) int fd = openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -ERR_RELEASES_DISK;
	return STEAL_FD(fd);
}

/* A crash between two files: the end of the chain is in the one before. */
static int find_tail_before(int directory, struct tail_finder *finder)
{
	char name[RELEASES_NAME_SIZE];
	uint64_t first;
	off_t complete;
	int r = newest_full(directory, &first);
	if (r < 0 || first == 0)
		return r;
	releases_name(first, name);
	CLEANUP(fd_closep) int fd = open_file(directory, name, O_RDONLY);
	if (fd < 0)
		return fd;
	return releases_read(fd, tail_take, finder, &complete) < 0 ? -ERR_RELEASES_DISK : 0;
}

static bool last_genuine(const struct tail_finder *finder, const uint8_t installation_public[32])
{
	struct releases_proof nothing = { 0 };
	return finder->count == 0 || releases_line_check(&nothing, finder->last, finder->len,
					     installation_public) != -ERR_SIGNATURE_INVALID;
}

/*
 * While a vault takes another's place, both write: the old one for those who log in right now. Each
 * line follows the one before it, whoever wrote that.
 */
static int log_lock(int fd, short kind)
{
	struct flock lock = { .l_type = kind, .l_whence = SEEK_SET };
	int r;
	do {
		r = fcntl(fd, F_SETLKW, &lock);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -ERR_RELEASES_DISK : 0;
}

/* Finds the end, with the file locked. */
static int log_begin(
	struct release_log *log, int fd, const uint8_t installation_public[32], bool *ret_intact)
{
	struct tail_finder finder = { 0 };
	struct stat status;
	off_t complete = 0;
	if (releases_read(fd, tail_take, &finder, &complete) < 0)
		return -ERR_RELEASES_DISK;
	if (fstat(fd, &status) < 0 || (status.st_size != complete && ftruncate(fd, complete) < 0))
		return -ERR_RELEASES_DISK;
	uint64_t in_file = finder.count;
	int r = in_file == 0 ? find_tail_before(log->directory, &finder) : 0;
	if (r < 0)
		return r;
	if (finder.count > 0) {
		releases_line_hash(finder.last, finder.len, log->previous);
		log->lines = releases_line_sequence(finder.last, finder.len);
	}
	/* Where its number was changed, what follows is at least not numbered twice. */
	log->lines = MAX(log->lines, finder.first + finder.count - (finder.count > 0));
	log->first = in_file > 0 ? finder.first : log->lines + 1;
	*ret_intact = last_genuine(&finder, installation_public);
	log->length = complete;
	return 0;
}

int release_log_open(struct release_log *log, int directory, const uint8_t installation_public[32],
	bool *ret_intact)
{
	*log = (struct release_log){ .directory = directory, .fd = -1 };
	CLEANUP(fd_closep)
	int fd = open_file(directory, RELEASES_FILE, O_RDWR | O_APPEND | O_CREAT);
	int r = fd < 0 ? fd : log_lock(fd, F_WRLCK);
	if (r < 0)
		return r;
	r = log_begin(log, fd, installation_public, ret_intact);
	log_lock(fd, F_UNLCK);
	if (r == 0 && (fsync(fd) < 0 || fsync(directory) < 0))
		r = -ERR_RELEASES_DISK;
	if (r == 0)
		log->fd = STEAL_FD(fd);
	return r;
}

void release_log_close(struct release_log *log)
{
	fd_closep(&log->fd);
	log->fd = -1;
}

/* --- writing -------------------------------------------------------------------------------- */

/* What another has written since into this file. What it could not write whole goes. */
static int log_follow(struct release_log *log)
{
	struct tail_finder finder = { 0 };
	struct stat status;
	off_t complete = log->length;
	if (fstat(log->fd, &status) < 0 || status.st_size < log->length)
		return -ERR_RELEASES_DISK;
	if (status.st_size == log->length)
		return 0;
	if (releases_read_from(log->fd, log->length, tail_take, &finder, &complete) < 0 ||
		(complete != status.st_size && ftruncate(log->fd, complete) < 0))
		return -ERR_RELEASES_DISK;
	if (finder.count > 0) {
		releases_line_hash(finder.last, finder.len, log->previous);
		log->lines = MAX(
			log->lines + finder.count, releases_line_sequence(finder.last, finder.len));
	}
	log->length = complete;
	return 0;
}

/* It has begun a new file: that is the one to go on in, and to lock. */
static int log_move(struct release_log *log, int *named)
{
	if (log_lock(*named, F_WRLCK) < 0)
		return -ERR_RELEASES_DISK;
	fd_closep(&log->fd);
	log->fd = STEAL_FD(*named);
	log->length = 0;
	log->first = log->lines + 1;
	return 0;
}

/*
 * Up to where the log is now, in whatever file; with the lock. It can be told from the name alone
 * which file that is. Whoever closes a descriptor of a file loses the locks he has on it: this one
 * is kept in *ret_named until the lock is given back.
 */
static int log_catch_up(struct release_log *log, int *ret_named)
{
	struct stat here, there;
	for (;;) {
		errno = 0;
		CLEANUP(fd_closep)
		int named = open_file(log->directory, RELEASES_FILE, O_RDWR | O_APPEND);
		log->renamed = named < 0 && errno == ENOENT;
		if ((named < 0 && !log->renamed) || log_follow(log) < 0)
			return -ERR_RELEASES_DISK;
		if (log->renamed)
			return 0;
		if (fstat(log->fd, &here) < 0 || fstat(named, &there) < 0)
			return -ERR_RELEASES_DISK;
		if (here.st_ino == there.st_ino && here.st_dev == there.st_dev) {
			*ret_named = STEAL_FD(named);
			return 0;
		}
		if (log_move(log, &named) < 0)
			return -ERR_RELEASES_DISK;
	}
}

/*
 * The file is full: it gets the name of its first line, and the chain goes on in a new one. What
 * cannot be done now is tried again before the next line.
 */
static int next_file(struct release_log *log)
{
	char name[RELEASES_NAME_SIZE];
	releases_name(log->first, name);
	/* Nothing of what has that name already may be lost. */
	if (!log->renamed && renameat2(log->directory, RELEASES_FILE, log->directory, name,
				     RENAME_NOREPLACE) < 0)
		return -ERR_RELEASES_DISK;
	log->renamed = true;
	CLEANUP(fd_closep)
	int fd = open_file(log->directory, RELEASES_FILE, O_RDWR | O_APPEND | O_CREAT);
	if (fd < 0 || log_lock(fd, F_WRLCK) < 0 || fsync(log->directory) < 0)
		return -ERR_RELEASES_DISK;
	fd_closep(&log->fd);
	log->fd = STEAL_FD(fd);
	log->length = 0;
	log->first = log->lines + 1;
	log->renamed = false;
	return log_follow(log); /* it may have been begun meanwhile, by who cannot write in it */
}

/*
 * What did not come to the disk is taken back. After a failed sync nobody knows what the disk has
 * of it: nothing is released before the line is gone, and the disk has said so. The next line then
 * writes anew whatever page it shares with the lines before.
 */
static void line_take_back(struct release_log *log)
{
	log->failed = ftruncate(log->fd, log->length) < 0 || fdatasync(log->fd) < 0;
}

/* Behind what could not be taken back another may have written: only a torn line is gone. */
static int line_settle(struct release_log *log)
{
	if (log->failed && fdatasync(log->fd) < 0)
		return -ERR_RELEASES_DISK;
	log->failed = false;
	return 0;
}

static int line_append(struct release_log *log, const uint8_t *bytes, size_t len)
{
	if (write(log->fd, bytes, len) != (ssize_t)len || fdatasync(log->fd) < 0) {
		line_take_back(log);
		return -ERR_RELEASES_DISK;
	}
	log->length += (off_t)len;
	return 0;
}

static int line_write(
	struct release_log *log, const struct keyring *keyring, const struct release *release)
{
	CLEANUP(buf_finish) struct buf line = BUF(RELEASES_LINE_MAX);
	int r = log->length >= RELEASES_FILE_MAX ? next_file(log) : 0;
	if (r == 0)
		r = line_begin(&line, log, release);
	if (r == 0)
		r = line_sign(&line, keyring);
	if (r < 0)
		return r;
	r = line_append(log, line.data, line.len);
	if (r < 0)
		return r;
	releases_line_hash((const char *)line.data, line.len - 1, log->previous);
	log->lines++;
	log->released++;
	return 0;
}

int release_log_write(
	struct release_log *log, const struct keyring *keyring, const struct release *release)
{
	if (log->fd < 0)
		return -ERR_RELEASES_DISK;
	int r = log_lock(log->fd, F_WRLCK);
	if (r < 0)
		return r;
	CLEANUP(fd_closep) int named = -1;
	r = log_catch_up(log, &named);
	if (r == 0)
		r = line_settle(log);
	if (r == 0)
		r = line_write(log, keyring, release);
	log_lock(log->fd, F_UNLCK);
	if (r == 0 && log->grown != NULL)
		log->grown(log->context);
	return r;
}

void release_log_head(const struct release_log *log, const struct keyring *keyring,
	struct msg_releases_head *ret_head)
{
	uint8_t layout[RELEASES_HEAD_LEN];
	memset(ret_head, 0, sizeof *ret_head);
	ret_head->sequence = log->lines;
	memcpy(ret_head->head, log->previous, HASH_LEN);
	releases_head_layout(log->lines, log->previous, layout);
	ret_head->is_signed =
		keyring_sign(keyring, layout, sizeof layout, ret_head->signature) == 0;
}
