/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/attach.h"
#include "broker/context.h"
#include "broker/dial.h"
#include "broker/drivers.h"
#include "broker/policy.h"
#include "wire/recording_secret.h"

#define FACTS_MAX 8192

static enum recording_input input_wanted(const struct broker *broker)
{
	switch (broker->settings->recording_input[0]) {
	case 'a':
		return INPUT_APART;
	case 's':
		return INPUT_SHOWN;
	case 'y':
		return INPUT_YES;
	default:
		return INPUT_NO;
	}
}

/* Everything the recording should say of itself, whoever reads it and whenever. */
static int facts_write(struct broker *broker, const struct session *session, struct buf *out)
{
	const struct session_row *row = &session->row;
	struct json json = json_begin(out);

	json_open_object(&json, NULL);
	json_number(&json, "version", 1);
	json_id(&json, "session", row->id);
	json_text(&json, "session_id", row->session_id);
	json_text(&json, "tenant", broker->settings->gateway_tenant);
	json_text(&json, "user", row->user);
	json_text(&json, "application", row->application);
	json_id(&json, "authorization", row->authorization_id);
	json_text(&json, "device", row->device);
	json_text(&json, "address", row->ip);
	json_number(&json, "port", row->port);
	json_text(&json, "protocol", row->protocol);
	json_text(&json, "username", row->username);
	json_id(&json, "credential", row->credential_id);
	json_number(&json, "credential_version", row->credential_version);
	json_text(&json, "from", row->origin_ip);
	json_text(&json, "pinned_address", row->remote_addr);
	json_number(&json, "created_at", row->created_at);
	json_number(&json, "started_at", clock_wall_ms());
	json_number(&json, "columns", session->columns);
	json_number(&json, "rows", session->rows);
	json_bool(&json, "record_input", input_wanted(broker) != INPUT_NO);
	json_text(&json, "input", broker->settings->recording_input);
	json_number(&json, "idle_end", broker->settings->session_idle_end);
	json_number(&json, "longest", broker->settings->session_longest);
	json_close_object(&json);
	return json_finish(&json);
}

static int recording_ask(struct broker *broker, struct session *session)
{
	CLEANUP(buf_finish) struct buf facts = BUF(FACTS_MAX);
	struct msg_recording_start start = { .session = session->row.id,
		.record_input = (uint8_t)input_wanted(broker),
		.keyframe_seconds = (uint16_t)broker->settings->recording_keyframes };
	int ends[2] = { -1, -1 };

	memcpy(start.session_id, session->row.session_id, sizeof start.session_id);
	int r = facts_write(broker, session, &facts);
	if (r == 0)
		r = wire_pair(SOCK_STREAM, ends);
	if (r < 0)
		return r;
	if (session->recorder == NULL)
		session->recorder = broker->recorder;
	r = channel_send(session->recorder, MSG_RECORDING_START, channel_serial(session->recorder),
		&start, facts.data, facts.len, &ends[0], 1);
	close(ends[0]);
	session->view = ends[1];
	session->recorder_knows = r == 0;
	return r;
}

static void on_dialed(void *context, int r, int fd)
{
	struct starting *starting = context;
	struct broker *broker = starting->broker;
	struct session *session = session_by_id(broker, starting->id);

	mem_freep(&starting);
	if (session == NULL) {
		fd_closep(&fd);
		return;
	}
	session->dial = NULL;
	session->starting = NULL;
	if (r < 0) {
		session_end(broker, session, r, NULL);
		return;
	}
	session->target = fd;
	session_go_on(broker, session);
}

static int target_dial(struct broker *broker, struct session *session)
{
	struct dial_own own = dial_own_from(broker->settings->gateway_listen);
	struct address address;
	struct starting *starting = malloc(sizeof *starting);

	if (starting == NULL)
		return -ERR_SYSTEM;
	*starting = (struct starting){ broker, session->row.id };
	int r = address_parse(&address, session->row.ip);
	if (r == 0)
		r = dial_start(broker->loop, &address, session->row.port,
			(unsigned)broker->settings->session_login_timeout * 1000, &own, on_dialed,
			starting, &session->dial);
	if (r < 0)
		free(starting);
	else
		session->starting = starting;
	return r;
}

