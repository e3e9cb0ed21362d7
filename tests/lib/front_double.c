/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the front alone, by hand or for a measurement: plays its supervisor and its broker.
 *
 *	front_double FRONT CERTIFICATE KEY PORT [SETTING=VALUE ..]
 *
 * Every call is answered with what the front understood of it; a URL value beginning with "good" is
 * redeemed; any proof is accepted, and the recorder is an echo. "flood" among the arguments makes
 * the recorder send without end instead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/format.h"
#include "wire/params.h"
#include "wire/view.h"
#include "wire/wire.h"

#define ECHO_MAX (256 * 1024)
#define BODY_MAX 131072

struct double_ {
	struct loop *loop;
	struct channel *front, *broker;
	struct settings settings;
	bool flood;
	uint8_t noise[65536];
};

struct echo {
	struct double_ *owner;
	int fd;
	struct watch *watch;
	struct buf out;
};

static void echo_end(struct echo *echo)
{
	watch_remove(echo->watch);
	close(echo->fd);
	buf_finish(&echo->out);
	free(echo);
}

static void on_echo(void *context, uint32_t events)
{
	struct echo *echo = context;
	struct double_ *owner = echo->owner;
	if (events & (EPOLLHUP | EPOLLERR)) {
		echo_end(echo);
		return;
	}
	if (owner->flood && (events & EPOLLOUT)) {
		while (send(echo->fd, owner->noise, sizeof owner->noise, MSG_NOSIGNAL) > 0)
			;
		return;
	}
	uint8_t bytes[65536];
	ssize_t got = echo->out.len == 0 ? recv(echo->fd, bytes, sizeof bytes, 0) : 0;
	if (got == 0 && echo->out.len == 0) {
		echo_end(echo);
		return;
	}
	if (got > 0)
		buf_append(&echo->out, bytes, (size_t)got);
	ssize_t sent = send(echo->fd, echo->out.data, echo->out.len, MSG_NOSIGNAL);
	if (sent > 0)
		buf_consume(&echo->out, (size_t)sent);
	watch_set(echo->watch, echo->out.len > 0 ? EPOLLOUT : EPOLLIN);
}

static void grant(struct double_ *owner, uint32_t serial)
{
	int pair[2];
	struct echo *echo = calloc(1, sizeof *echo);
	struct msg_result result = { 0 };
	if (!echo || wire_pair(SOCK_STREAM, pair) < 0)
		abort();
	*echo = (struct echo){ .owner = owner, .fd = pair[1], .out = BUF(ECHO_MAX) };
	loop_watch(owner->loop, echo->fd, owner->flood ? EPOLLOUT : EPOLLIN, on_echo, echo,
		&echo->watch);
	channel_send(owner->broker, MSG_ATTACH_GRANTED, serial, &result, NULL, 0, &pair[0], 1);
	close(pair[0]);
}

static void describe(
	struct buf *out, const struct msg_api_call *call, const struct message *message)
{
	struct json json = json_begin(out);
	const uint8_t *at = message->tail, *end = at + message->tail_len;
	struct param param;
	json_open_object(&json, NULL);
	json_text(&json, "method", call->method);
	json_text(&json, "path", call->path);
	json_text(&json, "raw_path", call->raw_path);
	json_text(&json, "host", call->host);
	json_open_array(&json, "parameters");
	while (params_next(&at, end, &param) == 1) {
		json_open_array(&json, NULL);
		json_number(&json, NULL, param.place);
		json_number(&json, NULL, param.type);
		json_text_len(&json, NULL, param.name, param.name_len);
		json_text_len(&json, NULL, param.value, param.value_len);
		json_close_array(&json);
	}
	json_close_array(&json);
	json_close_object(&json);
	json_finish(&json);
}

static void answer_call(struct double_ *owner, struct message *message)
{
	CLEANUP(buf_finish) struct buf body = BUF(BODY_MAX);
	struct msg_api_reply reply;
	memset(&reply, 0, sizeof reply);
	describe(&body, message->payload, message);
	reply.status = 200;
	text_copy(reply.content_type, sizeof reply.content_type, "application/json");
	channel_send(owner->broker, MSG_API_REPLY, message->serial, &reply, body.data,
		MIN(body.len, (size_t)REPLY_PART_MAX), NULL, 0);
}

