/* SPDX-License-Identifier: Apache-2.0 */
#include "play.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "wire/wire.h"

void play_init(struct play *play, const char *protocol, const char *username)
{
	memset(play, 0, sizeof *play);
	play->birth.session = 4711;
	play->birth.kind = SECRET_PASSWORD;
	play->birth.columns = 100;
	play->birth.rows = 30;
	play->birth.login_timeout = 10;
	text_copy(play->birth.session_id, SESSION_ID_SIZE,
		"0123456789012345678901234567890123456789");
	text_copy(play->birth.protocol, PROTOCOL_SIZE, protocol);
	text_copy(play->birth.username, USERNAME_SIZE, username);
	text_copy(play->birth.target, HOSTNAME_SIZE, "db1");
	text_copy(play->birth.user, LOGIN_SIZE, "ana");
	text_copy(play->birth.terminal, sizeof play->birth.terminal, "xterm-256color");
	play->agent = -1;
	play->in = BUF(64u * 1024 * 1024);
	play->text = BUF(512u * 1024 * 1024);
	play->question = BUF(65536);
	play->states = BUF(64);
}

int play_dial(unsigned short port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void become_worker(const char *executable, const int fds[4])
{
	char *argv[] = { (char *)executable,
		(char *)"                                             "
			"                                             ",
		NULL };
	char *no_environment[] = { NULL };
	int high[4];

	for (int i = 0; i < 4; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 20);
	for (int i = 0; i < 4; i++)
		dup2(high[i], 3 + i);
	close_range(7, ~0u, 0);
	execve(executable, argv, no_environment);
	_exit(127);
}

void play_start(struct play *play, const char *executable, int target)
{
	int view[2], vault[2];
	int birth = memfd_create("birth", MFD_CLOEXEC);
	int kind = play->birth.probe ? SOCK_SEQPACKET : SOCK_STREAM;

	assert_true(birth >= 0);
	assert_int_equal(write(birth, &play->birth, sizeof play->birth), sizeof play->birth);
	assert_int_equal(wire_pair(kind, view), 0);
	assert_int_equal(wire_pair(SOCK_STREAM, vault), 0);
	play->worker = fork_child();
	if (play->worker == 0)
		become_worker(executable, (int[4]){ target, view[1], vault[1], birth });
	close(birth);
	close(target);
	close(view[1]);
	close(vault[1]);
	play->view = view[0];
	play->vault = vault[0];
}

static void take_ended(struct play *play, const struct view_frame *frame)
{
	size_t len = MIN(frame->len - 8, sizeof play->words - 1);

	play->ended = true;
	play->why = (int)get32(frame->payload);
	play->exit_status = (int)get32(frame->payload + 4);
	memcpy(play->words, frame->payload + 8, len);
	play->words[len] = '\0';
}

static void take_frame(struct play *play, const struct view_frame *frame)
{
	/* Nothing may follow the end. */
	assert_false(play->ended);
	switch (frame->type) {
	case VIEW_STATE:
		play->state = frame->payload[0];
		assert_int_equal(buf_append(&play->states, &play->state, 1), 0);
		break;
	case VIEW_TEXT:
		assert_int_equal(buf_append(&play->text, frame->payload, frame->len), 0);
		break;
	case VIEW_SIZE:
		play->columns = get16(frame->payload);
		play->rows = get16(frame->payload + 2);
		break;
	case VIEW_ENDED:
		take_ended(play, frame);
		break;
	case VIEW_KEYFRAME: /* for who comes later; whoever read everything needs none */
		break;
	default:
		fail_msg("a worker must not send frame %u", frame->type);
	}
}

static void serve_view(struct play *play)
{
	struct view_frame frame;
	uint8_t *room;
	int r;

	assert_int_equal(buf_reserve(&play->in, 262144, &room), 0);
	ssize_t n = recv(play->view, room, 262144, MSG_DONTWAIT);
	buf_commit(&play->in, n > 0 ? (size_t)n : 0);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		play->closed = true;
	while ((r = view_next(play->in.data, play->in.len, &frame)) > 0) {
		take_frame(play, &frame);
		buf_consume(&play->in, (size_t)r);
	}
	assert_int_equal(r, 0);
}

static uint32_t big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void answer(struct play *play, uint8_t type, const char *secret)
{
	size_t len = secret != NULL ? strlen(secret) : 0;
	size_t body = secret != NULL ? 5 + len : 1;
	uint8_t bytes[1024] = { 0, 0, (uint8_t)(body >> 8), (uint8_t)body, type, 0, 0,
		(uint8_t)(len >> 8), (uint8_t)len };

	if (secret != NULL)
		memcpy(bytes + 9, secret, len);
	assert_int_equal(send(play->vault, bytes, 4 + body, MSG_NOSIGNAL), 4 + body);
}

static int dial_agent(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(text_copy(address.sun_path, sizeof address.sun_path, path), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* For a key, and only for a key, what the key exchange hashed: the pinned host's. */
static void take_exchange(struct play *play, const uint8_t *rest, size_t len)
{
	struct sshwire wire = SSHWIRE(rest, len);
	struct sshspan exchange;

	if (play->birth.kind != SECRET_SSH_KEY) {
		assert_int_equal(len, 0);
		return;
	}
	assert_int_equal(sshwire_string(&wire, &exchange), 0);
	assert_int_equal(wire.left, 0);
	assert_int_equal(exchange_read(exchange, play->proof, &play->exchange), 0);
}

/* The first frame must be the question with the host key's hash, to the byte. */
static void take_pin(struct play *play, const uint8_t *frame, size_t len)
{
	assert_true(len >= 1 + 4 + 13 + 4 + 32);
	assert_int_equal(frame[0], 27);
	assert_int_equal(big32(frame + 1), 13);
	assert_memory_equal(frame + 5, "pin@sallyport", 13);
	assert_int_equal(big32(frame + 18), 32);
	memcpy(play->proof, frame + 22, 32);
	take_exchange(play, frame + 54, len - 54);
	play->asked++;
	if (play->vault_double == VAULT_PASSWORD)
		answer(play, 6, play->secret);
	if (play->vault_double == VAULT_KEY) {
		answer(play, 6, NULL);
		play->agent = dial_agent(play->agent_socket);
	}
	if (play->vault_double == VAULT_REFUSES)
		answer(play, 5, NULL);
	if (play->vault_double == VAULT_HANGS_UP) {
		close(play->vault);
		play->vault = -1;
	}
}

/* The login that is to be signed is one in the session whose exchange was shown. */
static void check_session(const struct play *play, const uint8_t *frame, size_t len)
{
	struct sshwire wire = SSHWIRE(frame + 5, len - 5);
	struct sshspan blob, data, session;

	assert_int_equal(sshwire_string(&wire, &blob), 0);
	assert_int_equal(sshwire_string(&wire, &data), 0);
	wire = SSHWIRE(data.bytes, data.len);
	assert_int_equal(sshwire_string(&wire, &session), 0);
	assert_true(exchange_made(&play->exchange, session));
}

static void pass_to_agent(struct play *play, const uint8_t *frame, size_t len)
{
	uint8_t answer_bytes[65536];
	ssize_t n;

	assert_int_equal(play->vault_double, VAULT_KEY);
	assert_true(frame[4] == 11 || frame[4] == 13);
	play->signed_count += frame[4] == 13;
	if (frame[4] == 13)
		check_session(play, frame, len);
	assert_int_equal(write(play->agent, frame, len), len);
	n = read(play->agent, answer_bytes, sizeof answer_bytes);
	assert_true(n > 4 && (uint32_t)n == 4 + big32(answer_bytes));
	assert_int_equal(send(play->vault, answer_bytes, (size_t)n, MSG_NOSIGNAL), n);
}

static void serve_vault(struct play *play)
{
	uint8_t *room;

	assert_int_equal(buf_reserve(&play->question, 16384, &room), 0);
	ssize_t n = recv(play->vault, room, 16384, MSG_DONTWAIT);
	buf_commit(&play->question, n > 0 ? (size_t)n : 0);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		close(play->vault);
		play->vault = -1;
		return;
	}
	while (play->vault >= 0 && play->question.len >= 4 &&
		play->question.len >= 4 + big32(play->question.data)) {
		size_t len = 4 + big32(play->question.data);

		if (play->asked == 0)
			take_pin(play, play->question.data + 4, len - 4);
		else
			pass_to_agent(play, play->question.data, len);
		buf_consume(&play->question, len);
	}
}

bool play_until(struct play *play, play_condition *condition, const void *context, unsigned ms)
{
	uint64_t end = clock_monotonic_ms() + ms;

	while (!condition(play, context)) {
		uint64_t now = clock_monotonic_ms();
		struct pollfd fds[2] = { { play->hold ? -1 : play->view, POLLIN, 0 },
			{ play->vault, POLLIN, 0 } };

		if (now >= end)
			return false;
		if (play->closed)
			fds[0].fd = -1;
		poll(fds, 2, (int)MIN(end - now, (uint64_t)100));
		if (fds[0].revents != 0)
			serve_view(play);
		if (fds[1].revents != 0)
			serve_vault(play);
	}
	return true;
}

static bool is_live(struct play *play, const void *context)
{
	return play->state == VIEW_LIVE || play->ended || play->closed;
}

static bool is_over(struct play *play, const void *context)
{
	return play->ended || play->closed;
}

static bool has_text(struct play *play, const void *context)
{
	return play->text.len > 0 &&
	       memmem(play->text.data, play->text.len, context, strlen(context)) != NULL;
}

bool play_live(struct play *play, unsigned ms)
{
	if (play_until(play, is_live, NULL, ms) && play->state == VIEW_LIVE && !play->ended)
		return true;
	print_message("not live: state %u, ended %d (%s) %s\n%.*s\n", play->state, play->ended,
		error_name(play->why), play->words, (int)MIN(play->text.len, (size_t)2000),
		play->text.len > 0 ? (char *)play->text.data : "");
	return false;
}

bool play_over(struct play *play, unsigned ms)
{
	return play_until(play, is_over, NULL, ms) && play->ended;
}

bool play_shows(struct play *play, const char *text, unsigned ms)
{
	if (play_until(play, has_text, text, ms))
		return true;
	size_t tail = MIN(play->text.len, (size_t)1000);
	print_message("not shown: %s\nbut: %.*s\n", text, (int)tail,
		tail > 0 ? (char *)play->text.data + play->text.len - tail : "");
	return false;
}

void play_frame(struct play *play, enum view_type type, const void *payload, size_t len)
{
	CLEANUP(buf_finish) struct buf out = BUF(VIEW_FRAME_MAX + VIEW_HEADER_LEN);

	assert_int_equal(view_write(&out, (uint8_t)type, payload, len), 0);
	assert_int_equal(send(play->view, out.data, out.len, MSG_NOSIGNAL), out.len);
}

void play_type(struct play *play, const char *text)
{
	play_frame(play, VIEW_KEYS, text, strlen(text));
}

void play_resize(struct play *play, uint16_t columns, uint16_t rows)
{
	uint8_t payload[8] = { 0 };

	put16(payload, columns);
	put16(payload + 2, rows);
	play_frame(play, VIEW_RESIZE, payload, sizeof payload);
}

void play_finish(struct play *play)
{
	fd_closep(&play->view);
	fd_closep(&play->vault);
	fd_closep(&play->agent);
	for (int i = 0; i < 300; i++) {
		if (waitpid(play->worker, &play->wait_status, WNOHANG) == play->worker) {
			play->worker = 0;
			break;
		}
		usleep(10000);
	}
	if (play->worker > 0) {
		kill(play->worker, SIGKILL);
		waitpid(play->worker, &play->wait_status, 0);
		fail_msg("the worker outlived its recorder by 3 s");
	}
	buf_finish(&play->in);
	buf_finish(&play->text);
	buf_finish(&play->question);
	buf_finish(&play->states);
}

long play_memory_kib(const struct play *play, const char *field)
{
	char path[64], line[256];
	long sum = 0;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)play->worker);
	FILE *file = fopen(path, "r");
	if (file == NULL) { /* an ordinary user may not look into a process that hides itself */
		snprintf(path, sizeof path, "/proc/%d/status", (int)play->worker);
		file = fopen(path, "r");
		field = "RssAnon";
	}
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			sum += strtol(strchr(line, ':') + 1, NULL, 10);
	fclose(file);
	return sum;
}

