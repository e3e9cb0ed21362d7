/* SPDX-License-Identifier: Apache-2.0 */
#include "company.h"

#include <signal.h>

#include "supervisor/takeover.c"

/* A supervisor with everything that can go along: services, older ones, workers, two generations.
 */
static void fill(struct company *company)
{
	struct supervisor *supervisor = &company->supervisor;
	char complaint[REASON_SIZE];

	stage_plan("sallyport-recorder", "stays");
	start_all(company);
	assert_int_equal(
		programs_open(&supervisor->reload.programs, company->stage.bin, complaint), 0);
	supervisor->reload.generation = 2;
	struct service *old = supervisor->services[SERVICE_RECORDER];
	assert_int_equal(service_create(supervisor, SERVICE_RECORDER, 1,
				 &supervisor->services[SERVICE_RECORDER]),
		0);
	assert_int_equal(service_start(supervisor->services[SERVICE_RECORDER]), 0);
	services_retire(supervisor, old);
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(worker_add(supervisor, pid, 4711), 0);
	supervisor->next_worker_uid = 12;
}

static int close_filled(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	while (supervisor->workers != NULL) {
		kill(supervisor->workers->pid, SIGKILL);
		waitpid(supervisor->workers->pid, NULL, 0);
		spawn_forget(supervisor, supervisor->workers);
	}
	return company_close(state);
}

