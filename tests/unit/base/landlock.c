/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "base/landlock.h"

/* Runs in a child, since there is no way back. Ends with the line that failed. */
#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ % 200 + 1);                                                 \
	} while (0)

static void in_child(void (*fn)(void))
{
	pid_t child = fork();
	int status;

	if (landlock_version() == 0) {
		if (child == 0)
			_exit(0);
		waitpid(child, &status, 0);
		skip();
	}
	if (child == 0) {
		NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		fn();
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void shut_in_to_read(void)
{
	struct landlock_path path = { open("/etc", O_RDONLY | O_DIRECTORY), LANDLOCK_READ_FILE };
	int before = open("/dev/null", O_WRONLY);

	NEED(landlock_enter(&path, 1, 0) == 0);
	NEED(open("/etc/passwd", O_RDONLY) >= 0);
	NEED(open("/etc/passwd", O_RDWR) < 0 && errno == EACCES);
	NEED(open("/etc", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	NEED(open("/dev/null", O_WRONLY) < 0 && errno == EACCES);
	NEED(write(before, "x", 1) == 1); /* what was open stays open */
}

static void only_the_paths_that_were_named(void **state)
{
	in_child(shut_in_to_read);
}

static int dial(int bind_first)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), r;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind_first)
		address.sin_port = htons(0);
	r = bind_first ? bind(fd, (struct sockaddr *)&address, sizeof(address))
		       : connect(fd, (struct sockaddr *)&address, sizeof(address));
	r = r < 0 ? errno : 0;
	close(fd);
	return r;
}

static void shut_in_without_network(void)
{
	NEED(landlock_enter(NULL, 0, 0) == 0);
	NEED(dial(0) == EACCES);
	NEED(dial(1) == EACCES);
}

static void shut_in_but_may_dial(void)
{
	NEED(landlock_enter(NULL, 0, LANDLOCK_CONNECT_TCP) == 0);
	NEED(dial(0) == ECONNREFUSED);
	NEED(dial(1) == EACCES);
}

static void the_network_by_right(void **state)
{
	if (landlock_version() < 4)
		skip();
	in_child(shut_in_without_network);
	in_child(shut_in_but_may_dial);
}

static void shut_in_alone(void)
{
	NEED(landlock_enter(NULL, 0, 0) == 0);
	NEED(kill(getppid(), 0) < 0 && errno == EPERM);
	NEED(kill(getpid(), 0) == 0);
}

static void no_signal_to_anyone_outside(void **state)
{
	if (landlock_version() < 6)
		skip();
	in_child(shut_in_alone);
}

static void shut_in_wrongly(void)
{
	struct landlock_path path = { -1, LANDLOCK_READ_FILE };

	NEED(landlock_enter(&path, 1, 0) < 0);
	NEED(open("/etc/passwd", O_RDONLY) >= 0);
}

static void a_wrong_directory_is_an_error(void **state)
{
	in_child(shut_in_wrongly);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_paths_that_were_named),
		cmocka_unit_test(the_network_by_right),
		cmocka_unit_test(no_signal_to_anyone_outside),
		cmocka_unit_test(a_wrong_directory_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
