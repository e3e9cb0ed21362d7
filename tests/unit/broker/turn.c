/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>

#include "house.h"
#include "store/store_private.h"

#include "failing.h"
#include "failing_store.h"

struct told {
	int order[32], results[32];
	unsigned count;
};
struct thing {
	struct told *told;
	int number;
};

static void tell(struct broker *broker, void *context, int result)
{
	struct thing *thing = context;

	(void)broker;
	thing->told->order[thing->told->count] = thing->number;
	thing->told->results[thing->told->count++] = result;
}

static void write_again(struct broker *broker, void *context, int result)
{
	assert_int_equal(result, 0);
	assert_int_equal(turn_open(broker), 0);
	turn_then(broker, tell, context);
}

static void test_after_the_commit_in_order(void **state)
{
	struct house *house = *state;
	struct told told = { .count = 0 };
	struct thing one = { &told, 1 }, two = { &told, 2 };

	assert_int_equal(turn_open(house->broker), 0);
	turn_then(house->broker, tell, &one);
	turn_then(house->broker, tell, &two);
	assert_int_equal(told.count, 0);
	turn_close(house->broker);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.order[0], 1);
	assert_int_equal(told.results[1], 0);
	turn_close(house->broker);
	assert_int_equal(told.count, 2);
}

static void test_undone_backwards(void **state)
{
	struct house *house = *state;
	struct told told = { .count = 0 };
	struct thing one = { &told, 1 }, two = { &told, 2 }, three = { &told, 3 };
	struct savepoint savepoint;

	assert_int_equal(turn_open(house->broker), 0);
	turn_then(house->broker, tell, &one);
	assert_int_equal(turn_savepoint(house->broker, &savepoint), 0);
	turn_then(house->broker, tell, &two);
	turn_then(house->broker, tell, &three);
	assert_int_equal(turn_undo(house->broker, &savepoint, -ERR_FULL), 0);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.order[0], 3);
	assert_int_equal(told.results[0], -ERR_FULL);
	turn_close(house->broker);
	assert_int_equal(told.order[2], 1);
	assert_int_equal(told.results[2], 0);
}

static void test_what_runs_after_may_write(void **state)
{
	struct house *house = *state;
	struct told told = { .count = 0 };
	struct thing one = { &told, 1 };

	assert_int_equal(turn_open(house->broker), 0);
	turn_then(house->broker, write_again, &one);
	turn_close(house->broker);
	assert_int_equal(told.count, 1);
	assert_false(house->broker->turn.open);
}

static void test_poisoned(void **state)
{
	struct house *house = *state;
	struct told told = { .count = 0 };
	struct thing one = { &told, 1 };
	int64_t id;

	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(store_user_add(house->broker->store, "eva", "", 1, &id), 0);
	turn_then(house->broker, tell, &one);
	house->broker->turn.poisoned = true;
	turn_close(house->broker);
	assert_int_equal(told.results[0], -ERR_STORE);
	struct user_row user;
	assert_int_equal(store_user_find(house->broker->store, "eva", &user), -ERR_NOT_FOUND);
}

/* A savepoint that can be neither kept nor undone takes the whole turn with it. */
static void test_savepoints_that_fail(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;

	failing_store(broker->store);
	for (int keep = 0; keep < 2; keep++) {
		struct told told = { .count = 0 };
		struct thing one = { &told, 1 };
		struct savepoint savepoint;
		struct user_row user;
		int64_t id;

		assert_int_equal(turn_open(broker), 0);
		turn_then(broker, tell, &one);
		assert_int_equal(turn_savepoint(broker, &savepoint), 0);
		assert_int_equal(store_user_add(broker->store, "eva", "", 1, &id), 0);
		failing_once("store_run", 1, EIO);
		if (keep)
			assert_int_equal(turn_keep(broker, &savepoint), -ERR_STORE);
		else
			assert_int_equal(turn_undo(broker, &savepoint, -ERR_FULL), -ERR_STORE);
		failing_end();
		turn_close(broker);
		assert_int_equal(told.count, 1);
		assert_int_equal(told.results[0], -ERR_STORE);
		assert_int_equal(store_user_find(broker->store, "eva", &user), -ERR_NOT_FOUND);
	}
}

static void count_up(struct broker *broker, void *context, int result)
{
	(void)broker;
	*(unsigned *)context += result == 0;
}

/* A handler that finds the list nearly full gets an empty one. */
static void test_full(void **state)
{
	struct house *house = *state;
	unsigned count = 0;

	assert_int_equal(turn_open(house->broker), 0);
	for (unsigned i = 0; i <= TURN_MAX - TURN_HANDLER; i++)
		turn_then(house->broker, count_up, &count);
	assert_int_equal(count, 0);
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(count, TURN_MAX - TURN_HANDLER + 1);
	assert_int_equal(house->broker->turn.waiting->count, 0);
	turn_close(house->broker);
}