static void begin(struct broker *broker, struct session *session)
{
	session->start_asked = true;
	session->start_at = clock_monotonic_ms();
	int r = recording_ask(broker, session);
	if (r == 0)
		r = target_dial(broker, session);
	if (r < 0)
		session_end(broker, session, r, NULL);
}

void session_start(struct broker *broker, struct session *session)
{
	if (session->start_asked || session->row.state != SESSION_REDEEMED)
		return;
	session->start_waits = sessions_unlisted(broker) || broker->recorder == NULL;
	if (session->start_waits)
		return; /* sessions_go_on() */
	session->started = session->last_input = session->nobody_since = clock_monotonic_ms();
	begin(broker, session);
}

void session_start_again(struct broker *broker, struct session *session)
{
	session->recording = false; /* until it has taken the new stream */
	session->worker_asked = session->worker = false;
	log_info("session.again", "%lld: its start was cut short", (long long)session->row.id);
	begin(broker, session);
}

static int pins_take(struct broker *broker, const struct session *session, struct msg_grant *grant,
	struct worker_birth *birth)
{
	struct pin_row pins[PINS_MAX];
	const struct driver_row *driver = driver_find(session->row.protocol);

	if (driver == NULL)
		return -ERR_PROTOCOL_INVALID;
	grant->pins_required = driver->host_key;
	if (!driver->host_key)
		return 0;
	int count =
		store_pin_list(broker->store, session->row.device_id, session->row.protocol, pins);
	if (count <= 0)
		return count < 0 ? count : -ERR_HOST_KEY_UNKNOWN;
	grant->pin_count = birth->pin_count = (uint8_t)count;
	for (int i = 0; i < count; i++) {
		memcpy(grant->pins[i], pins[i].fingerprint, HASH_LEN);
		memcpy(birth->pins[i], pins[i].fingerprint, HASH_LEN);
		memcpy(birth->pin_algorithms[i], pins[i].algorithm,
			sizeof birth->pin_algorithms[i]);
	}
	return 0;
}

static int grant_send(struct broker *broker, const struct session *session,
	const struct credential_row *secret, const char *username, struct msg_grant *grant,
	int agent)
{
	const struct session_row *row = &session->row;

	grant->session = row->id;
	grant->identity = (struct identity){ "credential", "content", secret->id, secret->version };
	grant->kind = secret->kind;
	memcpy(grant->username, username, sizeof grant->username);
	memcpy(grant->session_id, row->session_id, sizeof grant->session_id);
	memcpy(grant->target, row->device, sizeof grant->target);
	return channel_send(broker->vault, MSG_SECRET_GRANT, channel_serial(broker->vault), grant,
		secret->sealed, secret->sealed_len, &agent, 1);
}

static void birth_fill(struct broker *broker, const struct session *session, const char *username,
	struct worker_birth *birth)
{
	const struct session_row *row = &session->row;

	birth->session = row->id;
	memcpy(birth->session_id, row->session_id, sizeof birth->session_id);
	memcpy(birth->protocol, row->protocol, sizeof birth->protocol);
	memcpy(birth->username, username, sizeof birth->username);
	memcpy(birth->target, row->device, sizeof birth->target);
	memcpy(birth->user, row->user, sizeof birth->user);
	memcpy(birth->terminal, broker->settings->session_terminal_type, sizeof birth->terminal);
	birth->columns = session->columns;
	birth->rows = session->rows;
	birth->width = session->width;
	birth->height = session->height;
	birth->login_timeout = (uint16_t)broker->settings->session_login_timeout;
	memcpy(birth->expect[0], broker->settings->telnet_user_prompt, sizeof birth->expect[0]);
	memcpy(birth->expect[1], broker->settings->telnet_password_prompt, sizeof birth->expect[1]);
	memcpy(birth->expect[2], broker->settings->telnet_success, sizeof birth->expect[2]);
	memcpy(birth->expect[3], broker->settings->telnet_failure, sizeof birth->expect[3]);
}

