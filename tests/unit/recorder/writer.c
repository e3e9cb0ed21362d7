/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/writer.h"

#undef WRITER_STALL_MAX_MS
#define WRITER_STALL_MAX_MS 300
#include "recorder/writer.c"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "fixture.h"

struct world {
	struct loop *loop;
	struct writer *writer;
	char path[64];
	int dir;
	unsigned events[3];
	struct timer *timer;
};

static void on_event(void *context, enum writer_event event)
{
	struct world *world = context;

	world->events[event]++;
	loop_stop(world->loop);
}

static void on_timer(void *context)
{
	struct world *world = context;

	world->timer = NULL;
	loop_stop(world->loop);
}

/* True when the event came within the time. */
static bool wait_event(struct world *world, enum writer_event event, unsigned ms)
{
	uint64_t until = clock_monotonic_ms() + ms;

	while (world->events[event] == 0 && clock_monotonic_ms() < until) {
		assert_int_equal(loop_after(world->loop, until - clock_monotonic_ms(), on_timer,
					 world, &world->timer),
			0);
		assert_int_equal(loop_run(world->loop), 0);
		timer_cancel(STEAL(world->timer));
	}
	bool came = world->events[event] > 0;
	world->events[event] = 0;
	return came;
}

static void begin(struct world *world)
{
	assert_int_equal(loop_create(&world->loop), 0);
	assert_int_equal(writer_create(world->loop, world->dir, &world->writer), 0);
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	signal(SIGXFSZ, SIG_IGN);
	world->dir = fixture_directory(world->path);
	begin(world);
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	writer_destroy(world->writer);
	loop_destroy(world->loop);
	close(world->dir);
	fixture_remove(world->path);
	free(world);
	return 0;
}

static uint8_t *bytes_of(size_t len, uint8_t fill)
{
	uint8_t *bytes = malloc(len);

	memset(bytes, fill, len);
	return bytes;
}

static off_t size_of(const struct world *world, const char *name)
{
	struct stat stat;

	return fstatat(world->dir, name, &stat, 0) == 0 ? stat.st_size : -1;
}

static void writes_in_order(void **state)
{
	struct world *world = *state;
	struct writer_file *file;
	char text[1024];

	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &file), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(writer_add(file, bytes_of(10, (uint8_t)('0' + i)), 10,
					 i == 9 ? WRITER_TELL : 0),
			0);
	assert_true(wait_event(world, WRITER_SYNCED, 5000));
	int fd = openat(world->dir, "a.rec", O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(text[i], '0' + i / 10);
	close(fd);
	struct writer_file *again;
	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &again), -ERR_EXISTS);
	writer_close(file);
	assert_int_equal(world->events[WRITER_FAILED], 0);
}

static void many_files(void **state)
{
	struct world *world = *state;
	struct writer_file *files[50];
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%d.rec", i);
		assert_int_equal(writer_open(world->writer, name, on_event, world, &files[i]), 0);
	}
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 50; i++)
			writer_add(files[i], bytes_of(100, (uint8_t)i), 100, 0);
	for (int i = 0; i < 50; i++)
		writer_close(files[i]);
	writer_destroy(STEAL(world->writer));
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%d.rec", i);
		assert_int_equal(size_of(world, name), 2000);
	}
	assert_int_equal(writer_create(world->loop, world->dir, &world->writer), 0);
}

/* Nobody asked for it: it is synced all the same, within its time. */
static void syncs_by_itself(void **state)
{
	struct world *world = *state;
	struct writer_file *file;

	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &file), 0);
	writer_add(file, bytes_of(10, 'x'), 10, 0);
	uint64_t until = clock_monotonic_ms() + 3000;
	bool was_dirty = false, clean = false;
	while (!clean && clock_monotonic_ms() < until) {
		usleep(5000);
		pthread_mutex_lock(&world->writer->mutex);
		bool dirty = __atomic_load_n(&file->dirty_at, __ATOMIC_SEQ_CST) != 0;
		pthread_mutex_unlock(&world->writer->mutex);
		was_dirty |= dirty;
		clean = was_dirty && !dirty;
	}
	assert_true(clean);
	writer_close(file);
}

static void file_too_large(void **state)
{
	struct world *world = *state;
	struct writer_file *file, *other;
	struct rlimit before, limit;

	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &file), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 100000;
	setrlimit(RLIMIT_FSIZE, &limit);
	writer_add(file, bytes_of(60000, 'x'), 60000, WRITER_TELL);
	assert_true(wait_event(world, WRITER_SYNCED, 5000));
	uint64_t began = clock_monotonic_ms();
	writer_add(file, bytes_of(60000, 'x'), 60000, 0);
	assert_true(wait_event(world, WRITER_FAILED, 2000));
	assert_true(clock_monotonic_ms() - began < 2000);
	/* The end cannot be written either, and that is said. */
	writer_add(file, bytes_of(100, 'x'), 100, WRITER_TELL | WRITER_LAST);
	assert_true(wait_event(world, WRITER_FAILED, 2000));
	setrlimit(RLIMIT_FSIZE, &before);
	/* One broken file is nobody else's trouble. */
	assert_int_equal(writer_open(world->writer, "b.rec", on_event, world, &other), 0);
	writer_add(other, bytes_of(100, 'x'), 100, WRITER_TELL);
	assert_true(wait_event(world, WRITER_SYNCED, 5000));
	writer_close(file);
	writer_close(other);
}

