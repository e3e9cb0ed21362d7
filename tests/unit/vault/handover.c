/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/handover.h"

#undef HANDOVER_MS
#define HANDOVER_MS 1000
#include "vault/handover.c"

#include <pthread.h>

#include "wire/wire.h"

#include "fixture.h"

/* Two vaults of one installation and the socket pair between them, as the supervisor makes it. */
struct story {
	struct fixture f;
	struct keyring *mine; /* the new one's, as it stands before it asks */
	struct keyring *given;
	struct loop *loop;
	struct handover *handover;
	int ends[2]; /* of the old one, who has it now; of the new one */
	int result;
};

static void pair(struct story *story, bool named)
{
	int on = named;

	assert_int_equal(wire_pair(SOCK_SEQPACKET, story->ends), 0);
	for (unsigned i = 0; i < 2; i++)
		setsockopt(story->ends[i], SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	assert_int_equal(
		handover_create(story->loop, story->ends[0], story->f.keyring, &story->handover),
		0);
	assert_true(handover_under_way(story->handover));
}

static void unpair(struct story *story)
{
	handover_destroy(STEAL(story->handover));
	fd_closep(&story->ends[1]);
}

static void begin_bare(struct story *story)
{
	*story = (struct story){ .ends = { -1, -1 } };
	fixture_begin(&story->f);
	assert_int_equal(loop_create(&story->loop), 0);
}

static void begin(struct story *story)
{
	begin_bare(story);
	fixture_keyring(&story->f);
	assert_int_equal(keyring_load(story->f.directory, &story->mine), 0);
	pair(story, true);
}

static void end(struct story *story)
{
	unpair(story);
	keyring_destroy(story->mine);
	keyring_destroy(story->given);
	loop_destroy(story->loop);
	fixture_finish(&story->f);
}

static void *ask(void *context)
{
	struct story *story = context;

	story->result =
		handover_ask(story->ends[1], story->mine, story->f.directory, &story->given);
	return NULL;
}

static void on_moment(void *context)
{
	loop_stop(((struct story *)context)->loop);
}

static void serve(struct story *story, unsigned ms)
{
	struct timer *timer;

	loop_after(story->loop, ms, on_moment, story, &timer);
	assert_int_equal(loop_run(story->loop), 0);
}

/* The new one asks, while the old one serves. */
static int ask_served(struct story *story)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, ask, story), 0);
	for (unsigned i = 0; pthread_tryjoin_np(thread, NULL) != 0; i++)
		serve(story, 5);
	return story->result;
}

static void test_an_open_vault_stays_open(void **state)
{
	struct story story;

	begin(&story);
	assert_int_equal(ask_served(&story), 0);
	assert_false(keyring_sealed(story.given));
	assert_memory_equal(keyring_root(story.given, 1), keyring_root(story.f.keyring, 1), 32);
	/* As long as the new one holds its end, no key changes. */
	assert_true(handover_under_way(story.handover));
	fd_closep(&story.ends[1]);
	serve(&story, 20);
	assert_false(handover_under_way(story.handover));
	assert_false(handover_under_way(NULL));
	end(&story);
}

static void test_a_passphrase_is_not_asked_again(void **state)
{
	static const uint8_t material[ROOT_MATERIAL_LEN] = "made from a passphrase";
	struct keyring_lock lock = { .source = SOURCE_PASSPHRASE, .passes = 1, .memory = 8u << 20 };
	struct story story;

	begin_bare(&story);
	assert_int_equal(keyring_create(story.f.directory, &lock, material), 0);
	assert_int_equal(keyring_load(story.f.directory, &story.f.keyring), 0);
	assert_int_equal(keyring_load(story.f.directory, &story.mine), 0);
	pair(&story, true);
	/* Sealed: it has nothing to give. */
	assert_int_equal(ask_served(&story), -ERR_SEALED);
	assert_null(story.given);
	unpair(&story);
	assert_int_equal(keyring_open(story.f.keyring, material), 0);
	pair(&story, true);
	assert_int_equal(ask_served(&story), 0);
	assert_false(keyring_sealed(story.given));
	assert_int_equal(keyring_newest(story.given), 1);
	end(&story);
}

/* The old one's answer to these bytes, as it stands on the wire. */
static int answer_to(struct story *story, const void *bytes, size_t len, struct answer *ret_answer)
{
	assert_int_equal(send(story->ends[1], bytes, len, 0), len);
	serve(story, 20);
	memset(ret_answer, 0, sizeof *ret_answer);
	assert_int_equal(recv(story->ends[1], ret_answer, sizeof *ret_answer, MSG_DONTWAIT),
		sizeof *ret_answer);
	return ret_answer->result;
}

static bool holds(const void *bytes, size_t len, const void *key)
{
	return memmem(bytes, len, key, 16) != NULL ||
	       memmem(bytes, len, (char *)key + 16, 16) != NULL;
}

static void fill(struct story *story, struct question *question, uint8_t *secret)
{
	fill_question(question, story->mine);
	crypto_box_keypair(question->box, secret);
}

static void test_nothing_open_on_the_wire(void **state)
{
	struct story story;
	struct question question;
	struct answer answer;
	uint8_t secret[32], master[32], nothing[sizeof answer.master] = { 0 };

	begin(&story);
	fill(&story, &question, secret);
	assert_int_equal(answer_to(&story, &question, sizeof question, &answer), 0);
	const uint8_t *key = keyring_master(story.f.keyring);
	assert_false(holds(&answer, sizeof answer, key));
	assert_int_equal(crypto_box_seal_open(
				 master, answer.master, sizeof answer.master, question.box, secret),
		0);
	assert_memory_equal(master, key, 32);
	/* A question that is not ours gets an error, and no box. */
	question.installation_id[0] ^= 1;
	assert_int_equal(
		answer_to(&story, &question, sizeof question, &answer), -ERR_NOT_AUTHORIZED);
	assert_memory_equal(answer.master, nothing, sizeof nothing);
	end(&story);
}

