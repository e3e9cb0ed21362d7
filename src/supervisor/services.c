/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/process.h"

#define QUICK_DEATH_MS 5000
#define RESTART_MS 50
#define RESTART_MOST_MS 1500 /* a crashed service is back within two seconds */
#define STOP_MS 5000

/* Who has a channel to whom. */
static const enum service_id acquainted[][2] = {
	{ SERVICE_FRONT, SERVICE_BROKER },
	{ SERVICE_BROKER, SERVICE_VAULT },
	{ SERVICE_BROKER, SERVICE_RECORDER },
	{ SERVICE_RECORDER, SERVICE_VAULT },
	{ SERVICE_BROKER, SERVICE_WITNESS },
	{ SERVICE_RECORDER, SERVICE_WITNESS },
};

static int start_one(struct service *service);

void services_init(struct supervisor *supervisor)
{
	static const struct {
		enum party party;
		const char *program;
	} rows[SERVICE_COUNT] = {
		[SERVICE_VAULT] = { PARTY_VAULT, "sallyport-vault" },
		[SERVICE_RECORDER] = { PARTY_RECORDER, "sallyport-recorder" },
		[SERVICE_WITNESS] = { PARTY_WITNESS, "sallyport-witness" },
		[SERVICE_BROKER] = { PARTY_BROKER, "sallyport-broker" },
		[SERVICE_FRONT] = { PARTY_FRONT, "sallyport-front" },
	};

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		supervisor->services[i] = (struct service){ .supervisor = supervisor,
			.party = rows[i].party,
			.program = rows[i].program,
			.wanted = true };
	supervisor->services[SERVICE_FRONT].wanted = !supervisor->offline;
	supervisor->services[SERVICE_WITNESS].wanted = outside_wanted(&supervisor->settings);
}

unsigned service_uid(const struct supervisor *supervisor, enum party party)
{
	static const unsigned offset[PARTY_COUNT] = { [PARTY_FRONT] = 1,
		[PARTY_BROKER] = 2,
		[PARTY_VAULT] = 3,
		[PARTY_RECORDER] = 4,
		[PARTY_WITNESS] = 6 };

	return supervisor->root ? (unsigned)supervisor->settings.gateway_uid_base + offset[party]
				: 0;
}

static int give(struct service *service, const char *name, int fd)
{
	struct msg_give give;

	memset(&give, 0, sizeof give);
	text_copy(give.name, sizeof give.name, name);
	return channel_send(service->channel, MSG_GIVE, 0, &give, NULL, 0, &fd, 1);
}

static int give_if(struct service *service, const char *name, int fd)
{
	return fd >= 0 ? give(service, name, fd) : 0;
}

static int give_outside(struct service *service)
{
	const struct outside *outside = &service->supervisor->outside;

	return give(service, "witness", outside->own) |
	       give_if(service, "mirror", outside->mirror) |
	       give_if(service, "witness-file", outside->file) |
	       give_if(service, "authorities", outside->authorities) |
	       give_if(service, "webhook-key", outside->key);
}

static int give_all(struct service *service)
{
	const struct place *place = &service->supervisor->place;

	switch (service->party) {
	case PARTY_FRONT:
		return give(service, "listen-0", place->listen) |
		       give(service, "tls-cert", place->tls_cert) |
		       give(service, "tls-key", place->tls_key);
	case PARTY_BROKER:
		return give(service, "store", place->store) |
		       give(service, "control", place->control);
	case PARTY_VAULT:
		return give(service, "vault", place->vault) |
		       give_if(service, "root-key", place->root_key) |
		       give_if(service, "root-key-next", place->root_key_next);
	case PARTY_WITNESS:
		return give_outside(service);
	default:
		return give(service, "recordings", place->recordings);
	}
}

static int introduce(struct service *one, struct service *other)
{
	int ends[2];
	struct msg_peer to_one = { (uint8_t)other->party }, to_other = { (uint8_t)one->party };

	int r = wire_pair(SOCK_SEQPACKET, ends);
	if (r < 0)
		return r;
	r = channel_send(one->channel, MSG_PEER, 0, &to_one, NULL, 0, &ends[0], 1);
	if (r == 0)
		r = channel_send(other->channel, MSG_PEER, 0, &to_other, NULL, 0, &ends[1], 1);
	close(ends[0]);
	close(ends[1]);
	return r;
}

