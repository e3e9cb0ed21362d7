/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "supervisor/services.c"

#define TICK_MS 5
#define TICKS_MOST 6000 /* half a minute: a stuck test ends */

struct scene {
	struct stage stage;
	struct supervisor supervisor;
	int said, out; /* stands in for stdout; the real one */
	unsigned ticks;
	const char *until; /* ends the loop when the story has it */
	bool late;
	unsigned reaped[SERVICE_COUNT];
	int last_status;
};

static void on_tick(void *context)
{
	struct scene *scene = context;
	struct supervisor *supervisor = &scene->supervisor;
	struct timer *timer;
	char story[8192];
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (unsigned i = 0; i < SERVICE_COUNT; i++)
			if (supervisor->services[i].pid == pid) {
				scene->reaped[i]++;
				scene->last_status = status;
				services_reaped(supervisor, &supervisor->services[i], status);
			}
	stage_story(story);
	scene->late = ++scene->ticks > TICKS_MOST;
	if (scene->late || (scene->until != NULL && strstr(story, scene->until) != NULL))
		loop_stop(supervisor->loop);
	loop_after(supervisor->loop, TICK_MS, on_tick, scene, &timer);
}

/* Runs until the story has the line, or the supervisor ends its loop. */
static void run_until(struct scene *scene, const char *line)
{
	scene->ticks = 0;
	scene->until = line;
	assert_int_equal(loop_run(scene->supervisor.loop), 0);
	if (scene->late) {
		char story[8192];
		stage_story(story);
		fail_msg("never \"%s\" in:\n%s", line != NULL ? line : "the end", story);
	}
}

static void never(void *context)
{
}

/* A moment more, for what must not happen or needs a turn of the loop. */
static void run_for(struct scene *scene, unsigned ms)
{
	uint64_t end = clock_monotonic_ms() + ms;
	struct timer *timer;

	scene->until = "";
	while (clock_monotonic_ms() < end) {
		loop_after(scene->supervisor.loop, 1, never, NULL, &timer);
		assert_int_equal(loop_run(scene->supervisor.loop), 0);
	}
}

static void run_until_ready(struct scene *scene)
{
	for (int i = 0; i < 3000 && !scene->supervisor.announced; i++)
		run_for(scene, 10);
	assert_true(scene->supervisor.announced);
}

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	struct supervisor *supervisor = &scene->supervisor;

	stage_open(&scene->stage);
	text_copy(supervisor->program_directory, sizeof supervisor->program_directory,
		scene->stage.bin);
	assert_int_equal(loop_create(&supervisor->loop), 0);
	assert_int_equal(place_open(&supervisor->place, "data", &supervisor->settings, false, NULL,
				 "sqlite"),
		0);
	scene->out = dup(1);
	scene->said = memfd_create("said", MFD_CLOEXEC);
	services_init(supervisor);
	on_tick(scene);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;
	struct supervisor *supervisor = &scene->supervisor;

	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct service *service = &supervisor->services[i];
		channel_destroy(service->channel);
		if (service->pid > 0) {
			kill(service->pid, SIGKILL);
			waitpid(service->pid, NULL, 0);
		}
	}
	loop_destroy(supervisor->loop);
	place_close(&supervisor->place);
	close(scene->out);
	close(scene->said);
	stage_close(&scene->stage);
	free(scene);
	return 0;
}

static void start_all(struct scene *scene)
{
	fflush(stdout);
	dup2(scene->said, 1);
	assert_int_equal(services_start(&scene->supervisor), 0);
	run_until_ready(scene);
	fflush(stdout);
	dup2(scene->out, 1);
}

static void said(const struct scene *scene, const char *words)
{
	char text[64];
	ssize_t got = pread(scene->said, text, sizeof text - 1, 0);

	text[got] = '\0';
	assert_string_equal(text, words);
}

static void everyone_gets_its_own(void **state)
{
	struct scene *scene = *state;

	start_all(scene);
	said(scene, "ready\n");
	stage_moment("sallyport-front given listen-0 tls-cert tls-key\n");
	stage_moment("sallyport-broker given store control\n");
	stage_moment("sallyport-vault given vault\n");
	stage_moment("sallyport-recorder given recordings\n");
}

