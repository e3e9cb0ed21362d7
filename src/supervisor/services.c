/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/services.h"
#include "supervisor/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "supervisor/reload.h"
#include "supervisor/token.h"
#include "wire/process.h"

#define QUICK_DEATH_MS 5000
#define RESTART_MS 50
#define RENEW_MS 5000        /* for one that is told to end and starts again */
#define RESTART_MOST_MS 1500 /* a crashed service is back within two seconds */

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

/* Who has a channel to whom: who asks, and who answers. */
static const enum service_id acquainted[][2] = {
	{ SERVICE_FRONT, SERVICE_BROKER },
	{ SERVICE_BROKER, SERVICE_VAULT },
	{ SERVICE_BROKER, SERVICE_RECORDER },
	{ SERVICE_RECORDER, SERVICE_VAULT },
	{ SERVICE_BROKER, SERVICE_WITNESS },
	{ SERVICE_RECORDER, SERVICE_WITNESS },
};

static bool wanted(const struct supervisor *supervisor, enum service_id id)
{
	switch (id) {
	case SERVICE_FRONT:
		return !supervisor->offline;
	case SERVICE_WITNESS:
		return witness_wanted(&supervisor->settings);
	default:
		return true;
	}
}

int service_create(struct supervisor *supervisor, enum service_id id, uint32_t generation,
	struct service **ret_service)
{
	struct service *service = calloc(1, sizeof *service);

	if (service == NULL)
		return -ERR_SYSTEM;
	*service = (struct service){ .supervisor = supervisor,
		.id = id,
		.party = rows[id].party,
		.program = rows[id].program,
		.generation = generation,
		.wanted = wanted(supervisor, id) };
	*ret_service = service;
	return 0;
}

