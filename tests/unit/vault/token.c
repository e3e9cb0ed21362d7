/* SPDX-License-Identifier: Apache-2.0 */
#include "running.h"

#include <sys/socket.h>

/* What the vault asks its token, and what it makes of answers that are none. */
static struct msg_token_question asked;

static int keeps_the_question(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	asked = *question;
	return running_honest_token(running, question, ret_answer);
}

static void test_the_question(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "ask");
	running.token = keeps_the_question;
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	assert_int_equal(asked.wrap, 0);
	assert_int_equal(asked.make, 0);
	assert_int_equal(asked.automatic, 0);
	assert_int_equal(asked.len, ROOT_MATERIAL_LEN);
	assert_int_equal(running_state_later(&running, MSG_ROTATE, RUNNING_PIN).result, 0);
	assert_int_equal(asked.wrap, 1);
	assert_int_equal(asked.make, 0); /* only init makes keys on a token */
	running_finish(&running);
}

static void test_a_stored_pin_is_used_by_itself(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "credential");
	running_state(&running, MSG_VAULT_SEAL, NULL);
	running.token = keeps_the_question;
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, NULL).result, 0);
	assert_int_equal(asked.automatic, 1);
	running_state(&running, MSG_VAULT_SEAL, NULL);
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	assert_int_equal(asked.automatic, 0);
	running_finish(&running);
}

static unsigned plan;

static int answers_badly(struct running *running, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer)
{
	running_honest_token(running, question, ret_answer);
	switch (plan) {
	case 0:
		ret_answer->len = 0;
		break;
	case 1:
		ret_answer->len = WRAPPED_MAX + 1;
		break;
	case 2:
		ret_answer->len = UINT16_MAX;
		break;
	case 3:
		ret_answer->result = 5;
		break;
	case 4:
		ret_answer->len = ROOT_MATERIAL_LEN - 1;
		break;
	default:
		ret_answer->len = ROOT_MATERIAL_LEN + 1;
		break;
	}
	return 0;
}

static void test_answers_that_are_none(void **state)
{
	static const int expected[] = { -ERR_TOKEN_FAULT, -ERR_TOKEN_FAULT, -ERR_TOKEN_FAULT,
		-ERR_TOKEN_FAULT, -ERR_TOKEN_KEY_WRONG, -ERR_TOKEN_KEY_WRONG };
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "ask");
	running.token = answers_badly;
	for (plan = 0; plan < ARRAY_LEN(expected); plan++)
		assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result,
			expected[plan]);
	assert_int_equal(running_state(&running, MSG_VAULT_STATUS, NULL).sealed, 1);
	running.token = running_honest_token;
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	running_finish(&running);
}

/* TOKEN_STARTED that nobody asked for, or too late, is nothing. */
static void test_words_of_before(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	struct msg_result result = { 0 };
	int ends[2];
	running_begin_token(&running, &settings, "ask");
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(channel_send(running.supervisor, MSG_TOKEN_STARTED, 99, &result, NULL, 0,
				 &ends[0], 1),
		0);
	running_serve(&running, NULL);
	assert_false(running.gone);
	assert_int_equal(running_state_later(&running, MSG_UNSEAL, RUNNING_PIN).result, 0);
	close(ends[0]);
	close(ends[1]);
	running_finish(&running);
}

/* A broker that was started again is told what came of the question of the one before it. */
static void test_the_broker_goes_while_it_is_asked(void **state)
{
	struct running running = { 0 };
	struct settings settings;
	running_begin_token(&running, &settings, "ask");
	int fd = running_pipe(RUNNING_PIN, 4);
	assert_int_equal(channel_send(running.broker, MSG_UNSEAL, 5, &(struct msg_nothing){ 0 },
				 NULL, 0, &fd, 1),
		0);
	running_new_broker(&running);
	for (unsigned i = 0; i < 50 && running.state.sealed; i++)
		running_serve(&running, NULL);
	assert_int_equal(running.state.sealed, 0);
	close(fd);
	running_finish(&running);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_question),
		cmocka_unit_test(test_a_stored_pin_is_used_by_itself),
		cmocka_unit_test(test_answers_that_are_none),
		cmocka_unit_test(test_words_of_before),
		cmocka_unit_test(test_the_broker_goes_while_it_is_asked),
	};
	if (argc != 2)
		return 2;
	running_program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
