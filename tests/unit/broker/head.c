/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/head.c"

#include "failing.h"
#include "failing_store.h"
#include "house.h"

struct seen {
	struct audit_head last;
	struct audit_row row;
	unsigned count;
};

static int see_head(void *context, const struct audit_head *head)
{
	struct seen *seen = context;

	seen->last = *head;
	seen->count++;
	return 0;
}

static int see_row(void *context, const struct audit_row *row)
{
	((struct seen *)context)->row = *row;
	return 0;
}

/* The newest head of the store, completed with the hash of its row, as a verifier has it. */
static struct seen look(struct house *house)
{
	struct seen seen = { .count = 0 };

	assert_int_equal(store_head_list(house->broker->store, 0, 1000, see_head, &seen), 0);
	if (seen.count > 0) {
		assert_int_equal(store_audit_list(house->broker->store, seen.last.sequence - 1, 1,
					 see_row, &seen),
			0);
		memcpy(seen.last.hash, seen.row.hash, HASH_LEN);
	}
	return seen;
}

/* The same while calls fail: looking does not count. */
static struct seen look_quietly(struct house *house)
{
	bool struck = failing_struck();

	failing_end();
	struct seen seen = look(house);
	if (!struck)
		failing_go_on();
	return seen;
}

static void test_every_transaction_with_rows_has_one_head(void **state)
{
	struct house *house = *state;
	uint8_t public[32], secret[64];
	unsigned before = look(house).count;

	house_write_rows(house, 3);
	struct seen seen = look(house);
	assert_int_equal(seen.count, before + 1);
	assert_int_equal(seen.last.sequence, house->broker->audit.sequence);
	assert_int_equal(audit_head_check(&seen.last), 0);
	house_installation(public, secret);
	assert_int_equal(signer_check(&seen.last.signer, public), 0);
	/* a transaction without rows has none */
	assert_int_equal(turn_open(house->broker), 0);
	turn_close(house->broker);
	assert_int_equal(look(house).count, before + 1);
	/* nor has one whose rows were undone */
	struct savepoint savepoint;
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(turn_savepoint(house->broker, &savepoint), 0);
	assert_int_equal(audit_write(house->broker, "test.row", "test", NULL, NULL, 0, NULL), 0);
	assert_int_equal(turn_undo(house->broker, &savepoint, -ERR_FULL), 0);
	turn_close(house->broker);
	assert_int_equal(look(house).count, before + 1);
}

static void test_no_head_no_row(void **state)
{
	struct house *house = *state;
	int64_t sequence = house->broker->audit.sequence;
	struct audit_row last;

	house->broker->head.signer = 4711; /* a key that no table knows: the head cannot be added */
	house_write_rows(house, 2);
	assert_int_equal(house->broker->audit.sequence, sequence);
	assert_int_equal(store_audit_last(house->broker->store, &last), 0);
	assert_int_equal(last.sequence, sequence);
}

static void test_the_trail_is_its_first_row(void **state)
{
	struct house *house = *state;
	struct seen seen = { .count = 0 };
	struct audit kept = house->broker->audit;

	assert_int_equal(store_audit_list(house->broker->store, 0, 1, see_row, &seen), 0);
	assert_memory_equal(seen.row.hash, house->broker->head.newest.signer.trail, HASH_LEN);
	assert_int_equal(audit_load(house->broker), 0);
	assert_memory_equal(&house->broker->audit, &kept, sizeof kept);
}

static void ask_again(struct house *house)
{
	house->broker->head.newest.signer.certified = false;
	house->broker->head.asked_at = 0;
	head_ask(house->broker);
}

static struct msg_broker_certified answer_for(struct house *house)
{
	struct msg_broker_certified answer = { 0 };

	memcpy(answer.public_key, house->broker->head.newest.signer.public_key, 32);
	return answer;
}

