/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask LESS.. -- PROGRAM ARGUMENT.. : runs a program on a machine that has less than this one,
 *without changing a setting of it. In the program's place: its number, its signals and its exit are
 *the program's own. LESS is
 *
 *	namespaces	none can be made, by anybody
 *	landlock	the kernel has none
 *	landlock=N	it has version N (2: Debian 12's)
 *	calls=N		it knows no system call from N on (451: Linux 6.1, Debian 12's)
 *
 * mask show: what there is here, as a check of the above.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

#define CALL_MOST 600
#define VERSION_FLAG 1u
#define RULESET_OF_2 8 /* bytes of the ruleset that versions 1 to 3 know */

static long landlock_version = -1;

static void die(const char *what)
{
	fprintf(stderr, "mask: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void answer(
	scmp_filter_ctx filter, int call, uint32_t action, const struct scmp_arg_cmp *when)
{
	int r = seccomp_rule_add_array(filter, action, call, when != NULL, when);

	if (r < 0) {
		errno = -r;
		die("a rule");
	}
}

static void without_namespaces(scmp_filter_ctx filter)
{
	static const unsigned kinds[] = { CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
		CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET };

	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct scmp_arg_cmp flag = SCMP_A0(SCMP_CMP_MASKED_EQ, kinds[i], kinds[i]);
		answer(filter, SCMP_SYS(clone), SCMP_ACT_ERRNO(EPERM), &flag);
		answer(filter, SCMP_SYS(unshare), SCMP_ACT_ERRNO(EPERM), &flag);
	}
	answer(filter, SCMP_SYS(clone3), SCMP_ACT_ERRNO(ENOSYS), NULL);
	answer(filter, SCMP_SYS(setns), SCMP_ACT_ERRNO(EPERM), NULL);
}

static void without_landlock(scmp_filter_ctx filter)
{
	for (int call = SYS_landlock_create_ruleset; call <= SYS_landlock_restrict_self; call++)
		answer(filter, call, SCMP_ACT_ERRNO(ENOSYS), NULL);
}

static void read_less(scmp_filter_ctx filter, const char *less)
{
	if (strcmp(less, "namespaces") == 0) {
		without_namespaces(filter);
	} else if (strcmp(less, "landlock") == 0) {
		without_landlock(filter);
	} else if (strncmp(less, "landlock=", 9) == 0) {
		landlock_version = strtol(less + 9, NULL, 10);
		answer(filter, SYS_landlock_create_ruleset, SCMP_ACT_NOTIFY, NULL);
	} else if (strncmp(less, "calls=", 6) == 0) {
		for (int call = (int)strtol(less + 6, NULL, 10); call < CALL_MOST; call++)
			answer(filter, call, SCMP_ACT_ERRNO(ENOSYS), NULL);
	} else {
		errno = EINVAL;
		die(less);
	}
}

/* The kernel of that version would say so, refuse what it does not know, or do it. */
static void answer_ruleset(
	int notify, struct seccomp_notif *asked, struct seccomp_notif_resp *reply)
{
	memset(reply, 0, sizeof *reply);
	reply->id = asked->id;
	if (asked->data.args[2] == VERSION_FLAG)
		reply->val = landlock_version;
	else if (asked->data.args[1] > RULESET_OF_2)
		reply->error = -E2BIG;
	else
		reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	seccomp_notify_respond(notify, reply);
}

/* Until the last process behind the filter is gone. */
static void serve(int notify)
{
	struct seccomp_notif *asked;
	struct seccomp_notif_resp *reply;
	struct pollfd poller = { notify, POLLIN, 0 };

	if (seccomp_notify_alloc(&asked, &reply) < 0)
		_exit(1);
	while (poll(&poller, 1, -1) >= 0 && (poller.revents & POLLIN) != 0) {
		memset(asked, 0, sizeof *asked);
		if (seccomp_notify_receive(notify, asked) == 0)
			answer_ruleset(notify, asked, reply);
	}
	_exit(0);
}

static int receive_descriptor(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	int fd = -1;

	if (recvmsg(socket, &message, 0) == 1 && message.msg_controllen >= sizeof control.header)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}

static void send_descriptor(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec piece = { "x", 1 };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	if (sendmsg(socket, &message, 0) != 1)
		die("the helper");
}

/* Nobody's child, so that the program has none it does not know. Returns our end to it. */
static int start_helper(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("socketpair");
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() > 0)
			_exit(0);
		setsid();
		close(ends[0]);
		int notify = receive_descriptor(ends[1]);
		/* Whatever it inherited would look like the program's, and keep it open. */
		for (int fd = 0; fd < 1024; fd++)
			if (fd != notify)
				close(fd);
		serve(notify);
	}
	waitpid(pid, NULL, 0);
	close(ends[1]);
	return ends[0];
}

static void show(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) < 0);
	waitpid(pid, &status, 0);
	syscall(451, -1, NULL, NULL, 0); /* cachestat(), of Linux 6.5 */
	printf("landlock %ld namespaces %s call 451 %s\n", version < 0 ? 0 : version,
		status == 0 ? "yes" : "no", errno == ENOSYS ? "unknown" : "known");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "show") == 0)
		return show(), 0;

	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int at = 1, helper = -1;

	for (; at < argc && strcmp(argv[at], "--") != 0; at++)
		read_less(filter, argv[at]);
	if (at + 1 >= argc) {
		fputs("usage: mask LESS.. -- PROGRAM ARGUMENT..\n", stderr);
		return 125;
	}
	if (landlock_version >= 0)
		helper = start_helper();
	if (geteuid() == 0) /* a gateway started as root is to find what root finds */
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	int r = seccomp_load(filter);
	if (r < 0) {
		errno = -r;
		die("the filter");
	}
	if (helper >= 0) {
		send_descriptor(helper, seccomp_notify_fd(filter));
		close(seccomp_notify_fd(filter));
	}
	execv(argv[at + 1], argv + at + 1);
	die(argv[at + 1]);
}