static void device_full(void **state)
{
	struct world *world = *state;
	struct writer_file *file;

	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &file), 0);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(dup2(full, file->fd) >= 0);
	close(full);
	writer_add(file, bytes_of(100, 'x'), 100, 0);
	assert_true(wait_event(world, WRITER_FAILED, 2000));
	assert_int_equal(size_of(world, "reserve"), 0); /* it was tried with the reserve given up */
	writer_close(file);
	/* There is room in truth: the reserve comes back by itself. */
	uint64_t until = clock_monotonic_ms() + WRITER_RETRY_MS + 2000;
	while (size_of(world, "reserve") == 0 && clock_monotonic_ms() < until)
		usleep(20000);
	assert_int_equal(size_of(world, "reserve"), WRITER_RESERVE);
}

static void queue_full(void **state)
{
	struct world *world = *state;
	struct writer_file *file;
	char sink[65536];
	int ends[2];

	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &file), 0);
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], file->fd) >= 0);
	close(ends[1]);
	unsigned added = 0;
	while (!writer_full(file) && added++ < 100)
		writer_add(file, bytes_of(16384, 'x'), 16384, 0);
	assert_in_range(added, 16, 24); /* the queue, and what the pipe took */
	size_t left = added * 16384;
	while (left > 0) {
		ssize_t got = read(ends[0], sink, sizeof(sink));
		assert_true(got > 0);
		left -= (size_t)got;
	}
	assert_true(wait_event(world, WRITER_ROOM, 2000));
	assert_false(writer_full(file));
	close(ends[0]);
	writer_close(file);
}

static void stalled_disk(void **state)
{
	struct world *world = *state;
	struct writer_file *file;
	int ends[2];

	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &file), 0);
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], file->fd) >= 0);
	close(ends[1]);
	writer_add(file, bytes_of(1000000, 'x'), 1000000, 0);
	assert_true(wait_event(world, WRITER_FAILED, 2000));
	/* Said again, for an end that was added meanwhile. */
	writer_add(file, bytes_of(10, 'x'), 10, WRITER_TELL | WRITER_LAST);
	assert_true(wait_event(world, WRITER_FAILED, 2000));
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	writer_close(file);
}

static bool write_text(const char *path, const char *text)
{
	CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* An ordinary user stays who it is, in a user namespace where it may mount. */
static bool enter_namespace(void)
{
	char users[64], groups[64];

	if (unshare(CLONE_NEWNS) == 0)
		return true;
	snprintf(users, sizeof users, "%u %u 1", getuid(), getuid());
	snprintf(groups, sizeof groups, "%u %u 1", getgid(), getgid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", users) && write_text("/proc/self/gid_map", groups);
}

static bool small_disk(const char *path)
{
	return enter_namespace() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", path, "tmpfs", 0, "size=12m") == 0;
}

/* A real full disk: what is under way ends properly, what is new waits until there is room. */
static void disk_full(void **state)
{
	struct world *world = *state;
	struct writer_file *file, *other;

	writer_destroy(STEAL(world->writer));
	loop_destroy(world->loop);
	close(world->dir);
	bool possible = small_disk(world->path);
	world->dir = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	begin(world);
	if (!possible)
		skip();
	assert_int_equal(writer_open(world->writer, "a.rec", on_event, world, &file), 0);
	assert_int_equal(writer_open(world->writer, "b.rec", on_event, world, &other), 0);
	for (int i = 0; i < 200 && world->events[WRITER_FAILED] == 0; i++) {
		writer_add(file, bytes_of(65536, 'x'), 65536, WRITER_TELL);
		wait_event(world, WRITER_SYNCED, 2000);
	}
	assert_true(wait_event(world, WRITER_FAILED, 2000));
	/* The session next to it is told as well, as soon as it writes. */
	writer_add(other, bytes_of(1000, 'x'), 1000, 0);
	assert_true(wait_event(world, WRITER_FAILED, 2000));
	writer_add(file, bytes_of(65536, 'e'), 65536, WRITER_TELL | WRITER_LAST);
	assert_true(wait_event(world, WRITER_SYNCED, 2000));
	assert_int_equal(world->events[WRITER_FAILED], 0);
	writer_close(file);
	writer_close(other);
	assert_int_equal(writer_open(world->writer, "c.rec", on_event, world, &file), -ERR_DISK);
	assert_int_equal(unlinkat(world->dir, "a.rec", 0), 0);
	int r = -ERR_DISK;
	for (int i = 0; i < 200 && r < 0; i++) {
		wait_event(world, WRITER_ROOM, 20);
		r = writer_open(world->writer, "c.rec", on_event, world, &file);
	}
	assert_int_equal(r, 0);
	writer_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(syncs_by_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(file_too_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(device_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(queue_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stalled_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(disk_full, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
