/* SPDX-License-Identifier: Apache-2.0 */
#include "company.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "supervisor/place.h"

#define TICK_MS 5
#define TICKS_MOST 6000 /* half a minute: a stuck test ends */

static void reap(struct company *company, pid_t pid, int status)
{
	struct supervisor *supervisor = &company->supervisor;
	struct service *service = service_find(supervisor, pid);

	if (service == NULL)
		return;
	if (service == supervisor->services[service->id])
		company->reaped[service->id]++;
	company->last_status = status;
	services_reaped(supervisor, service, status);
}

static void on_tick(void *context)
{
	struct company *company = context;
	struct supervisor *supervisor = &company->supervisor;
	struct timer *timer;
	char story[STORY_SIZE];
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		reap(company, pid, status);
	stage_story(story);
	company->late = ++company->ticks > TICKS_MOST;
	if (company->late || (company->until != NULL && strstr(story, company->until) != NULL))
		loop_stop(supervisor->loop);
	loop_after(supervisor->loop, TICK_MS, on_tick, company, &timer);
}

void run_until(struct company *company, const char *line)
{
	company->ticks = 0;
	company->until = line;
	assert_int_equal(loop_run(company->supervisor.loop), 0);
	if (company->late) {
		char story[STORY_SIZE];
		stage_story(story);
		fail_msg("never \"%s\" in:\n%s", line != NULL ? line : "the end", story);
	}
}

static void never(void *context)
{
}

void run_for(struct company *company, unsigned ms)
{
	uint64_t end = clock_monotonic_ms() + ms;
	struct timer *timer;

	company->until = "";
	while (clock_monotonic_ms() < end) {
		loop_after(company->supervisor.loop, 1, never, NULL, &timer);
		assert_int_equal(loop_run(company->supervisor.loop), 0);
	}
}

void run_while(struct company *company, bool (*unfinished)(struct company *company))
{
	for (int i = 0; i < 3000 && unfinished(company); i++)
		run_for(company, 10);
	assert_false(unfinished(company));
}

static bool not_announced(struct company *company)
{
	return !company->supervisor.announced;
}

void run_until_ready(struct company *company)
{
	run_while(company, not_announced);
}

int company_open(void **state)
{
	struct company *company = calloc(1, sizeof *company);
	struct supervisor *supervisor = &company->supervisor;
	char complaint[REASON_SIZE];

	stage_open(&company->stage);
	text_copy(supervisor->program_directory, sizeof supervisor->program_directory,
		company->stage.bin);
	assert_int_equal(loop_create(&supervisor->loop), 0);
	assert_int_equal(place_open(&supervisor->place, "data", &supervisor->settings, false, NULL,
				 "sqlite"),
		0);
	supervisor->options.store = "sqlite";
	supervisor->options.data = "data";
	assert_int_equal(programs_open(&supervisor->programs, company->stage.bin, complaint), 0);
	supervisor->generation = supervisor->last_generation = 1;
	company->out = dup(1);
	company->said = memfd_create("said", MFD_CLOEXEC);
	outside_init(&supervisor->outside);
	services_init(supervisor);
	on_tick(company);
	*state = company;
	return 0;
}

static void end_process(struct service *service)
{
	if (service != NULL && service->pid > 0) {
		kill(service->pid, SIGKILL);
		waitpid(service->pid, NULL, 0);
	}
}

int company_close(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		end_process(supervisor->services[i]);
		end_process(supervisor->reload.next[i]);
	}
	for (struct service *service = supervisor->retired; service != NULL;
		service = service->next)
		end_process(service);
	services_finish(supervisor);
	outside_close(&supervisor->outside);
	programs_close(&supervisor->programs);
	programs_close(&supervisor->reload.programs);
	loop_destroy(supervisor->loop);
	place_close(&supervisor->place);
	close(company->out);
	close(company->said);
	stage_close(&company->stage);
	free(company);
	return 0;
}

void ask_for_a_witness(struct company *company)
{
	struct supervisor *supervisor = &company->supervisor;
	char complaint[REASON_SIZE];

	text_copy(supervisor->settings.audit_mirror, sizeof supervisor->settings.audit_mirror,
		"mirror/lines");
	services_init(supervisor);
	assert_int_equal(outside_open(&supervisor->outside, supervisor->place.directory,
				 &supervisor->settings, 0, complaint),
		0);
}

void start_all(struct company *company)
{
	fflush(stdout);
	dup2(company->said, 1);
	assert_int_equal(services_start(&company->supervisor), 0);
	run_until_ready(company);
	fflush(stdout);
	dup2(company->out, 1);
}

void said(const struct company *company, const char *words)
{
	char text[64];
	ssize_t got = pread(company->said, text, sizeof text - 1, 0);

	text[got] = '\0';
	assert_string_equal(text, words);
}
