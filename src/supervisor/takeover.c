/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "supervisor/place.h"
#include "supervisor/reload.h"
#include "supervisor/services.h"
#include "supervisor/spawn.h"

/*
 * The state, back to back: head, settings, services, programs, programs of the next generation,
 * workers. Structs of fixed size; one that changes is another STATE_VERSION, and an executable of
 * another version refuses in its trial, before anything has happened.
 */
#define STATE_MAGIC "sallyport state"
#define STATE_VERSION 1
#define STATE_MAX (1024 * 1024)
#define STATE_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define PLACE_FIRST_CREDENTIAL 5 /* three of them, each -1 when it was not given */
#define WORKERS_MAX (SESSIONS_MAX + 64)
#define TRIAL_MS 3000

struct state_head {
	char magic[16];
	uint32_t version, kind, size, settings_size;
	char format[WIRE_FORMAT_SIZE];
	uint8_t announced, spaces, spaces_known;
	uint32_t generation, last_generation, next_generation, next_worker_uid;
	int64_t since;
	char listen[128]; /* what the listening socket is bound to */
	int32_t place[PLACE_COUNT];
	uint32_t services, programs, next_programs, workers;
};
struct state_service {
	uint32_t id, generation;
	int32_t pid, channel; /* 0 and -1: being started again */
	uint8_t ready, wanted, retired, zero;
	uint32_t quick_deaths;
	uint64_t started_at;
	char version[VERSION_SIZE];
};
struct state_program {
	char name[PROGRAM_NAME_SIZE];
	int32_t fd, zero;
};
struct state_worker {
	int64_t session;
	uint64_t heavy_until; /* share.h */
	int32_t pid;
	uint32_t times;
};
/* The rows lie one behind the other, each where its numbers may lie. */
_Static_assert(sizeof(struct state_head) % 8 == 0 && sizeof(struct settings) % 8 == 0 &&
		       sizeof(struct state_service) % 8 == 0 &&
		       sizeof(struct state_program) % 8 == 0 &&
		       sizeof(struct state_worker) % 8 == 0,
	"aligned");
struct state { /* read and believed; the pointers lead into `bytes` */
	uint8_t *bytes;
	size_t len;
	struct state_head head;
	const struct state_service *services;
	const struct state_program *programs, *next_programs;
	const struct state_worker *workers;
	struct settings settings;
};

static void state_finish(struct state *state)
{
	free(state->bytes);
}

/* ---- what goes along */

/* Every descriptor that must survive the change of executables. */
static void keep_all(struct supervisor *supervisor, bool keep)
{
	int *place[PLACE_COUNT];
	int flags = keep ? 0 : FD_CLOEXEC;
	const struct service *service = NULL;
	const struct programs *const programs[] = { &supervisor->programs,
		&supervisor->reload.programs };

	place_list(&supervisor->place, place);
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		if (*place[i] >= 0)
			fcntl(*place[i], F_SETFD, flags);
	while ((service = services_next(supervisor, service)) != NULL)
		if (service->channel != NULL)
			fcntl(channel_fd(service->channel), F_SETFD, flags);
	for (unsigned set = 0; set < ARRAY_LEN(programs); set++)
		for (unsigned i = 0; i < programs[set]->count; i++)
			fcntl(programs[set]->rows[i].fd, F_SETFD, flags);
}

static int put_service(struct buf *out, const struct service *service)
{
	struct state_service row;

	memset(&row, 0, sizeof row);
	row.id = service->id;
	row.generation = service->generation;
	row.pid = service->pid > 0 ? service->pid : 0;
	row.channel = service->channel != NULL ? channel_fd(service->channel) : -1;
	row.ready = service->ready;
	row.wanted = service->wanted;
	row.retired = service_retired(service);
	row.quick_deaths = service->quick_deaths;
	row.started_at = service->started_at;
	memcpy(row.version, service->version, sizeof row.version);
	return buf_append(out, &row, sizeof row);
}

