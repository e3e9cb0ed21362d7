/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/control.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/context.h"
#include "broker/dispatch.h"
#include "broker/list.h"

#define CONTROLS_MAX 32 /* command lines connected at once */

/* One command line. */
struct caller {
	struct control *control;
	struct caller *next;
	struct channel *channel;
	uint32_t uid;
};
struct control {
	struct broker *broker;
	int listener;
	struct watch *watch;
	uint32_t owner;
	struct caller *callers;
	unsigned count;
};

static void caller_free(struct caller *caller)
{
	struct caller **at = &caller->control->callers;

	while (*at != caller)
		at = &(*at)->next;
	*at = caller->next;
	caller->control->count--;
	channel_destroy(caller->channel);
	free(caller);
}

static int on_call(void *context, struct channel *channel, struct message *message)
{
	struct caller *caller = context;

	if (message->type == MSG_CONTROL_MORE)
		return list_more(caller->control->broker, channel, message);
	if (message->type != MSG_CONTROL_CALL)
		return -ERR_MALFORMED;
	return dispatch_message(
		caller->control->broker, channel, DOOR_CONTROL, caller->uid, message);
}

static void on_gone(void *context, struct channel *channel)
{
	struct caller *caller = context;
	struct broker *broker = caller->control->broker;

	/* Answers of this turn still point at the channel. */
	turn_close(broker);
	dispatch_forget(broker, channel);
	caller_free(caller);
}

static int peer_uid(int fd, uint32_t *ret_uid)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -ERR_SYSTEM;
	*ret_uid = peer.uid;
	return 0;
}

static int caller_add(struct control *control, int fd, uint32_t uid)
{
	struct caller *caller = calloc(1, sizeof *caller);

	if (caller == NULL)
		return -ERR_SYSTEM;
	int r = channel_create(control->broker->loop, fd, PARTY_BROKER, PARTY_CONTROL, on_call,
		on_gone, caller, &caller->channel);
	if (r < 0) {
		free(caller);
		return r;
	}
	caller->control = control;
	caller->uid = uid;
	caller->next = control->callers;
	control->callers = caller;
	control->count++;
	return 0;
}

static void on_connect(void *context, uint32_t events)
{
	struct control *control = context;
	uint32_t uid;
	CLEANUP(fd_closep)
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0 || peer_uid(fd, &uid) < 0)
		return;
	if (uid != 0 && uid != control->owner) {
		log_warning("control.refused", "uid %u is neither root nor the owner", uid);
		return;
	}
	if (control->count >= CONTROLS_MAX) {
		log_warning("control.full", "%u command lines are connected", control->count);
		return;
	}
	if (caller_add(control, fd, uid) == 0)
		(void)STEAL_FD(fd);
}

int control_create(
	struct broker *broker, int listener, uint32_t owner, struct control **ret_control)
{
	struct control *control = calloc(1, sizeof *control);

	if (control == NULL)
		return -ERR_SYSTEM;
	*control = (struct control){ .broker = broker, .listener = listener, .owner = owner };
	int r = loop_watch(broker->loop, listener, EPOLLIN, on_connect, control, &control->watch);
	if (r < 0) {
		free(control);
		return r;
	}
	*ret_control = control;
	return 0;
}

void control_close(struct control *control)
{
	if (control == NULL)
		return;
	watch_remove(STEAL(control->watch));
	fd_closep(&control->listener); /* -1 from now on */
}

void control_destroy(struct control *control)
{
	if (control == NULL)
		return;
	control_close(control);
	while (control->callers != NULL)
		caller_free(control->callers);
	free(control);
}