static void go(struct service *service)
{
	channel_tell(service->channel, MSG_GO, &(struct msg_nothing){ 0 });
}

/* Introduces `service` to every acquaintance that runs. */
static void introduce_all(struct supervisor *supervisor, struct service *service)
{
	enum service_id id = (enum service_id)(service - supervisor->services);

	for (unsigned i = 0; i < ARRAY_LEN(acquainted); i++) {
		if (acquainted[i][0] != id && acquainted[i][1] != id)
			continue;
		struct service *other =
			&supervisor->services[acquainted[i][acquainted[i][0] == id ? 1 : 0]];
		if (other->channel != NULL)
			introduce(service, other);
	}
}

static void announce(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (supervisor->services[i].wanted && !supervisor->services[i].ready)
			return;
	if (!supervisor->announced) {
		supervisor->announced = true;
		puts("ready");
		fflush(stdout);
		manager_tell("READY=1");
		log_info("gateway.ready", "%s",
			supervisor->offline ? "offline" : supervisor->settings.gateway_listen);
	}
}

static bool acquaintances(enum service_id one, enum service_id other)
{
	for (unsigned i = 0; i < ARRAY_LEN(acquainted); i++)
		if ((acquainted[i][0] == one && acquainted[i][1] == other) ||
			(acquainted[i][0] == other && acquainted[i][1] == one))
			return true;
	return false;
}

/*
 * Two that run and have no channel: who broke the rules ends, or who could not hear. It is started
 * again and both are introduced anew. A liar can have his acquaintances ended, and nobody else.
 */
static int on_strike(struct service *teller, const struct msg_strike *strike)
{
	struct supervisor *supervisor = teller->supervisor;

	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct service *peer = &supervisor->services[i];
		struct service *ends = strike->why == -ERR_MALFORMED ? peer : teller;
		if (peer->party != strike->party ||
			!acquaintances((enum service_id)(teller - supervisor->services),
				(enum service_id)i))
			continue;
		log_error("service.struck", "%s, told by %s: %s", ends->program, teller->program,
			error_name(strike->why));
		if (ends->pid > 0 && supervisor->stopping == 0)
			kill(ends->pid, SIGKILL);
		return 0;
	}
	return -ERR_MALFORMED;
}

static int on_message(void *context, struct channel *channel, struct message *message)
{
	struct service *service = context;
	struct supervisor *supervisor = service->supervisor;

	switch (message->type) {
	case MSG_READY:
		service->ready = true;
		announce(supervisor);
		return 0;
	case MSG_WORKER_START: {
		const struct msg_worker_start *start = message->payload;
		if (message->fd_count != 4)
			return -ERR_MALFORMED;
		struct msg_result result = { spawn_worker(supervisor, start, message->fds) };
		return channel_send(
			channel, MSG_WORKER_STARTED, message->serial, &result, NULL, 0, NULL, 0);
	}
	case MSG_WORKER_KILL:
		spawn_kill(supervisor, ((const struct msg_session *)message->payload)->session);
		return 0;
	case MSG_STRIKE:
		return on_strike(service, message->payload);
	case MSG_TOKEN_START:
		return token_start(supervisor, channel, message);
	case MSG_STOP_ASK:
		services_stop(supervisor);
		return 0;
	default:
		return -ERR_MALFORMED;
	}
}

/* A channel that breaks means a process that is going, or one that breaks the rules. */
static void on_gone(void *context, struct channel *channel)
{
	struct service *service = context;

	service->channel = NULL;
	service->ready = false;
	channel_destroy(channel);
	if (service->pid > 0 && service->supervisor->stopping == 0)
		kill(service->pid, SIGKILL);
}

static int start_one(struct service *service)
{
	struct supervisor *supervisor = service->supervisor;
	int ends[2];
	struct msg_start start;

	int r = wire_pair(SOCK_SEQPACKET, ends);
	if (r < 0)
		return r;
	service->pid = spawn_service(supervisor, service, ends[1]);
	close(ends[1]);
	if (service->pid < 0) {
		close(ends[0]);
		return -ERR_SYSTEM;
	}
	share_service(&supervisor->share, service->pid);
	r = channel_create(supervisor->loop, ends[0], PARTY_SUPERVISOR, service->party, on_message,
		on_gone, service, &service->channel);
	if (r < 0) { /* it ends by itself without this end, and is started again when reaped */
		close(ends[0]);
		return 0;
	}
	service->started_at = clock_monotonic_ms();
	memset(&start, 0, sizeof start);
	text_copy(start.build, sizeof start.build, process_build());
	start.uid = service_uid(supervisor, service->party);
	start.settings = supervisor->settings;
	/* Whom it cannot be said to is dying or broken: it is reaped, and started again from there.
	 */
	if (channel_tell(service->channel, MSG_START, &start) < 0 || give_all(service) < 0)
		kill(service->pid, SIGKILL);
	return 0;
}