static int memory_file(const void *bytes, size_t len, int seals)
{
	int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void what_is_written_is_read(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;
	struct state read = { 0 };
	int fd;

	fill(company);
	assert_int_equal(state_write(supervisor, TAKEOVER_LIVE, &fd), 0);
	assert_int_equal(state_read(fd, true, &read), 0);
	assert_int_equal(read.head.kind, TAKEOVER_LIVE);
	assert_int_equal(read.head.generation, 1);
	assert_int_equal(read.head.next_generation, 2);
	assert_int_equal(read.head.next_worker_uid, 12);
	assert_int_equal(read.head.services, SERVICE_COUNT + 1);
	assert_int_equal(read.services[SERVICE_COUNT].retired, 1);
	assert_int_equal(read.services[SERVICE_COUNT].pid, supervisor->retired->pid);
	for (unsigned i = 0; i < SERVICE_COUNT; i++) {
		struct channel *channel = supervisor->services[i]->channel;
		assert_int_equal(read.services[i].pid, supervisor->services[i]->pid);
		assert_int_equal(
			read.services[i].channel, channel != NULL ? channel_fd(channel) : -1);
	}
	assert_int_equal(read.head.workers, 1);
	assert_int_equal(read.workers[0].session, 4711);
	assert_int_equal(read.head.programs, supervisor->programs.count);
	assert_string_equal(read.next_programs[0].name, supervisor->reload.programs.rows[0].name);
	assert_memory_equal(&read.settings, &supervisor->settings, sizeof read.settings);
	assert_string_equal(read.head.listen, supervisor->settings.gateway_listen);
	assert_int_equal(takeover_check(fd), 0);
	state_finish(&read);
	close(fd);
	/* The empty one has the place and nothing that lives. */
	read = (struct state){ 0 };
	assert_int_equal(state_write(supervisor, TAKEOVER_EMPTY, &fd), 0);
	assert_int_equal(state_read(fd, true, &read), 0);
	assert_int_equal(read.len, sizeof read.head);
	state_finish(&read);
	close(fd);
}

/* One that is being started again is no process yet. */
static void restarts_go_along(void **state)
{
	struct company *company = *state;
	struct service *front = company->supervisor.services[SERVICE_FRONT];
	struct state read = { 0 };
	int fd, status;

	fill(company);
	kill(front->pid, SIGKILL);
	assert_int_equal(waitpid(front->pid, &status, 0), front->pid);
	services_reaped(&company->supervisor, front, status); /* and no turn of the loop after it */
	assert_int_equal(front->pid, 0);
	assert_non_null(front->restart);
	assert_int_equal(state_write(&company->supervisor, TAKEOVER_LIVE, &fd), 0);
	assert_int_equal(state_read(fd, true, &read), 0);
	assert_int_equal(read.services[SERVICE_FRONT].pid, 0);
	assert_int_equal(read.services[SERVICE_FRONT].channel, -1);
	state_finish(&read);
	close(fd);
}

struct bytes {
	uint8_t *data;
	size_t len;
	struct state_head *head;
	struct settings *settings;
	struct state_service *services;
	struct state_program *programs;
	struct state_worker *workers;
};

/* A writable copy of a good state. */
static struct bytes copy_of(struct supervisor *supervisor)
{
	struct state read = { 0 };
	struct bytes copy;
	int fd;

	assert_int_equal(state_write(supervisor, TAKEOVER_LIVE, &fd), 0);
	assert_int_equal(state_read(fd, true, &read), 0);
	close(fd);
	copy = (struct bytes){ .data = read.bytes, .len = read.len };
	copy.head = (void *)copy.data;
	copy.settings = (void *)(copy.data + sizeof *copy.head);
	copy.services = (void *)(copy.settings + 1);
	copy.programs = (void *)(copy.services + copy.head->services);
	copy.workers = (void *)(copy.programs + copy.head->programs + copy.head->next_programs);
	return copy;
}

static void judged(const struct bytes *bytes, int seals, const char *what, bool good)
{
	struct state read = { 0 };
	int fd = memory_file(bytes->data, bytes->len, seals);
	int r = state_read(fd, true, &read);

	state_finish(&read);
	if ((r == 0) != good)
		fail_msg("%s: %d", what, r);
	close(fd);
}

#define ALTERED(change, what)                                                                      \
	do {                                                                                       \
		struct bytes it = copy_of(supervisor);                                             \
		change;                                                                            \
		judged(&it, STATE_SEALS, what, false);                                             \
		free(it.data);                                                                     \
	} while (0)

/* Older, newer, cut, altered, or made by somebody else: refused before anything is done with it. */
static void what_cannot_be_believed_is_refused(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;
	int file = open("story", O_RDONLY | O_CLOEXEC), socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);

	fill(company);
	ALTERED(it.head->magic[0] = 'S', "magic");
	ALTERED(it.head->version = 0, "an older version");
	ALTERED(it.head->version = STATE_VERSION + 1, "a newer version");
	ALTERED(it.head->kind = 3, "kind");
	ALTERED(it.head->kind = TAKEOVER_EMPTY, "an empty one with something behind it");
	ALTERED(it.head->size--, "size");
	ALTERED(it.len--, "cut");
	ALTERED(it.len = sizeof *it.head, "cut behind the head");
	ALTERED(it.len = sizeof *it.head - 1, "cut in the head");
	ALTERED(it.head->settings_size++, "size of settings");
	ALTERED(it.head->format[0] ^= 1, "another wire format");
	ALTERED(memset(it.head->format, 'a', sizeof it.head->format), "endless format");
	ALTERED(memset(it.head->listen, 'a', sizeof it.head->listen), "endless address");
	ALTERED(it.head->spaces = SPACES, "namespaces there are not");
	ALTERED(it.head->generation = 0, "generation 0");
	ALTERED(it.head->next_generation = it.head->generation, "no next generation");
	ALTERED(it.head->last_generation = 0, "last generation");
	ALTERED(it.head->services = UINT32_MAX, "number of services");
	ALTERED(it.head->services++, "one service more");
	ALTERED(it.head->workers = UINT32_MAX, "number of workers");
	ALTERED(it.head->programs = 0, "no programs");
	ALTERED(it.head->programs = UINT32_MAX, "number of programs");
	ALTERED(it.head->place[10] = 1, "standard output as the listening socket");
	ALTERED(it.head->place[10] = -1, "no listening socket");
	ALTERED(it.head->place[10] = 4000, "a descriptor that is not open");
	ALTERED(it.head->place[10] = socket_fd, "a socket that does not listen");
	ALTERED(it.head->place[10] = it.head->place[11], "one socket for both");
	ALTERED(it.head->place[5] = socket_fd, "a socket as a credential");
	ALTERED(it.head->place[6] = -2, "a credential that is neither there nor missing");
	ALTERED(it.head->place[8] = -1, "no certificate");
	ALTERED(it.head->place[2] = file, "a file as the vault's directory");
	ALTERED(it.head->place[2] = it.head->place[3], "one directory for two");
	ALTERED(it.services[0].id = SERVICE_COUNT, "a service there is not");
	ALTERED(it.services[0].id = it.services[1].id, "two of one kind");
	ALTERED(it.services[0].retired = 1, "nobody of one kind");
	ALTERED(it.services[0].generation = 0, "a service of generation 0");
	ALTERED(it.services[0].pid = 1, "init as a service");
	ALTERED(it.services[0].pid = getppid(), "somebody else's process");
	ALTERED(it.services[0].pid = -1, "every process");
	ALTERED(it.services[0].pid = 0, "no process with a channel");
	ALTERED(it.services[0].channel = file, "a file as a channel");
	ALTERED(it.services[0].channel = it.services[1].channel, "one channel for two");
	ALTERED(it.services[0].channel = 2, "standard error as a channel");
	ALTERED(it.services[0].zero = 7, "service: zero");
	ALTERED(memset(it.services[0].version, 'v', VERSION_SIZE), "endless version");
	ALTERED(it.programs[0].fd = it.services[0].channel, "a channel as a program");
	ALTERED(it.programs[0].fd = -1, "no program");
	ALTERED(memset(it.programs[0].name, 'p', PROGRAM_NAME_SIZE), "endless name");
	ALTERED(it.workers[0].pid = getppid(), "somebody else's worker");
	ALTERED(it.workers[0].session = 0, "a worker of no session");
	ALTERED(memset(it.settings->gateway_tenant, 't', NAME_SIZE), "endless setting");
	ALTERED(it.settings->session_reattach = 0, "a setting out of its range");
	close(file);
	close(socket_fd);
}