/* A memory file that nobody can change any more. */
int birth_file(const struct worker_birth *birth, int *ret_fd)
{
	CLEANUP(fd_closep) int fd = memfd_create("birth", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, birth, sizeof *birth) != (ssize_t)sizeof *birth ||
		lseek(fd, 0, SEEK_SET) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) <
			0)
		return -ERR_SYSTEM;
	*ret_fd = STEAL_FD(fd);
	return 0;
}

static int worker_ask(
	struct broker *broker, struct session *session, const struct worker_birth *birth, int agent)
{
	CLEANUP(fd_closep) int file = -1;
	struct msg_worker_start start = { .session = session->row.id };
	int r = birth_file(birth, &file);

	if (r < 0)
		return r;
	memcpy(start.driver, session->row.protocol, sizeof start.driver);
	snprintf(start.title, sizeof start.title, "session %lld %.30s -> %.30s",
		(long long)session->row.id, session->row.user, session->row.device);
	const int fds[] = { session->target, session->view, agent, file };
	session->worker_serial = channel_serial(broker->process.supervisor);
	r = channel_send(broker->process.supervisor, MSG_WORKER_START, session->worker_serial,
		&start, NULL, 0, fds, 4);
	if (r < 0)
		return r;
	session->worker = true;
	fd_closep(&session->target);
	fd_closep(&session->view);
	return 0;
}

/* Who logs in, and the row of the credential whose secret he has. */
static int secret_get(struct broker *broker, int64_t credential_id, struct login *ret_login,
	struct credential_row *ret_secret)
{
	int r = store_credential_get(broker->store, credential_id, ret_secret);

	if (r == 0)
		r = login_find(broker, ret_secret, ret_login);
	if (r < 0 || ret_login->secret_id == credential_id)
		return r;
	store_credential_finish(ret_secret);
	return store_credential_get(broker->store, ret_login->secret_id, ret_secret);
}

/* Target connected, recording begun: now the secret may be promised and the worker started. */
static int worker_launch(struct broker *broker, struct session *session)
{
	CLEANUP(store_credential_finish) struct credential_row secret = { 0 };
	struct login login;
	struct msg_grant grant;
	struct worker_birth birth;
	int ends[2] = { -1, -1 };

	memset(&grant, 0, sizeof grant);
	memset(&birth, 0, sizeof birth);
	int r = secret_get(broker, session->row.credential_id, &login, &secret);
	if (r == 0)
		r = pins_take(broker, session, &grant, &birth);
	if (r == 0)
		r = wire_pair(SOCK_STREAM, ends);
	if (r < 0)
		return r;
	birth.kind = secret.kind;
	birth_fill(broker, session, login.username, &birth);
	r = grant_send(broker, session, &secret, login.username, &grant, ends[0]);
	session->worker_asked = r == 0;
	if (r == 0)
		r = worker_ask(broker, session, &birth, ends[1]);
	close(ends[0]);
	close(ends[1]);
	return r;
}

void session_go_on(struct broker *broker, struct session *session)
{
	if (session->row.state == SESSION_ENDED)
		return;
	if (session->recording)
		attach_join_waiting(broker, session);
	if (!session->recording || session->target < 0 || session->worker_asked ||
		broker->vault == NULL) /* sessions_go_on() when it is back */
		return;
	int r = worker_launch(broker, session);
	if (r < 0)
		session_end(broker, session, r, NULL);
}

void sessions_go_on(struct broker *broker)
{
	struct session *session, *next;

	for (session = broker->sessions.first; session != NULL; session = next) {
		next = session->next;
		if (session->start_waits)
			session_start(broker, session);
		else
			session_go_on(broker, session);
	}
}

void session_drop_start(struct broker *broker, struct session *session)
{
	dial_cancel(STEAL(session->dial));
	mem_freep(&session->starting);
	session->starting = NULL;
	fd_closep(&session->target);
	fd_closep(&session->view);
	attach_refuse_waiting(broker, session, session->end_why);
}
