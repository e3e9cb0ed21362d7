/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"
#include "wire/messages.h"

#define ANSWER_MAX (512 * 1024 * 1024)
#define START_MS 15000
#define ANSWER_MS 60000

/* The connection, and the gateway started for this one call when none was running. */
struct client {
	int fd;
	pid_t gateway; /* 0: it was running already */
	uint32_t serial;
};

struct header {
	uint16_t type, fds;
	uint32_t serial, tail, zero;
};

static int connect_control(const char *data)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(fd_closep) int directory = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int size = 1024 * 1024;

	if (directory < 0 || fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control.sock",
		directory);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -1;
	return STEAL_FD(fd);
}

bool client_gateway_running(const struct cli *cli)
{
	CLEANUP(fd_closep) int fd = connect_control(cli->data);

	return fd >= 0;
}

int program_path(char *out, size_t size, const char *program)
{
	char self[URL_SIZE];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	if (len <= 0)
		return -ERR_SYSTEM;
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(out, size, "%s/%s", self, program);
	if (access(out, X_OK) < 0)
		snprintf(out, size, "%s/%s", LIBEXECDIR, program);
	return 0;
}

/* Starts the gateway without its network side, for as long as this command runs. */
static int start_offline(struct cli *cli, struct client *client)
{
	char program[URL_SIZE * 2], ready[16] = "";
	int ends[2];

	program_path(program, sizeof program, "sallyport-supervisor");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	client->gateway = fork();
	if (client->gateway == 0) {
		dup2(ends[1], 1);
		setpgid(0,
			0); /* Ctrl-C is for this command, which then ends the gateway in order */
		execl(program, "sallyport-supervisor", "--data", cli->data, "--offline",
			(char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	struct pollfd poller = { .fd = ends[0], .events = POLLIN };
	ssize_t got = client->gateway > 0 && poll(&poller, 1, START_MS) == 1
			      ? read(ends[0], ready, sizeof ready - 1)
			      : 0;
	close(ends[0]);
	return got > 0 && strncmp(ready, "ready", 5) == 0 ? 0 : -1;
}

static struct client *client_open(struct cli *cli)
{
	if (cli->client != NULL)
		return cli->client;
	struct client *client = calloc(1, sizeof *client);
	if (client == NULL)
		return NULL;
	client->fd = connect_control(cli->data);
	cli->client = client;
	if (client->fd < 0 && (errno == EACCES || errno == EPERM)) {
		cli_fail(
			"%s: not permitted; the owner of the installation and root may", cli->data);
		return NULL;
	}
	if (client->fd < 0 &&
		(start_offline(cli, client) < 0 || (client->fd = connect_control(cli->data)) < 0)) {
		cli_fail("the gateway of %s is not running and could not be started for this "
			 "command",
			cli->data);
		return NULL;
	}
	return client;
}

void client_close(struct cli *cli)
{
	struct client *client = STEAL(cli->client);

	if (client == NULL)
		return;
	fd_closep(&client->fd);
	if (client->gateway > 0) {
		kill(client->gateway, SIGTERM);
		waitpid(client->gateway, NULL, 0);
	}
	free(client);
}

static int send_call(struct cli *cli, struct client *client, const char *method, const char *path)
{
	CLEANUP(mem_freep) struct msg_api_call *call = calloc(1, sizeof *call);
	struct header header = { MSG_CONTROL_CALL, 0, ++client->serial, (uint32_t)cli->params.len,
		0 };
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec pieces[3] = { { &header, sizeof header }, { call, sizeof *call },
		{ cli->params.data, cli->params.len } };
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 3 };

	if (call == NULL || text_copy(call->method, sizeof call->method, method) < 0 ||
		snprintf(call->path, sizeof call->path, "/control/%s", path) >=
			(int)sizeof call->path)
		return -ERR_TOO_LARGE;
	random_hex(call->trace, 8);
	for (unsigned i = 0; i < 2; i++)
		header.fds += cli->fds[i] >= 0;
	if (header.fds > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(header.fds * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(header.fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), cli->fds[0] >= 0 ? &cli->fds[0] : &cli->fds[1],
			header.fds * sizeof(int));
	}
	return sendmsg(client->fd, &message, MSG_NOSIGNAL) < 0 ? -ERR_PEER_GONE : 0;
}

/* The next part of a list. */
static int ask_more(struct client *client)
{
	struct header header = { MSG_CONTROL_MORE, 0, client->serial, 0, 0 };
	struct msg_result more = { 0 };
	struct iovec pieces[2] = { { &header, sizeof header }, { &more, sizeof more } };
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };

	return sendmsg(client->fd, &message, MSG_NOSIGNAL) < 0 ? -ERR_PEER_GONE : 0;
}

/* All parts of one answer. */
static int receive_answer(struct client *client, struct buf *body, unsigned *ret_status)
{
	CLEANUP(mem_freep) uint8_t *packet = malloc(MESSAGE_MAX);
	struct pollfd poller = { .fd = client->fd, .events = POLLIN };
	struct header header;
	struct msg_api_reply reply;

	for (;;) {
		if (packet == NULL || poll(&poller, 1, ANSWER_MS) != 1)
			return -ERR_TIMED_OUT;
		ssize_t got = recv(client->fd, packet, MESSAGE_MAX, 0);
		if (got < (ssize_t)(sizeof header + sizeof reply))
			return -ERR_PEER_GONE;
		memcpy(&header, packet, sizeof header);
		memcpy(&reply, packet + sizeof header, sizeof reply);
		if (header.type != MSG_CONTROL_REPLY || header.serial != client->serial)
			return -ERR_MALFORMED;
		int r = buf_append(body, packet + sizeof header + sizeof reply,
			(size_t)got - sizeof header - sizeof reply);
		if (r == 0 && reply.more == REPLY_BROKEN)
			r = -ERR_PEER_GONE;
		if (r == 0 && reply.more == REPLY_ASKS)
			r = ask_more(client);
		if (r < 0)
			return r;
		*ret_status = reply.status;
		if (reply.more == REPLY_LAST)
			return 0;
	}
}

static int ask(struct cli *cli, struct client *client, const char *method, const char *path,
	struct buf *body)
{
	unsigned status;
	int r = send_call(cli, client, method, path);

	return r < 0 ? r : receive_answer(client, body, &status);
}

/* A gateway that is renewed closes the connection: what only asks is asked again, of the new one.
 */
static int ask_again(struct cli *cli, const char *method, const char *path, struct buf *body)
{
	if (strcmp(method, "GET") != 0 || cli->client->gateway > 0)
		return -ERR_PEER_GONE;
	client_close(cli);
	buf_clear(body);
	struct client *client = client_gateway_running(cli) ? client_open(cli) : NULL;
	return client == NULL ? -ERR_PEER_GONE : ask(cli, client, method, path, body);
}

int client_try(struct cli *cli, const char *method, const char *path, json_t **ret_answer)
{
	CLEANUP(buf_finish) struct buf body = BUF(ANSWER_MAX);
	struct client *client = client_open(cli);
	int r = client == NULL ? -ERR_PEER_GONE : ask(cli, client, method, path, &body);

	if (r < 0)
		return r;
	*ret_answer = json_loadb((char *)body.data, body.len, JSON_DECODE_ANY, NULL);
	return *ret_answer == NULL ? -ERR_MALFORMED : 0;
}

int client_call(struct cli *cli, const char *method, const char *path, json_t **ret_answer)
{
	CLEANUP(buf_finish) struct buf body = BUF(ANSWER_MAX);
	struct client *client = client_open(cli);

	if (client == NULL)
		return -ERR_PEER_GONE;
	int r = ask(cli, client, method, path, &body);
	if (r == -ERR_PEER_GONE)
		r = ask_again(cli, method, path, &body);
	if (r < 0) {
		cli_fail("the gateway did not answer: %s", error_text(r));
		return r;
	}
	*ret_answer = json_loadb((char *)body.data, body.len, JSON_DECODE_ANY, NULL);
	if (*ret_answer == NULL) {
		cli_fail("the gateway's answer cannot be read");
		return -ERR_MALFORMED;
	}
	return 0;
}

/* The envelope's one own member; without one, its message. */
static json_t *entity_of(const json_t *answer)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)answer, key,
		value) if (strcmp(key, "code") != 0 && strcmp(key, "response") != 0 &&
			   strcmp(key, "tenant") != 0) return json_incref(value);
	return json_pack("{s:O?}", "message",
		json_object_get(json_object_get(answer, "response"), "message"));
}

int client_entity(struct cli *cli, const char *method, const char *path, json_t **ret_entity)
{
	json_t *answer = NULL;

	if (client_call(cli, method, path, &answer) < 0)
		return CLI_FAILED;
	const json_t *response = json_object_get(answer, "response");
	if (response != NULL && json_is_true(json_object_get(response, "error"))) {
		const char *message = json_string_value(json_object_get(response, "message"));
		const char *detail = json_string_value(json_object_get(response, "detail"));
		bool more = detail != NULL && detail[0] != '\0';
		cli_fail("%s%s%s", message ? message : "refused", more ? ": " : "",
			more ? detail : "");
		json_decref(answer);
		return CLI_FAILED;
	}
	*ret_entity = response != NULL ? entity_of(answer) : json_incref(answer);
	json_decref(answer);
	return CLI_OK;
}