static void test_is_asked_for_until_it_comes(void **state)
{
	struct house *house = *state;
	struct head *head = &house->broker->head;
	struct msg_broker_certified answer = answer_for(house);

	assert_int_equal(head_ready(house->broker), 0);
	head->newest.signer.certified = false;
	answer.result = -ERR_SEALED;
	head_certified(house->broker, &answer);
	assert_int_equal(head_ready(house->broker), -ERR_SEALED);
	/* asked a moment ago: not again yet */
	uint64_t asked_at = head->asked_at = clock_monotonic_ms();
	head_ask(house->broker);
	assert_int_equal(head->asked_at, asked_at);
	ask_again(house);
	assert_true(head->asked_at >= asked_at);
	/* the vault's answer cannot be kept twice: the row is there */
	for (int i = 0; i < 100 && head->refused == -ERR_SEALED; i++)
		house_run(house);
	assert_true(head->refused < 0 && head->refused != -ERR_SEALED);
}

static void test_another_key_is_none_of_ours(void **state)
{
	struct house *house = *state;
	struct msg_broker_certified answer = answer_for(house);
	unsigned rows = house_audit_count(house, "broker.certified");

	assert_int_equal(rows, 1);
	head_certified(house->broker, &answer); /* has one */
	house->broker->head.newest.signer.certified = false;
	house->broker->head.refused = -ERR_SEALED;
	answer.public_key[0] ^= 1;
	head_certified(house->broker, &answer);
	assert_int_equal(head_ready(house->broker), -ERR_SEALED);
	assert_int_equal(house_audit_count(house, "broker.certified"), rows);
	/* the right one, twice before the first is on disk */
	answer.public_key[0] ^= 1;
	house->broker->head.refused = -ERR_AGAIN;
	head_certified(house->broker, &answer);
	assert_int_equal(head_ready(house->broker), -ERR_AGAIN);
	assert_int_equal(house_audit_count(house, "broker.certified"), rows);
}

/* Only what is on disk may be told: the newest head at or before a mark. */
static void test_durable_follows_the_marks(void **state)
{
	struct house *house = *state;
	struct head *head = &house->broker->head;
	int64_t first = head->durable.sequence;

	for (unsigned i = 1; i <= 3; i++) {
		head->fresh = true;
		head->newest.sequence = first + i;
		head_committed(house->broker, 10 * i);
	}
	head_durable(house->broker, 9);
	assert_int_equal(head->durable.sequence, first);
	head_durable(house->broker, 25);
	assert_int_equal(head->durable.sequence, first + 2);
	assert_int_equal(head->ahead_count, 1);
	head->fresh = false;
	head_committed(house->broker, 31); /* wrote no row */
	assert_int_equal(head->ahead_count, 1);
	for (unsigned i = 4; i <= 4 + HEADS_AHEAD; i++) {
		head->fresh = true;
		head->newest.sequence = first + i;
		head_committed(house->broker, 10 * i);
	}
	assert_int_equal(head->ahead_count, HEADS_AHEAD);
	/* The newest took the place of the one before it: never told before its time. */
	head_durable(house->broker, 10 * (3 + HEADS_AHEAD));
	assert_true(head->durable.sequence <= first + 3 + HEADS_AHEAD);
	head_durable(house->broker, UINT64_MAX);
	assert_int_equal(head->durable.sequence, first + 4 + HEADS_AHEAD);
	assert_int_equal(head->ahead_count, 0);
}

/* An uncertified key: no URL is spent, and it is told why. */
static void test_no_session_without_certificate(void **state)
{
	struct house *house = *state;
	struct msg_redeem redeem = { .public_key = { 4 } };

	house->broker->head.newest.signer.certified = false;
	house->broker->head.refused = -ERR_SEALED;
	house_send(house->front, MSG_TICKET_REDEEM, &redeem, -1);
	house_run(house);
	struct house_message got = house_take(house, MSG_TICKET_REDEEMED);
	assert_int_equal(((struct msg_redeemed *)got.payload)->result, -ERR_SEALED);
}