static int put_programs(struct buf *out, const struct programs *programs)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < programs->count; i++) {
		struct state_program row;
		memset(&row, 0, sizeof row);
		memcpy(row.name, programs->rows[i].name, sizeof row.name);
		row.fd = programs->rows[i].fd;
		r = buf_append(out, &row, sizeof row);
	}
	return r;
}

static int put_workers(struct buf *out, const struct supervisor *supervisor)
{
	int r = 0;

	for (const struct worker *it = supervisor->workers; r == 0 && it != NULL; it = it->next) {
		struct state_worker row = { .session = it->session,
			.heavy_until = it->appetite.heavy_until,
			.pid = it->pid,
			.times = it->appetite.times };
		r = buf_append(out, &row, sizeof row);
	}
	return r;
}

static int put_living(struct buf *out, struct supervisor *supervisor, struct state_head *head)
{
	const struct service *service = NULL;
	int r = buf_append(out, &supervisor->settings, sizeof supervisor->settings);

	head->settings_size = sizeof supervisor->settings;
	for (; r == 0 && (service = services_next(supervisor, service)) != NULL; head->services++)
		r = put_service(out, service);
	if (r == 0)
		r = put_programs(out, &supervisor->programs);
	if (r == 0)
		r = put_programs(out, &supervisor->reload.programs);
	if (r == 0)
		r = put_workers(out, supervisor);
	head->programs = supervisor->programs.count;
	head->next_programs = supervisor->reload.programs.count;
	head->workers = supervisor->worker_count;
	return r;
}

static void fill_head(
	struct supervisor *supervisor, enum takeover_kind kind, struct state_head *head)
{
	int *place[PLACE_COUNT];

	memset(head, 0, sizeof *head);
	memcpy(head->magic, STATE_MAGIC, sizeof STATE_MAGIC);
	head->version = STATE_VERSION;
	head->kind = kind;
	memcpy(head->format, wire_format(), sizeof head->format);
	head->announced = supervisor->announced;
	head->spaces = (uint8_t)supervisor->spaces;
	head->spaces_known = supervisor->spaces_known;
	head->generation = supervisor->generation;
	head->last_generation = MAX(supervisor->last_generation, supervisor->reload.generation);
	head->next_generation = supervisor->reload.generation;
	head->next_worker_uid = supervisor->next_worker_uid;
	head->since = supervisor->since;
	text_copy(head->listen, sizeof head->listen, supervisor->settings.gateway_listen);
	place_list(&supervisor->place, place);
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		head->place[i] = *place[i];
}

static int seal(const struct buf *bytes, int *ret_fd)
{
	CLEANUP(fd_closep) int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, bytes->data, bytes->len) != (ssize_t)bytes->len ||
		fcntl(fd, F_ADD_SEALS, STATE_SEALS) < 0)
		return -ERR_SYSTEM;
	*ret_fd = STEAL_FD(fd);
	return 0;
}

static int state_write(struct supervisor *supervisor, enum takeover_kind kind, int *ret_fd)
{
	CLEANUP(buf_finish) struct buf bytes = BUF(STATE_MAX);
	struct state_head head;

	fill_head(supervisor, kind, &head);
	int r = buf_append(&bytes, &head, sizeof head);
	if (r == 0 && kind == TAKEOVER_LIVE)
		r = put_living(&bytes, supervisor, &head);
	if (r < 0)
		return r;
	head.size = (uint32_t)bytes.len;
	memcpy(bytes.data, &head, sizeof head);
	return seal(&bytes, ret_fd);
}

/* ---- the change */

