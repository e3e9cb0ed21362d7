/* SPDX-License-Identifier: Apache-2.0 */
#include "company.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/reload.c"

#define OTHER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* From where the new executable goes on: the programs are open, the next number is given out. */
static void begin(struct company *company)
{
	struct supervisor *supervisor = &company->supervisor;
	char complaint[REASON_SIZE];

	assert_int_equal(
		programs_open(&supervisor->reload.programs, company->stage.bin, complaint), 0);
	supervisor->reload.generation = ++supervisor->last_generation;
	reload_begin(supervisor);
}

static bool under_way(struct company *company)
{
	return company->supervisor.reload.stage != STAGE_NONE;
}

/* Who is introduced to somebody tells it when he comes to it. */
static void assert_told(struct company *company, const char *line, unsigned times)
{
	for (int i = 0; i < 1000 && stage_count(line) < times; i++)
		run_for(company, 10);
	assert_int_equal(stage_count(line), times);
}

static void pids(const struct company *company, pid_t out[SERVICE_COUNT])
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		out[i] = company->supervisor.services[i]->pid;
}

static void a_new_generation_takes_over(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;
	int listen_before = supervisor->place.listen;
	pid_t before[SERVICE_COUNT], after[SERVICE_COUNT];

	start_all(company);
	pids(company, before);
	begin(company);
	run_while(company, under_way);
	pids(company, after);
	assert_int_equal(supervisor->reload.state, RELOAD_DONE);
	assert_int_equal(supervisor->generation, 2);
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		if (i == SERVICE_WITNESS) /* nobody asked for one */
			continue;
		assert_true(after[i] > 0 && after[i] != before[i]);
		assert_true(supervisor->services[i]->ready);
		assert_int_equal(supervisor->services[i]->generation, 2);
		assert_null(supervisor->reload.next[i]);
	}
	assert_int_equal(supervisor->place.listen, listen_before); /* the same socket */
	for (unsigned i = 0; i < 1000 && services_retired(supervisor) > 0; i++)
		run_for(company, 10);
	assert_int_equal(services_retired(supervisor), 0);
	assert_told(company, "sallyport-front retires", 1);
	assert_told(company, "sallyport-broker retires", 1);
	assert_told(company, "sallyport-vault retires", 1);
	assert_told(company, "sallyport-recorder retires", 1);
	said(company, "ready\n"); /* once */
}

/* Nobody is told to finish before whoever follows it is there. */
static void in_this_order(void **state)
{
	struct company *company = *state;

	start_all(company);
	assert_int_equal(truncate("story", 0), 0);
	begin(company);
	run_while(company, under_way);
	assert_true(stage_told("sallyport-front retires"));
	assert_true(stage_moment("sallyport-vault given vault handover\n") <
		    stage_moment("sallyport-front given"));
	assert_true(
		stage_moment("sallyport-recorder given") < stage_moment("sallyport-front given"));
	assert_true(
		stage_moment("sallyport-front given") < stage_moment("sallyport-broker retires"));
	assert_true(
		stage_moment("sallyport-broker retires") < stage_moment("sallyport-broker given"));
	assert_true(
		stage_moment("sallyport-broker given") < stage_moment("sallyport-front retires"));
	/* The old front and the new one know the next broker, and so does the old recorder. */
	assert_told(company, "sallyport-front meets broker", 3);
	assert_told(company, "sallyport-broker meets front", 3);
	assert_told(company, "sallyport-broker meets recorder", 2);
	assert_told(company, "sallyport-broker meets vault", 2);
	assert_told(company, "sallyport-recorder meets broker", 2);
	assert_told(company, "sallyport-recorder meets vault", 2);
	assert_told(company, "sallyport-vault meets vault", 1); /* for the key */
}

/* Everybody is there and a witness too, one of them with this plan. */
static struct service *start_with_a_witness(
	struct company *company, const char *program, const char *plan)
{
	stage_file("data/sallyport.conf",
		"[gateway]\nlisten = 127.0.0.1:0\n[audit]\nmirror = mirror/lines\n", 0600);
	ask_for_a_witness(company);
	stage_plan(program, plan);
	start_all(company);
	return company->supervisor.services[SERVICE_WITNESS];
}

