/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that remembers, and the disk as a power cut would have left it.
 *
 *   power disk IMAGE DIRECTORY LOG
 *	DIRECTORY becomes a file system with one file, "disk", that begins as IMAGE. Every write to
 *it and every flush is appended to LOG. Prints "ready"; ends when DIRECTORY is unmounted.
 *
 *   power cut IMAGE LOG OUT < lines of POSITION SEED, positions ascending
 *	For each line: OUT becomes IMAGE with everything up to the last flush before POSITION, and
 *of the writes after it up to POSITION each with a chance of one half, some of them torn at a
 *sector. Prints a line with the time of the last write, in milliseconds.
 *
 *   power positions LOG
 *	Prints where each entry ends.
 *
 * The first speaks the kernel's FUSE protocol itself: a file is all that is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define WRITE_MAX (256 * 4096)
#define REQUEST_MAX (WRITE_MAX + 65536)
#define DISK 2 /* the node of the file; the directory is FUSE_ROOT_ID */
#define SECTOR 512

enum kind { KIND_WRITE = 1, KIND_FLUSH };
struct entry {
	uint32_t kind, len;
	uint64_t offset, ms;
};

__attribute__((noreturn)) static void die(const char *words)
{
	fprintf(stderr, "power: %s: %s\n", words, strerror(errno));
	exit(1);
}

/* The whole file in memory; what is changed there stays there. */
static uint8_t *map_file(const char *path, size_t *ret_size)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &stat) < 0)
		die(path);
	*ret_size = (size_t)stat.st_size;
	if (stat.st_size == 0)
		return NULL;
	void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		die(path);
	close(fd);
	return bytes;
}

/* ---- the disk ---- */

struct disk {
	int fuse, log;
	uint8_t *bytes;
	size_t size;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void reply(const struct disk *disk, uint64_t unique, int error, const void *body, size_t len)
{
	struct fuse_out_header head = { (uint32_t)(sizeof head + len), error, unique };
	struct iovec parts[] = { { &head, sizeof head }, { (void *)body, len } };

	if (writev(disk->fuse, parts, 2) < 0 && errno != ENOENT) /* ENOENT: nobody waits any more */
		die("answer");
}

static void remember(
	const struct disk *disk, enum kind kind, uint64_t offset, const void *bytes, uint32_t len)
{
	struct entry entry = { kind, len, offset, now_ms() };
	struct iovec parts[] = { { &entry, sizeof entry }, { (void *)bytes, len } };

	if (writev(disk->log, parts, 2) != (ssize_t)(sizeof entry + len))
		die("log");
}

static struct fuse_attr attributes(const struct disk *disk, uint64_t node)
{
	bool file = node == DISK;

	return (struct fuse_attr){ .ino = node,
		.size = file ? disk->size : 0,
		.blocks = file ? disk->size / SECTOR : 0,
		.mode = file ? S_IFREG | 0600 : S_IFDIR | 0700,
		.nlink = 1,
		.blksize = 4096 };
}

static void begin(
	const struct disk *disk, const struct fuse_in_header *in, const struct fuse_init_in *init)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = init->max_readahead,
		.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES,
		.max_background = 16,
		.congestion_threshold = 12,
		.max_write = WRITE_MAX,
		.max_pages = WRITE_MAX / 4096,
		.time_gran = 1 };

	reply(disk, in->unique, 0, &out, sizeof out);
}

static void look_up(const struct disk *disk, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = { .nodeid = DISK,
		.entry_valid = 3600,
		.attr_valid = 3600,
		.attr = attributes(disk, DISK) };

	if (in->nodeid == FUSE_ROOT_ID && strcmp(name, "disk") == 0)
		reply(disk, in->unique, 0, &out, sizeof out);
	else
		reply(disk, in->unique, -ENOENT, NULL, 0);
}

static void read_some(
	const struct disk *disk, const struct fuse_in_header *in, const struct fuse_read_in *ask)
{
	size_t from = ask->offset < disk->size ? (size_t)ask->offset : disk->size;
	size_t len = ask->size < disk->size - from ? ask->size : disk->size - from;

	reply(disk, in->unique, 0, disk->bytes + from, len);
}

static void write_some(
	const struct disk *disk, const struct fuse_in_header *in, const struct fuse_write_in *ask)
{
	struct fuse_write_out out = { .size = ask->size };

	if (ask->offset > disk->size || ask->size > disk->size - ask->offset) {
		reply(disk, in->unique, -ENOSPC, NULL, 0);
		return;
	}
	memcpy(disk->bytes + ask->offset, ask + 1, ask->size);
	remember(disk, KIND_WRITE, ask->offset, ask + 1, ask->size);
	reply(disk, in->unique, 0, &out, sizeof out);
}

