/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/template.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "wire/process.h"
#include "wire/wire.h"
#include "worker/host.h"

#define FDS 4 /* target, view, vault, birth */

struct template
{
	struct loop *loop;
	struct channel *supervisor;
	jmp_buf copy; /* where a copy goes on, from within the handler that made it */
};

/* Out of the way first: what was received may lie where another is to be. */
static int place(const int fds[FDS])
{
	int high[FDS];

	for (unsigned i = 0; i < FDS; i++)
		if ((high[i] = fcntl(fds[i], F_DUPFD, 100)) < 0)
			return -1;
	for (unsigned i = 0; i < FDS; i++)
		if (dup2(high[i], FD_TARGET + (int)i) < 0)
			return -1;
	return (int)syscall(SYS_close_range, FD_TARGET + FDS, ~0U, 0);
}

/* The rest of what the supervisor does before it executes a worker. */
static int become(const struct msg_worker_fork *fork)
{
	if (fork->uid != 0 && sandbox_drop(fork->uid, -1) < 0)
		return -1;
	/* Where a unit forbids capset(), what is left are powers over namespaces of its own. */
	if (sandbox_powerless() < 0 && (fork->namespaces & CLONE_NEWUSER) == 0)
		return -1;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);        /* the kernel forgot it with the uid */
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* likewise */
	return 0;
}

static int answer_fork(struct template *template, struct message *message)
{
	const struct msg_worker_fork *fork = message->payload;
	struct msg_worker_forked forked;

	if (message->fd_count != FDS)
		return -ERR_MALFORMED;
	/* The copy is a child of the supervisor, which started us: it reaps it. */
	long pid = syscall(
		SYS_clone, fork->namespaces | CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		if (place(message->fds) < 0 || become(fork) < 0)
			_exit(126);
		longjmp(template->copy, 1); /* our descriptors are gone: nobody here may use them */
	}
	memset(&forked, 0, sizeof forked);
	forked.pid = pid < 0 ? 0 : (int32_t)pid;
	forked.error = pid < 0 ? errno : 0;
	return channel_send(template->supervisor, MSG_WORKER_FORKED, message->serial, &forked, NULL,
		0, NULL, 0);
}

static int on_supervisor(void *context, struct channel *channel, struct message *message)
{
	if (message->type != MSG_WORKER_FORK)
		return -ERR_MALFORMED;
	return answer_fork(context, message);
}

static void on_gone(void *context, struct channel *channel)
{
	_exit(0);
}

/* What is of the template stays in the copy's memory, unused. */
void template_serve(void)
{
	static struct template template;

	if (setjmp(template.copy) != 0)
		return;
	process_title("template");
	if (loop_create(&template.loop) < 0 ||
		channel_create(template.loop, FD_SUPERVISOR, PARTY_WORKER, PARTY_SUPERVISOR,
			on_supervisor, on_gone, &template, &template.supervisor) < 0)
		_exit(1);
	loop_run(template.loop);
	_exit(0);
}
