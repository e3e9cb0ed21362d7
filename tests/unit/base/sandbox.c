/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.c"

#include <arpa/inet.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "test.h"

#include "base/address.h"
#include "base/loop.h"
#include "base/random.h"
#include "base/secret.h"
#include "probes.h"

#define THROUGH 100 /* the attempt succeeded; below: the errno it got */
#ifdef SANITIZED
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

struct fixture {
	char path[64];    /* a directory of this test's own */
	char outside[64]; /* another */
	int dir, outside_dir;
	int sockets[2]; /* a TCP connection with itself */
	int listener;
	struct sockaddr_in address; /* of the listener */
	struct spoils spoils;
};

static int make_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "content", 7), 7);
	close(fd);
	return openat(dir, name, O_RDONLY | O_CLOEXEC);
}

static int make_directory(char path[64])
{
	text_copy(path, 64, "/tmp/sallyport-sandbox-XXXXXX");
	assert_non_null(mkdtemp(path));
	chmod(path, 0777);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_directory(int dir, const char *path)
{
	static const char *const names[] = { "file", "spoils", "marker", "keyring", "keyring.new",
		"a.rec", "b.rec", "store.db", "store.db-wal", "store.db-shm", "new" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(dir, names[i], 0);
	close(dir);
	rmdir(path);
}

static int begin(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	socklen_t len = sizeof(fixture->address);

	fixture->dir = make_directory(fixture->path);
	fixture->outside_dir = make_directory(fixture->outside);
	close(make_file(fixture->outside_dir, "file"));
	fixture->listener = socket(AF_INET, SOCK_STREAM, 0);
	fixture->address = (struct sockaddr_in){ .sin_family = AF_INET };
	fixture->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fixture->listener, (struct sockaddr *)&fixture->address, len) < 0 ||
		listen(fixture->listener, 8) < 0 ||
		getsockname(fixture->listener, (struct sockaddr *)&fixture->address, &len) < 0)
		return -1;
	fixture->sockets[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fixture->sockets[0], (struct sockaddr *)&fixture->address, len) < 0)
		return -1;
	fixture->sockets[1] = accept(fixture->listener, NULL, NULL);
	fixture->spoils = (struct spoils){ .socket = fixture->sockets[0], .parent = getpid() };
	fixture->spoils.file = make_file(fixture->outside_dir, "spoils");
	fixture->spoils.page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*state = fixture;
	return 0;
}

static int end(void **state)
{
	struct fixture *fixture = *state;

	remove_directory(fixture->dir, fixture->path);
	remove_directory(fixture->outside_dir, fixture->outside);
	close(fixture->listener);
	close(fixture->sockets[0]);
	close(fixture->sockets[1]);
	close(fixture->spoils.file);
	munmap(fixture->spoils.page, 4096);
	free(fixture);
	return 0;
}

/* Runs `fn` in a child behind the walls of the role; the child's wait status. */
static int behind(
	enum sandbox_role role, struct fixture *fixture, int dir, int (*fn)(struct fixture *))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGSYS, SIG_DFL);
		if (sandbox_enter(role, dir) < 0)
			_exit(255);
		_exit(fn(fixture));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

#define assert_died(status) assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
#define assert_went_well(status)                                                                   \
	do {                                                                                       \
		int status_ = (status);                                                            \
		if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0)                              \
			fail_msg("signal %d, line %d", WTERMSIG(status_), WEXITSTATUS(status_));   \
	} while (0)
/* In children: ends with a number that tells the line, since cmocka is not there. */
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__ % 200 + 1;                                                 \
	} while (0)

static bool with_landlock; /* asked before the walls go up */
static const struct probe *current;

static int run_probe(struct fixture *fixture)
{
	long r = current->attempt(fixture->spoils);

	return r >= 0 ? THROUGH : errno < THROUGH ? errno : THROUGH - 1;
}

static const struct probe *probe_named(const char *name)
{
	for (unsigned i = 0; i < probe_count; i++) {
		if (strcmp(probes[i].name, name) == 0)
			return &probes[i];
	}
	fail_msg("no probe %s", name);
	return NULL;
}

