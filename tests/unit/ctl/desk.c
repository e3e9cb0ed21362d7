/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/mem.h"
#include "wire/params.h"
#include "wire/wire.h"

#define PATIENCE_MS 30000
#define WORDS_MOST 64

struct header {
	uint16_t type, fds;
	uint32_t serial, tail, zero;
};

int desk_open(void **state)
{
	struct desk *desk = calloc(1, sizeof *desk);

	text_copy(desk->directory, sizeof desk->directory, "/tmp/sallyport-desk-XXXXXX");
	assert_non_null(mkdtemp(desk->directory));
	desk->listener = desk->connection = -1;
	for (int i = 0; i < 2; i++) {
		desk->said[i] = memfd_create("said", MFD_CLOEXEC);
		desk->kept[i] = fcntl(1 + i, F_DUPFD_CLOEXEC, 60);
	}
	setenv("SALLYPORT_DATA", desk->directory, 1);
	*state = desk;
	return 0;
}

static int take_away(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
	return remove(path);
}

int desk_close(void **state)
{
	struct desk *desk = *state;

	fd_closep(&desk->listener);
	fd_closep(&desk->connection);
	for (int i = 0; i < 2; i++) {
		close(desk->said[i]);
		close(desk->kept[i]);
	}
	assert_int_equal(nftw(desk->directory, take_away, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(desk);
	return 0;
}

void desk_bytes(struct desk *desk, const char *name, const void *bytes, size_t len)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", desk->directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

void desk_file(struct desk *desk, const char *name, const char *text)
{
	desk_bytes(desk, name, text, strlen(text));
}

/* SubjectPublicKeyInfo of Ed25519: twelve fixed bytes and the key. */
void desk_pem(struct desk *desk, const char *name, const uint8_t key[32])
{
	uint8_t info[44] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21 };
	char base64[BASE64_SIZE(sizeof info)], pem[256];

	memcpy(info + 12, key, 32);
	base64_encode(base64, info, sizeof info);
	snprintf(pem, sizeof pem, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n",
		base64);
	desk_file(desk, name, pem);
}

void desk_gateway(struct desk *desk)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", desk->directory);
	desk->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(desk->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(desk->listener, 4), 0);
}

/* ---- the gateway ---- */

static void keep_params(struct desk_call *call, const struct message *message)
{
	const uint8_t *at = message->tail, *end = at + message->tail_len;
	struct param param;
	int r;

	while ((r = params_next(&at, end, &param)) == 1) {
		size_t len = strlen(call->params);
		assert_int_equal(param.place, PLACE_CONTROL);
		assert_int_equal(param.type, PARAM_TEXT);
		/* A long value is told by its beginning. */
		snprintf(call->params + len, sizeof call->params - len, "%s%.*s=%.*s",
			len > 0 ? " " : "", (int)param.name_len, param.name,
			(int)MIN(param.value_len, 400U), param.value);
	}
	assert_int_equal(r, 0);
}

static void read_secret(int fd, char *out, size_t size)
{
	size_t len = 0;

	for (ssize_t got; len < size - 1 && (got = read(fd, out + len, size - 1 - len)) > 0;)
		len += (size_t)got;
	out[len] = '\0';
}

static void use_descriptors(struct desk *desk, struct desk_call *call, int *fds, unsigned count)
{
	call->fd_count = count;
	if (count == 0)
		return;
	size_t len = desk->secret_out == NULL ? 0
		     : desk->secret_len != 0  ? desk->secret_len
					      : strlen(desk->secret_out);
	if (len > 0)
		assert_int_equal(write(fds[count - 1], desk->secret_out, len), len);
	else
		read_secret(fds[0], call->secret, sizeof call->secret);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

static void answer(struct desk *desk, uint32_t serial, const char *body)
{
	size_t left = strlen(body), part = desk->part != 0 ? desk->part : REPLY_PART_MAX;
	struct msg_api_reply reply = { .status = 200 };

	do {
		size_t len = MIN(left, part);
		struct header header = { desk->type != 0 ? desk->type : MSG_CONTROL_REPLY, 0,
			serial + (uint32_t)desk->serial_off, (uint32_t)len, 0 };
		struct iovec pieces[] = { { &header, sizeof header }, { &reply, sizeof reply },
			{ (char *)body, len } };
		struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 3 };
		left -= len;
		body += len;
		reply.more = left > 0;
		if (sendmsg(desk->connection, &message, MSG_NOSIGNAL) < 0)
			return; /* it had heard enough */
	} while (left > 0);
}