static int run(struct supervisor *supervisor, int program, enum takeover_kind kind, bool trial)
{
	CLEANUP(fd_closep) int fd = -1;
	char number[16];
	const char *arguments[12] = { "sallyport-supervisor", "--data", supervisor->options.data };
	unsigned count = 3;
	int r = state_write(supervisor, kind, &fd);

	if (r < 0)
		return r;
	snprintf(number, sizeof number, "%d", fd);
	if (supervisor->options.listen != NULL)
		arguments[count++] = "--listen", arguments[count++] = supervisor->options.listen;
	if (supervisor->options.store != NULL)
		arguments[count++] = "--store", arguments[count++] = supervisor->options.store;
	arguments[count++] = "--takeover", arguments[count++] = number;
	if (trial)
		arguments[count++] = "--trial";
	keep_all(supervisor, true);
	fcntl(fd, F_SETFD, 0);
	r = trial ? spawn_trial(program, (char *const *)arguments, TRIAL_MS)
		  : spawn_here(program, (char *const *)arguments);
	keep_all(supervisor, false);
	return r;
}

int takeover_try(struct supervisor *supervisor, int program, enum takeover_kind kind)
{
	return run(supervisor, program, kind, true);
}

int takeover_execute(struct supervisor *supervisor, int program, enum takeover_kind kind)
{
	templates_stop(supervisor); /* nobody would know of them */
	int r = run(supervisor, program, kind, false);

	log_error("supervisor.takeover", "%s", strerror(errno));
	return r;
}

/* ---- in the new executable: nothing is believed that can be looked at */

static bool is_socket(int fd, int type)
{
	int found;
	socklen_t len = sizeof found;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &len) == 0 && found == type;
}

static bool is_of_mode(int fd, mode_t kind)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && (stat.st_mode & S_IFMT) == kind;
}

static bool listens(int fd, int type)
{
	int on = 0;
	socklen_t len = sizeof on;

	return is_socket(fd, type) && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 &&
	       on != 0;
}

/* Each descriptor may stand for one thing only, and none for the standard ones. */
struct seen {
	unsigned count;
	/* The first is the state itself. */
	int fds[1 + PLACE_COUNT + SERVICE_COUNT + RETIRED_MAX + 2 * PROGRAMS_MAX];
};

static bool fresh(struct seen *seen, int fd)
{
	if (fd <= STDERR_FILENO || seen->count == ARRAY_LEN(seen->fds))
		return false;
	for (unsigned i = 0; i < seen->count; i++)
		if (seen->fds[i] == fd)
			return false;
	seen->fds[seen->count++] = fd;
	return true;
}

static bool may_be_missing(unsigned i)
{
	return i >= PLACE_FIRST_CREDENTIAL && i < PLACE_FIRST_CREDENTIAL + 3;
}

static bool place_valid(const int32_t place[PLACE_COUNT], struct seen *seen)
{
	static const mode_t kinds[PLACE_COUNT] = { S_IFDIR, S_IFREG, S_IFDIR, S_IFDIR, S_IFDIR,
		S_IFREG, S_IFREG, S_IFREG, S_IFREG, S_IFREG, S_IFSOCK, S_IFSOCK };

	for (unsigned i = 0; i < PLACE_COUNT; i++)
		if ((place[i] != -1 || !may_be_missing(i)) &&
			(!fresh(seen, place[i]) || !is_of_mode(place[i], kinds[i])))
			return false;
	return listens(place[PLACE_COUNT - 2], SOCK_STREAM) &&
	       listens(place[PLACE_COUNT - 1], SOCK_SEQPACKET);
}

/* `ours`: in the process itself, whose children they must be; the trial has none. */
static bool is_child(pid_t pid, bool ours)
{
	siginfo_t info;

	return pid > 1 &&
	       (!ours || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0);
}

static bool service_valid(const struct state_service *row, struct seen *seen, bool ours)
{
	if (row->id >= SERVICE_COUNT || row->generation == 0 || row->zero != 0 ||
		!TEXT_VALID(row->version))
		return false;
	if (row->pid == 0)
		return row->channel == -1 && !row->retired;
	return is_child(row->pid, ours) &&
	       (row->channel == -1 ||
		       (fresh(seen, row->channel) && is_socket(row->channel, SOCK_SEQPACKET)));
}

static bool services_valid(const struct state *state, struct seen *seen, bool ours)
{
	unsigned current[SERVICE_COUNT] = { 0 };

	for (unsigned i = 0; i < state->head.services; i++) {
		const struct state_service *row = &state->services[i];
		if (!service_valid(row, seen, ours))
			return false;
		current[row->id] += row->retired == 0;
	}
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (current[i] != 1)
			return false;
	return true;
}

