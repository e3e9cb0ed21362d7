/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/early.c"

#include "person.h"

#include "failing.h"

/* As a broker is in its first moment: the vault has not answered. */
static void be_early(struct house *house)
{
	struct head *head = &house->broker->head;

	head->newest.signer.certified = false;
	head->refused = -ERR_PEER_GONE;
	head->asked_at = UINT64_MAX / 2; /* asked just now: not again by itself */
	early_begin(house->broker);
}

/* The certificate is on disk. (It cannot be kept twice: the house has it.) */
static void be_certified(struct house *house)
{
	house->broker->head.newest.signer.certified = true;
	house->broker->head.refused = 0;
	early_over(house->broker);
}

static void redeem(struct house *house, const struct msg_redeem *ask)
{
	house_send(house->front, MSG_TICKET_REDEEM, ask, -1);
	house_run(house);
}

static int answered(struct house *house)
{
	struct house_message answer = house_take(house, MSG_TICKET_REDEEMED);

	return ((const struct msg_redeemed *)(void *)answer.payload)->result;
}

static void test_waits_for_the_vault(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	be_early(house);
	house_send(house->front, MSG_TICKET_REDEEM, &ask, -1);
	redeem(house, &ask);
	assert_false(house_got(house, MSG_TICKET_REDEEMED));
	assert_int_equal(house->broker->early.count, 2);
	be_certified(house);
	house_run(house);
	/* In the order they came: the first has it. */
	assert_int_equal(answered(house), 0);
	assert_int_equal(answered(house), -ERR_TICKET_REFUSED);
	assert_int_equal(house->broker->early.until, 0);
	person_close(&person);
}

static void test_the_vaults_no_is_an_answer(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	struct msg_broker_certified no = { .result = -ERR_SEALED };

	person_open(house, &person, &ask);
	be_early(house);
	redeem(house, &ask);
	memcpy(no.public_key, house->broker->head.newest.signer.public_key, sizeof no.public_key);
	head_certified(house->broker, &no);
	house_run(house);
	assert_int_equal(answered(house), -ERR_SEALED);
	/* Nobody waits any more. */
	redeem(house, &ask);
	assert_int_equal(answered(house), -ERR_SEALED);
	person_close(&person);
}

static void test_silence_is_one_too(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	be_early(house);
	house->broker->early.until = clock_monotonic_ms() + 100;
	redeem(house, &ask);
	for (int i = 0; i < 1000 && !house_got(house, MSG_TICKET_REDEEMED); i++)
		house_run(house);
	assert_int_equal(answered(house), -ERR_PEER_GONE);
	person_close(&person);
}

/* The front that asked has ended: its answer is nobody's, and nothing is spent. */
static void test_who_is_gone_waits_no_more(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;

	person_open(house, &person, &ask);
	be_early(house);
	redeem(house, &ask);
	channel_destroy(house->front);
	house_run(house);
	assert_int_equal(house->broker->early.count, 0);
	house->front = house_introduce(house, PARTY_FRONT);
	be_certified(house);
	redeem(house, &ask);
	assert_int_equal(answered(house), 0);
	person_close(&person);
}

static void test_so_many_and_no_more(void **state)
{
	struct house *house = *state;
	struct msg_redeem ask = { .value = "x" };
	struct message message = { .payload = &ask, .serial = 5 };

	be_early(house);
	for (unsigned i = 0; i < EARLY_MAX; i++)
		assert_int_equal(early_redeem(house->broker, house_front(house), &message), 0);
	assert_int_equal(house->broker->early.count, EARLY_MAX);
	assert_int_equal(early_redeem(house->broker, house_front(house), &message), 0);
	assert_int_equal(house->broker->early.count, EARLY_MAX);
	house_run(house);
	assert_int_equal(answered(house), -ERR_PEER_GONE);
	assert_false(house_got(house, MSG_TICKET_REDEEMED));
	/* What is no question is refused as ever. */
	memset(ask.value, 'a', sizeof ask.value);
	assert_int_equal(early_redeem(house->broker, house_front(house), &message), -ERR_MALFORMED);
	early_finish(house->broker);
	assert_int_equal(house->broker->early.count, 0);
}

static void test_without_memory(void **state)
{
	struct house *house = *state;
	struct msg_redeem ask = { .value = "x" };
	struct message message = { .payload = &ask, .serial = 5 };

	FAILING("malloc") {
		be_early(house);
		int r = early_redeem(house->broker, house_front(house), &message);
		bool struck = failing_struck();
		failing_end();
		assert_int_equal(r, 0);
		assert_int_equal(house->broker->early.count, struck ? 0 : 1);
		house_run(house);
		assert_int_equal(house_got(house, MSG_TICKET_REDEEMED), struck);
		if (struck)
			assert_int_equal(answered(house), -ERR_PEER_GONE);
		early_finish(house->broker);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_waits_for_the_vault),
		TEST(test_the_vaults_no_is_an_answer),
		TEST(test_silence_is_one_too),
		TEST(test_who_is_gone_waits_no_more),
		TEST(test_so_many_and_no_more),
		TEST(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