static unsigned descriptors_of(struct msghdr *message, int fds[4])
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(message);

	if (cmsg == NULL)
		return 0;
	memcpy(fds, CMSG_DATA(cmsg), cmsg->cmsg_len - CMSG_LEN(0));
	return (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
}

static const char *answer_for(const struct desk *desk, unsigned index)
{
	while (index > 0 && (index >= DESK_CALLS || desk->answers[index] == NULL))
		index--;
	return desk->answers[index] != NULL ? desk->answers[index] : "{}";
}

/* One call. False when there is no more to come. */
static bool serve(struct desk *desk)
{
	static uint8_t packet[MESSAGE_MAX];
	char control[CMSG_SPACE(sizeof(int) * 4)];
	struct iovec piece = { packet, sizeof packet };
	struct msghdr header = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control };
	struct message message;
	int fds[4];

	ssize_t got = recvmsg(desk->connection, &header, MSG_CMSG_CLOEXEC);
	if (got <= 0)
		return false;
	unsigned count = descriptors_of(&header, fds);
	assert_int_equal(
		wire_permit(PARTY_CONTROL, PARTY_BROKER, packet, (size_t)got, count, &message), 0);
	struct desk_call *call = &desk->calls[desk->call_count % DESK_CALLS];
	const struct msg_api_call *sent = message.payload;
	*call = (struct desk_call){ 0 };
	text_copy(call->method, sizeof call->method, sent->method);
	text_copy(call->path, sizeof call->path, sent->path);
	assert_int_equal(strlen(sent->trace), TRACE_SIZE - 1);
	keep_params(call, &message);
	use_descriptors(desk, call, fds, count);
	if (desk->hangs_up)
		return false;
	answer(desk, message.serial, answer_for(desk, desk->call_count++));
	return true;
}

static void accept_one(struct desk *desk)
{
	fd_closep(&desk->connection);
	desk->connection = accept4(desk->listener, NULL, NULL, SOCK_CLOEXEC);
	desk->connections++;
}

/* Plays the gateway until the command has ended. */
static void play(struct desk *desk, pid_t pid)
{
	int end = (int)syscall(SYS_pidfd_open, pid, 0);

	assert_true(end >= 0);
	for (;;) {
		struct pollfd polled[] = { { desk->connection, POLLIN, 0 },
			{ desk->listener, POLLIN, 0 }, { end, POLLIN, 0 } };
		assert_true(poll(polled, 3, PATIENCE_MS) > 0);
		if (polled[0].revents != 0 && !serve(desk))
			fd_closep(&desk->connection);
		else if (polled[0].revents == 0 && polled[1].revents != 0)
			accept_one(desk);
		else if (polled[0].revents == 0 && polled[2].revents != 0)
			break;
	}
	close(end);
}

/* ---- the command ---- */

static void read_said(int fd, char *out, size_t size)
{
	ssize_t got = pread(fd, out, size - 1, 0);

	assert_true(got >= 0);
	out[got] = '\0';
}

void desk_capture(struct desk *desk)
{
	fflush(NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ftruncate(desk->said[i], 0), 0);
		lseek(desk->said[i], 0, SEEK_SET);
		dup2(desk->said[i], 1 + i);
	}
}

void desk_release(struct desk *desk)
{
	fflush(NULL);
	for (int i = 0; i < 2; i++)
		dup2(desk->kept[i], 1 + i);
	read_said(desk->said[0], desk->out, sizeof desk->out);
	read_said(desk->said[1], desk->error, sizeof desk->error);
}

