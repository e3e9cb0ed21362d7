/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/reload.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor/place.h"
#include "supervisor/services.h"
#include "supervisor/spawn.h"

#define STAGE_MS 10000  /* for each process of the next generation to be ready */
#define EXECUTE_MS 3000 /* for everybody to read what they were told before */
#define POLL_MS 5
#define ANSWER_MS 50 /* for the answer to leave before everything ends */

static void break_off(struct supervisor *supervisor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- asked */

static int refuse(struct msg_reload_answer *answer, const char *words)
{
	text_copy(answer->words, sizeof answer->words, words);
	return -ERR_RELOAD_REFUSED;
}

static int check_moment(const struct supervisor *supervisor, struct msg_reload_answer *answer)
{
	if (supervisor->offline)
		return refuse(answer, "the gateway is not running");
	if (!supervisor->announced || supervisor->stopping != 0 || supervisor->renew)
		return refuse(answer, "the gateway is starting or ending");
	if (supervisor->reload.stage != STAGE_NONE)
		return refuse(answer, "another reload is under way");
	if (services_retired(supervisor) + SERVICE_COUNT > RETIRED_MAX)
		return refuse(answer, "too many older processes still finish what they have");
	return 0;
}

/* Opened here and again in the new executable: what it reads then may be newer still. */
static int check_place(struct supervisor *supervisor, struct msg_reload_answer *answer)
{
	struct settings settings;
	struct place fresh;
	struct outside outside;
	char complaint[REASON_SIZE];

	if (place_renew(supervisor, true, &settings, &fresh, answer->words) < 0)
		return -ERR_RELOAD_REFUSED;
	place_drop_fresh(&supervisor->place, &fresh);
	if (outside_open(&outside, supervisor->place.directory, &settings,
		    service_uid(supervisor, PARTY_WITNESS), complaint) < 0) {
		snprintf(answer->words, sizeof answer->words, "what the witness is given: %.220s",
			complaint);
		return -ERR_RELOAD_REFUSED;
	}
	outside_close(&outside);
	return 0;
}

static int check_programs(struct supervisor *supervisor, bool force, enum takeover_kind *ret_kind,
	struct msg_reload_answer *answer)
{
	struct programs *programs = &supervisor->reload.programs;
	char format[WIRE_FORMAT_SIZE];

	if (programs_open(programs, supervisor->program_directory, answer->words) < 0 ||
		programs_format(programs, format, answer->words) < 0)
		return -ERR_RELOAD_REFUSED;
	*ret_kind = strcmp(format, wire_format()) == 0 ? TAKEOVER_LIVE : TAKEOVER_EMPTY;
	answer->ends_sessions = *ret_kind == TAKEOVER_EMPTY;
	if (*ret_kind == TAKEOVER_LIVE || force)
		return 0;
	snprintf(answer->words, sizeof answer->words,
		"the programs on disk speak another wire format than those that run: %u session%s "
		"would end. With --force they do",
		supervisor->worker_count, supervisor->worker_count == 1 ? "" : "s");
	return -ERR_RELOAD_REFUSED;
}

static int check(struct supervisor *supervisor, bool force, enum takeover_kind *ret_kind,
	struct msg_reload_answer *answer)
{
	int r = check_moment(supervisor, answer);

	if (r < 0)
		return r;
	r = check_place(supervisor, answer);
	if (r == 0)
		r = check_programs(supervisor, force, ret_kind, answer);
	int program = program_find(&supervisor->reload.programs, "sallyport-supervisor");
	if (r == 0 && (program < 0 || takeover_try(supervisor, program, *ret_kind) != 0))
		r = refuse(answer,
			"the supervisor on disk does not understand the one that runs: stop and "
			"start the gateway");
	if (r < 0)
		programs_close(&supervisor->reload.programs);
	return r;
}

/* Everybody must have read what was said: the new executable begins with nothing unsaid. */
static bool all_idle(const struct supervisor *supervisor, const char **ret_program)
{
	const struct service *service = NULL;

	*ret_program = "sallyport-token";
	if (supervisor->token.pid != 0)
		return false;
	while ((service = services_next(supervisor, service)) != NULL) {
		*ret_program = service->program;
		if (service->channel != NULL && !channel_idle(service->channel))
			return false;
	}
	return true;
}

static void on_execute(void *context)
{
	struct supervisor *supervisor = context;
	struct reload *reload = &supervisor->reload;
	const char *program;

	reload->timer = NULL;
	if (all_idle(supervisor, &program)) {
		takeover_execute(supervisor,
			program_find(&reload->programs, "sallyport-supervisor"), TAKEOVER_LIVE);
		break_off(supervisor, "the new supervisor cannot be executed");
	} else if (clock_monotonic_ms() >= reload->deadline) {
		break_off(supervisor, "%s does not read what it is told", program);
	} else {
		loop_after(supervisor->loop, POLL_MS, on_execute, supervisor, &reload->timer);
	}
}

static void tell_manager(void)
{
	char words[64];

	snprintf(words, sizeof words, "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)clock_monotonic_us());
	manager_tell(words);
}

/* To the manager it is a reload: who says that it stops is killed when it has not in time. */
static void on_renew(void *context)
{
	struct supervisor *supervisor = context;

	supervisor->reload.timer = NULL;
	tell_manager();
	services_end(supervisor);
}

void reload_ask(struct supervisor *supervisor, bool force, struct msg_reload_answer *ret_answer)
{
	struct reload *reload = &supervisor->reload;
	enum takeover_kind kind;

	memset(ret_answer, 0, sizeof *ret_answer);
	if (reload->stage == STAGE_NONE)
		reload->generation = supervisor->last_generation + 1;
	ret_answer->result = check(supervisor, force, &kind, ret_answer);
	if (ret_answer->result < 0) {
		log_warning("reload.refused", "%s", ret_answer->words);
		return;
	}
	ret_answer->generation = supervisor->last_generation = reload->generation;
	log_info("reload.begun", "generation %u", reload->generation);
	if (kind == TAKEOVER_EMPTY) {
		supervisor->renew = true;
		loop_after(supervisor->loop, ANSWER_MS, on_renew, supervisor, &reload->timer);
		return;
	}
	reload->stage = STAGE_EXECUTING;
	reload->state = RELOAD_UNDER_WAY;
	reload->deadline = clock_monotonic_ms() + EXECUTE_MS;
	generations_tell(supervisor);
	loop_after(supervisor->loop, ANSWER_MS, on_execute, supervisor, &reload->timer);
}

/* ---- the next generation */

static void on_late(void *context);

static void enter(struct supervisor *supervisor, enum reload_stage stage)
{
	struct reload *reload = &supervisor->reload;

	reload->stage = stage;
	timer_cancel(STEAL(reload->timer));
	if (stage != STAGE_NONE)
		loop_after(supervisor->loop, STAGE_MS, on_late, supervisor, &reload->timer);
}

static bool prepared_first(enum service_id id)
{
	return id == SERVICE_VAULT || id == SERVICE_RECORDER;
}

static int start_next(struct supervisor *supervisor, enum service_id id)
{
	struct reload *reload = &supervisor->reload;
	int r = service_create(supervisor, id, reload->generation, &reload->next[id]);

	return r < 0 ? r : service_start(reload->next[id]);
}

static int begin_first(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (prepared_first(i) && start_next(supervisor, i) < 0)
			return -ERR_SYSTEM;
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		for (unsigned j = 0; j < i; j++)
			service_introduce(reload->next[i], reload->next[j]);
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (reload->next[i] != NULL)
			service_go(reload->next[i]);
	return 0;
}

void reload_begin(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;
	char complaint[REASON_SIZE];

	tell_manager();
	reload->state = RELOAD_UNDER_WAY;
	reload->place = supervisor->place;
	enter(supervisor, STAGE_PREPARING);
	if (place_renew(supervisor, true, &reload->settings, &reload->place, complaint) < 0)
		break_off(supervisor, "%s", complaint);
	else if (begin_first(supervisor) < 0)
		break_off(supervisor, "the new generation cannot be started");
	generations_tell(supervisor);
}

static bool first_are_ready(const struct reload *reload)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (prepared_first(i) && !reload->next[i]->ready)
			return false;
	return true;
}

static void begin_front(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	enter(supervisor, STAGE_FRONT);
	if (start_next(supervisor, SERVICE_FRONT) < 0) {
		break_off(supervisor, "the new front cannot be started");
		return;
	}
	service_introduce(reload->next[SERVICE_FRONT], supervisor->services[SERVICE_BROKER]);
	service_go(reload->next[SERVICE_FRONT]);
}

/*
 * The next broker has to do with all there are, but for the witness, which starts anew when all
 * is done. Beside it, old ones that still ask get to know who answers from now on: the recorders
 * the vault.
 */
static void introduce_to_older(struct service *fresh, struct service *older)
{
	if (older->id == SERVICE_BROKER || older->id == SERVICE_WITNESS)
		return;
	if (fresh->id == SERVICE_BROKER || service_asks(older, fresh))
		service_introduce(fresh, older);
}

static void introduce_next(struct supervisor *supervisor, struct service *fresh)
{
	struct service *older = NULL;

	while ((older = services_next(supervisor, older)) != NULL)
		introduce_to_older(fresh, older);
}

static void open_store(struct supervisor *supervisor)
{
	enter(supervisor, STAGE_OPENING);
	service_go(supervisor->reload.next[SERVICE_BROKER]);
}

static void begin_broker(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;
	struct service *old = supervisor->services[SERVICE_BROKER];

	enter(supervisor, STAGE_BROKER);
	if (start_next(supervisor, SERVICE_BROKER) < 0) {
		break_off(supervisor, "the new broker cannot be started");
		return;
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		if (reload->next[i] == NULL)
			continue;
		introduce_next(supervisor, reload->next[i]);
		service_introduce(reload->next[SERVICE_BROKER], reload->next[i]);
	}
	timer_cancel(STEAL(old->restart));
	old->retiring = true;
	if (old->pid > 0)
		service_tell(old, MSG_FINISH);
	else
		open_store(supervisor);
}

static void take_charge(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;
	struct place old = supervisor->place;

	supervisor->place = reload->place;
	place_drop_fresh(&supervisor->place, &old); /* what was replaced */
	templates_stop(supervisor);
	programs_close(&supervisor->programs);
	supervisor->programs = reload->programs;
	reload->programs.count = 0;
	supervisor->settings = reload->settings;
	supervisor->generation = reload->generation;
	supervisor->since = clock_wall_ms();
	reload->state = RELOAD_DONE;
	reload->words[0] = '\0';
}

/*
 * There is one witness: what it writes in has one end. It takes outside what it was told, and then
 * the next one goes on where it stopped.
 */
static void renew_witness(struct supervisor *supervisor)
{
	struct service *witness = supervisor->services[SERVICE_WITNESS];
	struct outside fresh;
	char complaint[REASON_SIZE];

	if (outside_open(&fresh, supervisor->place.directory, &supervisor->settings,
		    service_uid(supervisor, PARTY_WITNESS), complaint) < 0) {
		log_error("witness.files", "%s: it goes on with those it had", complaint);
	} else {
		outside_close(&supervisor->outside);
		supervisor->outside = fresh;
	}
	witness->generation = supervisor->generation;
	service_renew(witness);
}

static void done(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	enter(supervisor, STAGE_NONE);
	take_charge(supervisor);
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct service *old = supervisor->services[i];
		if (reload->next[i] == NULL)
			continue;
		supervisor->services[i] = STEAL(reload->next[i]);
		services_retire(supervisor, old);
	}
	renew_witness(supervisor);
	manager_tell("READY=1");
	log_info("gateway.renewed", "generation %u", supervisor->generation);
	generations_tell(supervisor);
}

