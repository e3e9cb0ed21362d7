/* SPDX-License-Identifier: Apache-2.0 */
/* The parts alone; whole templates and their copies are in unit/supervisor/spawn.c. */
#include "worker/template.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

static unsigned long inode(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 ? (unsigned long)stat.st_ino : 0;
}

static int in_child(int (*work)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(work());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* They come where others are to be, in the wrong order, among descriptors that must go. */
static int place_and_look(void)
{
	int given[FDS], made[FDS];
	unsigned long inodes[FDS];

	for (unsigned i = 0; i < FDS; i++)
		made[i] = memfd_create("given", MFD_CLOEXEC);
	for (unsigned i = 0; i < FDS; i++)
		given[i] = dup2(made[i], 20 + (int)(FDS - i));
	for (unsigned i = 0; i < FDS; i++)
		inodes[i] = inode(given[i] = dup2(given[i], FD_TARGET + (int)((i + 1) % FDS)));
	if (place(given) < 0)
		return 1;
	for (unsigned i = 0; i < FDS; i++)
		if (inode(FD_TARGET + (int)i) != inodes[i])
			return 2;
	for (int fd = FD_TARGET + FDS; fd < 200; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 3;
	return 0;
}

static void descriptors_come_to_their_places(void **state)
{
	assert_int_equal(in_child(place_and_look), 0);
}

static int place_what_is_closed(void)
{
	const int fds[FDS] = { 700, 701, 702, 703 };

	return place(fds) < 0 ? 0 : 1;
}

static void what_is_not_open_is_an_error(void **state)
{
	assert_int_equal(in_child(place_what_is_closed), 0);
}

static void a_copy_needs_all_its_descriptors(void **state)
{
	static const struct msg_worker_fork fork;
	struct template template = { 0 };

	for (unsigned count = 0; count < FDS; count++) {
		struct message message = { .type = MSG_WORKER_FORK,
			.payload = &fork,
			.fds = { -1, -1, -1, -1 },
			.fd_count = count };
		assert_int_equal(answer_fork(&template, &message), -ERR_MALFORMED);
	}
	struct message other = { .type = MSG_STOP };
	assert_int_equal(on_supervisor(&template, NULL, &other), -ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_come_to_their_places),
		cmocka_unit_test(what_is_not_open_is_an_error),
		cmocka_unit_test(a_copy_needs_all_its_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