/* How many questions were asked: each ends in ": ". */
static unsigned questions(const struct desk *desk)
{
	char text[4096];
	unsigned count = 0;
	ssize_t got = pread(desk->said[1], text, sizeof text - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	for (const char *at = text; (at = strstr(at, ": ")) != NULL; at += 2)
		count++;
	return count;
}

/* Passes on what the terminal shows, and answers when a question was asked and the echo is off. */
static void type(const struct desk *desk, int master)
{
	unsigned answered = 0;
	char bytes[256];

	for (;;) {
		struct pollfd polled = { master, POLLIN, 0 };
		struct termios mode;
		const char *line = answered < ARRAY_LEN(desk->typed) ? desk->typed[answered] : NULL;
		if (poll(&polled, 1, 5) > 0) {
			ssize_t got = read(master, bytes, sizeof bytes);
			if (got <= 0 || write(desk->show[1], bytes, (size_t)got) != got)
				_exit(0); /* the command has ended */
		}
		if (line == NULL || questions(desk) <= answered || tcgetattr(master, &mode) < 0 ||
			(mode.c_lflag & ECHO) != 0)
			continue;
		if (write(master, line, strlen(line)) < 0)
			_exit(1);
		answered++;
	}
}

static void sit_at_terminal(const struct desk *desk)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (grantpt(master) < 0 || unlockpt(master) < 0)
		_exit(99);
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (desk->typed[0] != NULL && fork() == 0) {
		close(slave);
		type(desk, master);
	}
	dup2(slave, 0);
	close(slave);
	if (desk->typed[0] != NULL)
		close(master);
}

static void give_input(const struct desk *desk)
{
	int ends[2];

	if (desk->terminal) {
		sit_at_terminal(desk);
		close(desk->show[1]);
		return;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		_exit(99);
	if (desk->input != NULL && write(ends[1], desk->input, strlen(desk->input)) < 0)
		_exit(99);
	dup2(ends[0], 0);
	close(ends[0]);
	close(ends[1]);
}

int desk_fork(struct desk *desk, int (*fn)(void *), void *context)
{
	int status;

	desk_capture(desk);
	assert_int_equal(pipe2(desk->show, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		give_input(desk);
		int r = fn(context);
		fflush(NULL);
		_exit(r);
	}
	if (pid > 0)
		play(desk, pid);
	close(desk->show[1]);
	read_secret(desk->show[0], desk->shown, sizeof desk->shown);
	close(desk->show[0]);
	desk_release(desk);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	desk->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	desk->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	fd_closep(&desk->connection);
	return desk->status;
}

struct words {
	int argc;
	char *argv[WORDS_MOST];
};

static int run_words(void *context)
{
	struct words *words = context;

	return tested_main(words->argc, words->argv);
}

int desk_run(struct desk *desk, ...)
{
	struct words words = { 1, { "sallyport" } };
	va_list list;

	va_start(list, desk);
	for (char *word; (word = va_arg(list, char *)) != NULL;)
		words.argv[words.argc++] = word;
	va_end(list);
	return desk_fork(desk, run_words, &words);
}

/* ---- what came of it ---- */

void desk_said(const struct desk *desk, const char *out)
{
	if (strcmp(desk->out, out) != 0)
		print_message("on stderr: %s\n", desk->error);
	assert_string_equal(desk->out, out);
}

void desk_complained(const struct desk *desk, const char *part)
{
	if (strstr(desk->error, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, desk->error);
}

void desk_called(
	const struct desk *desk, unsigned index, const char *method_and_path, const char *params)
{
	char line[600];

	assert_true(index < desk->call_count && index < DESK_CALLS);
	snprintf(line, sizeof line, "%s %s", desk->calls[index].method, desk->calls[index].path);
	assert_string_equal(line, method_and_path);
	assert_string_equal(desk->calls[index].params, params);
}