void reload_ready(struct supervisor *supervisor, struct service *service)
{
	struct reload *reload = &supervisor->reload;

	if (service != reload->next[service->id])
		return;
	if (reload->stage == STAGE_PREPARING && first_are_ready(reload))
		begin_front(supervisor);
	else if (reload->stage == STAGE_FRONT && service->id == SERVICE_FRONT)
		begin_broker(supervisor);
	else if (reload->stage == STAGE_OPENING && service->id == SERVICE_BROKER)
		done(supervisor);
}

/* ---- when it goes wrong */

static void give_up(struct supervisor *supervisor, struct service *service)
{
	/* A front that accepted somebody finishes with them. */
	bool lets_finish = service->id == SERVICE_FRONT && service->ready;

	if (service->pid > 0 && !lets_finish)
		kill(service->pid, SIGKILL);
	services_retire(supervisor, service);
}

static void drop_next(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (reload->next[i] != NULL)
			give_up(supervisor, STEAL(reload->next[i]));
	programs_close(&reload->programs);
	if (reload->stage > STAGE_EXECUTING)
		place_drop_fresh(&supervisor->place, &reload->place);
}

static void break_off(struct supervisor *supervisor, const char *format, ...)
{
	struct reload *reload = &supervisor->reload;
	struct service *broker = supervisor->services[SERVICE_BROKER];
	bool broker_went = reload->stage >= STAGE_BROKER;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reload->words, sizeof reload->words, format, arguments);
	va_end(arguments);
	log_error("reload.failed", "generation %u: %s", reload->generation, reload->words);
	drop_next(supervisor);
	enter(supervisor, STAGE_NONE);
	reload->state = RELOAD_FAILED;
	if (broker_went && broker->pid <= 0) /* else when it is reaped */
		service_restart_later(broker);
	manager_tell("READY=1");
	generations_tell(supervisor);
}

