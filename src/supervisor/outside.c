/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/outside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/witness.h"

void outside_init(struct outside *outside)
{
	*outside = (struct outside){ -1, -1, -1, -1, -1 };
}

/* A setting or a path, and what is wrong with it. */
static int complain(char complaint[REASON_SIZE], const char *what, const char *why)
{
	snprintf(complaint, REASON_SIZE, "%.160s: %.90s", what, why);
	return -ERR_SYSTEM;
}

/*
 * A directory that is not there is made, and is the witness's; one that is there must be, or
 * nothing could be begun in it when a file was renamed.
 */
static int open_directory(
	int directory, const char *path, unsigned uid, int *ret_fd, char complaint[REASON_SIZE])
{
	char why[80];
	struct stat stat;
	bool made = mkdirat(directory, path, 0750) == 0;
	CLEANUP(fd_closep)
	int fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &stat) < 0 || (made && uid != 0 && fchown(fd, uid, uid) < 0))
		return complain(complaint, path, strerror(errno));
	if (!made && uid != 0 && stat.st_uid != uid) {
		snprintf(why, sizeof why, "must belong to user id %u, who appends to a file in it",
			uid);
		return complain(complaint, path, why);
	}
	*ret_fd = STEAL_FD(fd);
	return 0;
}

/* The directory that a file is, or will be, in. */
static int open_parent(int directory, const char *setting, const char *path, unsigned uid,
	int *ret_fd, char complaint[REASON_SIZE])
{
	char parent[URL_SIZE];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

	if (path[0] == '\0')
		return 0;
	if (slash != NULL && slash[1] == '\0')
		return complain(complaint, setting, "names a directory, not a file");
	text_copy_len(parent, sizeof parent, path, len);
	return open_directory(directory, len > 0 ? parent : ".", uid, ret_fd, complaint);
}

static int open_file(int directory, const char *setting, const char *path, int *ret_fd,
	char complaint[REASON_SIZE])
{
	*ret_fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	snprintf(complaint, REASON_SIZE, "%s: %.130s: %.90s", setting, path, strerror(errno));
	return -ERR_SYSTEM;
}

/* Who reads it can sign what a receiver believes. */
static int open_key(int directory, const char *path, int *ret_fd, char complaint[REASON_SIZE])
{
	struct stat stat;
	int r = open_file(directory, "witness.webhook_key", path, ret_fd, complaint);

	if (r < 0 || fstat(*ret_fd, &stat) < 0 || (stat.st_mode & 07) == 0)
		return r;
	return complain(complaint, "witness.webhook_key", "everybody can read the file: chmod 600");
}

static bool wants_tls(const struct settings *settings)
{
	return settings->witness_webhook[0] != '\0' ||
	       strncmp(settings->witness_syslog, "tls:", 4) == 0;
}

/* Neither would know where the other's lines end. */
static bool same_file(const struct settings *settings)
{
	return settings->audit_mirror[0] != '\0' &&
	       strcmp(settings->audit_mirror, settings->witness_file) == 0;
}

static int open_all(struct outside *outside, int directory, const struct settings *settings,
	unsigned uid, char complaint[REASON_SIZE])
{
	int r = open_directory(directory, "witness", uid, &outside->own, complaint);

	if (r == 0)
		r = open_parent(directory, "audit.mirror", settings->audit_mirror, uid,
			&outside->mirror, complaint);
	if (r == 0)
		r = open_parent(directory, "witness.file", settings->witness_file, uid,
			&outside->file, complaint);
	if (r == 0 && wants_tls(settings))
		r = open_file(directory, "witness.authorities", settings->witness_authorities,
			&outside->authorities, complaint);
	if (r == 0 && settings->witness_webhook[0] != '\0')
		r = open_key(directory, settings->witness_webhook_key, &outside->key, complaint);
	return r;
}

int outside_open(struct outside *outside, int directory, const struct settings *settings,
	unsigned uid, char complaint[REASON_SIZE])
{
	outside_init(outside);
	if (!witness_wanted(settings))
		return 0;
	if (same_file(settings))
		return complain(complaint, "audit.mirror and witness.file", "must be two files");
	int r = open_all(outside, directory, settings, uid, complaint);
	if (r < 0)
		outside_close(outside);
	return r;
}

void outside_close(struct outside *outside)
{
	int *const all[] = { &outside->own, &outside->mirror, &outside->file, &outside->authorities,
		&outside->key };

	for (unsigned i = 0; i < ARRAY_LEN(all); i++)
		fd_closep(all[i]);
}
