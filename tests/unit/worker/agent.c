/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/agent.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include "wire/wire.h"

static const uint8_t proof[HASH_LEN] = { 1, 2, 3 };

struct stage {
	struct agent agent;
	int vault;
	struct secret *secret;
};

static void begin(struct stage *stage, enum secret_kind kind)
{
	int pair[2];

	assert_int_equal(wire_pair(SOCK_STREAM, pair), 0);
	agent_init(&stage->agent, pair[0], kind);
	stage->vault = pair[1];
	stage->secret = NULL;
}

static void end(struct stage *stage)
{
	secret_destroyp(&stage->secret);
	agent_finish(&stage->agent);
	close(stage->vault);
}

static int hear(struct stage *stage, const void *bytes, size_t len)
{
	assert_int_equal(write(stage->vault, bytes, len), len);
	return agent_turn(&stage->agent, &stage->secret);
}

static void the_question_to_the_byte(void **state)
{
	struct stage stage;
	uint8_t asked[128];

	begin(&stage, SECRET_PASSWORD);
	assert_int_equal(agent_turn(&stage.agent, &stage.secret), 0);
	assert_int_equal(agent_ask(&stage.agent, proof, NULL, 0), 0);
	assert_int_equal(agent_turn(&stage.agent, &stage.secret), 0);
	assert_int_equal(read(stage.vault, asked, sizeof asked), 4 + 1 + 4 + 13 + 4 + 32);
	assert_memory_equal(asked, "\0\0\0\x36\x1b\0\0\0\x0dpin@sallyport\0\0\0\x20", 26);
	assert_memory_equal(asked + 26, proof, HASH_LEN);
	assert_int_equal(agent_ask(&stage.agent, proof, NULL, 0), -ERR_WRONG_MOMENT);
	end(&stage);
}

static void with_what_the_exchange_hashed(void **state)
{
	static char exchange[EXCHANGE_MAX + 1], asked[2 * EXCHANGE_MAX];
	struct stage stage;
	size_t got = 0;

	begin(&stage, SECRET_SSH_KEY);
	memset(exchange, 'e', sizeof exchange);
	assert_int_equal(agent_ask(&stage.agent, proof, exchange, EXCHANGE_MAX), 0);
	for (int r = 1; r > 0 || stage.agent.out.len > 0;) {
		assert_int_equal(agent_turn(&stage.agent, &stage.secret), 0);
		r = (int)recv(stage.vault, asked + got, sizeof asked - got, MSG_DONTWAIT);
		got += r > 0 ? (size_t)r : 0;
	}
	assert_int_equal(got, 4 + 54 + 4 + EXCHANGE_MAX);
	assert_int_equal(get_big32((uint8_t *)asked), got - 4);
	assert_memory_equal(asked + 26, proof, HASH_LEN);
	assert_int_equal(get_big32((uint8_t *)asked + 58), EXCHANGE_MAX);
	assert_memory_equal(asked + 62, exchange, EXCHANGE_MAX);
	end(&stage);
}

static void a_password_in_any_pieces(void **state)
{
	static const char answer[] = "\0\0\0\x0b\x06\0\0\0\x06s3cr\0t";

	for (size_t cut = 1; cut < 15; cut++) {
		struct stage stage;

		begin(&stage, SECRET_PASSWORD);
		assert_int_equal(agent_ask(&stage.agent, proof, NULL, 0), 0);
		assert_int_equal(hear(&stage, answer, cut), 0);
		assert_int_equal(hear(&stage, answer + cut, 15 - cut), 1);
		assert_int_equal(secret_len(stage.secret), 6);
		assert_memory_equal(secret_reveal(stage.secret), "s3cr\0t", 6);
		assert_int_equal(stage.agent.answer.len, 0);
		assert_int_equal(agent_turn(&stage.agent, &stage.secret), 0);
		end(&stage);
	}
}

static void not_a_byte_more_than_the_answer_is_read(void **state)
{
	struct stage stage;
	char rest[8];

	begin(&stage, SECRET_SSH_KEY);
	assert_int_equal(agent_ask(&stage.agent, proof, NULL, 0), 0);
	assert_int_equal(hear(&stage, "\0\0\0\1\6next", 9), 1);
	assert_null(stage.secret);
	assert_int_equal(read(stage.agent.fd, rest, sizeof rest), 4);
	assert_memory_equal(rest, "next", 4);
	end(&stage);
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *answer;
		size_t len;
		enum secret_kind kind;
		int error;
	} rows[] = {
		{ "\0\0\0\1\5", 5, SECRET_PASSWORD, ERR_CREDENTIAL_NO_ACCESS },
		{ "\0\0\0\1\5", 5, SECRET_SSH_KEY, ERR_CREDENTIAL_NO_ACCESS },
		{ "\0\0\0\0", 4, SECRET_PASSWORD, ERR_MALFORMED },
		{ "\0\0\0\1\7", 5, SECRET_PASSWORD, ERR_MALFORMED },
		{ "\0\0\0\1\6", 5, SECRET_PASSWORD, ERR_MALFORMED },
		{ "\0\0\0\2\6x", 6, SECRET_SSH_KEY, ERR_MALFORMED },
		{ "\0\0\0\6\6\0\0\0\2x", 10, SECRET_PASSWORD, ERR_MALFORMED },
		{ "\0\0\0\6\6\0\0\0\0x", 10, SECRET_PASSWORD, ERR_MALFORMED },
		{ "\0\0\0\6\6\xff\xff\xff\xffx", 10, SECRET_PASSWORD, ERR_MALFORMED },
		{ "\xff\xff\xff\xff", 4, SECRET_PASSWORD, ERR_MALFORMED },
		{ "\0\1\0\0", 4, SECRET_PASSWORD, ERR_MALFORMED },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct stage stage;

		begin(&stage, rows[i].kind);
		assert_int_equal(agent_ask(&stage.agent, proof, NULL, 0), 0);
		assert_int_equal(hear(&stage, rows[i].answer, rows[i].len), -(int)rows[i].error);
		assert_null(stage.secret);
		end(&stage);
	}
}

static void a_vault_that_is_gone(void **state)
{
	struct stage stage;

	begin(&stage, SECRET_PASSWORD);
	assert_int_equal(agent_ask(&stage.agent, proof, NULL, 0), 0);
	assert_int_equal(hear(&stage, "\0\0\0\x20\6", 5), 0);
	shutdown(stage.vault, SHUT_RDWR);
	assert_int_equal(agent_turn(&stage.agent, &stage.secret), -ERR_PEER_GONE);
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_question_to_the_byte),
		cmocka_unit_test(with_what_the_exchange_hashed),
		cmocka_unit_test(a_password_in_any_pieces),
		cmocka_unit_test(not_a_byte_more_than_the_answer_is_read),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(a_vault_that_is_gone),
	};

	return cmocka_run_group_tests_name("worker/agent", tests, NULL, NULL);
}