/* A head that cannot be written takes its turn with it, its key's row included. */
static void test_store_fails(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct head other;

	FAILING("sodium_init") {
		int r = head_create(&other);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		assert_int_equal(head_ready(&(struct broker){ .head = other }), -ERR_PEER_GONE);
	}
	memcpy(broker->head.secret_key, other.secret_key, sizeof other.secret_key);
	broker->head.newest.signer = other.newest.signer;
	broker->head.stored = false;
	head_destroy(&other);
	static const uint8_t nothing[sizeof other.secret_key];
	assert_memory_equal(other.secret_key, nothing, sizeof nothing);
	failing_store(broker->store);
	FAILING(FAILING_STORE) {
		int64_t sequence = broker->audit.sequence;
		unsigned count = look_quietly(house).count;
		int r = turn_open(broker);
		if (r == 0)
			r = audit_write(broker, "test.row", "test", NULL, NULL, 0, NULL);
		if (broker->turn.open)
			turn_close(broker);
		bool struck = failing_struck();
		assert_int_equal(broker->audit.sequence, struck ? sequence : sequence + 1);
		assert_int_equal(look_quietly(house).count, struck ? count : count + 1);
		assert_int_equal(broker->head.stored, !struck);
		assert_int_equal(audit_head_check(&broker->head.newest) == 0 || struck, 1);
	}
	house_audit_verify(house);
}

static void test_asked_when_there_is_something_to_ask(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct head *head = &broker->head;

	head->newest.signer.certified = false;
	head->asked_at = 0;
	head->stored = false; /* no row has this key's signature */
	head_ask(broker);
	assert_int_equal(head->asked_at, 0);
	head->stored = true;
	struct channel *vault = STEAL(broker->vault);
	head_ask(broker);
	assert_int_equal(head->asked_at, 0);
	broker->vault = vault;
	head_ask(broker);
	assert_int_not_equal(head->asked_at, 0);
	head->asked_at = clock_monotonic_ms() - HEAD_ASK_MS;
	uint64_t before = head->asked_at;
	head_ask(broker);
	assert_int_not_equal(head->asked_at, before);
	head->newest.signer.certified = true;
	head->asked_at = 0;
	head_ask(broker);
	assert_int_equal(head->asked_at, 0);
}

/* A certificate that could not be kept is none: whoever asks is told why, and it is asked again. */
static void test_certificate_that_is_not_kept(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct head *head = &broker->head;
	struct msg_broker_certified answer = answer_for(house);

	failing_store(broker->store);
	FAILING(FAILING_STORE) {
		failing_end();
		/* A key of its own for each try: a certificate is kept once. */
		uint8_t secret[64];
		assert_int_equal(crypto_sign_keypair(head->newest.signer.public_key, secret), 0);
		memcpy(head->secret_key, secret, sizeof secret);
		head->stored = false;
		head->newest.signer.certified = head->durable.signer.certified = false;
		head->asked_at = UINT64_MAX / 2; /* not while the test looks */
		house_write_rows(house, 1);
		answer = answer_for(house);
		memset(answer.certificate, 0xce, sizeof answer.certificate);
		failing_go_on();
		head_certified(broker, &answer);
		turn_close(broker);
		bool struck = failing_struck();
		failing_end();
		assert_int_equal(head_ready(broker), struck ? -ERR_STORE : 0);
		assert_int_equal(head->durable.signer.certified, !struck);
	}
	assert_memory_equal(head->durable.signer.certificate, answer.certificate, 64);
	house_audit_verify(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_transaction_with_rows_has_one_head),
		TEST(test_no_head_no_row),
		TEST(test_the_trail_is_its_first_row),
		TEST(test_is_asked_for_until_it_comes),
		TEST(test_another_key_is_none_of_ours),
		TEST(test_durable_follows_the_marks),
		TEST(test_no_session_without_certificate),
		TEST(test_store_fails),
		TEST(test_asked_when_there_is_something_to_ask),
		TEST(test_certificate_that_is_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