static bool refused(enum sandbox_role role, struct fixture *fixture, const struct probe *probe)
{
	int status;

	current = probe;
	status = behind(role, fixture, -1, run_probe);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return true;
	/* A kernel without the 32-bit door has nothing to refuse: the instruction itself faults. */
	if (strcmp(probe->name, "old_numbers") == 0 && WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSEGV;
	return IS_SANITIZED && probe->reading && WIFEXITED(status) && WEXITSTATUS(status) == EACCES;
}

static void a_villain_in_the_worker_gets_nothing(void **state)
{
	unsigned through = 0;

	assert_true(probe_count >= 100);
	for (unsigned i = 0; i < probe_count; i++) {
		if (!refused(SANDBOX_WORKER, *state, &probes[i])) {
			print_error("%s is not refused\n", probes[i].name);
			through++;
		}
	}
	assert_int_equal(through, 0);
}

/* The probes are worth something: without walls, these do what they say. */
static void a_villain_without_walls_gets_through(void **state)
{
	static const char *const names[] = { "openat_to_read", "openat_to_write", "readlink",
		"open", "stat_a_path", "getcwd", "memfd", "chdir", "socket_ipv4", "socket_local",
		"socket_netlink", "socketpair", "disconnect", "execve", "kill_parent", "map_code",
		"turn_into_code", "kill_group", "shared_memory", "dumpable", "raise_own_limit",
		"inotify", "signal_by_socket" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pid_t child = fork();
		int status;

		current = probe_named(names[i]);
		if (child == 0)
			_exit(run_probe(*state));
		waitpid(child, &status, 0);
		/* execve() got through when /bin/true said so. */
		if (strcmp(names[i], "execve") == 0 && WIFEXITED(status) &&
			WEXITSTATUS(status) == 0)
			continue;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != THROUGH)
			fail_msg("%s does not even work without walls: %x", names[i], status);
	}
}

static void never_called(void *context, uint32_t events)
{
	(void)events;
	*(int *)context = 1;
}

static void stop_loop(void *context)
{
	loop_stop(context);
}

static int lives_as_worker(struct fixture *fixture)
{
	char bytes[8];
	struct loop *loop;
	struct watch *watch;
	struct timer *timer;
	int called = 0, on = 1;

	NEED(write(fixture->sockets[1], "hello", 5) == 5);
	NEED(read(fixture->sockets[0], bytes, sizeof(bytes)) == 5);
	NEED(send(fixture->sockets[0], "x", 1, MSG_NOSIGNAL) == 1);
	NEED(recv(fixture->sockets[1], bytes, sizeof(bytes), MSG_DONTWAIT) == 1);
	NEED(setsockopt(fixture->sockets[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	NEED(fcntl(fixture->sockets[0], F_SETFL, O_NONBLOCK) == 0);
	NEED(loop_create(&loop) == 0);
	NEED(loop_watch(loop, fixture->sockets[0], EPOLLIN, never_called, &called, &watch) == 0);
	NEED(loop_after(loop, 2, stop_loop, loop, &timer) == 0);
	NEED(loop_run(loop) == 0 && !called);
	loop_destroy(loop);
	return 0;
}

static int stops_its_watchdog(struct fixture *fixture)
{
	NEED(fixture != NULL && alarm(0) == 0);
	return 0;
}

static int lives_with_memory(struct fixture *fixture)
{
	uint8_t bytes[16];
	struct secret *secret = secret_create("s3cret", 6);
	struct stat status;

	NEED(secret != NULL && strcmp(secret_reveal(secret), "s3cret") == 0);
	secret_destroy(secret);
	for (size_t size = 1; size < 64 * 1024 * 1024; size *= 4) {
		char *block = malloc(size);

		NEED(block != NULL);
		block[size - 1] = 1;
		block = realloc(block, size + size / 2);
		NEED(block != NULL);
		free(block);
	}
	random_bytes(bytes, sizeof(bytes));
	NEED(fstat(fixture->spoils.file, &status) == 0 && status.st_size == 7);
	NEED(prctl(PR_SET_NAME, "worker") == 0 && prctl(PR_SET_DUMPABLE, 0) == 0);
	log_debug("sandbox.test", "quiet %d", getpid());
	return 0;
}

/* A descriptor may be passed in and out: that is how a worker is born and how it may not grow. */
static int passes_descriptor(struct fixture *fixture)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 'x';
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int *pair = fixture->spoils.page;

	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), &fixture->spoils.file, sizeof(int));
	NEED(sendmsg(pair[0], &message, MSG_NOSIGNAL) == 1);
	NEED(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1);
	NEED(message.msg_controllen > 0);
	return 0;
}