static bool programs_valid(const struct state_program *rows, unsigned count, struct seen *seen)
{
	for (unsigned i = 0; i < count; i++)
		if (!TEXT_VALID(rows[i].name) || !fresh(seen, rows[i].fd) ||
			!is_of_mode(rows[i].fd, S_IFREG))
			return false;
	return count > 0;
}

static bool workers_valid(const struct state *state, bool ours)
{
	for (unsigned i = 0; i < state->head.workers; i++)
		if (state->workers[i].session == 0 || !is_child(state->workers[i].pid, ours))
			return false;
	return true;
}

static bool settings_valid(const struct settings *settings)
{
#define NUMBER(section, key, value, least, most, sentence)                                         \
	if (settings->section##_##key < (least) || settings->section##_##key > (most))             \
		return false;
#define CHOICE(section, key, value, words, sentence)                                               \
	if (!TEXT_VALID(settings->section##_##key))                                                \
		return false;
#define TEXT(section, key, value, size, sentence)                                                  \
	if (!TEXT_VALID(settings->section##_##key))                                                \
		return false;
#include "base/settings.def"
#undef NUMBER
#undef CHOICE
#undef TEXT
	return true;
}

static bool head_valid(const struct state_head *head, size_t len)
{
	bool living = head->kind == TAKEOVER_LIVE;

	if (memcmp(head->magic, STATE_MAGIC, sizeof STATE_MAGIC) != 0 ||
		head->version != STATE_VERSION || head->size != len || !TEXT_VALID(head->format) ||
		!TEXT_VALID(head->listen))
		return false;
	if (head->spaces >= SPACES || head->generation == 0 ||
		head->last_generation < head->generation)
		return false;
	if (!living)
		return head->kind == TAKEOVER_EMPTY && len == sizeof *head;
	return strcmp(head->format, wire_format()) == 0 &&
	       head->settings_size == sizeof(struct settings) &&
	       head->next_generation > head->generation &&
	       head->next_generation <= head->last_generation &&
	       head->services <= SERVICE_COUNT + RETIRED_MAX && head->programs <= PROGRAMS_MAX &&
	       head->next_programs <= PROGRAMS_MAX && head->workers <= WORKERS_MAX;
}

/* The parts after the head; their lengths must be all there is. */
static bool cut(struct state *state)
{
	const struct state_head *head = &state->head;
	const uint8_t *at = state->bytes + sizeof *head;
	size_t whole = sizeof *head + sizeof state->settings +
		       head->services * sizeof *state->services +
		       ((size_t)head->programs + head->next_programs) * sizeof *state->programs +
		       head->workers * sizeof *state->workers;

	if (whole != state->len)
		return false;
	memcpy(&state->settings, at, sizeof state->settings);
	at += sizeof state->settings;
	state->services = (const void *)at;
	at += head->services * sizeof *state->services;
	state->programs = (const void *)at;
	state->next_programs = state->programs + head->programs;
	at += ((size_t)head->programs + head->next_programs) * sizeof *state->programs;
	state->workers = (const void *)at;
	return true;
}

static int read_bytes(int fd, struct state *state)
{
	struct stat stat;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & STATE_SEALS) != STATE_SEALS || fstat(fd, &stat) < 0 ||
		stat.st_size < (off_t)sizeof state->head || stat.st_size > STATE_MAX)
		return -ERR_MALFORMED;
	state->len = (size_t)stat.st_size;
	state->bytes = malloc(state->len);
	if (state->bytes == NULL)
		return -ERR_SYSTEM;
	if (pread(fd, state->bytes, state->len, 0) != (ssize_t)state->len)
		return -ERR_SYSTEM;
	memcpy(&state->head, state->bytes, sizeof state->head);
	return 0;
}

static int state_read(int fd, bool ours, struct state *ret_state)
{
	struct seen seen = { 0 };
	const struct state_head *head = &ret_state->head;
	int r = read_bytes(fd, ret_state);

	if (r < 0)
		return r;
	if (!head_valid(head, ret_state->len) || !fresh(&seen, fd) ||
		!place_valid(head->place, &seen))
		return -ERR_MALFORMED;
	if (head->kind == TAKEOVER_EMPTY)
		return 0;
	if (!cut(ret_state) || !settings_valid(&ret_state->settings) ||
		!services_valid(ret_state, &seen, ours) ||
		!programs_valid(ret_state->programs, head->programs, &seen) ||
		!programs_valid(ret_state->next_programs, head->next_programs, &seen) ||
		!workers_valid(ret_state, ours))
		return -ERR_MALFORMED;
	return 0;
}

int takeover_check(int fd)
{
	CLEANUP(state_finish) struct state state = { 0 };

	return state_read(fd, false, &state) == 0 ? 0 : 1;
}

static int take_service(struct supervisor *supervisor, const struct state_service *row)
{
	struct service *service;
	int r = service_create(supervisor, row->id, row->generation, &service);

	if (r < 0)
		return r;
	service->pid = row->pid;
	service->ready = row->ready != 0;
	service->wanted = row->wanted != 0;
	service->retiring = row->retired != 0;
	service->quick_deaths = row->quick_deaths;
	service->started_at = row->started_at;
	memcpy(service->version, row->version, sizeof service->version);
	if (row->retired) {
		service->next = supervisor->retired;
		supervisor->retired = service;
	} else {
		supervisor->services[row->id] = service;
	}
	if (row->channel >= 0)
		return service_adopt(service, row->channel);
	if (row->pid == 0 && service->wanted)
		service_restart_later(service);
	return 0;
}

static void take_programs(
	struct programs *programs, const struct state_program *rows, unsigned count)
{
	programs->count = count;
	for (unsigned i = 0; i < count; i++) {
		memcpy(programs->rows[i].name, rows[i].name, sizeof rows[i].name);
		programs->rows[i].fd = rows[i].fd;
	}
}

static int take_living(struct supervisor *supervisor, const struct state *state)
{
	const struct state_head *head = &state->head;
	int r = 0;

	supervisor->settings = state->settings;
	supervisor->reload.generation = head->next_generation;
	take_programs(&supervisor->programs, state->programs, head->programs);
	take_programs(&supervisor->reload.programs, state->next_programs, head->next_programs);
	for (unsigned i = 0; r == 0 && i < head->services; i++)
		r = take_service(supervisor, &state->services[i]);
	for (unsigned i = 0; r == 0 && i < head->workers; i++) {
		const struct state_worker *row = &state->workers[i];
		r = worker_add(supervisor, row->pid, row->session);
		if (r == 0)
			supervisor->workers->appetite =
				(struct appetite){ .heavy_until = row->heavy_until,
					.times = row->times };
	}
	return r;
}

int takeover_read(struct supervisor *supervisor, int fd, enum takeover_kind *ret_kind)
{
	CLEANUP(fd_closep) int owned = fd;
	CLEANUP(state_finish) struct state state = { 0 };
	const struct state_head *head = &state.head;
	int *place[PLACE_COUNT];
	int r = state_read(owned, true, &state);

	if (r < 0)
		return r;
	place_list(&supervisor->place, place);
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		*place[i] = head->place[i];
	supervisor->generation = head->generation;
	supervisor->last_generation = head->last_generation;
	supervisor->next_worker_uid = head->next_worker_uid;
	supervisor->since = head->since;
	text_copy(supervisor->settings.gateway_listen, sizeof supervisor->settings.gateway_listen,
		head->listen);
	supervisor->announced = head->announced != 0;
	supervisor->spaces = head->spaces;
	supervisor->spaces_known = head->spaces_known != 0;
	*ret_kind = (enum takeover_kind)head->kind;
	if (head->kind == TAKEOVER_LIVE)
		r = take_living(supervisor, &state);
	keep_all(supervisor, false);
	return r;
}