/* There is one witness: it ends when all others are renewed, and starts again, or does not. */
static void the_witness_comes_last(void **state)
{
	struct company *company = *state;
	struct service *witness = start_with_a_witness(company, "sallyport-recorder", "stays");

	assert_int_equal(truncate("story", 0), 0);
	pid_t before = witness->pid;
	begin(company);
	run_while(company, under_way);
	assert_int_equal(witness->generation, 2);
	run_until(company, "sallyport-witness meets broker");
	assert_true(witness->pid > 0 && witness->pid != before);
	assert_true(
		stage_moment("sallyport-broker given") < stage_moment("sallyport-witness stops"));
	assert_true(stage_moment("sallyport-witness ends") <
		    stage_moment("sallyport-witness given witness mirror\n"));
	/* It knows the one broker, and both recorders. */
	assert_told(company, "sallyport-witness meets recorder", 2);
	assert_told(company, "sallyport-witness meets broker", 1);
	/* The next generation wants none. */
	stage_file("data/sallyport.conf", "[gateway]\nlisten = 127.0.0.1:0\n[audit]\n", 0600);
	begin(company);
	run_while(company, under_way);
	for (int i = 0; i < 1000 && witness->pid > 0; i++)
		run_for(company, 10);
	run_for(company, 300);
	assert_int_equal(witness->pid, 0);
	assert_false(witness->wanted);
}

static void a_witness_that_does_not_end_is_killed(void **state)
{
	struct company *company = *state;
	struct service *witness = start_with_a_witness(company, "sallyport-witness", "deaf");

	pid_t before = witness->pid;
	begin(company);
	run_while(company, under_way);
	for (int i = 0; i < 3000 && (witness->pid == before || witness->pid <= 0); i++)
		run_for(company, 10);
	assert_true(witness->pid > 0 && witness->pid != before);
}

/* A recorder stays with its sessions; the next brokers know it, and so on. */
static void who_has_something_left_stays(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	stage_plan("sallyport-recorder", "stays");
	start_all(company);
	for (unsigned i = 1; i <= 3; i++) {
		begin(company);
		run_while(company, under_way);
		for (unsigned j = 0; j < 1000 && services_retired(supervisor) > i; j++)
			run_for(company, 10);
		assert_int_equal(services_retired(supervisor), i);
	}
	assert_int_equal(supervisor->generation, 4);
	assert_int_equal(supervisor->retired->generation, 3);
	/* A broker that crashes now meets all four recorders again. */
	assert_int_equal(truncate("story", 0), 0);
	kill(supervisor->services[SERVICE_BROKER]->pid, SIGKILL);
	run_until(company, "broker given");
	assert_told(company, "sallyport-broker meets recorder", 4);
	/* One ends: nobody starts it again. */
	kill(supervisor->retired->pid, SIGKILL);
	for (int i = 0; i < 1000 && services_retired(supervisor) == 3; i++)
		run_for(company, 10);
	run_for(company, 300);
	assert_int_equal(services_retired(supervisor), 2);
}

static void expect_failed(struct company *company, const char *words)
{
	struct supervisor *supervisor = &company->supervisor;

	run_while(company, under_way);
	assert_int_equal(supervisor->reload.state, RELOAD_FAILED);
	assert_non_null(strstr(supervisor->reload.words, words));
	assert_int_equal(supervisor->generation, 1);
	for (unsigned i = 0; i < 1000 && services_retired(supervisor) > 0; i++)
		run_for(company, 10);
	assert_int_equal(services_retired(supervisor), 0);
	assert_int_equal(supervisor->reload.programs.count, 0);
}