static void on_late(void *context)
{
	struct supervisor *supervisor = context;
	struct reload *reload = &supervisor->reload;
	struct service *old = supervisor->services[SERVICE_BROKER];

	reload->timer = NULL;
	if (reload->stage == STAGE_BROKER && old->pid > 0) {
		log_warning("service.stop", "%s did not end in time", old->program);
		kill(old->pid, SIGKILL);
		return;
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		if (reload->next[i] != NULL && !reload->next[i]->ready) {
			break_off(supervisor, "%s of the new generation is not ready in time",
				reload->next[i]->program);
			return;
		}
	}
	break_off(supervisor, "the new generation is not ready in time");
}

bool reload_reaped(struct supervisor *supervisor, struct service *service)
{
	struct reload *reload = &supervisor->reload;

	if (reload->stage == STAGE_NONE)
		return false;
	if (service == reload->next[service->id]) {
		break_off(supervisor, "%s of the new generation ended before it was ready",
			service->program);
		return true;
	}
	if (reload->stage == STAGE_BROKER && service == supervisor->services[SERVICE_BROKER]) {
		open_store(supervisor);
		return true;
	}
	return false;
}

void reload_cancel(struct supervisor *supervisor)
{
	struct reload *reload = &supervisor->reload;

	if (reload->stage != STAGE_NONE)
		drop_next(supervisor);
	enter(supervisor, STAGE_NONE);
}
