/* SPDX-License-Identifier: Apache-2.0 */
#include "company.h"

#include "supervisor/services.c"

static void everyone_gets_its_own(void **state)
{
	struct company *scene = *state;

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
	struct company *scene = *state;

	start_all(scene);
	for (unsigned i = 0; i < ARRAY_LEN(meet); i++)
		stage_moment(meet[i]);
	assert_int_equal(stage_count(" meets "), ARRAY_LEN(meet));
}

static void announces_when_all_are_ready(void **state)
{
	struct company *scene = *state;

	stage_plan("sallyport-recorder", "mute");
	assert_int_equal(services_start(&scene->supervisor), 0);
	run_until(scene, "recorder given");
	run_for(scene, 300);
	assert_true(scene->supervisor.services[SERVICE_FRONT]->ready);
	assert_false(scene->supervisor.services[SERVICE_RECORDER]->ready);
	assert_false(scene->supervisor.announced);
}

static void offline_has_no_front(void **state)
{
	struct company *scene = *state;
	char story[STORY_SIZE];

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

static void a_witness_starts_when_asked_for(void **state)
{
	struct company *scene = *state;
	struct supervisor *supervisor = &scene->supervisor;

	ask_for_a_witness(scene);
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
}

static void who_dies_is_started_and_introduced_again(void **state)
{
	struct company *scene = *state;
	struct service *broker = scene->supervisor.services[SERVICE_BROKER];
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
	struct company *scene = *state;
	struct service *front = scene->supervisor.services[SERVICE_FRONT];

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
static enum service_id killed_for(struct company *scene, const char *plan)
{
	char word[32];

	for (int i = 0; i < 3000 && !scene->supervisor.services[SERVICE_BROKER]->ready; i++)
		run_for(scene, 10);
	snprintf(word, sizeof word, "accuses %s", plan);
	stage_plan("sallyport-broker", word);
	/* The broker that is started again reads its plan then. */
	assert_true(scene->supervisor.services[SERVICE_BROKER]->pid > 0);
	memset(scene->reaped, 0, sizeof scene->reaped);
	kill(scene->supervisor.services[SERVICE_BROKER]->pid, SIGKILL);
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
	struct company *scene = *state;

	start_all(scene);
	assert_int_equal(killed_for(scene, "front"), SERVICE_FRONT);
	assert_int_equal(scene->last_status, SIGKILL);
	assert_int_equal(killed_for(scene, "FRONT"), SERVICE_BROKER);
	assert_int_equal(killed_for(scene, "broker"), SERVICE_BROKER); /* itself: a lie */
	assert_false(services_acquainted(scene->supervisor.services[SERVICE_FRONT],
		scene->supervisor.services[SERVICE_VAULT]));
}

/* Of two fronts the one that was meant: each has its generation. */
static void a_strike_means_one_of_several(void **state)
{
	struct company *scene = *state;
	struct supervisor *supervisor = &scene->supervisor;
	struct msg_strike strike = { .party = PARTY_FRONT, .generation = 1, .why = -ERR_MALFORMED };
	struct service *broker = supervisor->services[SERVICE_BROKER];
	struct service retired = {
		.supervisor = supervisor, .id = SERVICE_FRONT, .party = PARTY_FRONT, .generation = 7
	};

	start_all(scene);
	supervisor->retired = &retired;
	assert_ptr_equal(struck(broker, &strike), supervisor->services[SERVICE_FRONT]);
	strike.generation = 7;
	assert_ptr_equal(struck(broker, &strike), &retired);
	assert_null(struck(supervisor->services[SERVICE_VAULT], &strike));
	supervisor->retired = NULL;
	assert_int_equal(on_strike(broker, &strike), -ERR_MALFORMED);
}

static void gives_up_what_never_starts(void **state)
{
	struct company *scene = *state;

	stage_plan("sallyport-vault", "dies");
	assert_int_equal(services_start(&scene->supervisor), 0);
	run_until(scene, NULL);
	assert_false(scene->supervisor.announced);
	assert_int_equal(stage_count("vault dies"), 4);
	assert_int_equal(scene->reaped[SERVICE_VAULT], 4);
	assert_int_equal(WEXITSTATUS(scene->last_status), 3);
}

/* Whatever lies on disk meanwhile: the one that died is started again from what it was. */
static void starts_again_from_the_same_executable(void **state)
{
	struct company *scene = *state;
	struct service *front = scene->supervisor.services[SERVICE_FRONT];
	pid_t first;

	start_all(scene);
	first = front->pid;
	assert_int_equal(unlink("bin/sallyport-front"), 0);
	stage_file("bin/sallyport-front", "of another build, half copied", 0755);
	kill(first, SIGKILL);
	for (int i = 0; i < 1000 && (!front->ready || front->pid == first); i++)
		run_for(scene, 10);
	assert_true(front->ready);
	assert_true(front->pid != first);
}

static void missing_programs_do_not_start(void **state)
{
	struct company *scene = *state;

	char complaint[REASON_SIZE];

	assert_int_equal(unlink("bin/sallyport-front"), 0);
	programs_close(&scene->supervisor.programs);
	assert_int_equal(programs_open(&scene->supervisor.programs, "bin", complaint), 0);
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
	struct company *scene = *state;
	struct service *service = scene->supervisor.services[SERVICE_BROKER];

	service->started_at = clock_monotonic_ms();
	service_restart_later(service);
	timer_cancel(service->restart);
	service_restart_later(service);
	assert_int_equal(service->quick_deaths, 2);
	timer_cancel(service->restart);
	service->started_at = clock_monotonic_ms() - QUICK_DEATH_MS;
	service_restart_later(service);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(everyone_gets_its_own),
		CASE(only_acquaintances_meet),
		CASE(announces_when_all_are_ready),
		CASE(offline_has_no_front),
		CASE(a_witness_starts_when_asked_for),
		CASE(who_dies_is_started_and_introduced_again),
		CASE(who_breaks_the_rules_is_killed),
		CASE(strikes_end_somebody),
		CASE(a_strike_means_one_of_several),
		CASE(gives_up_what_never_starts),
		CASE(starts_again_from_the_same_executable),
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