static void only_what_nobody_can_change_is_read(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;

	fill(company);
	struct bytes it = copy_of(supervisor);
	judged(&it, STATE_SEALS, "as it was", true);
	judged(&it, STATE_SEALS & ~F_SEAL_WRITE, "not sealed against writing", false);
	judged(&it, STATE_SEALS & ~F_SEAL_SHRINK, "not sealed against shrinking", false);
	free(it.data);
	struct state read = { 0 };
	int file = open("story", O_RDONLY | O_CLOEXEC);
	assert_int_equal(state_read(file, true, &read), -ERR_MALFORMED);
	close(file);
	assert_int_equal(state_read(4000, true, &read), -ERR_MALFORMED);
	assert_int_equal(takeover_check(4000), 1);
}

/* Descriptors lose their close-on-exec for the change alone. */
static void nothing_leaks_after_a_failure(void **state)
{
	struct company *company = *state;
	struct supervisor *supervisor = &company->supervisor;
	struct service *vault = supervisor->services[SERVICE_VAULT];

	fill(company);
	assert_true(takeover_execute(supervisor, supervisor->place.directory, TAKEOVER_LIVE) < 0);
	assert_true(fcntl(supervisor->place.listen, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(channel_fd(vault->channel), F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(supervisor->programs.rows[0].fd, F_GETFD) & FD_CLOEXEC);
	/* A program that is no supervisor understands nothing. */
	assert_true(takeover_try(supervisor, supervisor->programs.rows[0].fd, TAKEOVER_LIVE) != 0);
	assert_true(fcntl(supervisor->place.listen, F_GETFD) & FD_CLOEXEC);
}

#define FILLED(name) cmocka_unit_test_setup_teardown(name, company_open, close_filled)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FILLED(what_is_written_is_read),
		FILLED(restarts_go_along),
		FILLED(what_cannot_be_believed_is_refused),
		FILLED(only_what_nobody_can_change_is_read),
		FILLED(nothing_leaks_after_a_failure),
	};

	stage_stand_in = realpath(argv[1], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(stage_stand_in);
	return failed;
}
