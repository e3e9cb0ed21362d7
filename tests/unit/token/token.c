/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "wire/wire.h"

/* The real sallyport-token, with this test as its supervisor and as the vault that asks. */
static const char *program, *liar;

struct errand {
	struct loop *loop;
	struct channel *channel;
	pid_t pid;
};

static int nothing(void *context, struct channel *channel, struct message *message)
{
	return 0;
}

static void become_token(
	int channel, int pin, const char *module, const char *conf, const char *plan)
{
	char one[160], two[64];
	int high_channel = fcntl(channel, F_DUPFD, 20), high_pin = fcntl(pin, F_DUPFD, 20);
	snprintf(one, sizeof one, "SOFTHSM2_CONF=%s", conf);
	snprintf(two, sizeof two, "LIAR=%s", plan);
	dup2(high_channel, 3);
	dup2(high_pin, 4);
	closefrom(5);
	char *const environment[] = { one, two, "ASAN_OPTIONS=detect_leaks=0", NULL };
	execle(program, "sallyport-token", module, TOKEN_KEY, "                ", (char *)NULL,
		environment);
	_exit(127);
}

static struct errand start(const char *module, const char *pin, const char *plan)
{
	struct errand errand;
	int ends[2], words[2];
	assert_int_equal(loop_create(&errand.loop), 0);
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(pipe2(words, O_CLOEXEC), 0);
	assert_int_equal(write(words[1], pin, strlen(pin)), strlen(pin));
	close(words[1]);
	errand.pid = fork();
	assert_true(errand.pid >= 0);
	if (errand.pid == 0)
		become_token(ends[1], words[0], module, getenv("SOFTHSM2_CONF"), plan);
	close(ends[1]);
	close(words[0]);
	assert_int_equal(channel_create(errand.loop, ends[0], PARTY_VAULT, PARTY_TOKEN, nothing,
				 NULL, NULL, &errand.channel),
		0);
	return errand;
}

/* Its exit status; the answer's result, or what went wrong instead of one. */
static int finish(struct errand *errand, const struct msg_token_question *question,
	struct msg_token_answer *ret_answer, int *ret_r)
{
	struct message reply = { .fds = { -1, -1, -1, -1 } };
	int status;
	*ret_r = channel_ask(errand->channel, MSG_TOKEN_QUESTION, question, NULL, 0, NULL, 0,
		MSG_TOKEN_ANSWER, 20000, &reply);
	if (*ret_r == 0) {
		*ret_answer = *(const struct msg_token_answer *)reply.payload;
		*ret_r = ret_answer->result;
	}
	message_finish(&reply);
	channel_destroy(errand->channel);
	loop_destroy(errand->loop);
	assert_int_equal(waitpid(errand->pid, &status, 0), errand->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static struct msg_token_question question(void)
{
	struct msg_token_question question = { .wrap = 1, .make = 1, .len = 32 };
	memset(question.bytes, 7, 32);
	return question;
}

static void answers_once_and_ends(void **state)
{
	struct token_fixture *fixture = *state;
	struct msg_token_question ask = question();
	struct msg_token_answer answer;
	int r;
	if (fixture->module[0] == '\0')
		skip();
	struct errand errand = start(fixture->module, TOKEN_PIN "\n", "");
	assert_int_equal(finish(&errand, &ask, &answer, &r), 0);
	assert_int_equal(r, 0);
	struct msg_token_question back = { .len = answer.len };
	memcpy(back.bytes, answer.bytes, answer.len);
	errand = start(fixture->module, TOKEN_PIN, "");
	assert_int_equal(finish(&errand, &back, &answer, &r), 0);
	assert_int_equal(r, 0);
	assert_int_equal(answer.len, 32);
	assert_memory_equal(answer.bytes, ask.bytes, 32);
}

static void says_what_is_wrong(void **state)
{
	struct msg_token_question ask = question();
	struct msg_token_answer answer;
	static const struct msg_token_answer empty;
	int r;
	struct errand errand = start(liar, "0000", "");
	assert_int_equal(finish(&errand, &ask, &answer, &r), 0);
	assert_int_equal(r, -ERR_PIN_WRONG);
	assert_int_equal(answer.len, 0);
	assert_memory_equal(answer.bytes, empty.bytes, sizeof answer.bytes);
	errand = start("/nonesuch.so", TOKEN_PIN, "");
	assert_int_equal(finish(&errand, &ask, &answer, &r), 0);
	assert_int_equal(r, -ERR_TOKEN_FAULT);
}

static void a_module_that_dies_takes_nobody_along(void **state)
{
	struct msg_token_question ask = question();
	struct msg_token_answer answer;
	int r;
	struct errand errand = start(liar, TOKEN_PIN, "dies");
	assert_int_equal(finish(&errand, &ask, &answer, &r), 1);
	assert_int_equal(r, -ERR_PEER_GONE);
}

static void a_module_that_hangs_is_ended_from_outside(void **state)
{
	struct msg_token_question ask = question();
	struct errand errand = start(liar, TOKEN_PIN, "hangs");
	int status;
	assert_int_equal(channel_tell(errand.channel, MSG_TOKEN_QUESTION, &ask), 0);
	assert_int_equal(waitpid(errand.pid, &status, WNOHANG), 0);
	kill(errand.pid, SIGKILL);
	assert_int_equal(waitpid(errand.pid, &status, 0), errand.pid);
	channel_destroy(errand.channel);
	loop_destroy(errand.loop);
}

static void ends_when_nobody_asks(void **state)
{
	struct errand errand = start(liar, TOKEN_PIN, "");
	int status;
	channel_destroy(errand.channel);
	loop_destroy(errand.loop);
	assert_int_equal(waitpid(errand.pid, &status, 0), errand.pid);
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void a_stranger_is_not_listened_to(void **state)
{
	struct errand errand = start(liar, TOKEN_PIN, "");
	int status;
	assert_int_equal(send(channel_fd(errand.channel), "rude", 4, MSG_NOSIGNAL), 4);
	assert_int_equal(waitpid(errand.pid, &status, 0), errand.pid);
	assert_int_equal(WEXITSTATUS(status), 1);
	channel_destroy(errand.channel);
	loop_destroy(errand.loop);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TOKEN_CASE(answers_once_and_ends),
		TOKEN_CASE(says_what_is_wrong),
		TOKEN_CASE(a_module_that_dies_takes_nobody_along),
		TOKEN_CASE(a_module_that_hangs_is_ended_from_outside),
		TOKEN_CASE(ends_when_nobody_asks),
		TOKEN_CASE(a_stranger_is_not_listened_to),
	};
	if (argc != 3)
		return 2;
	program = realpath(argv[1], NULL);
	liar = realpath(argv[2], NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free((char *)program);
	free((char *)liar);
	return failed;
}