/* What fails before the broker's turn changes nothing. */
static void a_failure_changes_nothing(void **state)
{
	static const char *const programs[] = { "sallyport-vault", "sallyport-recorder",
		"sallyport-front" };
	struct company *company = *state;
	pid_t before[SERVICE_COUNT], after[SERVICE_COUNT];
	char words[96];

	start_all(company);
	pids(company, before);
	for (unsigned i = 0; i < ARRAY_LEN(programs); i++) {
		stage_plan(programs[i], "dies");
		begin(company);
		snprintf(words, sizeof words, "%s of the new generation ended", programs[i]);
		expect_failed(company, words);
		pids(company, after);
		assert_memory_equal(before, after, sizeof before);
		stage_plan(programs[i], "obeys");
	}
	begin(company); /* and then it succeeds */
	run_while(company, under_way);
	assert_int_equal(company->supervisor.reload.state, RELOAD_DONE);
	assert_int_equal(company->supervisor.generation, 5); /* numbers are not used twice */
}

/* The new broker does not come up: the old one is started again, the front that accepted ends. */
static void the_old_broker_comes_back(void **state)
{
	struct company *company = *state;
	struct service *broker = company->supervisor.services[SERVICE_BROKER];
	pid_t before[SERVICE_COUNT];

	start_all(company);
	pids(company, before);
	stage_plan("sallyport-broker", "dies");
	begin(company);
	run_until(company, "broker dies");
	stage_plan("sallyport-broker", "obeys");
	expect_failed(company, "sallyport-broker of the new generation ended");
	for (int i = 0; i < 1000 && !broker->ready; i++)
		run_for(company, 10);
	assert_true(broker->ready);
	assert_ptr_equal(company->supervisor.services[SERVICE_BROKER], broker);
	assert_int_equal(broker->generation, 1);
	assert_true(broker->pid != before[SERVICE_BROKER]);
	assert_int_equal(company->supervisor.services[SERVICE_FRONT]->pid, before[SERVICE_FRONT]);
	assert_int_equal(company->supervisor.services[SERVICE_VAULT]->pid, before[SERVICE_VAULT]);
}

/* A process that takes for ever: the old broker is killed, a new one given up. */
static void nobody_is_waited_for_for_ever(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	stage_plan("sallyport-broker", "stays");
	start_all(company);
	begin(company);
	run_until(company, "broker retires");
	assert_int_equal(supervisor->reload.stage, STAGE_BROKER);
	timer_cancel(STEAL(supervisor->reload.timer));
	stage_plan("sallyport-broker", "obeys");
	on_late(supervisor); /* its time is over */
	run_while(company, under_way);
	assert_int_equal(supervisor->reload.state, RELOAD_DONE);

	stage_plan("sallyport-vault", "mute");
	begin(company);
	for (int i = 0; i < 1000 && !supervisor->reload.next[SERVICE_RECORDER]->ready; i++)
		run_for(company, 10);
	assert_int_equal(supervisor->reload.stage, STAGE_PREPARING);
	timer_cancel(STEAL(supervisor->reload.timer));
	on_late(supervisor);
	assert_int_equal(supervisor->reload.state, RELOAD_FAILED);
	assert_non_null(
		strstr(supervisor->reload.words, "vault of the new generation is not ready"));
}

/* A crash of somebody in charge meanwhile is a crash like any other. */
static void crashes_meanwhile_are_survived(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	start_all(company);
	kill(supervisor->services[SERVICE_BROKER]->pid, SIGKILL);
	kill(supervisor->services[SERVICE_FRONT]->pid, SIGKILL);
	begin(company);
	run_while(company, under_way);
	assert_int_equal(supervisor->reload.state, RELOAD_DONE);
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		assert_int_equal(supervisor->services[i]->generation, 2);
}