static void serve_one(const struct disk *disk, const struct fuse_in_header *in)
{
	struct fuse_attr_out attr = { .attr_valid = 3600, .attr = attributes(disk, in->nodeid) };
	struct fuse_open_out opened = { .fh = in->nodeid };
	struct fuse_statfs_out room = { .st = { .bsize = 4096, .frsize = 4096, .namelen = 255 } };
	const void *body = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:
		begin(disk, in, body);
		break;
	case FUSE_LOOKUP:
		look_up(disk, in, body);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		reply(disk, in->unique, 0, &attr, sizeof attr);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		reply(disk, in->unique, 0, &opened, sizeof opened);
		break;
	case FUSE_READ:
		read_some(disk, in, body);
		break;
	case FUSE_WRITE:
		write_some(disk, in, body);
		break;
	case FUSE_FSYNC:
		remember(disk, KIND_FLUSH, 0, NULL, 0);
		reply(disk, in->unique, 0, NULL, 0);
		break;
	case FUSE_STATFS:
		reply(disk, in->unique, 0, &room, sizeof room);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		reply(disk, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(disk, in->unique, -ENOSYS, NULL, 0);
	}
}

static int serve(const char *image, const char *directory, const char *log)
{
	static _Alignas(8) uint8_t request[REQUEST_MAX];
	struct disk disk = { .fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC) };
	char options[128];

	if (disk.fuse < 0)
		die("/dev/fuse");
	disk.bytes = map_file(image, &disk.size);
	disk.log = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (disk.log < 0)
		die(log);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", disk.fuse);
	if (mount("power", directory, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		die(directory);
	puts("ready");
	fflush(stdout);
	for (;;) {
		ssize_t got = read(disk.fuse, request, sizeof request);
		if (got < 0 && errno == ENODEV)
			return 0;
		if (got < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			die("request");
		if (got > 0)
			serve_one(&disk, (const struct fuse_in_header *)request);
	}
}

/* ---- the cut ---- */

struct log {
	const uint8_t *bytes;
	size_t size;
};

static const struct entry *entry_at(const struct log *log, size_t at)
{
	const struct entry *entry = (const struct entry *)(log->bytes + at);

	if (at + sizeof *entry > log->size || at + sizeof *entry + entry->len > log->size)
		return NULL;
	return entry;
}

static size_t after(size_t at, const struct entry *entry)
{
	return at + sizeof *entry + entry->len;
}

static uint32_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

static void apply(uint8_t *disk, const struct entry *entry, size_t len)
{
	memcpy(disk + entry->offset, entry + 1, len);
}

/* Applies to `disk` all that was flushed by then; returns where the unflushed begins. */
static size_t apply_flushed(uint8_t *disk, const struct log *log, size_t from, size_t to)
{
	size_t flushed = from;
	const struct entry *entry;

	for (size_t at = from; at < to && (entry = entry_at(log, at)) != NULL;
		at = after(at, entry))
		if (entry->kind == KIND_FLUSH)
			flushed = after(at, entry);
	for (size_t at = from; at < flushed; at = after(at, entry)) {
		entry = entry_at(log, at);
		if (entry->kind == KIND_WRITE)
			apply(disk, entry, entry->len);
	}
	return flushed;
}

static uint64_t apply_some(
	uint8_t *disk, const struct log *log, size_t from, size_t to, uint64_t seed)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, ms = 0;
	const struct entry *entry;

	for (size_t at = from; at < to && (entry = entry_at(log, at)) != NULL;
		at = after(at, entry)) {
		uint32_t chance = draw(&state);
		ms = entry->ms;
		if (entry->kind != KIND_WRITE || (chance & 1) == 0)
			continue;
		bool torn = (chance & 14) == 0 && entry->len > SECTOR;
		apply(disk, entry,
			torn ? draw(&state) % (entry->len / SECTOR) * SECTOR : entry->len);
	}
	return ms;
}

static int cut(const char *image, const char *log_path, const char *out_path)
{
	struct log log;
	size_t size, flushed = 0;
	char line[128], *rest;
	uint8_t *disk = map_file(image, &size);
	log.bytes = map_file(log_path, &log.size);
	int out = open(out_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (out < 0 || ftruncate(out, (off_t)size) < 0)
		die(out_path);
	uint8_t *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
	if (copy == MAP_FAILED)
		die(out_path);
	while (fgets(line, sizeof line, stdin) != NULL) {
		size_t position = strtoull(line, &rest, 10);
		uint64_t seed = strtoull(rest, NULL, 10);
		flushed = apply_flushed(disk, &log, flushed, position);
		memcpy(copy, disk, size);
		printf("%llu\n",
			(unsigned long long)apply_some(copy, &log, flushed, position, seed));
		fflush(stdout);
	}
	return 0;
}

static int positions(const char *log_path)
{
	struct log log;
	const struct entry *entry;

	log.bytes = map_file(log_path, &log.size);
	for (size_t at = 0; (entry = entry_at(&log, at)) != NULL;) {
		at = after(at, entry);
		printf("%zu %llu\n", at, (unsigned long long)entry->ms);
	}
	return 0;
}

int main(int count, char **arguments)
{
	if (count == 5 && strcmp(arguments[1], "disk") == 0)
		return serve(arguments[2], arguments[3], arguments[4]);
	if (count == 5 && strcmp(arguments[1], "cut") == 0)
		return cut(arguments[2], arguments[3], arguments[4]);
	if (count == 3 && strcmp(arguments[1], "positions") == 0)
		return positions(arguments[2]);
	return 2;
}