static void an_honest_worker_lives(void **state)
{
	struct fixture *fixture = *state;

	assert_went_well(behind(SANDBOX_WORKER, fixture, -1, lives_as_worker));
	assert_went_well(behind(SANDBOX_WORKER, fixture, -1, stops_its_watchdog));
	assert_went_well(behind(SANDBOX_WORKER, fixture, -1, lives_with_memory));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->spoils.page), 0);
	assert_went_well(behind(SANDBOX_WORKER, fixture, -1, passes_descriptor));
}

static int aborts(struct fixture *fixture)
{
	(void)fixture;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void a_failed_assertion_is_still_itself(void **state)
{
	int status = behind(SANDBOX_WORKER, *state, -1, aborts);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* No role may: whoever is taken over starts no program, traces nobody, and brings no code. */
static void what_no_role_may(void **state)
{
	static const char *const names[] = { "execve", "execveat", "fork", "clone_process",
		"clone_namespace", "trace_parent", "read_parent", "kill_parent", "queue_signal",
		"map_code", "turn_into_code", "unshare", "setns", "mount", "ring", "bpf",
		"page_faults", "keys", "module", "user", "dumpable", "move_memory_map",
		"type_for_others", "open", "openat2", "bind", "listen", "socket_netlink",
		"socket_packet", "socket_datagram", "socket_local", "foreign_numbers",
		"old_numbers", "chroot", "chdir", "mkdir", "symlink", "link", "mknod",
		"read_is_code", "raise_own_limit", "filter_a_socket", "upper_layer",
		"send_fast_open" };

	for (int role = SANDBOX_FRONT; role <= SANDBOX_BROKER_FAR; role++) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			/* the one thing that one role may */
			if (role == SANDBOX_BROKER_FAR && strcmp(names[i], "socket_local") == 0)
				continue;
			if (!refused((enum sandbox_role)role, *state, probe_named(names[i])))
				fail_msg("role %d: %s", role, names[i]);
		}
	}
}

static void refuses_all(struct fixture *fixture, enum sandbox_role role, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (!refused(role, fixture, probe_named(*names)))
			fail_msg("%s is not refused", *names);
	}
}

static int lives_as_front(struct fixture *fixture)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int on = 1, fd;

	fd = accept4(
		fixture->listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	NEED(fd >= 0);
	NEED(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	NEED(getpeername(fd, (struct sockaddr *)&peer, &len) == 0);
	NEED(send(fd, "HTTP", 4, MSG_NOSIGNAL) == 4);
	NEED(shutdown(fd, SHUT_WR) == 0 && close(fd) == 0);
	return lives_as_worker(fixture);
}

static void the_front_accepts_and_no_more(void **state)
{
	static const char *const names[] = { "openat_to_read", "socket_ipv4", "connect",
		"socketpair", "send_elsewhere", "memfd", "unlink", "clone_thread", "clone3",
		"stat_a_path", NULL };
	struct fixture *fixture = *state;
	int client = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(
		connect(client, (struct sockaddr *)&fixture->address, sizeof(fixture->address)), 0);
	assert_went_well(behind(SANDBOX_FRONT, fixture, -1, lives_as_front));
	close(client);
	refuses_all(fixture, SANDBOX_FRONT, names);
}

static int uses_sqlite(struct fixture *fixture)
{
	static const char *const statements[] = { "PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL", "PRAGMA temp_store = MEMORY",
		"CREATE TABLE fact (id INTEGER PRIMARY KEY, text TEXT)", "BEGIN IMMEDIATE",
		"INSERT INTO fact (text) VALUES ('one'), ('two')", "COMMIT",
		"SELECT * FROM fact ORDER BY text", "PRAGMA wal_checkpoint(TRUNCATE)",
		"PRAGMA integrity_check", "VACUUM" };
	char path[100];
	sqlite3 *database;

	snprintf(path, sizeof(path), "%s/store.db", fixture->path);
	NEED(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
		SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++)
		NEED(sqlite3_exec(database, statements[i], NULL, NULL, NULL) == SQLITE_OK);
	NEED(sqlite3_close(database) == SQLITE_OK);
	return 0;
}

static int lives_as_broker(struct fixture *fixture)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), pair[2], birth;

	NEED(fd >= 0);
	NEED(connect(fd, (struct sockaddr *)&fixture->address, sizeof(fixture->address)) == 0 ||
		errno == EINPROGRESS);
	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	birth = memfd_create("birth", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	NEED(birth >= 0 && write(birth, "x", 1) == 1);
	NEED(fcntl(birth, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) == 0);
	return uses_sqlite(fixture);
}