static void settings_are_read_again(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;
	int before = supervisor->place.tls_cert;

	start_all(company);
	stage_file("data/sallyport.conf",
		"[gateway]\nlisten = 127.0.0.1:0\n[session]\nreattach = 77\n", 0644);
	assert_int_equal(rename("data/tls/cert.pem", "data/tls/old.pem"), 0);
	stage_file("data/tls/cert.pem", "another certificate", 0644);
	begin(company);
	run_while(company, under_way);
	assert_int_equal(supervisor->settings.session_reattach, 77);
	assert_true(supervisor->place.tls_cert != before);
	char text[32] = "";
	assert_int_equal(pread(supervisor->place.tls_cert, text, 31, 0), 19);
	assert_string_equal(text, "another certificate");
	assert_int_equal(fcntl(before, F_GETFD), -1);
	/* What cannot be read leaves everything as it is. */
	stage_file("data/sallyport.conf", "[gateway]\nlisten_at = 4\n", 0644);
	begin(company);
	assert_int_equal(supervisor->reload.state, RELOAD_FAILED);
	assert_string_equal(supervisor->reload.words,
		"sallyport.conf: line 2: unknown setting gateway.listen_at");
	assert_int_equal(supervisor->settings.session_reattach, 77);
	assert_int_equal(supervisor->generation, 2);
}

static void another_address_is_another_socket(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;
	int before = supervisor->place.listen;

	start_all(company);
	stage_file("data/sallyport.conf", "[gateway]\nlisten = [::1]:0\n", 0644);
	begin(company);
	run_while(company, under_way);
	assert_int_equal(supervisor->reload.state, RELOAD_DONE);
	assert_true(supervisor->place.listen != before);
	assert_int_equal(fcntl(before, F_GETFD), -1);
}

static void refused(struct company *company, bool force, const char *words)
{
	struct msg_reload_answer answer;

	reload_ask(&company->supervisor, force, &answer);
	assert_int_equal(answer.result, -ERR_RELOAD_REFUSED);
	if (strstr(answer.words, words) == NULL)
		fail_msg("\"%s\" says not \"%s\"", answer.words, words);
	assert_int_equal(company->supervisor.reload.stage, STAGE_NONE);
	assert_int_equal(company->supervisor.reload.programs.count, 0);
}

static void what_cannot_be_is_refused_in_words(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	refused(company, false, "starting or ending");
	start_all(company);
	supervisor->offline = true;
	refused(company, false, "not running");
	supervisor->offline = false;
	supervisor->root = true;
	stage_file(
		"data/sallyport.conf", "[gateway]\nlisten = 127.0.0.1:0\nuid_base = 70000\n", 0644);
	refused(company, false, "gateway.uid_base: cannot change while the gateway runs");
	supervisor->root = false;
	stage_file("data/sallyport.conf", "[session]\nreattach = soon\n", 0644);
	refused(company, false, "line 2: session.reattach");
	stage_file("data/sallyport.conf",
		"[gateway]\nlisten = 127.0.0.1:0\n[audit]\nmirror = no/such/place/lines\n", 0644);
	refused(company, false, "what the witness is given: no/such/place: No such file");
	stage_file("data/sallyport.conf", "[gateway]\nlisten = 127.0.0.1:0\n", 0644);
	assert_int_equal(unlink("data/tls/key.pem"), 0);
	refused(company, false, "tls/key.pem: No such file");
	stage_file("data/tls/key.pem", "key", 0600);
	refused(company, false, "the supervisor on disk does not understand"); /* there is none */
	stage_file("bin/sallyport-worker-strange", "#!/bin/sh", 0755);
	refused(company, true, "sallyport-worker-strange is not an executable of this gateway");
	supervisor->reload.stage = STAGE_FRONT;
	struct msg_reload_answer answer;
	reload_ask(supervisor, false, &answer);
	assert_string_equal(answer.words, "another reload is under way");
	supervisor->reload.stage = STAGE_NONE;
}

static void another_wire_format_needs_force(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	start_all(company);
	assert_int_equal(mkdir("other", 0755), 0);
	stage_file("other/sallyport-front", WIRE_FORMAT_MARK OTHER, 0755);
	stage_file("other/sallyport-supervisor", WIRE_FORMAT_MARK OTHER, 0755);
	text_copy(supervisor->program_directory, sizeof supervisor->program_directory, "other");
	supervisor->worker_count = 3;
	refused(company, false, "another wire format than those that run: 3 sessions would end");
	supervisor->worker_count = 1;
	refused(company, false, "1 session would end");
	supervisor->worker_count = 0;
	/* With force it goes as far as the new supervisor's own word, which this one cannot give.
	 */
	refused(company, true, "the supervisor on disk does not understand");
}