static void only_acquaintances_meet(void **state)
{
	static const char *const meet[] = { "front meets broker", "broker meets front",
		"broker meets vault", "vault meets broker", "broker meets recorder",
		"recorder meets broker", "recorder meets vault", "vault meets recorder" };
	struct scene *scene = *state;
	char story[8192];
	unsigned count = 0;

	start_all(scene);
	for (unsigned i = 0; i < ARRAY_LEN(meet); i++)
		stage_moment(meet[i]);
	stage_story(story);
	for (const char *at = story; (at = strstr(at, " meets ")) != NULL; at++)
		count++;
	assert_int_equal(count, ARRAY_LEN(meet));
}

static void announces_when_all_are_ready(void **state)
{
	struct scene *scene = *state;

	stage_plan("sallyport-recorder", "mute");
	assert_int_equal(services_start(&scene->supervisor), 0);
	run_until(scene, "recorder given");
	run_for(scene, 300);
	assert_true(scene->supervisor.services[SERVICE_FRONT].ready);
	assert_false(scene->supervisor.services[SERVICE_RECORDER].ready);
	assert_false(scene->supervisor.announced);
}

static void offline_has_no_front(void **state)
{
	struct scene *scene = *state;
	char story[8192];

	scene->supervisor.offline = true;
	services_init(&scene->supervisor);
	start_all(scene);
	said(scene, "ready\n");
	stage_story(story);
	assert_null(strstr(story, "front"));
	services_stop(&scene->supervisor);
	run_until(scene, NULL);
	stage_moment("sallyport-vault ends");
}

static void ends_in_order(void **state)
{
	static const char *const order[] = { "sallyport-front stops", "sallyport-front ends",
		"sallyport-recorder stops", "sallyport-recorder ends", "sallyport-broker stops",
		"sallyport-broker ends", "sallyport-vault stops", "sallyport-vault ends" };
	struct scene *scene = *state;

	start_all(scene);
	services_stop(&scene->supervisor);
	services_stop(&scene->supervisor); /* a second SIGTERM changes nothing */
	run_until(scene, NULL);
	for (unsigned i = 1; i < ARRAY_LEN(order); i++)
		assert_true(stage_moment(order[i - 1]) < stage_moment(order[i]));
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		assert_int_equal(scene->supervisor.services[i].pid, 0);
		assert_int_equal(scene->reaped[i], i == SERVICE_WITNESS ? 0 : 1); /* nobody asked */
	}
}

static void a_witness_starts_when_asked_for(void **state)
{
	struct scene *scene = *state;
	struct supervisor *supervisor = &scene->supervisor;

	assert_int_equal(symlink(stage_stand_in, "bin/sallyport-witness"), 0);
	text_copy(supervisor->settings.audit_mirror, sizeof supervisor->settings.audit_mirror,
		"mirror/lines");
	services_init(supervisor);
	assert_int_equal(outside_open(&supervisor->outside, supervisor->place.directory,
				 &supervisor->settings, 0),
		0);
	start_all(scene);
	stage_moment("sallyport-witness given witness mirror\n");
	static const char *const meet[] = { "witness meets broker", "broker meets witness",
		"witness meets recorder", "recorder meets witness" };
	for (unsigned i = 0; i < ARRAY_LEN(meet); i++)
		stage_moment(meet[i]);
	services_stop(supervisor);
	run_until(scene, NULL);
	assert_true(stage_moment("broker ends") < stage_moment("witness stops"));
	assert_true(stage_moment("witness ends") < stage_moment("vault stops"));
	outside_close(&supervisor->outside);
}

/* The front seals nothing, but its time is its own: another's death does not cut it short. */
static void another_death_hurries_nobody(void **state)
{
	struct scene *scene = *state;
	struct service *services = scene->supervisor.services;

	stage_plan("sallyport-front", "deaf");
	start_all(scene);
	services_stop(&scene->supervisor);
	run_until(scene, "front stops");
	kill(services[SERVICE_VAULT].pid, SIGKILL);
	for (int i = 0; i < 1000 && services[SERVICE_VAULT].pid != 0; i++)
		run_for(scene, 10);
	run_for(scene, 100);
	assert_int_equal(services[SERVICE_VAULT].pid, 0);
	assert_true(services[SERVICE_FRONT].pid > 0);
	assert_int_equal(scene->reaped[SERVICE_FRONT], 0);
	assert_true(services[SERVICE_RECORDER].wanted); /* not asked yet */

	timer_cancel(STEAL(scene->supervisor.stop_timer));
	on_overdue(&scene->supervisor); /* its time is over */
	run_until(scene, NULL);
	assert_true(stage_moment("front stops") < stage_moment("recorder stops"));
	assert_int_equal(services[SERVICE_FRONT].pid, 0);
	stage_moment("sallyport-broker ends");
}