static void test_another_gateway_is_refused(void **state)
{
	struct story story;
	struct question good, bad;
	struct answer answer;
	uint8_t secret[32];

	begin(&story);
	fill(&story, &good, secret);
#define WRONG(change)                                                                              \
	bad = good;                                                                                \
	change;                                                                                    \
	assert_int_equal(answer_to(&story, &bad, sizeof bad, &answer), -ERR_NOT_AUTHORIZED)
	WRONG(bad.word[0] ^= 1);
	WRONG(bad.word[sizeof bad.word - 1] = 1);
	WRONG(bad.format[3] ^= 1);
	WRONG(bad.installation_id[15] ^= 1);
	WRONG(bad.installation_public[31] ^= 1);
	assert_int_equal(answer_to(&story, &good, sizeof good - 1, &answer), -ERR_MALFORMED);
	uint8_t longer[sizeof good + 1] = { 0 };
	memcpy(longer, &good, sizeof good);
	assert_int_equal(answer_to(&story, longer, sizeof longer, &answer), -ERR_MALFORMED);
	/* None of this was the end of it. */
	assert_true(handover_under_way(story.handover));
	assert_int_equal(answer_to(&story, &good, sizeof good, &answer), 0);
	end(&story);
}

static void test_descriptors_are_not_taken(void **state)
{
	struct story story;
	struct question question;
	struct answer answer;
	uint8_t secret[32];
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec piece = { &question, sizeof question };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	const int fds[4] = { 0, 1, 2, 0 };

	begin(&story);
	fill(&story, &question, secret);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(head), fds, sizeof fds);
	int before = dup(0);
	close(before);
	assert_int_equal(sendmsg(story.ends[1], &message, 0), sizeof question);
	serve(&story, 20);
	assert_int_equal(recv(story.ends[1], &answer, sizeof answer, MSG_DONTWAIT), sizeof answer);
	assert_int_equal(answer.result, -ERR_MALFORMED);
	int after = dup(0);
	close(after);
	assert_int_equal(before, after);
	end(&story);
}

/* The kernel names the sender: another user's process has no key of ours. */
static void test_another_user_is_refused(void **state)
{
	struct story story;
	struct answer answer;
	struct question question;
	uint8_t secret[32];
	int status;

	if (geteuid() != 0)
		skip();
	begin(&story);
	fill(&story, &question, secret);
	pid_t pid = fork();
	if (pid == 0) {
		if (setresuid(4321, 4321, 4321) < 0)
			_exit(1);
		_exit(send(story.ends[1], &question, sizeof question, 0) == sizeof question ? 0
											    : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	serve(&story, 20);
	assert_int_equal(recv(story.ends[1], &answer, sizeof answer, MSG_DONTWAIT), sizeof answer);
	assert_int_equal(answer.result, -ERR_NOT_AUTHORIZED);
	end(&story);
}

/* A socket on which the kernel names nobody was not made by our supervisor. */
static void test_who_is_not_named_is_refused(void **state)
{
	struct story story;

	begin(&story);
	unpair(&story);
	pair(&story, false);
	assert_int_equal(ask_served(&story), -ERR_NOT_AUTHORIZED);
	assert_null(story.given);
	end(&story);
}

/* In the old one's place: says nothing, hangs up, or says something else. */
static int ask_villain(struct story *story, const void *bytes, size_t len)
{
	int ends[2], on = 1;

	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	if (len > 0)
		assert_int_equal(send(ends[0], bytes, len, 0), len);
	struct keyring *keyring = NULL;
	int r = handover_ask(ends[1], story->mine, story->f.directory, &keyring);
	assert_null(keyring);
	close(ends[0]);
	close(ends[1]);
	return r;
}

static void test_a_false_answer_opens_nothing(void **state)
{
	struct story story;
	struct answer answer = { .word = WORD };
	int ends[2];

	begin(&story);
	assert_int_equal(ask_villain(&story, NULL, 0), -ERR_TIMED_OUT);
	assert_int_equal(ask_villain(&story, &answer, sizeof answer - 1), -ERR_MALFORMED);
	assert_int_equal(ask_villain(&story, &answer, sizeof answer), -ERR_CRYPTO);
	answer.result = -ERR_SEALED;
	assert_int_equal(ask_villain(&story, &answer, sizeof answer), -ERR_SEALED);
	answer.word[0] = 'x';
	assert_int_equal(ask_villain(&story, &answer, sizeof answer), -ERR_MALFORMED);
	/* Gone before it was asked, and gone before it answered. */
	assert_int_equal(wire_pair(SOCK_SEQPACKET, ends), 0);
	close(ends[0]);
	assert_int_equal(
		handover_ask(ends[1], story.mine, story.f.directory, &story.given), -ERR_CLOSED);
	close(ends[1]);
	unpair(&story);
	pair(&story, true);
	handover_destroy(STEAL(story.handover));
	assert_int_equal(handover_ask(story.ends[1], story.mine, story.f.directory, &story.given),
		-ERR_CLOSED);
	end(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_open_vault_stays_open),
		cmocka_unit_test(test_a_passphrase_is_not_asked_again),
		cmocka_unit_test(test_nothing_open_on_the_wire),
		cmocka_unit_test(test_another_gateway_is_refused),
		cmocka_unit_test(test_descriptors_are_not_taken),
		cmocka_unit_test(test_another_user_is_refused),
		cmocka_unit_test(test_who_is_not_named_is_refused),
		cmocka_unit_test(test_a_false_answer_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
