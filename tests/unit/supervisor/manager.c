/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <netinet/in.h>
#include <sys/stat.h>

#include "supervisor/manager.c"

/* Something at descriptor 3, with these words; the answer of manager_listener(). */
static int with_inherited(int fd, const char *pid, const char *count)
{
	char own[16];
	int kept = fcntl(FIRST_INHERITED, F_DUPFD_CLOEXEC, 20);

	snprintf(own, sizeof own, "%d", getpid());
	dup2(fd, FIRST_INHERITED);
	setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
	setenv("LISTEN_FDS", count, 1);
	int r = manager_listener();
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	if (kept >= 0)
		dup2(kept, FIRST_INHERITED);
	else
		close(FIRST_INHERITED);
	fd_closep(&kept);
	return r;
}

static int listener(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void nothing_is_inherited(void **state)
{
	assert_int_equal(manager_listener(), -ERR_NOT_FOUND);
	CLEANUP(fd_closep) int fd = listener(AF_INET);
	static const char *const others[] = { "1", "", "x", "1x" };
	for (unsigned i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(with_inherited(fd, others[i], "1"), -ERR_NOT_FOUND);
	static const char *const counts[] = { "0", "-1", "", "one" };
	for (unsigned i = 0; i < ARRAY_LEN(counts); i++)
		assert_int_equal(with_inherited(fd, NULL, counts[i]), -ERR_NOT_FOUND);
}

static void a_listening_socket_is_taken(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (unsigned i = 0; i < ARRAY_LEN(families); i++) {
		CLEANUP(fd_closep) int fd = listener(families[i]);
		CLEANUP(fd_closep) int got = with_inherited(fd, NULL, "1");
		struct stat one, other;
		assert_true(got >= 10);
		assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(got, F_GETFL) & O_NONBLOCK);
		assert_int_equal(fstat(fd, &one) | fstat(got, &other), 0);
		assert_int_equal(one.st_ino, other.st_ino);
	}
}

static void anything_else_is_not(void **state)
{
	int pair[2];
	CLEANUP(fd_closep) int tcp = listener(AF_INET);
	CLEANUP(fd_closep) int unbound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CLEANUP(fd_closep) int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(fd_closep) int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "" };

	/* An abstract name of the kernel's choice. */
	assert_int_equal(bind(local, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(local, 1), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(with_inherited(tcp, NULL, "2"), -ERR_MALFORMED);
	assert_int_equal(with_inherited(unbound, NULL, "1"), -ERR_MALFORMED);
	assert_int_equal(with_inherited(file, NULL, "1"), -ERR_MALFORMED);
	assert_int_equal(with_inherited(local, NULL, "1"), -ERR_MALFORMED);
	assert_int_equal(with_inherited(pair[0], NULL, "1"), -ERR_MALFORMED);
	close(pair[0]);
	close(pair[1]);
}

static int hearing(const char *path, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, path, len);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	return fd;
}

static void heard(int fd, const char *words)
{
	char text[64];
	ssize_t got = recv(fd, text, sizeof text - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	assert_string_equal(text, words);
}

static void the_manager_is_told(void **state)
{
	char directory[] = "/tmp/sallyport-manager-XXXXXX", path[64], name[64];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/notify", directory);
	CLEANUP(fd_closep) int fd = hearing(path, strlen(path));
	setenv("NOTIFY_SOCKET", path, 1);
	manager_tell("READY=1");
	heard(fd, "READY=1");

	snprintf(name, sizeof name, "@sallyport-%d", getpid());
	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	CLEANUP(fd_closep) int abstract = hearing(name, 1 + strlen(name + 1));
	manager_tell("STOPPING=1");
	heard(abstract, "STOPPING=1");
	heard(fd, "");
	unlink(path);
	rmdir(directory);
}

static void nobody_to_tell_is_no_harm(void **state)
{
	char far[200];

	memset(far, '/', sizeof far - 1);
	far[sizeof far - 1] = '\0';
	const char *const paths[] = { "", "/", "relative", "/nonexistent/notify", far };
	for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
		setenv("NOTIFY_SOCKET", paths[i], 1);
		manager_tell("READY=1");
	}
	unsetenv("NOTIFY_SOCKET");
	manager_tell("READY=1");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(a_listening_socket_is_taken),
		cmocka_unit_test(anything_else_is_not),
		cmocka_unit_test(the_manager_is_told),
		cmocka_unit_test(nobody_to_tell_is_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