pid_t fork_child(void)
{
	pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

pid_t start_program(const char *const argv[])
{
	pid_t pid = fork_child();

	if (pid == 0) {
		int nothing = open("/dev/null", O_RDWR);

		dup2(nothing, 0);
		dup2(nothing, 1);
		if (getenv("PLAY_LOUD") == NULL)
			dup2(nothing, 2);
		close_range(3, ~0u, 0);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	return pid;
}

void stop_program(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

void run_program(const char *const argv[], const char *input)
{
	int pipe_fds[2], status;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipe_fds[0], 0);
		dup2(open("/dev/null", O_WRONLY), 1);
		if (getenv("PLAY_LOUD") == NULL)
			dup2(1, 2);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	close(pipe_fds[0]);
	if (input != NULL)
		assert_int_equal(write(pipe_fds[1], input, strlen(input)), strlen(input));
	close(pipe_fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("%s: status %d", argv[0], status);
}

int listen_on(unsigned short *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

unsigned short free_port(void)
{
	unsigned short port;

	close(listen_on(&port));
	return port;
}

void wait_port(unsigned short port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int i = 0; i < 500; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int r = connect(fd, (struct sockaddr *)&address, sizeof address);

		close(fd);
		if (r == 0)
			return;
		usleep(10000);
	}
	fail_msg("nothing listens on port %u", port);
}

void account_make(struct account *account)
{
	char line[128], random[24];

	random_hex(random, 4);
	snprintf(account->name, sizeof account->name, "spw%s", random);
	random_hex(random, 9);
	snprintf(account->password, sizeof account->password, "pw-%s", random);
	snprintf(line, sizeof line, "%s:%s\n", account->name, account->password);
	run_program(
		(const char *const[]){ "useradd", "-m", "-s", "/bin/bash", account->name, NULL },
		NULL);
	run_program((const char *const[]){ "chpasswd", NULL }, line);
}

void account_remove(const struct account *account)
{
	pid_t pid = start_program((const char *const[]){ "userdel", "-rf", account->name, NULL });

	waitpid(pid, NULL, 0);
}

void write_text(const char *path, const char *format, ...)
{
	FILE *file = fopen(path, "w");
	va_list arguments;

	assert_non_null(file);
	va_start(arguments, format);
	assert_true(vfprintf(file, format, arguments) >= 0);
	va_end(arguments);
	assert_int_equal(fclose(file), 0);
}
