/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/call_inside.h"
#include "broker/context.h"
#include "broker/dial.h"
#include "broker/probe_inside.h"

#define PROBES_MAX 16
#define PROBE_MS 20000

/* One host key being fetched. It ends by the worker's word, its death, or time, whichever is first.
 */
struct probe {
	struct broker *broker;
	struct probe *next;
	struct call *call;
	int64_t number; /* negative: sessions have the positive ones */
	uint32_t serial;
	struct dial *dial;
	struct timer *timer;
	struct channel *channel;
	struct worker_birth birth;
	struct msg_probe result;
};
struct probes {
	struct probe *first;
	unsigned count;
	int64_t last;
};

static void probe_free(struct probe *probe)
{
	struct probe **at = &probe->broker->probes->first;

	while (*at != probe)
		at = &(*at)->next;
	*at = probe->next;
	probe->broker->probes->count--;
	dial_cancel(probe->dial);
	timer_cancel(probe->timer);
	channel_destroy(probe->channel);
	free(probe);
}

static void probe_finish(struct probe *probe, int r)
{
	struct call *call = probe->call;
	struct msg_session which = { probe->number };

	if (r < 0 && probe->serial != 0)
		channel_tell(probe->broker->process.supervisor, MSG_WORKER_KILL, &which);
	call_resume(call, r); /* resume() reads the result while it runs */
	probe_free(probe);
}

const struct msg_probe *probe_result(const struct call *call)
{
	const struct probe *probe = call->waiting;

	return &probe->result;
}

static int on_result(void *context, struct channel *channel, struct message *message)
{
	struct probe *probe = context;
	const struct msg_probe *result = message->payload;
	int r = result->result;

	(void)channel;
	if (!TEXT_VALID(result->algorithm) || result->blob_len > sizeof result->blob)
		r = -ERR_PROBE_FAILED;
	else if (r == 0 && result->blob_len == 0)
		r = -ERR_PROBE_FAILED;
	probe->result = *result;
	probe_finish(probe, r > 0 ? -ERR_PROBE_FAILED : r);
	return 0;
}

static void on_gone(void *context, struct channel *channel)
{
	(void)channel;
	probe_finish(context, -ERR_PROBE_FAILED);
}

static void on_time(void *context)
{
	struct probe *probe = context;

	probe->timer = NULL;
	probe_finish(probe, -ERR_TARGET_SILENT);
}

/* The worker gets an agent stream too, with nobody at its other end: there is no secret here. */
static int worker_ask(struct probe *probe, int target)
{
	CLEANUP(fd_closep) int birth = -1, view = -1, agent = -1, nobody = -1;
	struct msg_worker_start start = { .session = probe->number };
	struct broker *broker = probe->broker;
	int ends[2] = { -1, -1 };

	int r = birth_file(&probe->birth, &birth);
	if (r == 0)
		r = wire_pair(SOCK_STREAM, ends);
	if (r < 0)
		return r;
	agent = ends[0], nobody = ends[1];
	(void)nobody; /* closed at the end, like the others */
	r = wire_pair(SOCK_SEQPACKET, ends);
	if (r < 0)
		return r;
	view = ends[1];
	r = channel_create(broker->loop, ends[0], PARTY_BROKER, PARTY_WORKER, on_result, on_gone,
		probe, &probe->channel);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	memcpy(start.driver, probe->birth.protocol, sizeof start.driver);
	snprintf(start.title, sizeof start.title, "probe %.60s", probe->birth.target);
	probe->serial = channel_serial(broker->process.supervisor);
	const int fds[] = { target, view, agent, birth };
	return channel_send(broker->process.supervisor, MSG_WORKER_START, probe->serial, &start,
		NULL, 0, fds, 4);
}

static void on_dialed(void *context, int r, int fd)
{
	struct probe *probe = context;

	probe->dial = NULL;
	if (r == 0)
		r = worker_ask(probe, fd);
	fd_closep(&fd);
	if (r < 0)
		probe_finish(probe, r);
}

static void birth_fill(struct broker *broker, struct worker_birth *birth,
	const struct device_row *device, const char *protocol)
{
	birth->probe = 1;
	birth->login_timeout = (uint16_t)broker->settings->session_login_timeout;
	birth->columns = 80;
	birth->rows = 24;
	text_copy(birth->protocol, sizeof birth->protocol, protocol);
	text_copy(birth->terminal, sizeof birth->terminal, broker->settings->session_terminal_type);
	memcpy(birth->target, device->hostname, sizeof birth->target);
}

static int begin(struct probe *probe, const struct device_row *device, uint16_t port)
{
	struct broker *broker = probe->broker;
	struct dial_own own = dial_own_from(broker->settings->gateway_listen);
	struct address address;

	int r = address_parse(&address, device->ip);
	if (r == 0)
		r = loop_after(broker->loop, PROBE_MS, on_time, probe, &probe->timer);
	if (r == 0)
		r = dial_start(broker->loop, &address, port, PROBE_MS, &own, on_dialed, probe,
			&probe->dial);
	return r;
}

int probe_start(struct broker *broker, struct call *call, const struct device_row *device,
	const char *protocol, uint16_t port, int (*resume)(struct broker *, struct call *, int))
{
	if (broker->probes == NULL && (broker->probes = calloc(1, sizeof *broker->probes)) == NULL)
		return -ERR_SYSTEM;
	if (broker->probes->count >= PROBES_MAX)
		return -ERR_FULL;
	struct probe *probe = calloc(1, sizeof *probe);
	if (probe == NULL)
		return -ERR_SYSTEM;
	probe->broker = broker;
	probe->call = call;
	probe->number = --broker->probes->last;
	probe->next = broker->probes->first;
	broker->probes->first = probe;
	broker->probes->count++;
	birth_fill(broker, &probe->birth, device, protocol);
	int r = begin(probe, device, port);
	if (r < 0) {
		probe_free(probe);
		return r;
	}
	call->waiting = probe;
	call_defer(call, resume);
	return -ERR_AGAIN;
}

void probe_worker_started(struct broker *broker, uint32_t serial, int result)
{
	if (broker->probes == NULL)
		return;
	for (struct probe *probe = broker->probes->first; probe != NULL; probe = probe->next) {
		if (probe->serial == serial) {
			probe_finish(probe, result);
			return;
		}
	}
}

void probe_worker_exited(struct broker *broker, int64_t number)
{
	if (broker->probes == NULL)
		return;
	for (struct probe *probe = broker->probes->first; probe != NULL; probe = probe->next) {
		/* What it said before it went lies in the channel still: its end comes from there.
		 */
		if (probe->number == number && probe->channel == NULL) {
			probe_finish(probe, -ERR_PROBE_FAILED);
			return;
		}
	}
}

void probes_give_up(struct broker *broker)
{
	while (broker->probes != NULL && broker->probes->first != NULL)
		probe_finish(broker->probes->first, -ERR_PEER_GONE);
}

void probes_finish(struct broker *broker)
{
	while (broker->probes != NULL && broker->probes->first != NULL)
		probe_free(broker->probes->first);
	free(STEAL(broker->probes));
}