static void deaf_ones_are_killed_in_time(void **state)
{
	struct scene *scene = *state;
	uint64_t start;

	stage_plan("sallyport-vault", "deaf");
	start_all(scene);
	start = clock_monotonic_ms();
	services_stop(&scene->supervisor);
	run_until(scene, NULL);
	assert_true(clock_monotonic_ms() - start >= STOP_MS);
	assert_int_equal(scene->last_status, SIGKILL);
	assert_int_equal(scene->supervisor.services[SERVICE_VAULT].pid, 0);
}

static void who_dies_is_started_and_introduced_again(void **state)
{
	struct scene *scene = *state;
	struct service *broker = &scene->supervisor.services[SERVICE_BROKER];
	pid_t first;

	start_all(scene);
	first = broker->pid;
	assert_int_equal(truncate("story", 0), 0);
	kill(first, SIGKILL);
	run_until(scene, "broker meets recorder");
	for (int i = 0; i < 1000 && !broker->ready; i++)
		run_for(scene, 10);
	assert_true(broker->ready);
	assert_true(broker->pid > 0 && broker->pid != first);
	assert_int_equal(broker->quick_deaths, 1);
	assert_true(stage_told("sallyport-front meets broker"));
	assert_true(stage_told("sallyport-vault meets broker"));
	assert_true(stage_told("sallyport-recorder meets broker"));
	stage_moment("sallyport-broker given store control\n");
	said(scene, "ready\n"); /* once */
}

static void who_breaks_the_rules_is_killed(void **state)
{
	struct scene *scene = *state;
	struct service *front = &scene->supervisor.services[SERVICE_FRONT];

	stage_plan("sallyport-front", "rude");
	assert_int_equal(services_start(&scene->supervisor), 0);
	for (int i = 0; i < 1000 && scene->reaped[SERVICE_FRONT] == 0; i++)
		run_for(scene, 10);
	assert_int_equal(scene->reaped[SERVICE_FRONT], 1);
	assert_int_equal(scene->last_status, SIGKILL);
	assert_null(front->channel);
	assert_non_null(front->restart);
}

/* The broker accuses somebody: who was killed for it, or SERVICE_COUNT. */
static enum service_id killed_for(struct scene *scene, const char *plan)
{
	char word[32];

	for (int i = 0; i < 3000 && !scene->supervisor.services[SERVICE_BROKER].ready; i++)
		run_for(scene, 10);
	snprintf(word, sizeof word, "accuses %s", plan);
	stage_plan("sallyport-broker", word);
	/* The broker that is started again reads its plan then. */
	assert_true(scene->supervisor.services[SERVICE_BROKER].pid > 0);
	memset(scene->reaped, 0, sizeof scene->reaped);
	kill(scene->supervisor.services[SERVICE_BROKER].pid, SIGKILL);
	for (int i = 0; i < 3000; i++) {
		run_for(scene, 10);
		for (unsigned id = 0; id < SERVICE_COUNT; id++)
			if (scene->reaped[id] > (id == SERVICE_BROKER ? 1 : 0))
				return (enum service_id)id;
	}
	return SERVICE_COUNT;
}

/* Who breaks the rules towards another ends, or who cannot hear; only towards an acquaintance. */
static void strikes_end_somebody(void **state)
{
	struct scene *scene = *state;

	start_all(scene);
	assert_int_equal(killed_for(scene, "front"), SERVICE_FRONT);
	assert_int_equal(scene->last_status, SIGKILL);
	assert_int_equal(killed_for(scene, "FRONT"), SERVICE_BROKER);
	assert_int_equal(killed_for(scene, "broker"), SERVICE_BROKER); /* itself: a lie */
	assert_false(acquaintances(SERVICE_FRONT, SERVICE_VAULT));
	assert_true(acquaintances(SERVICE_VAULT, SERVICE_BROKER));
}

