/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault's answer, should the vault be another one than it was. Whatever comes, in any pieces:
 * an agreement, a refusal or an error; and never a byte read past the answer.
 */
#include "worker/agent.c"

#include <assert.h>
#include <unistd.h>

#include "wire/wire.h"

static int try_in_pieces(const uint8_t *data, size_t size, enum secret_kind kind, size_t *ret_len)
{
	static const uint8_t proof[HASH_LEN];
	struct secret *secret = NULL;
	struct agent agent;
	uint8_t rest[4096];
	int pair[2], r = wire_pair(SOCK_STREAM, pair);

	assert(r == 0);
	agent_init(&agent, pair[0], kind);
	r = agent_ask(&agent, proof, NULL, 0);
	for (size_t at = 0; at < size && r == 0; at += 3) {
		ssize_t n = write(pair[1], data + at, MIN(size - at, (size_t)3));

		assert(n > 0);
		r = agent_turn(&agent, &secret);
	}
	assert(r == 1 || secret == NULL);
	assert(agent.answer.len == 0 || r == 0 || r == -ERR_MALFORMED);
	*ret_len = secret != NULL ? secret_len(secret) : 0;
	if (r == 1) {
		size_t answer = 4 + get_big32(data);
		ssize_t n = recv(agent.fd, rest, sizeof rest, MSG_DONTWAIT);
		size_t sent = MIN(size, (answer + 2) / 3 * 3);

		assert((size_t)MAX(n, (ssize_t)0) == sent - answer);
	}
	secret_destroy(secret);
	agent_finish(&agent);
	close(pair[1]);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4096)
		return 0;
	for (enum secret_kind kind = SECRET_PASSWORD; kind <= SECRET_SSH_KEY; kind++) {
		struct secret *secret = NULL;
		size_t len = 0;
		int r = try_in_pieces(data, size, kind, &len);

		if (size < 4 || get_big32(data) > size - 4 || get_big32(data) == 0)
			continue;
		/* The pure part says the same of the same answer. */
		assert(r == agent_parse(data + 4, get_big32(data), kind, &secret));
		assert(len == (secret != NULL ? secret_len(secret) : 0));
		secret_destroy(secret);
	}
	return 0;
}