static int opens_outside(struct fixture *fixture)
{
	NEED(openat(AT_FDCWD, "/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	NEED(openat(fixture->outside_dir, "file", O_RDONLY) < 0 && errno == EACCES);
	NEED(openat(fixture->outside_dir, "new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	NEED(openat(fixture->dir, "../../etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	return 0;
}

static void the_broker_dials_and_keeps_its_store(void **state)
{
	static const char *const names[] = { "socket_raw", "socket_crypto", "rename",
		"shared_memory", NULL };
	struct fixture *fixture = *state;

	assert_went_well(behind(SANDBOX_BROKER, fixture, fixture->dir, lives_as_broker));
	refuses_all(fixture, SANDBOX_BROKER, names);
	if (with_landlock)
		assert_went_well(behind(SANDBOX_BROKER, fixture, fixture->dir, opens_outside));
}

static int reaches_a_server(struct fixture *fixture)
{
	int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int remote = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	NEED(local >= 0 && remote >= 0);
	NEED(connect(remote, (struct sockaddr *)&fixture->address, sizeof(fixture->address)) == 0 ||
		errno == EINPROGRESS);
	return 0;
}

static int makes_a_file(struct fixture *fixture)
{
	NEED(openat(fixture->dir, "new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	return 0;
}

/* With a store that is a server's it has a socket more, and no file to write. */
static void a_broker_far_from_its_store_writes_no_file(void **state)
{
	static const char *const names[] = { "socket_raw", "socket_crypto", "rename",
		"shared_memory", NULL };
	static const char *const local[] = { "socket_local", NULL };
	struct fixture *fixture = *state;

	assert_went_well(behind(SANDBOX_BROKER_FAR, fixture, fixture->dir, reaches_a_server));
	refuses_all(fixture, SANDBOX_BROKER_FAR, names);
	refuses_all(fixture, SANDBOX_BROKER, local);
	if (with_landlock) {
		assert_went_well(behind(SANDBOX_BROKER_FAR, fixture, fixture->dir, opens_outside));
		assert_went_well(behind(SANDBOX_BROKER_FAR, fixture, fixture->dir, makes_a_file));
	}
}

static int lives_as_vault(struct fixture *fixture)
{
	int fd = openat(fixture->dir, "keyring.new", O_WRONLY | O_CREAT | O_EXCL, 0600);
	char bytes[8];

	NEED(fd >= 0 && write(fd, "content", 7) == 7 && fsync(fd) == 0 && close(fd) == 0);
	NEED(renameat(fixture->dir, "keyring.new", fixture->dir, "keyring") == 0);
	NEED(fsync(fixture->dir) == 0);
	fd = openat(fixture->dir, "keyring", O_RDONLY | O_NOFOLLOW);
	NEED(fd >= 0 && read(fd, bytes, sizeof(bytes)) == 7);
	NEED(ftruncate(fd, 0) < 0 && errno != EACCES); /* the kernel's answer, not the filter's */
	return lives_with_memory(fixture);
}

static void the_vault_keeps_its_keys(void **state)
{
	static const char *const names[] = { "socket_ipv4", "socketpair", "connect", "accept",
		"memfd", "clone_thread", "clone3", "unlink", "stat_a_path", "getdents", NULL };
	struct fixture *fixture = *state;

	assert_went_well(behind(SANDBOX_VAULT, fixture, fixture->dir, lives_as_vault));
	refuses_all(fixture, SANDBOX_VAULT, names);
	if (with_landlock)
		assert_went_well(behind(SANDBOX_VAULT, fixture, fixture->dir, opens_outside));
}

static void *write_in_thread(void *context)
{
	return write(*(int *)context, "content", 7) == 7 && fdatasync(*(int *)context) == 0
		       ? context
		       : NULL;
}

static int lives_as_recorder(struct fixture *fixture)
{
	int fd = openat(fixture->dir, "a.rec", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0640);
	void *result = NULL;
	pthread_t thread;

	NEED(fd >= 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4096) == 0);
	NEED(pthread_create(&thread, NULL, write_in_thread, &fd) == 0);
	NEED(pthread_join(thread, &result) == 0 && result == &fd);
	NEED(fsync(fixture->dir) == 0);
	NEED(renameat(fixture->dir, "a.rec", fixture->dir, "b.rec") == 0);
	if (with_landlock)
		NEED(openat(fixture->dir, "b.rec", O_RDONLY) < 0 && errno == EACCES);
	NEED(unlinkat(fixture->dir, "b.rec", 0) == 0);
	return 0;
}

static void the_recorder_writes_and_never_reads_back(void **state)
{
	static const char *const names[] = { "socket_ipv4", "socketpair", "connect", "accept",
		"memfd", "unlink", "stat_a_path", "getdents", NULL };
	struct fixture *fixture = *state;

	assert_went_well(behind(SANDBOX_RECORDER, fixture, fixture->dir, lives_as_recorder));
	refuses_all(fixture, SANDBOX_RECORDER, names);
	if (with_landlock)
		assert_went_well(behind(SANDBOX_RECORDER, fixture, fixture->dir, opens_outside));
}

static int lives_as_reader(struct fixture *fixture)
{
	struct termios termios;
	char bytes[8];

	NEED(pread(fixture->spoils.file, bytes, sizeof(bytes), 0) == 7);
	NEED(read(fixture->spoils.file, bytes, sizeof(bytes)) >= 0);
	NEED(tcgetattr(fixture->spoils.file, &termios) < 0 && errno == ENOTTY);
	return 0;
}

static int receives(struct fixture *fixture)
{
	char byte;

	return (int)recv(fixture->sockets[0], &byte, 1, MSG_DONTWAIT);
}

static void the_reader_reads_what_is_open(void **state)
{
	static const char *const names[] = { "openat_to_read", "socket_ipv4", "socketpair",
		"connect", "accept", "send_elsewhere", "memfd", "unlink", "clone_thread", "clone3",
		NULL };
	struct fixture *fixture = *state;

	assert_went_well(behind(SANDBOX_READER, fixture, -1, lives_as_reader));
	assert_died(behind(SANDBOX_READER, fixture, -1, receives));
	refuses_all(fixture, SANDBOX_READER, names);
}

static int lives_as_witness(struct fixture *fixture)
{
	int waiting,
		fd = openat(fixture->dir, "a.rec", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0640);
	struct stat there;

	NEED(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	NEED(write(fd, "line\nhalf", 9) == 9 && ftruncate(fd, 5) == 0 && fdatasync(fd) == 0);
	NEED(fstatat(fixture->dir, "a.rec", &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		there.st_size == 5);
	NEED(fsync(fixture->dir) == 0);
	NEED(ioctl(fixture->sockets[0], TIOCOUTQ, &waiting) == 0);
	int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	NEED(out >= 0);
	connect(out, (struct sockaddr *)&fixture->address, sizeof(fixture->address));
	if (with_landlock)
		NEED(openat(fixture->outside_dir, "file", O_RDONLY) < 0 && errno == EACCES);
	return 0;
}

static int lives_with_two_directories(struct fixture *fixture)
{
	NEED(openat(fixture->dir, "a.rec", O_RDWR | O_CREAT, 0640) >= 0);
	NEED(openat(fixture->outside_dir, "file", O_RDWR) >= 0);
	if (with_landlock)
		NEED(openat(AT_FDCWD, "/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	return 0;
}

static void the_witness_appends_and_dials(void **state)
{
	static const char *const names[] = { "socketpair", "accept", "memfd", "unlink", "rename",
		"getdents", "clone_thread", NULL };
	struct fixture *fixture = *state;

	assert_went_well(behind(SANDBOX_WITNESS, fixture, fixture->dir, lives_as_witness));
	refuses_all(fixture, SANDBOX_WITNESS, names);
}

/* More than one directory, and one that is none. */
static void directories_are_a_list(void **state)
{
	struct fixture *fixture = *state;
	const int dirs[] = { fixture->dir, -1, fixture->outside_dir };
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (sandbox_enter_dirs(SANDBOX_WITNESS, dirs, ARRAY_LEN(dirs)) < 0)
			_exit(77);
		_exit(lives_with_two_directories(fixture));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_went_well(status);
}

static void *tries_a_socket(void *context)
{
	sigset_t *gate = context;
	int signal;

	sigwait(gate, &signal);
	socket(AF_INET, SOCK_STREAM, 0);
	_exit(THROUGH);
}

/* A thread that was there before the walls is behind them too. */
static void threads_are_shut_in(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		sigset_t gate;
		pthread_t thread;

		sigemptyset(&gate);
		sigaddset(&gate, SIGUSR1);
		pthread_sigmask(SIG_BLOCK, &gate, NULL);
		if (pthread_create(&thread, NULL, tries_a_socket, &gate) != 0 ||
			sandbox_enter(SANDBOX_WORKER, -1) < 0)
			_exit(1);
		kill(getpid(), SIGUSR1);
		for (;;)
			nanosleep(&(struct timespec){ 1, 0 }, NULL);
	}
	waitpid(child, &status, 0);
	assert_died(status);
}

/* Ends like the others, by line, when root can be had back. */
static int gives_root_away(struct fixture *fixture)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];

	NEED(sandbox_drop(61801, fixture->dir) == 0);
	NEED(getuid() == 61801 && geteuid() == 61801 && getgid() == 61801 && getegid() == 61801);
	NEED(getgroups(0, NULL) == 0);
	NEED(setuid(0) < 0 && setgid(0) < 0 && setgroups(0, NULL) < 0);
	NEED(syscall(SYS_capget, &header, sets) == 0);
	NEED((sets[0].permitted | sets[0].effective | sets[0].inheritable) == 0);
	NEED(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 0);
	NEED(prctl(PR_GET_DUMPABLE) == 0);
	NEED(access("/marker", F_OK) == 0 && access("/etc/passwd", F_OK) < 0);
	NEED(sandbox_drop(61802, -1) == 0 && getuid() == 61801); /* nothing left to do */
	return 0;
}

static int drops_badly(struct fixture *fixture)
{
	NEED(sandbox_drop(0, -1) == -ERR_SYSTEM);
	NEED(sandbox_drop(UINT32_MAX, -1) == -ERR_SYSTEM);
	NEED(sandbox_drop(61801, fixture->spoils.file) == -ERR_SYSTEM); /* not a directory */
	return 0;
}

static int in_child(struct fixture *fixture, int (*fn)(struct fixture *))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(fn(fixture));
	waitpid(child, &status, 0);
	return status;
}

static void root_is_given_away_for_good(void **state)
{
	struct fixture *fixture = *state;

	if (geteuid() != 0)
		skip();
	close(make_file(fixture->dir, "marker"));
	assert_went_well(in_child(fixture, gives_root_away));
	assert_went_well(in_child(fixture, drops_badly));
}

static int drops_without_root(struct fixture *fixture)
{
	NEED(getuid() != 0 || setresuid(61801, 61801, 61801) == 0);
	uid_t before = getuid();

	NEED(sandbox_drop(61999, fixture->dir) == 0 && getuid() == before);
	NEED(access("/etc/passwd", F_OK) == 0);
	return 0;
}

static void without_root_there_is_nothing_to_drop(void **state)
{
	assert_went_well(in_child(*state, drops_without_root));
}

/* An ordinary user gets the same walls. */
static int enters_without_root(struct fixture *fixture)
{
	NEED(getuid() != 0 || setresuid(61801, 61801, 61801) == 0);
	NEED(sandbox_enter(SANDBOX_WORKER, -1) == 0);
	NEED(prctl(PR_GET_DUMPABLE) >= 0);
	return lives_as_worker(fixture);
}

static void an_ordinary_user_has_the_same_walls(void **state)
{
	assert_went_well(in_child(*state, enters_without_root));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_villain_in_the_worker_gets_nothing),
		STORY(a_villain_without_walls_gets_through),
		STORY(an_honest_worker_lives),
		STORY(a_failed_assertion_is_still_itself),
		STORY(what_no_role_may),
		STORY(the_front_accepts_and_no_more),
		STORY(the_broker_dials_and_keeps_its_store),
		STORY(a_broker_far_from_its_store_writes_no_file),
		STORY(the_vault_keeps_its_keys),
		STORY(the_recorder_writes_and_never_reads_back),
		STORY(the_reader_reads_what_is_open),
		STORY(the_witness_appends_and_dials),
		STORY(directories_are_a_list),
		STORY(threads_are_shut_in),
		STORY(root_is_given_away_for_good),
		STORY(without_root_there_is_nothing_to_drop),
		STORY(an_ordinary_user_has_the_same_walls),
	};
	with_landlock = landlock_version() > 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