static void gives_up_what_never_starts(void **state)
{
	struct scene *scene = *state;
	char story[8192];
	unsigned deaths = 0;

	stage_plan("sallyport-vault", "dies");
	assert_int_equal(services_start(&scene->supervisor), 0);
	run_until(scene, NULL);
	assert_false(scene->supervisor.announced);
	stage_story(story);
	for (const char *at = story; (at = strstr(at, "vault dies")) != NULL; at++)
		deaths++;
	assert_int_equal(deaths, 4);
	assert_int_equal(scene->reaped[SERVICE_VAULT], 4);
	assert_int_equal(WEXITSTATUS(scene->last_status), 3);
}

/* Not executable, not there: at the start that is an error, later it is tried again. */
static void programs_can_be_missing(void **state)
{
	struct scene *scene = *state;
	struct service *front = &scene->supervisor.services[SERVICE_FRONT];

	start_all(scene);
	assert_int_equal(rename("bin/sallyport-front", "bin/away"), 0);
	kill(front->pid, SIGKILL);
	for (int i = 0; i < 1000 && front->pid != -1; i++)
		run_for(scene, 10);
	assert_int_equal(front->pid, -1);
	assert_non_null(front->restart);
	assert_int_equal(rename("bin/away", "bin/sallyport-front"), 0);
	for (int i = 0; i < 1000 && !front->ready; i++)
		run_for(scene, 10);
	assert_true(front->ready);
}

static void missing_programs_do_not_start(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(unlink("bin/sallyport-front"), 0);
	assert_true(services_start(&scene->supervisor) < 0);
}

static void waits_longer_each_time(void **state)
{
	static const unsigned table[][2] = { { 0, 50 }, { 1, 100 }, { 2, 200 }, { 3, 400 },
		{ 4, 800 }, { 5, 1500 }, { 6, 1500 }, { 1000000, 1500 } };

	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(restart_wait(table[i][0]), table[i][1]);
}

static void long_lives_are_forgiven(void **state)
{
	struct scene *scene = *state;
	struct service *service = &scene->supervisor.services[SERVICE_BROKER];

	service->started_at = clock_monotonic_ms();
	restart_later(service);
	timer_cancel(service->restart);
	restart_later(service);
	assert_int_equal(service->quick_deaths, 2);
	timer_cancel(service->restart);
	service->started_at = clock_monotonic_ms() - QUICK_DEATH_MS;
	restart_later(service);
	assert_int_equal(service->quick_deaths, 0);
	timer_cancel(STEAL(service->restart));
}

static void describes_deaths(void **state)
{
	char words[64];

	describe(3 << 8, words);
	assert_string_equal(words, "exit 3");
	describe(SIGKILL, words);
	assert_string_equal(words, "signal 9 (Killed)");
	describe(SIGSYS, words);
	assert_string_equal(words, "signal 31 (Bad system call)");
}

static void uids_are_apart(void **state)
{
	struct supervisor *supervisor = calloc(1, sizeof *supervisor);

	settings_defaults(&supervisor->settings);
	assert_int_equal(service_uid(supervisor, PARTY_VAULT), 0);
	supervisor->root = true;
	unsigned base = (unsigned)supervisor->settings.gateway_uid_base;
	assert_int_equal(service_uid(supervisor, PARTY_FRONT), base + 1);
	assert_int_equal(service_uid(supervisor, PARTY_BROKER), base + 2);
	assert_int_equal(service_uid(supervisor, PARTY_VAULT), base + 3);
	assert_int_equal(service_uid(supervisor, PARTY_RECORDER), base + 4);
	free(supervisor);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(everyone_gets_its_own),
		CASE(only_acquaintances_meet),
		CASE(announces_when_all_are_ready),
		CASE(offline_has_no_front),
		CASE(ends_in_order),
		CASE(a_witness_starts_when_asked_for),
		CASE(another_death_hurries_nobody),
		CASE(deaf_ones_are_killed_in_time),
		CASE(who_dies_is_started_and_introduced_again),
		CASE(who_breaks_the_rules_is_killed),
		CASE(strikes_end_somebody),
		CASE(gives_up_what_never_starts),
		CASE(programs_can_be_missing),
		CASE(missing_programs_do_not_start),
		cmocka_unit_test(waits_longer_each_time),
		CASE(long_lives_are_forgiven),
		cmocka_unit_test(describes_deaths),
		cmocka_unit_test(uids_are_apart),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
