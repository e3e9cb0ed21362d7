/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep NEEDLES PLACE..: where do these bytes stand? NEEDLES is a file of lines "name hex". A place
 * is a file, a directory with all below it, or pid:N: the memory of a process and its memory files.
 * A hit is a line: name, tab, place, tab, offset. "unread: .." says what could not be looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEEDLES_MAX 4096
#define NEEDLE_LEN 512
#define CHUNK (1 << 20)

struct needle {
	char name[96];
	uint8_t bytes[NEEDLE_LEN];
	size_t len;
	struct needle *next; /* with the same first two bytes */
};
static struct needle needles[NEEDLES_MAX];
static unsigned needle_count;
static struct needle *table[65536];

static unsigned key_of(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static void needle_add(const char *name, const char *hex)
{
	struct needle *needle = &needles[needle_count];

	if (needle_count == NEEDLES_MAX)
		exit(2);
	snprintf(needle->name, sizeof needle->name, "%.95s", name);
	for (; hex[0] != 0 && hex[1] != 0 && needle->len < NEEDLE_LEN; hex += 2) {
		char digits[3] = { hex[0], hex[1], 0 };
		needle->bytes[needle->len++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	if (needle->len < 8)
		exit(2); /* would be found anywhere */
	needle_count++;
	needle->next = table[key_of(needle->bytes)];
	table[key_of(needle->bytes)] = needle;
}

static void needles_read(const char *file)
{
	FILE *in = fopen(file, "re");
	char line[2 * NEEDLE_LEN + 128];

	if (in == NULL)
		exit(2);
	while (fgets(line, sizeof line, in) != NULL) {
		char *blank = strrchr(line, ' ');
		if (blank == NULL)
			exit(2);
		*blank = 0;
		line[strcspn(line, "\n")] = 0;
		blank[1 + strcspn(blank + 1, "\n")] = 0;
		needle_add(line, blank + 1);
	}
	fclose(in);
}

static void look(const uint8_t *bytes, size_t len, uint64_t offset, const char *place)
{
	for (size_t at = 0; at + 2 <= len; at++) {
		for (struct needle *it = table[key_of(bytes + at)]; it != NULL; it = it->next)
			if (at + it->len <= len && memcmp(bytes + at, it->bytes, it->len) == 0)
				printf("%s\t%s\t%" PRIu64 "\n", it->name, place, offset + at);
	}
}

/* What reads len bytes at an offset; 0 at the end, negative when it cannot be read. */
typedef ssize_t read_fn(void *context, uint64_t offset, uint8_t *out, size_t len);

static void look_through(read_fn *fn, void *context, uint64_t from, uint64_t to, const char *place)
{
	static uint8_t buffer[NEEDLE_LEN + CHUNK];
	size_t kept = 0;

	while (from < to) {
		size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t got = fn(context, from, buffer + kept, want);
		if (got <= 0)
			return;
		look(buffer, kept + (size_t)got, from - kept, place);
		from += (uint64_t)got;
		size_t all = kept + (size_t)got;
		kept = all < NEEDLE_LEN - 1 ? all : NEEDLE_LEN - 1;
		memmove(buffer, buffer + all - kept, kept);
	}
}

static ssize_t read_file(void *context, uint64_t offset, uint8_t *out, size_t len)
{
	return pread(*(int *)context, out, len, (off_t)offset);
}

static ssize_t read_memory(void *context, uint64_t offset, uint8_t *out, size_t len)
{
	struct iovec here = { out, len }, there = { (void *)(uintptr_t)offset, len };
	ssize_t got = process_vm_readv(*(pid_t *)context, &here, 1, &there, 1, 0);

	if (got < 0 && len > 4096) { /* page by page: guards lie between */
		here.iov_len = there.iov_len = 4096;
		got = process_vm_readv(*(pid_t *)context, &here, 1, &there, 1, 0);
	}
	if (got < 0 && errno == EFAULT) {
		size_t page = len < 4096 ? len : 4096;
		memset(out, 0, page);
		return (ssize_t)page;
	}
	return got;
}

static void file_look(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0)
		printf("unread: %s\n", path);
	else if (S_ISREG(stat.st_mode))
		look_through(read_file, &fd, 0, UINT64_MAX, path);
	if (fd >= 0)
		close(fd);
}

static void tree_look(const char *path)
{
	char below[4096];
	struct dirent *entry;
	DIR *directory = opendir(path);

	if (directory == NULL) {
		printf("unread: %s\n", path);
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		struct stat stat;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
		/* Names can say something too. */
		look((const uint8_t *)below, strlen(below), 0, below);
		if (lstat(below, &stat) < 0)
			continue;
		if (S_ISDIR(stat.st_mode))
			tree_look(below);
		else if (S_ISREG(stat.st_mode))
			file_look(below);
	}
	closedir(directory);
}

/* Programs and libraries are read only and come from files: nothing of ours can be in them. */
static bool region_interesting(const char *rights, const char *name)
{
	if (rights[0] != 'r' || strcmp(name, "[vvar]") == 0 || strcmp(name, "[vsyscall]") == 0)
		return false;
	return rights[1] == 'w' || name[0] != '/' || strncmp(name, "/memfd", 6) == 0;
}

static unsigned maps_look(pid_t pid)
{
	char path[64], line[1024], place[1280];
	unsigned regions = 0;

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		char *end, *rights;
		uint64_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &rights, 16);
		char *name = line + strcspn(line, "\n");
		*name = 0;
		if (strchr(line, '/') != NULL)
			name = strchr(line, '/');
		else if (strchr(line, '[') != NULL)
			name = strchr(line, '[');
		if (!region_interesting(rights + 1, name))
			continue;
		snprintf(place, sizeof place, "pid:%d %s", pid, name);
		look_through(read_memory, &pid, from, to, place);
		regions++;
	}
	if (maps != NULL)
		fclose(maps);
	return regions;
}

/* Memory files hold what a process was born with. */
static void memory_files_look(pid_t pid)
{
	char path[384], target[256];
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *directory = opendir(path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		snprintf(path, sizeof path, "/proc/%d/fd/%s", pid, entry->d_name);
		ssize_t len = readlink(path, target, sizeof target - 1);
		if (len > 7 && strncmp(target, "/memfd:", 7) == 0)
			file_look(path);
	}
	if (directory != NULL)
		closedir(directory);
}

static void process_look(pid_t pid)
{
	char path[64];
	uint8_t byte;
	pid_t context = pid;

	if (maps_look(pid) == 0 || (read_memory(&context, 0, &byte, 1) < 0 && errno == EPERM)) {
		printf("unread: pid:%d\n", pid);
		return;
	}
	memory_files_look(pid);
	static const char *const words[] = { "cmdline", "environ", "comm", "status" };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, words[i]);
		file_look(path);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	needles_read(argv[1]);
	for (int i = 2; i < argc; i++) {
		struct stat stat;
		if (strncmp(argv[i], "pid:", 4) == 0)
			process_look((pid_t)strtol(argv[i] + 4, NULL, 10));
		else if (lstat(argv[i], &stat) == 0 && S_ISDIR(stat.st_mode))
			tree_look(argv[i]);
		else
			file_look(argv[i]);
	}
	return 0;
}
