/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/head.c"

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

static void write_rows(struct house *house, unsigned count)
{
	assert_int_equal(turn_open(house->broker), 0);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(
			audit_write(house->broker, "test.row", "test", NULL, NULL, 0, NULL), 0);
	turn_close(house->broker);
}

static void test_every_transaction_with_rows_has_one_head(void **state)
{
	struct house *house = *state;
	uint8_t public[32], secret[64];
	unsigned before = look(house).count;

	write_rows(house, 3);
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
	write_rows(house, 2);
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
