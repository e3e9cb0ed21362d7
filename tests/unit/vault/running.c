/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <signal.h>
#include <sys/socket.h>

const char *running_program;

/* Descriptors 3, 4 and 5 of the program; what is -1 is not there. */
static void exec_init(const char *source, const int fds[3], int out)
{
	char *const argv[] = { "sallyport-vault", "--init", (char *)source, NULL };
	int high[3];
	for (unsigned i = 0; i < 3; i++)
		high[i] = fds[i] >= 0 ? fcntl(fds[i], F_DUPFD, 20) : -1;
	dup2(out, 1);
	for (int i = 0; i < 3; i++) {
		close(3 + i);
		if (high[i] >= 0)
			dup2(high[i], 3 + i);
	}
	execve(running_program, argv, (char *const[]){ "ASAN_OPTIONS=detect_leaks=0", NULL });
	_exit(127);
}

int running_init_from(
	const struct fixture *f, const char *source, int secret, int token, char pem[512])
{
	int out[2], status;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		exec_init(source, (const int[]){ f->directory, secret, token }, out[1]);
	close(out[1]);
	size_t len = 0;
	for (ssize_t n; len < 511 && (n = read(out[0], pem + len, 511 - len)) > 0;)
		len += (size_t)n;
	pem[len] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int running_init(const struct fixture *f, const char *passphrase, char pem[512])
{
	if (passphrase == NULL)
		return running_init_from(f, "root-key", -1, -1, pem);
	int in = running_pipe(passphrase, strlen(passphrase));
	int status = running_init_from(f, "passphrase", in, -1, pem);
	close(in);
	return status;
}

static int on_question(void *context, struct channel *channel, struct message *message)
{
	struct running *running = context;
	struct msg_token_answer answer = { 0 };
	int r = running->token(running, message->payload, &answer);
	if (r == 0)
		channel_send(channel, MSG_TOKEN_ANSWER, message->serial, &answer, NULL, 0, NULL, 0);
	else if (r == 2)
		channel_destroy(STEAL(running->token_channel));
	return 0;
}

static void on_token_gone(void *context, struct channel *channel)
{
	channel_destroy(STEAL(((struct running *)context)->token_channel));
}

/* What the supervisor does: starts the token's program, which is this test. */
static void start_token(struct running *running, struct message *message)
{
	struct msg_result result = { running->token == NULL ? -ERR_TOKEN_UNSET : 0 };
	int ends[2] = { -1, -1 };
	running->token_starts++;
	memset(running->pin, 0, sizeof running->pin);
	if (message->fd_count == 1)
		assert_true(read(message->fds[0], running->pin, sizeof running->pin - 1) >= 0);
	if (result.result == 0) {
		channel_destroy(STEAL(running->token_channel));
		assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
		assert_int_equal(
			channel_create(running->loop, ends[0], PARTY_TOKEN, PARTY_VAULT,
				on_question, on_token_gone, running, &running->token_channel),
			0);
	}
	channel_send(running->supervisor, MSG_TOKEN_STARTED, message->serial, &result, NULL, 0,
		&ends[1], ends[1] >= 0);
	fd_closep(&ends[1]);
}

static void take_state(struct running *running, const struct message *message)
{
	if (message->serial == 0) {
		memcpy(&running->state, message->payload, sizeof running->state);
		running->states++;
	} else if (message->serial == running->waits_for) {
		memcpy(&running->answer, message->payload, sizeof running->answer);
		running->answered = true;
	}
}

static int on_message(void *context, struct channel *channel, struct message *message)
{
	struct running *running = context;
	switch (message->type) {
	case MSG_READY:
		running->ready = true;
		break;
	case MSG_TOKEN_START:
		start_token(running, message);
		break;
	case MSG_VAULT_STATE:
		take_state(running, message);
		break;
	case MSG_SECRET_WANTED:
		running->wanted++;
		break;
	case MSG_SECRET_REFUSED:
		running->refused++;
		running->why = ((const struct msg_refused *)message->payload)->result;
		break;
	default:
		break;
	}
	return 0;
}

static void on_gone(void *context, struct channel *channel)
{
	((struct running *)context)->gone = true;
}

static void exec_vault(int supervisor)
{
	char *const argv[] = { "sallyport-vault",
		"                                                                                ",
		NULL };
	int high = fcntl(supervisor, F_DUPFD, 20);
	dup2(high, 3);
	/* Leaks are looked for with ptrace, which the sandbox forbids. */
	execve(running_program, argv, (char *const[]){ "ASAN_OPTIONS=detect_leaks=0", NULL });
	_exit(127);
}

static struct channel *meet(struct running *running, enum party party)
{
	struct msg_peer peer = { .party = (uint8_t)party };
	struct channel *channel;
	int ends[2];
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(
		channel_send(running->supervisor, MSG_PEER, 0, &peer, NULL, 0, &ends[1], 1), 0);
	close(ends[1]);
	assert_int_equal(channel_create(running->loop, ends[0], party, PARTY_VAULT, on_message,
				 on_gone, running, &channel),
		0);
	return channel;
}

static void give_more(struct running *running)
{
	for (unsigned i = 0; i < 2 && running->given[i].name != NULL; i++) {
		struct msg_give give = { 0 };
		text_copy(give.name, sizeof give.name, running->given[i].name);
		assert_int_equal(channel_send(running->supervisor, MSG_GIVE, 0, &give, NULL, 0,
					 &running->given[i].fd, 1),
			0);
	}
}

void running_start(struct running *running, uint32_t uid)
{
	static struct msg_start start;
	struct msg_give give = { .name = "vault" };
	struct msg_nothing nothing = { 0 };
	int ends[2];
	signal(SIGPIPE, SIG_IGN);
	running->ready = running->gone = false;
	assert_int_equal(loop_create(&running->loop), 0);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	running->pid = fork();
	assert_true(running->pid >= 0);
	if (running->pid == 0)
		exec_vault(ends[1]);
	close(ends[1]);
	assert_int_equal(channel_create(running->loop, ends[0], PARTY_SUPERVISOR, PARTY_VAULT,
				 on_message, on_gone, running, &running->supervisor),
		0);
	memset(&start, 0, sizeof start);
	text_copy(start.format, sizeof start.format, wire_format());
	start.uid = uid;
	settings_defaults(&start.settings);
	if (running->settings != NULL)
		start.settings = *running->settings;
	assert_int_equal(channel_tell(running->supervisor, MSG_START, &start), 0);
	assert_int_equal(channel_send(running->supervisor, MSG_GIVE, 0, &give, NULL, 0,
				 &running->f.directory, 1),
		0);
	if (running->heritage > 0) {
		struct msg_give handover = { .name = "handover" };
		assert_int_equal(channel_send(running->supervisor, MSG_GIVE, 0, &handover, NULL, 0,
					 &running->heritage, 1),
			0);
		close(running->heritage);
		running->heritage = 0;
	}
	give_more(running);
	running->broker = meet(running, PARTY_BROKER);
	running->recorder = meet(running, PARTY_RECORDER);
	assert_int_equal(channel_tell(running->supervisor, MSG_GO, &nothing), 0);
	running_serve(running, &running->ready);
	assert_true(running->ready);
}

void running_begin(struct running *running)
{
	char pem[512];
	*running = (struct running){ 0 };
	fixture_begin(&running->f);
	assert_int_equal(running_init(&running->f, NULL, pem), 0);
	running_start(running, 0);
}

void running_begin_passphrase(struct running *running, const char *words)
{
	struct keyring_lock lock = {
		.source = SOURCE_PASSPHRASE, .passes = 1, .memory = 8u << 20, .salt = "salt"
	};
	uint8_t material[ROOT_MATERIAL_LEN];
	struct secret *passphrase = secret_create(words, strlen(words));
	fixture_begin(&running->f);
	assert_int_equal(source_passphrase(&lock, passphrase, material), 0);
	assert_int_equal(keyring_create(running->f.directory, &lock, material), 0);
	secret_destroy(passphrase);
	running_start(running, 0);
}

struct watcher {
	struct running *running;
	const bool *flag;
	unsigned turns;
};

static void on_tick(void *context)
{
	struct watcher *watcher = context;
	struct timer *timer;
	if ((watcher->flag != NULL && *watcher->flag) || watcher->turns-- == 0)
		loop_stop(watcher->running->loop);
	else
		loop_after(watcher->running->loop, 5, on_tick, watcher, &timer);
}

void running_serve(struct running *running, const bool *flag)
{
	/* Five seconds for something that must come, a moment for something that must not. */
	struct watcher watcher = { running, flag, flag != NULL ? 1000 : 40 };
	on_tick(&watcher);
	assert_int_equal(loop_run(running->loop), 0);
}

void running_stop(struct running *running)
{
	struct msg_nothing nothing = { 0 };
	assert_int_equal(channel_tell(running->supervisor, MSG_STOP, &nothing), 0);
	running_await_end(running);
}

void running_await_end(struct running *running)
{
	int status;
	assert_int_equal(waitpid(running->pid, &status, 0), running->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	channel_destroy(running->broker);
	channel_destroy(running->recorder);
	channel_destroy(STEAL(running->token_channel));
	channel_destroy(running->supervisor);
	loop_destroy(running->loop);
}

void running_finish(struct running *running)
{
	running_stop(running);
	fixture_finish(&running->f);
}

void running_new_broker(struct running *running)
{
	channel_destroy(running->broker);
	running->broker = meet(running, PARTY_BROKER);
	running_serve(running, NULL);
}

struct channel *running_next_broker(struct running *running)
{
	struct channel *fresh = meet(running, PARTY_BROKER);
	running_serve(running, NULL);
	return fresh;
}

int running_heritage(struct running *running)
{
	struct msg_peer peer = { .party = PARTY_VAULT, .generation = 2 };
	int ends[2], on = 1;
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	for (unsigned i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	assert_int_equal(
		channel_send(running->supervisor, MSG_PEER, 0, &peer, NULL, 0, &ends[0], 1), 0);
	close(ends[0]);
	return ends[1];
}

void running_ask(struct running *running, enum msg_type type, const void *payload, const void *tail,
	size_t tail_len, int fd, enum msg_type expect, struct message *ret_reply)
{
	struct channel *channel =
		type == MSG_RECORDING_CERTIFY ? running->recorder : running->broker;
	int r = channel_ask(
		channel, type, payload, tail, tail_len, &fd, fd >= 0, expect, 8000, ret_reply);
	if (r < 0)
		fail_msg("%s: %s", message_name(type), error_name(r));
}

struct msg_vault_state running_state(struct running *running, enum msg_type type, const char *text)
{
	struct msg_nothing nothing = { 0 };
	struct message reply;
	int fd = text == NULL ? -1 : running_pipe(text, strlen(text));
	running_ask(running, type, &nothing, NULL, 0, fd, MSG_VAULT_STATE, &reply);
	struct msg_vault_state state = *(const struct msg_vault_state *)reply.payload;
	message_finish(&reply);
	fd_closep(&fd);
	return state;
}

struct msg_vault_state running_state_later(
	struct running *running, enum msg_type type, const char *text)
{
	struct msg_nothing nothing = { 0 };
	int fd = text == NULL ? -1 : running_pipe(text, strlen(text));
	running->answered = false;
	running->waits_for = channel_serial(running->broker);
	assert_int_equal(channel_send(running->broker, type, running->waits_for, &nothing, NULL, 0,
				 &fd, fd >= 0),
		0);
	fd_closep(&fd);
	running_serve(running, &running->answered);
	assert_true(running->answered);
	return running->answer;
}

int running_pipe(const char *text, size_t len)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], text, len), len);
	close(ends[1]);
	return ends[0];
}