static void too_many_older_ones_are_refused(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	start_all(company);
	for (unsigned i = 0; i < RETIRED_MAX; i++) {
		struct service *service;
		assert_int_equal(service_create(supervisor, SERVICE_RECORDER, 1, &service), 0);
		service->next = supervisor->retired;
		supervisor->retired = service;
	}
	refused(company, false, "too many older processes");
}

/* The gateway ends in the middle of it: nobody of the next generation stays behind. */
static void the_end_ends_the_next_ones_too(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	stage_plan("sallyport-front", "mute");
	stage_plan("sallyport-vault", "obeys");
	supervisor->services[SERVICE_FRONT]->wanted = false;
	start_all(company);
	begin(company);
	run_until(company, "front given");
	assert_int_equal(supervisor->reload.stage, STAGE_FRONT);
	services_stop(supervisor);
	run_until(company, NULL);
	assert_int_equal(supervisor->reload.stage, STAGE_NONE);
	for (struct service *service = supervisor->retired; service != NULL;
		service = service->next)
		assert_int_equal(service->pid, 0);
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		assert_true(supervisor->services[i]->pid <= 0);
}

/* Where a service manager would listen. */
static int listen_as_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "notify" };
	char where[96], path[128];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_non_null(getcwd(where, sizeof where));
	snprintf(path, sizeof path, "%s/notify", where);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static void hears(int manager, const char *words)
{
	char heard[128] = "";

	assert_true(recv(manager, heard, sizeof heard - 1, 0) > 0);
	assert_memory_equal(heard, words, strlen(words));
}

static void hears_no_more(int manager)
{
	char heard[8];

	assert_int_equal(recv(manager, heard, sizeof heard, 0), -1);
	close(manager);
	unsetenv("NOTIFY_SOCKET");
}

/* All services end, in order; the gateway does not. */
static void a_forced_reload_is_no_stop(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	start_all(company);
	int manager = listen_as_manager();
	supervisor->renew = true;
	on_renew(supervisor);
	run_until(company, NULL);
	assert_true(supervisor->renew);
	assert_true(stage_moment("front ends") < stage_moment("vault stops"));
	hears(manager, "RELOADING=1\nMONOTONIC_USEC=");
	hears_no_more(manager);
}

/* Whoever wants the end gets it, before the services were asked and after. */
static void a_stop_ends_a_forced_reload(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	start_all(company);
	int manager = listen_as_manager();
	supervisor->renew = true;
	on_renew(supervisor);
	services_stop(supervisor);
	assert_false(supervisor->renew);
	services_stop(supervisor);
	run_until(company, NULL);
	hears(manager, "RELOADING=1\nMONOTONIC_USEC=");
	hears(manager, "STOPPING=1");
	hears_no_more(manager);
}

static void a_stop_comes_before_a_forced_reload(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	start_all(company);
	int manager = listen_as_manager();
	supervisor->renew = true;
	loop_after(supervisor->loop, 0, on_renew, supervisor, &supervisor->reload.timer);
	services_stop(supervisor);
	run_until(company, NULL);
	assert_false(supervisor->renew);
	assert_null(supervisor->reload.timer);
	hears(manager, "STOPPING=1");
	hears_no_more(manager);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_new_generation_takes_over),
		CASE(in_this_order),
		CASE(the_witness_comes_last),
		CASE(a_witness_that_does_not_end_is_killed),
		CASE(who_has_something_left_stays),
		CASE(a_failure_changes_nothing),
		CASE(the_old_broker_comes_back),
		CASE(nobody_is_waited_for_for_ever),
		CASE(crashes_meanwhile_are_survived),
		CASE(settings_are_read_again),
		CASE(another_address_is_another_socket),
		CASE(what_cannot_be_is_refused_in_words),
		CASE(another_wire_format_needs_force),
		CASE(too_many_older_ones_are_refused),
		CASE(the_end_ends_the_next_ones_too),
		CASE(a_forced_reload_is_no_stop),
		CASE(a_stop_ends_a_forced_reload),
		CASE(a_stop_comes_before_a_forced_reload),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
