/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

static int read_whole(int fd, uint8_t *out, size_t size)
{
	size_t len = 0;
	while (len < size) {
		ssize_t n = read(fd, out + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -ERR_SYSTEM;
		if (n == 0)
			return (int)len;
		len += (size_t)n;
	}
	return -ERR_TOO_LARGE;
}

int file_read(int directory, const char *name, bool private, uint8_t *out, size_t size)
{
	struct stat status;
	CLEANUP(fd_closep) int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ERR_NOT_FOUND : -ERR_SYSTEM;
	if (fstat(fd, &status) < 0)
		return -ERR_SYSTEM;
	if (!S_ISREG(status.st_mode) || (private && (status.st_mode & 077) != 0))
		return -ERR_NOT_AUTHORIZED;
	return read_whole(fd, out, size);
}

static int write_whole(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ERR_SYSTEM;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -ERR_SYSTEM : 0;
}

static int make(int directory, const char *name, const void *bytes, size_t len)
{
	CLEANUP(fd_closep)
	int fd =
		openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? -ERR_EXISTS : -ERR_SYSTEM;
	int r = write_whole(fd, bytes, len);
	if (r < 0)
		unlinkat(directory, name, 0);
	return r;
}

int file_make(int directory, const char *name, const void *bytes, size_t len)
{
	int r = make(directory, name, bytes, len);
	if (r == 0 && fsync(directory) < 0) {
		unlinkat(directory, name, 0);
		r = -ERR_SYSTEM;
	}
	return r;
}

int file_replace(int directory, const char *name, const char *fresh, const void *bytes, size_t len)
{
	if (unlinkat(directory, fresh, 0) < 0 && errno != ENOENT)
		return -ERR_SYSTEM;
	int r = make(directory, fresh, bytes, len);
	if (r < 0)
		return -ERR_SYSTEM;
	if (renameat(directory, fresh, directory, name) < 0) {
		unlinkat(directory, fresh, 0);
		return -ERR_SYSTEM;
	}
	return fsync(directory) < 0 ? -ERR_DISK : 0;
}

int file_remove(int directory, const char *name)
{
	if (unlinkat(directory, name, 0) < 0)
		return errno == ENOENT ? 0 : -ERR_SYSTEM;
	return fsync(directory) < 0 ? -ERR_SYSTEM : 0;
}

int file_move(int directory, const char *from, const char *to)
{
	if (renameat(directory, from, directory, to) < 0 || fsync(directory) < 0)
		return -ERR_SYSTEM;
	return 0;
}