/* Answers of several calls do not hold up the next turn; they come when the disk has them. */
static void test_answers_wait_for_the_disk_alone(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct told told = { .count = 0 };
	struct thing things[] = { { &told, 1 }, { &told, 2 }, { &told, 3 }, { &told, 4 } };
	int64_t id;

	assert_int_equal(turn_open(broker), 0);
	assert_int_equal(store_user_add(broker->store, "eva", "", 1, &id), 0);
	turn_answer(broker, tell, &things[0]);
	turn_answer(broker, tell, &things[1]);
	turn_end(broker);
	assert_false(broker->turn.open);
	assert_int_equal(told.count, 0);
	assert_int_equal(broker->turn.ahead.count, 2);

	assert_int_equal(turn_open(broker), 0);
	assert_int_equal(store_user_add(broker->store, "rui", "", 1, &id), 0);
	turn_answer(broker, tell, &things[2]);
	turn_end(broker);
	for (int i = 0; i < 100 && told.count < 3; i++)
		house_run(house);
	assert_int_equal(told.count, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(told.order[i], i + 1);

	/* What acts waits at once, and comes after the answers before it. */
	assert_int_equal(turn_open(broker), 0);
	assert_int_equal(store_user_add(broker->store, "zoe", "", 1, &id), 0);
	turn_answer(broker, tell, &things[0]);
	turn_answer(broker, tell, &things[1]);
	turn_end(broker);
	assert_int_equal(told.count, 3);
	assert_int_equal(turn_open(broker), 0);
	turn_then(broker, tell, &things[3]);
	turn_end(broker);
	assert_int_equal(told.count, 6);
	assert_int_equal(told.order[3], 1);
	assert_int_equal(told.order[5], 4);
}

/* The disk begins while calls are still read, and who waited for it is answered then. */
static void test_parts_of_a_turn(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct told told = { .count = 0 };
	struct thing things[TURN_PART + TURN_LOOK];
	int64_t id;

	assert_int_equal(turn_open(broker), 0);
	assert_int_equal(store_user_add(broker->store, "eva", "", 1, &id), 0);
	for (unsigned i = 0; i < TURN_PART; i++) {
		turn_part(broker);
		assert_true(broker->turn.open);
		assert_int_equal(broker->turn.ahead.count, 0);
		things[i] = (struct thing){ &told, (int)i };
		turn_answer(broker, tell, &things[i]);
	}
	turn_part(broker);
	assert_false(broker->turn.open);
	assert_int_equal(broker->turn.ahead.count, TURN_PART);
	assert_int_equal(told.count, 0);

	/* The next part goes on until the disk is done with the first. */
	assert_int_equal(turn_open(broker), 0);
	assert_int_equal(store_user_add(broker->store, "rui", "", 1, &id), 0);
	struct pollfd synced = { store_sync_descriptor(broker->store), POLLIN, 0 };
	assert_int_equal(poll(&synced, 1, 10000), 1);
	turn_part(broker);
	assert_int_equal(told.count, TURN_PART);
	assert_true(broker->turn.open);

	/* What acts is not parted from what comes with it. */
	for (unsigned i = 0; i < TURN_PART; i++)
		turn_answer(broker, tell, &things[0]);
	broker->turn.waiting->acts = true;
	turn_part(broker);
	assert_true(broker->turn.open);
	told.count = 0;
	turn_close(broker);
	assert_int_equal(told.count, TURN_PART);
}

static void test_one_answer_is_quickest_at_once(void **state)
{
	struct house *house = *state;
	struct told told = { .count = 0 };
	struct thing one = { &told, 1 };
	int64_t id;

	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(store_user_add(house->broker->store, "eva", "", 1, &id), 0);
	turn_answer(house->broker, tell, &one);
	turn_end(house->broker);
	assert_int_equal(told.count, 1);
}

static void test_close_waits_for_all(void **state)
{
	struct house *house = *state;
	struct told told = { .count = 0 };
	struct thing one = { &told, 1 }, two = { &told, 2 };
	int64_t id;

	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(store_user_add(house->broker->store, "eva", "", 1, &id), 0);
	turn_answer(house->broker, tell, &one);
	turn_answer(house->broker, tell, &two);
	turn_end(house->broker);
	assert_int_equal(told.count, 0);
	turn_close(house->broker);
	assert_int_equal(told.count, 2);
}

static int broken(void *connection, bool wait, uint64_t *ret_mark)
{
	*ret_mark = 0;
	return -ERR_STORE_BROKEN;
}

/* A disk that lost what was committed: nobody is told otherwise, and this broker ends. */
static void test_broken_store_ends_the_broker(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct backend lies = *broker->store->backend;
	struct told told = { .count = 0 };
	struct thing things[] = { { &told, 1 }, { &told, 2 }, { &told, 3 } };
	int64_t id;

	assert_int_equal(turn_open(broker), 0);
	assert_int_equal(store_user_add(broker->store, "eva", "", 1, &id), 0);
	turn_answer(broker, tell, &things[0]);
	turn_answer(broker, tell, &things[1]);
	turn_end(broker);
	lies.synced = broken;
	const struct backend *before = broker->store->backend;
	broker->store->backend = &lies;
	turn_close(broker);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.results[0], -ERR_STORE_BROKEN);
	assert_true(broker->broken);
	assert_true(loop_stopping(broker->loop));
	assert_int_equal(turn_open(broker), 0);
	turn_answer(broker, tell, &things[2]);
	turn_end(broker);
	assert_int_equal(told.results[2], -ERR_STORE_BROKEN);
	broker->store->backend = before;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

/* Several that only read, in one turn: the disk has nothing to do, and no news. */
static void test_readers_are_answered(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "GET",
		.path = "/api/pam/session/remotesessions",
		.authorization = "Bearer " HOUSE_TOKEN };

	house_burst(house, &call, 8, 200); /* what the first ones write is written */
	for (unsigned count = 1; count < 8; count++)
		assert_int_equal(house_burst(house, &call, count, 200), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_after_the_commit_in_order),
		TEST(test_undone_backwards),
		TEST(test_what_runs_after_may_write),
		TEST(test_poisoned),
		TEST(test_savepoints_that_fail),
		TEST(test_full),
		TEST(test_answers_wait_for_the_disk_alone),
		TEST(test_parts_of_a_turn),
		TEST(test_one_answer_is_quickest_at_once),
		TEST(test_close_waits_for_all),
		TEST(test_broken_store_ends_the_broker),
		TEST(test_readers_are_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