int services_start(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct service *service = &supervisor->services[i];
		if (!service->wanted)
			continue;
		int r = start_one(service);
		if (r < 0)
			return r;
		introduce_all(supervisor, service);
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (supervisor->services[i].wanted)
			go(&supervisor->services[i]);
	return 0;
}

static void on_restart(void *context)
{
	struct service *service = context;

	service->restart = NULL;
	if (start_one(service) < 0) {
		log_error("service.restart", "%s cannot be started", service->program);
		loop_after(service->supervisor->loop, RESTART_MOST_MS, on_restart, service,
			&service->restart);
		return;
	}
	introduce_all(service->supervisor, service);
	go(service);
}

static uint64_t restart_wait(unsigned quick_deaths)
{
	uint64_t wait = (uint64_t)RESTART_MS << MIN(quick_deaths, 5U);

	return MIN(wait, (uint64_t)RESTART_MOST_MS);
}

static void restart_later(struct service *service)
{
	bool quick = clock_monotonic_ms() - service->started_at < QUICK_DEATH_MS;

	service->quick_deaths = quick ? service->quick_deaths + 1 : 0;
	loop_after(service->supervisor->loop, restart_wait(service->quick_deaths), on_restart,
		service, &service->restart);
}

static void describe(int status, char out[64])
{
	if (WIFSIGNALED(status))
		snprintf(out, 64, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out, 64, "exit %d", WEXITSTATUS(status));
}

/* The order of the end: nobody new, recordings sealed, facts written and witnessed, keys wiped. */
static struct service *at_stage(struct supervisor *supervisor)
{
	static const enum service_id order[] = { SERVICE_FRONT, SERVICE_RECORDER, SERVICE_BROKER,
		SERVICE_WITNESS, SERVICE_VAULT };

	for (; supervisor->stopping <= (int)ARRAY_LEN(order); supervisor->stopping++) {
		struct service *service = &supervisor->services[order[supervisor->stopping - 1]];
		if (service->pid > 0)
			return service;
	}
	return NULL;
}

static void on_overdue(void *context)
{
	struct supervisor *supervisor = context;
	struct service *service = at_stage(supervisor);

	supervisor->stop_timer = NULL;
	if (service == NULL)
		return;
	log_warning("service.stop", "%s did not end in time", service->program);
	kill(service->pid, SIGKILL);
}

/* Called again whenever one has ended, be it the one that was asked or another. */
static void next_stage(struct supervisor *supervisor)
{
	struct service *service = at_stage(supervisor);

	if (service == NULL) {
		loop_stop(supervisor->loop);
		return;
	}
	if (!service->wanted) /* asked already */
		return;
	service->wanted = false;
	channel_tell(service->channel, MSG_STOP, &(struct msg_nothing){ 0 });
	timer_cancel(STEAL(supervisor->stop_timer));
	loop_after(supervisor->loop, STOP_MS, on_overdue, supervisor, &supervisor->stop_timer);
}

void services_stop(struct supervisor *supervisor)
{
	if (supervisor->stopping != 0)
		return;
	supervisor->stopping = 1;
	manager_tell("STOPPING=1");
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		timer_cancel(STEAL(supervisor->services[i].restart));
	next_stage(supervisor);
}

void services_reaped(struct supervisor *supervisor, struct service *service, int status)
{
	char words[64];

	describe(status, words);
	service->pid = 0;
	service->ready = false;
	channel_destroy(STEAL(service->channel));
	if (supervisor->stopping != 0) {
		if (service->wanted)
			log_warning("service.exited", "%s: %s", service->program, words);
		next_stage(supervisor);
		return;
	}
	log_error("service.exited", "%s: %s; started again", service->program, words);
	if (!supervisor->announced && service->quick_deaths >= 3) {
		log_error("gateway.failed", "%s does not start", service->program);
		loop_stop(supervisor->loop);
		return;
	}
	restart_later(service);
}
