/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

#define TEMPLATE_ASK_MS 3000 /* the first answer waits until its libraries are loaded */

/* One template per driver, started when the first session asks for one. */
struct template
{
	struct template *next;
	char driver[PROTOCOL_SIZE];
	pid_t pid;
	struct channel *channel; /* NULL: it is going */
};

static int on_message(void *context, struct channel *channel, struct message *message)
{
	return -ERR_MALFORMED; /* it speaks only when asked */
}

static void on_gone(void *context, struct channel *channel)
{
	struct template *template = context;

	template->channel = NULL;
	channel_destroy(channel);
	kill(template->pid, SIGKILL);
}

static struct template *find(struct supervisor *supervisor, const char *driver)
{
	struct template *template = supervisor->templates;

	while (template != NULL && strcmp(template->driver, driver) != 0)
		template = template->next;
	return template;
}

static int start(struct supervisor *supervisor, const char *driver, int program,
	struct template **ret_template)
{
	CLEANUP(mem_freep) struct template *template = calloc(1, sizeof *template);
	int ends[2];

	if (template == NULL || wire_pair(SOCK_SEQPACKET, ends) < 0)
		return -ERR_SYSTEM;
	text_copy(template->driver, sizeof template->driver, driver);
	template->pid = spawn_template(driver, program, ends[1]);
	close(ends[1]);
	if (template->pid < 0) {
		close(ends[0]);
		return -ERR_SYSTEM;
	}
	if (channel_create(supervisor->loop, ends[0], PARTY_SUPERVISOR, PARTY_WORKER, on_message,
		    on_gone, template, &template->channel) < 0)
		close(ends[0]); /* it ends without this end, and is forgotten when reaped */
	template->next = supervisor->templates;
	supervisor->templates = template;
	*ret_template = STEAL(template);
	return 0;
}

static int ask(const struct template *template, const struct msg_worker_fork *fork,
	const int fds[4], struct msg_worker_forked *ret_forked)
{
	struct message reply;
	int r = channel_ask(template->channel, MSG_WORKER_FORK, fork, NULL, 0, fds, 4,
		MSG_WORKER_FORKED, TEMPLATE_ASK_MS, &reply);

	if (r < 0)
		return r;
	*ret_forked = *(const struct msg_worker_forked *)reply.payload;
	message_finish(&reply);
	return 0;
}

pid_t template_fork(struct supervisor *supervisor, const char *driver, int program,
	const struct msg_worker_fork *fork, const int fds[4])
{
	struct template *template = find(supervisor, driver);
	struct msg_worker_forked forked;

	if (template == NULL && start(supervisor, driver, program, &template) < 0)
		return -1;
	if (template->channel == NULL || ask(template, fork, fds, &forked) < 0) {
		log_warning("supervisor.template",
			"the template for %s does not answer: started anew", driver);
		kill(template->pid, SIGKILL);
		errno = EAGAIN;
		return -1;
	}
	errno = forked.error;
	return forked.pid > 0 ? forked.pid : -1;
}

bool template_reaped(struct supervisor *supervisor, pid_t pid)
{
	for (struct template **at = &supervisor->templates; *at != NULL; at = &(*at)->next) {
		struct template *template = *at;
		if (template->pid != pid)
			continue;
		*at = template->next;
		channel_destroy(template->channel);
		free(template);
		return true;
	}
	return false;
}

void templates_stop(struct supervisor *supervisor)
{
	for (struct template *template = supervisor->templates; template != NULL;
		template = template->next) {
		kill(template->pid, SIGKILL);
		channel_destroy(STEAL(template->channel));
		template->driver[0] = '\0'; /* found no more; forgotten when reaped */
	}
}