static void answer_redeem(struct double_ *owner, struct message *message)
{
	const struct msg_redeem *redeem = message->payload;
	struct msg_redeemed redeemed;
	memset(&redeemed, 0, sizeof redeemed);
	redeemed.result = strncmp(redeem->value, "good", 4) == 0 ? 0 : -ERR_TICKET_REFUSED;
	memset(redeemed.session, 'a', sizeof redeemed.session - 1);
	memset(redeemed.cookie, 'c', sizeof redeemed.cookie - 1);
	text_copy(redeemed.user, sizeof redeemed.user, "ana");
	channel_send(
		owner->broker, MSG_TICKET_REDEEMED, message->serial, &redeemed, NULL, 0, NULL, 0);
}

static int on_question(void *context, struct channel *channel, struct message *message)
{
	struct double_ *owner = context;
	struct msg_challenge challenge;
	switch (message->type) {
	case MSG_API_CALL:
		answer_call(owner, message);
		break;
	case MSG_TICKET_REDEEM:
		answer_redeem(owner, message);
		break;
	case MSG_ATTACH_ASK:
		memset(&challenge, 7, sizeof challenge);
		channel_send(channel, MSG_ATTACH_CHALLENGE, message->serial, &challenge, NULL, 0,
			NULL, 0);
		break;
	case MSG_ATTACH_PROVE:
		grant(owner, message->serial);
		break;
	default:
		break;
	}
	return 0;
}

static int on_front(void *context, struct channel *channel, struct message *message)
{
	if (message->type == MSG_READY)
		fprintf(stderr, "ready\n");
	return 0;
}

static void on_gone(void *context, struct channel *channel)
{
	struct double_ *owner = context;
	int status = 0;
	loop_stop(owner->loop);
	if (wait(&status) > 0 && WIFSIGNALED(status))
		fprintf(stderr, "the front was killed by signal %d\n", WTERMSIG(status));
}

static void give(struct double_ *owner, const char *name, int fd)
{
	struct msg_give message;
	memset(&message, 0, sizeof message);
	text_copy(message.name, sizeof message.name, name);
	channel_send(owner->front, MSG_GIVE, 0, &message, NULL, 0, &fd, 1);
	close(fd);
}

static int listen_at(const char *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

static int start(const char *front)
{
	static char room[128];
	int pair[2];
	memset(room, ' ', sizeof room - 1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		exit(1);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(pair[1], 3);
		execl(front, front, room, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	return pair[0];
}

static void configure(struct double_ *owner, int argc, char **argv)
{
	char complaint[REASON_SIZE];
	settings_defaults(&owner->settings);
	for (int i = 5; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		owner->flood |= strcmp(argv[i], "flood") == 0;
		if (!equals)
			continue;
		*equals = '\0';
		if (settings_set(&owner->settings, argv[i], equals + 1, complaint) < 0) {
			fprintf(stderr, "%s\n", complaint);
			exit(2);
		}
	}
}

static void introduce(struct double_ *owner, char **argv)
{
	static struct msg_start begin;
	static const struct msg_nothing nothing;
	struct msg_peer peer = { .party = PARTY_BROKER };
	int pair[2];
	text_copy(begin.format, sizeof begin.format, wire_format());
	begin.settings = owner->settings;
	channel_tell(owner->front, MSG_START, &begin);
	give(owner, "tls-cert", open(argv[2], O_RDONLY | O_CLOEXEC));
	give(owner, "tls-key", open(argv[3], O_RDONLY | O_CLOEXEC));
	give(owner, "listen", listen_at(argv[4]));
	if (wire_pair(SOCK_SEQPACKET, pair) < 0)
		exit(1);
	channel_send(owner->front, MSG_PEER, 0, &peer, NULL, 0, &pair[1], 1);
	close(pair[1]);
	channel_create(owner->loop, pair[0], PARTY_BROKER, PARTY_FRONT, on_question, on_gone, owner,
		&owner->broker);
	channel_tell(owner->front, MSG_GO, &nothing);
}

int main(int argc, char **argv)
{
	static struct double_ owner;
	if (argc < 5) {
		fprintf(stderr, "usage: front_double FRONT CERTIFICATE KEY PORT [SETTING=VALUE ..] "
				"[flood]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	log_open("double", LOG_LEVEL_INFO);
	memset(owner.noise, 'x', sizeof owner.noise);
	configure(&owner, argc, argv);
	if (loop_create(&owner.loop) < 0 ||
		channel_create(owner.loop, start(argv[1]), PARTY_SUPERVISOR, PARTY_FRONT, on_front,
			on_gone, &owner, &owner.front) < 0)
		return 1;
	introduce(&owner, argv);
	return loop_run(owner.loop) < 0;
}