/* Its process is not touched. */
static void service_destroy(struct service *service)
{
	if (service == NULL)
		return;
	timer_cancel(service->restart);
	channel_destroy(service->channel);
	free(service);
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

/* ---- birth */

static bool of_the_next(const struct service *service)
{
	return service->generation != service->supervisor->generation;
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
	const struct supervisor *supervisor = service->supervisor;
	const struct place *place =
		of_the_next(service) ? &supervisor->reload.place : &supervisor->place;

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

/* The key of an open vault goes to the one that takes its place, and through nobody's hands. */
static void arrange_handover(struct service *service)
{
	struct service *old = service->supervisor->services[SERVICE_VAULT];
	struct msg_peer peer = { .party = PARTY_VAULT, .generation = service->generation };
	int ends[2], on = 1;

	if (service->id != SERVICE_VAULT || !of_the_next(service) || old->channel == NULL ||
		wire_pair(SOCK_SEQPACKET, ends) < 0)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(ends); i++)
		setsockopt(ends[i], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	if (channel_send(old->channel, MSG_PEER, 0, &peer, NULL, 0, &ends[0], 1) == 0)
		give(service, "handover", ends[1]);
	close(ends[0]);
	close(ends[1]);
}

static void tell_start(struct service *service)
{
	struct supervisor *supervisor = service->supervisor;
	struct msg_start start;

	memset(&start, 0, sizeof start);
	text_copy(start.format, sizeof start.format, wire_format());
	start.uid = service_uid(supervisor, service->party);
	start.generation = service->generation;
	start.settings = of_the_next(service) ? supervisor->reload.settings : supervisor->settings;
	/* Whom it cannot be said to is dying or broken: it is reaped, and dealt with from there. */
	if (channel_tell(service->channel, MSG_START, &start) < 0 || give_all(service) < 0)
		kill(service->pid, SIGKILL);
	arrange_handover(service);
}

static void connect_two(struct service *one, struct service *other)
{
	struct msg_peer to_one = { (uint8_t)other->party, other->generation != one->generation,
		other->generation };
	struct msg_peer to_other = { (uint8_t)one->party, one->generation != other->generation,
		one->generation };
	int ends[2];

	if (wire_pair(SOCK_SEQPACKET, ends) < 0)
		return;
	if (channel_send(one->channel, MSG_PEER, 0, &to_one, NULL, 0, &ends[0], 1) == 0)
		channel_send(other->channel, MSG_PEER, 0, &to_other, NULL, 0, &ends[1], 1);
	close(ends[0]);
	close(ends[1]);
}

bool service_asks(const struct service *asking, const struct service *asked)
{
	for (unsigned i = 0; i < ARRAY_LEN(acquainted); i++)
		if (acquainted[i][0] == asking->id && acquainted[i][1] == asked->id)
			return true;
	return false;
}

/* Of retired ones only the broker still wants something: what they have is its sessions. */
static bool services_acquainted(const struct service *one, const struct service *other)
{
	if (service_asks(one, other))
		return one->id == SERVICE_BROKER || !other->retiring;
	return service_asks(other, one) && (other->id == SERVICE_BROKER || !one->retiring);
}

void service_introduce(struct service *one, struct service *other)
{
	if (one != NULL && other != NULL && one != other && one->channel != NULL &&
		other->channel != NULL && services_acquainted(one, other))
		connect_two(one, other);
}

/* To all of its generation and the retired ones. */
static void introduce_to_all(struct supervisor *supervisor, struct service *service)
{
	struct service *other = NULL;

	while ((other = services_next(supervisor, other)) != NULL)
		service_introduce(service, other);
}

void service_tell(struct service *service, enum msg_type type)
{
	channel_tell(service->channel, type, &(struct msg_nothing){ 0 });
}

void service_go(struct service *service)
{
	service_tell(service, MSG_GO);
}

/* ---- what they say */

static void announce(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (supervisor->services[i]->wanted && !supervisor->services[i]->ready)
			return;
	if (!supervisor->announced) {
		supervisor->announced = true;
		supervisor->since = clock_wall_ms();
		puts("ready");
		fflush(stdout);
		manager_tell("READY=1");
		log_info("gateway.ready", "%s",
			supervisor->offline ? "offline" : supervisor->settings.gateway_listen);
	}
}

/* What a new broker cannot know: which workers the one before it had started. */
static void tell_workers(struct supervisor *supervisor, struct service *broker)
{
	CLEANUP(mem_freep)
	int64_t *sessions = calloc(supervisor->worker_count + 1, sizeof sessions[0]);
	size_t count = 0;

	if (sessions == NULL)
		return;
	for (struct worker *worker = supervisor->workers;
		worker != NULL && count < WORKERS_TAIL_MAX / sizeof sessions[0];
		worker = worker->next)
		sessions[count++] = worker->session;
	channel_send(broker->channel, MSG_WORKERS, 0, &(struct msg_nothing){ 0 }, sessions,
		count * sizeof sessions[0], NULL, 0);
}

static int on_ready(struct service *service, const struct msg_ready *ready)
{
	struct supervisor *supervisor = service->supervisor;

	if (!TEXT_VALID(ready->version))
		return -ERR_MALFORMED;
	service->ready = true;
	memcpy(service->version, ready->version, sizeof service->version);
	if (service->id == SERVICE_BROKER)
		tell_workers(supervisor, service);
	if (of_the_next(service) && !service->retiring)
		reload_ready(supervisor, service);
	else
		announce(supervisor);
	generations_tell(supervisor);
	return 0;
}

static int on_worker_start(struct service *service, struct message *message)
{
	if (message->fd_count != 4)
		return -ERR_MALFORMED;
	struct msg_result result = { spawn_worker(
		service->supervisor, message->payload, message->fds) };
	return channel_send(
		service->channel, MSG_WORKER_STARTED, message->serial, &result, NULL, 0, NULL, 0);
}

/* Of a party there may be several: the one of that generation, among those the teller may know. */
static bool is_struck(const struct service *service, const struct service *teller,
	const struct msg_strike *strike)
{
	return service != NULL && service->party == strike->party &&
	       (service->id == SERVICE_WITNESS || /* of which there is one */
		       service->generation == strike->generation) &&
	       (service_asks(teller, service) || service_asks(service, teller));
}

static struct service *struck(const struct service *teller, const struct msg_strike *strike)
{
	struct supervisor *supervisor = teller->supervisor;
	struct service *service = NULL;

	while ((service = services_next(supervisor, service)) != NULL)
		if (is_struck(service, teller, strike))
			return service;
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (is_struck(supervisor->reload.next[i], teller, strike))
			return supervisor->reload.next[i];
	return NULL;
}

/*
 * Two that run and have no channel: who broke the rules ends, or who could not hear. It is started
 * again and both are introduced anew. A liar can have his acquaintances ended, and nobody else.
 */
static int on_strike(struct service *teller, const struct msg_strike *strike)
{
	struct service *peer = struck(teller, strike);
	struct service *ends = strike->why == -ERR_MALFORMED ? peer : teller;

	if (peer == NULL)
		return -ERR_MALFORMED;
	log_error("service.struck", "%s, told by %s: %s", ends->program, teller->program,
		error_name(strike->why));
	if (ends->pid > 0 && teller->supervisor->stopping == 0)
		kill(ends->pid, SIGKILL);
	return 0;
}

static int on_reload_ask(struct service *service, struct message *message)
{
	struct msg_reload_answer answer;

	reload_ask(
		service->supervisor, ((const struct msg_reload *)message->payload)->force, &answer);
	return channel_send(
		service->channel, MSG_RELOAD_ANSWER, message->serial, &answer, NULL, 0, NULL, 0);
}

static int on_message(void *context, struct channel *channel, struct message *message)
{
	struct service *service = context;

	switch (message->type) {
	case MSG_READY:
		return on_ready(service, message->payload);
	case MSG_WORKER_START:
		return on_worker_start(service, message);
	case MSG_WORKER_KILL:
		spawn_kill(service->supervisor,
			((const struct msg_session *)message->payload)->session);
		return 0;
	case MSG_STRIKE:
		return on_strike(service, message->payload);
	case MSG_TOKEN_START:
		return token_start(service->supervisor, channel, message);
	case MSG_STOP_ASK:
		services_stop(service->supervisor);
		return 0;
	case MSG_RELOAD_ASK:
		return on_reload_ask(service, message);
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
	if (service->pid > 0 && !service->retiring && service->supervisor->stopping == 0)
		kill(service->pid, SIGKILL);
}

int service_adopt(struct service *service, int channel)
{
	int r = channel_create(service->supervisor->loop, channel, PARTY_SUPERVISOR, service->party,
		on_message, on_gone, service, &service->channel);

	if (r < 0)
		close(channel);
	return r;
}

int service_start(struct service *service)
{
	int ends[2];
	int r = wire_pair(SOCK_SEQPACKET, ends);

	if (r < 0)
		return r;
	service->pid = spawn_service(service->supervisor, service, ends[1]);
	close(ends[1]);
	if (service->pid < 0) {
		close(ends[0]);
		return -ERR_SYSTEM;
	}
	share_service(&service->supervisor->share, service->pid);
	service->retiring = false;
	service->started_at = clock_monotonic_ms();
	/* Without its channel it ends by itself, and is started again when reaped. */
	if (service_adopt(service, ends[0]) == 0)
		tell_start(service);
	return 0;
}

/* ---- all of them */

void services_init(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		service_destroy(supervisor->services[i]);
		supervisor->services[i] = NULL;
		if (service_create(
			    supervisor, i, supervisor->generation, &supervisor->services[i]) < 0)
			abort();
	}
}

int services_start(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct service *service = supervisor->services[i];
		if (!service->wanted)
			continue;
		int r = service_start(service);
		if (r < 0)
			return r;
		introduce_to_all(supervisor, service);
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (supervisor->services[i]->wanted)
			service_go(supervisor->services[i]);
	return 0;
}

void services_finish(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		service_destroy(STEAL(supervisor->services[i]));
		service_destroy(STEAL(supervisor->reload.next[i]));
	}
	while (supervisor->retired != NULL) {
		struct service *service = supervisor->retired;
		supervisor->retired = service->next;
		service_destroy(service);
	}
}

struct service *service_find(struct supervisor *supervisor, pid_t pid)
{
	struct service *service = NULL;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (supervisor->reload.next[i] != NULL && supervisor->reload.next[i]->pid == pid)
			return supervisor->reload.next[i];
	do {
		service = services_next(supervisor, service);
	} while (service != NULL && service->pid != pid);
	return service;
}

struct service *services_next(const struct supervisor *supervisor, const struct service *after)
{
	if (after != NULL && service_retired(after))
		return after->next;
	for (unsigned i = after != NULL ? after->id + 1 : 0; i < SERVICE_COUNT; i++)
		if (supervisor->services[i] != NULL)
			return supervisor->services[i];
	return supervisor->retired;
}

/* ---- older ones */

bool service_retired(const struct service *service)
{
	const struct supervisor *supervisor = service->supervisor;

	return service != supervisor->services[service->id] &&
	       service != supervisor->reload.next[service->id];
}

unsigned services_retired(const struct supervisor *supervisor)
{
	unsigned count = 0;

	for (const struct service *service = supervisor->retired; service != NULL;
		service = service->next)
		count++;
	return count;
}

void services_retire(struct supervisor *supervisor, struct service *service)
{
	timer_cancel(STEAL(service->restart));
	if (service->pid <= 0) {
		service_destroy(service);
		return;
	}
	service->retiring = true;
	service_tell(service, MSG_FINISH);
	service->next = supervisor->retired;
	supervisor->retired = service;
}

static void drop_retired(struct supervisor *supervisor, struct service *service)
{
	struct service **at = &supervisor->retired;

	while (*at != service)
		at = &(*at)->next;
	*at = service->next;
	service_destroy(service);
	generations_tell(supervisor);
}

static void put_row(struct msg_generations *generations, const struct service *service)
{
	if (service == NULL || service->pid <= 0 || generations->count == GENERATION_ROWS_MAX)
		return;
	struct generation_row *row = &generations->rows[generations->count++];
	row->generation = service->generation;
	row->party = (uint8_t)service->party;
	row->retired = service_retired(service);
	memcpy(row->version, service->version, sizeof row->version);
}

void generations_tell(struct supervisor *supervisor)
{
	struct msg_generations generations;
	struct service *broker = supervisor->services[SERVICE_BROKER];

	if (broker == NULL || !broker->ready)
		return;
	memset(&generations, 0, sizeof generations);
	generations.current = supervisor->generation;
	generations.since = supervisor->since;
	text_copy(generations.version, sizeof generations.version, gateway_version);
	generations.reload = (uint8_t)supervisor->reload.state;
	memcpy(generations.words, supervisor->reload.words, sizeof generations.words);
	for (unsigned i = SERVICE_COUNT; i-- > 0;)
		put_row(&generations, supervisor->services[i]);
	for (struct service *service = supervisor->retired; service != NULL;
		service = service->next)
		put_row(&generations, service);
	channel_tell(broker->channel, MSG_GENERATIONS, &generations);
}

/* ---- death */

static void on_restart(void *context)
{
	struct service *service = context;

	service->restart = NULL;
	if (service_start(service) < 0) {
		log_error("service.restart", "%s cannot be started", service->program);
		loop_after(service->supervisor->loop, RESTART_MOST_MS, on_restart, service,
			&service->restart);
		return;
	}
	introduce_to_all(service->supervisor, service);
	service_go(service);
}

static uint64_t restart_wait(unsigned quick_deaths)
{
	uint64_t wait = (uint64_t)RESTART_MS << MIN(quick_deaths, 5U);

	return MIN(wait, (uint64_t)RESTART_MOST_MS);
}

void service_restart_later(struct service *service)
{
	timer_cancel(STEAL(service->restart));
	bool quick = clock_monotonic_ms() - service->started_at < QUICK_DEATH_MS;

	service->quick_deaths = quick ? service->quick_deaths + 1 : 0;
	loop_after(service->supervisor->loop, restart_wait(service->quick_deaths), on_restart,
		service, &service->restart);
}

static void on_renew_late(void *context)
{
	struct service *service = context;

	service->restart = NULL;
	log_warning("service.stop", "%s did not end in time", service->program);
	kill(service->pid, SIGKILL);
}

void service_renew(struct service *service)
{
	struct supervisor *supervisor = service->supervisor;

	service->wanted = wanted(supervisor, service->id);
	if (service->pid <= 0) {
		if (service->wanted)
			service_restart_later(service);
		return;
	}
	service->retiring = true; /* until it is started again */
	service_tell(service, MSG_STOP);
	timer_cancel(STEAL(service->restart));
	loop_after(supervisor->loop, RENEW_MS, on_renew_late, service, &service->restart);
}

static void describe(int status, char out[64])
{
	if (WIFSIGNALED(status))
		snprintf(out, 64, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(out, 64, "exit %d", WEXITSTATUS(status));
}

static void tell_death(const struct service *service, int status, const char *then)
{
	char words[64];

	describe(status, words);
	log_error("service.exited", "%s of generation %u: %s%s", service->program,
		service->generation, words, then);
}

static void retired_reaped(struct supervisor *supervisor, struct service *service, int status)
{
	if (status != 0)
		tell_death(service, status, ", while it finished");
	else
		log_info("service.retired", "%s of generation %u has finished", service->program,
			service->generation);
	drop_retired(supervisor, service);
}

void services_reaped(struct supervisor *supervisor, struct service *service, int status)
{
	service->pid = 0;
	service->ready = false;
	channel_destroy(STEAL(service->channel));
	if (supervisor->stopping != 0) {
		if (service->wanted && !(service->retiring && status == 0))
			tell_death(service, status, "");
		stop_reaped(supervisor);
		return;
	}
	if (service_retired(service)) {
		retired_reaped(supervisor, service, status);
		return;
	}
	if (!service->retiring)
		tell_death(service, status, "; started again");
	if (reload_reaped(supervisor, service))
		return;
	if (!supervisor->announced && service->quick_deaths >= 3) {
		log_error("gateway.failed", "%s does not start", service->program);
		loop_stop(supervisor->loop);
		return;
	}
	timer_cancel(STEAL(service->restart));
	if (service->wanted)
		service_restart_later(service);
}
