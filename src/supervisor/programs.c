/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/programs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

static bool named_like_ours(const char *name)
{
	size_t prefix = sizeof PROGRAM_PREFIX - 1;

	return strncmp(name, PROGRAM_PREFIX, prefix) == 0 && name[prefix] != '\0' &&
	       strlen(name) < PROGRAM_NAME_SIZE &&
	       strspn(name + prefix, "abcdefghijklmnopqrstuvwxyz-") == strlen(name + prefix);
}

static int open_one(int directory, const char *name)
{
	struct stat stat;
	CLEANUP(fd_closep) int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || (stat.st_mode & 0111) == 0)
		return -1;
	return STEAL_FD(fd);
}

static int collect(struct programs *programs, int directory, DIR *list)
{
	for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
		int fd = named_like_ours(entry->d_name) ? open_one(directory, entry->d_name) : -1;
		if (fd < 0)
			continue;
		if (programs->count == PROGRAMS_MAX) {
			close(fd);
			return -ERR_FULL;
		}
		struct program *program = &programs->rows[programs->count++];
		program->fd = fd;
		text_copy(program->name, sizeof program->name, entry->d_name);
	}
	return 0;
}

int programs_open(struct programs *programs, const char *directory, char complaint[REASON_SIZE])
{
	DIR *list = opendir(directory);

	programs->count = 0;
	if (list == NULL) {
		snprintf(complaint, REASON_SIZE, "%.180s: %s", directory, strerror(errno));
		return -ERR_SYSTEM;
	}
	int r = collect(programs, dirfd(list), list);
	closedir(list);
	if (r < 0) {
		snprintf(complaint, REASON_SIZE, "%.180s holds too many programs", directory);
		programs_close(programs);
	}
	return r;
}

void programs_close(struct programs *programs)
{
	for (unsigned i = 0; i < programs->count; i++)
		fd_closep(&programs->rows[i].fd);
	programs->count = 0;
}

int program_find(const struct programs *programs, const char *name)
{
	for (unsigned i = 0; i < programs->count; i++)
		if (strcmp(programs->rows[i].name, name) == 0)
			return programs->rows[i].fd;
	return -1;
}

int programs_format(const struct programs *programs, char ret_format[WIRE_FORMAT_SIZE],
	char complaint[REASON_SIZE])
{
	char format[WIRE_FORMAT_SIZE];

	for (unsigned i = 0; i < programs->count; i++) {
		const struct program *program = &programs->rows[i];
		if (wire_format_of(program->fd, format) < 0) {
			snprintf(complaint, REASON_SIZE, "%s is not an executable of this gateway",
				program->name);
			return -ERR_MALFORMED;
		}
		if (i > 0 && strcmp(format, ret_format) != 0) {
			snprintf(complaint, REASON_SIZE, "%s and %s are not of one build",
				programs->rows[0].name, program->name);
			return -ERR_MALFORMED;
		}
		memcpy(ret_format, format, sizeof format);
	}
	if (programs->count > 0)
		return 0;
	snprintf(complaint, REASON_SIZE, "there are no programs");
	return -ERR_MALFORMED;
}
