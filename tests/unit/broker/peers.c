/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include <unistd.h>

/* Several of a kind, and the end of a broker that is replaced. */
static const struct house_call list_call = { .method = "GET",
	.path = "/api/pam/session/remotesessions",
	.authorization = "Bearer " HOUSE_TOKEN };

static void test_two_fronts_are_served(void **state)
{
	struct house *house = *state;
	struct channel *first = house->front;

	house->front = house_introduce_as(house, PARTY_FRONT, true, 2);
	assert_int_equal(peers_count(house->broker, PARTY_FRONT), 2);
	assert_int_equal(house_call(house, &list_call)->status, 200);
	struct channel *second = house->front;
	house->front = first;
	assert_int_equal(house_call(house, &list_call)->status, 200);
	channel_destroy(second);
	house_run(house);
	assert_int_equal(peers_count(house->broker, PARTY_FRONT), 1);
}

/* What is new goes to the one of this generation; the retired one keeps its place beside it. */
static void test_retired_take_nothing_new(void **state)
{
	struct house *house = *state;
	struct channel *vault = house->broker->vault, *recorder = house->broker->recorder;
	struct channel *old_vault = house_introduce_as(house, PARTY_VAULT, true, 9),
		       *old_recorder = house_introduce_as(house, PARTY_RECORDER, true, 9);

	house_run(house);
	assert_ptr_equal(house->broker->vault, vault);
	assert_ptr_equal(house->broker->recorder, recorder);
	assert_int_equal(peers_count(house->broker, PARTY_VAULT), 2);
	channel_destroy(old_vault);
	channel_destroy(old_recorder);
	house_run(house);
	assert_ptr_equal(house->broker->vault, vault);
	assert_ptr_equal(house->broker->recorder, recorder);
}

static void test_a_peer_is_found_by_its_channel(void **state)
{
	struct house *house = *state;

	assert_null(peer_of(house->broker, NULL));
	assert_null(peer_of(house->broker, house->front)); /* the test's own end */
	assert_int_equal(peer_of(house->broker, house->broker->recorder)->party, PARTY_RECORDER);
	uint64_t number = peer_number(house->broker, house->broker->recorder);
	assert_true(number > 0);
	assert_ptr_equal(peer_numbered(house->broker, number), house->broker->recorder);
	assert_int_equal(peer_number(house->broker, NULL), 0);
	assert_null(peer_numbered(house->broker, 0));
}

static void end_later(void *context)
{
	loop_stop(((struct house *)context)->broker->loop);
}

/* True when the broker ended its loop by itself. */
static bool ends(struct house *house, unsigned ms)
{
	struct timer *timer;
	uint64_t start = clock_monotonic_ms();

	assert_int_equal(loop_after(house->broker->loop, ms, end_later, house, &timer), 0);
	assert_int_equal(loop_run(house->broker->loop), 0);
	bool itself = clock_monotonic_ms() - start < ms;
	if (itself)
		timer_cancel(timer);
	return itself;
}

/* Everything that was asked before a front said its last is answered; then the broker ends. */
static void test_retires_with_all_answered(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	house->replies = 0;
	for (unsigned i = 0; i < 50; i++)
		house_send_call(house, &list_call);
	channel_last(house->front);
	peers_retire(house->broker);
	assert_true(ends(house, 30000));
	for (int i = 0; i < 1000 && house->replies < 50; i++)
		house_run(house);
	assert_int_equal(house->replies, 50);
	assert_int_equal(house->reply.status, 200);
	assert_int_equal(person_row(house, id).state, SESSION_LIVE); /* nothing ended with it */
	assert_int_equal(house_audit_count(house, "gateway.stopped"), 0);
	person_close(&person);
}

/* A recorder that hangs up while it retires ends no session: the next broker will ask it. */
static void test_retiring_takes_nothing_for_lost(void **state)
{
	struct house *house = *state;
	struct person person;

	int64_t id = person_go_live(house, &person);
	peers_retire(house->broker);
	channel_destroy(STEAL(house->recorder));
	house_run(house);
	assert_int_equal(person_row(house, id).state, SESSION_LIVE);
	/* What must end meanwhile ends, without a word to the one that is gone. */
	struct session *session = session_by_id(house->broker, id);
	assert_null(session->recorder);
	session_end(house->broker, session, -ERR_RIGHTS_WITHDRAWN, NULL);
	house_run(house);
	assert_int_equal(person_row(house, id).state, SESSION_ENDED);
	person_close(&person);
}

/* Whoever waits for something else than a front is waited for, and no longer. */
static void test_retires_when_the_last_is_answered(void **state)
{
	struct house *house = *state;
	static const struct house_call reload = {
		.method = "POST", .path = "/control/gateway/reload", .door = DOOR_CONTROL
	};
	struct msg_reload_answer answer;

	house_send_call(house, &reload);
	house_run(house);
	struct house_message asked = house_take(house, MSG_RELOAD_ASK);
	peers_retire(house->broker);
	channel_last(house->front);
	channel_destroy(STEAL(house->front));
	house_run(house);
	assert_int_equal(peers_count(house->broker, PARTY_FRONT), 0);
	memset(&answer, 0, sizeof answer);
	assert_int_equal(channel_send(house->supervisor, MSG_RELOAD_ANSWER, asked.serial, &answer,
				 NULL, 0, NULL, 0),
		0);
	for (int i = 0; i < 100 && !house->replied; i++)
		house_run(house);
	assert_int_equal(house->reply.status, 200);
	assert_true(house->broker->last);
}

/* A front that says nothing at all does not hold it up for ever. */
static void test_retires_in_time(void **state)
{
	struct house *house = *state;

	peers_retire(house->broker);
	assert_false(house->broker->last);
	assert_true(ends(house, 30000));
	assert_true(house->broker->last);
}

/* What waits for a commit names who asked by number: his address may be somebody else's by then. */
static void test_numbers_are_never_used_again(void **state)
{
	struct house *house = *state;
	uint64_t last = peer_number(house->broker, house->broker->recorder);

	for (unsigned i = 0; i < 8; i++) {
		channel_destroy(house_introduce(house, PARTY_RECORDER));
		uint64_t number = peer_number(house->broker, house->broker->recorder);
		assert_true(number > last);
		assert_null(peer_numbered(house->broker, last));
		last = number;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_fronts_are_served),
		TEST(test_retired_take_nothing_new),
		TEST(test_a_peer_is_found_by_its_channel),
		TEST(test_numbers_are_never_used_again),
		TEST(test_retires_with_all_answered),
		TEST(test_retiring_takes_nothing_for_lost),
		TEST(test_retires_when_the_last_is_answered),
		TEST(test_retires_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
