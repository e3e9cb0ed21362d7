/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/* Opened without waiting for anybody, in case it is no file. */
static int open_private(int directory, const char *name, mode_t forbidden)
{
	struct stat status;
	CLEANUP(fd_closep)
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		if (errno != ENOENT)
			log_warning("credential.refused", "%s: %s", name, strerror(errno));
		return -1;
	}
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
		(status.st_mode & forbidden) != 0) {
		log_warning("credential.refused",
			"%s is not a plain file that nobody else may read", name);
		return -1;
	}
	return STEAL_FD(fd);
}

int credential_open(const char *name)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");
	if (path == NULL || path[0] != '/')
		return -1;
	CLEANUP(fd_closep) int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -1;
	/* The group's bits may be the mask of an access list: that is how the manager lets a user
	 * in. */
	return open_private(directory, name, 07);
}

int credential_open_file(const char *path)
{
	return open_private(AT_FDCWD, path, 077);
}
