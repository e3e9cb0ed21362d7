/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/agent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/mem.h"

#define ASK_MAX (128 + EXCHANGE_MAX) /* bytes of the one question */

void agent_init(struct agent *agent, int fd, enum secret_kind kind)
{
	memset(agent, 0, sizeof *agent);
	agent->fd = fd;
	agent->kind = kind;
	agent->out = BUF(ASK_MAX);
	agent->answer = BUF(AGENT_ANSWER_MAX);
}

void agent_finish(struct agent *agent)
{
	fd_closep(&agent->fd);
	agent->fd = -1;
	buf_finish_wiped(&agent->out);
	buf_finish_wiped(&agent->answer);
}

static void put_big32(uint8_t *place, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		place[i] = (uint8_t)value;
}

static uint32_t get_big32(const uint8_t *place)
{
	return (uint32_t)place[0] << 24 | (uint32_t)place[1] << 16 | (uint32_t)place[2] << 8 |
	       place[3];
}

static int append_string(struct buf *out, const void *bytes, size_t len)
{
	uint8_t length[4];
	int r;

	put_big32(length, (uint32_t)len);
	r = buf_append(out, length, sizeof length);
	return r < 0 ? r : buf_append(out, bytes, len);
}

int agent_ask(struct agent *agent, const uint8_t proof[HASH_LEN], const void *exchange, size_t len)
{
	size_t size =
		1 + 4 + sizeof AGENT_PIN_NAME - 1 + 4 + HASH_LEN + (exchange != NULL ? 4 + len : 0);
	uint8_t start[5] = { 0, 0, 0, 0, AGENT_EXTENSION };
	int r;

	if (agent->asked)
		return -ERR_WRONG_MOMENT;
	agent->asked = true;
	put_big32(start, (uint32_t)size);
	r = buf_append(&agent->out, start, sizeof start);
	if (r == 0)
		r = append_string(&agent->out, AGENT_PIN_NAME, strlen(AGENT_PIN_NAME));
	if (r == 0)
		r = append_string(&agent->out, proof, HASH_LEN);
	if (r == 0 && exchange != NULL)
		r = append_string(&agent->out, exchange, len);
	return r;
}

int agent_parse(
	const uint8_t *answer, size_t len, enum secret_kind kind, struct secret **ret_secret)
{
	struct secret *secret;

	if (len == 0)
		return -ERR_MALFORMED;
	if (answer[0] == AGENT_FAILURE)
		return -ERR_CREDENTIAL_NO_ACCESS;
	if (answer[0] != AGENT_SUCCESS)
		return -ERR_MALFORMED;
	if (kind == SECRET_SSH_KEY) {
		if (len != 1)
			return -ERR_MALFORMED;
		*ret_secret = NULL;
		return 1;
	}
	if (len < 5 || get_big32(answer + 1) != len - 5)
		return -ERR_MALFORMED;
	secret = secret_create(answer + 5, len - 5);
	if (secret == NULL)
		return -ERR_SYSTEM;
	*ret_secret = secret;
	return 1;
}

static int send_question(struct agent *agent)
{
	while (agent->out.len > 0) {
		ssize_t n = send(
			agent->fd, agent->out.data, agent->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -ERR_PEER_GONE;
		mem_wipe(agent->out.data, (size_t)n); /* with an exchange go its session's keys */
		buf_consume(&agent->out, (size_t)n);
	}
	return 0;
}

/* 1 when size bytes are there, 0 when more are needed. */
static int receive(int fd, uint8_t *place, size_t size, size_t *len)
{
	while (*len < size) {
		ssize_t n = recv(fd, place + *len, size - *len, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -ERR_PEER_GONE;
		*len += (size_t)n;
	}
	return 1;
}

/* The whole answer is reserved at once: growing would leave copies of a secret behind. */
static int receive_answer(struct agent *agent)
{
	uint8_t *room;
	size_t size, len = agent->answer.len;
	int r = receive(agent->fd, agent->head, sizeof agent->head, &agent->head_len);

	if (r <= 0)
		return r;
	size = get_big32(agent->head);
	if (size == 0 || size > AGENT_ANSWER_MAX)
		return -ERR_MALFORMED;
	r = buf_reserve(&agent->answer, size - len, &room);
	if (r < 0)
		return r;
	r = receive(agent->fd, room - len, size, &len);
	buf_commit(&agent->answer, len - agent->answer.len);
	return r;
}

int agent_turn(struct agent *agent, struct secret **ret_secret)
{
	int r = send_question(agent);

	if (r < 0 || !agent->asked || agent->answered)
		return r;
	r = receive_answer(agent);
	if (r <= 0)
		return r;
	agent->answered = true;
	r = agent_parse(agent->answer.data, agent->answer.len, agent->kind, ret_secret);
	buf_wipe(&agent->answer);
	return r;
}