int running_honest_token(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	const char *pin = question->automatic ? RUNNING_PIN : running->pin;
	if (strcmp(pin, RUNNING_PIN) != 0) {
		ret_answer->result = -ERR_PIN_WRONG;
		return 0;
	}
	ret_answer->len = question->len;
	for (unsigned i = 0; i < question->len; i++)
		ret_answer->bytes[i] = question->bytes[i] ^ RUNNING_XOR;
	return 0;
}

void running_begin_token(struct running *running, struct settings *settings, const char *pin)
{
	struct keyring_lock lock = { .source = SOURCE_TOKEN, .wrapped_len = ROOT_MATERIAL_LEN };
	uint8_t material[ROOT_MATERIAL_LEN];
	for (unsigned i = 0; i < sizeof material; i++) {
		material[i] = (uint8_t)(i * 7);
		lock.wrapped[i] = material[i] ^ RUNNING_XOR;
	}
	memset(lock.salt, 3, sizeof lock.salt);
	fixture_begin(&running->f);
	assert_int_equal(keyring_create(running->f.directory, &lock, material), 0);
	settings_defaults(settings);
	text_copy(settings->vault_token_pin, sizeof settings->vault_token_pin, pin);
	running->settings = settings;
	running->token = running_honest_token;
	running_start(running, 0);
}
