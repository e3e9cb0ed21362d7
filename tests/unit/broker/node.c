/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/node.c"

#include "person.h"
#include "store/store_private.h"

/* A store that is shared, as a server's is: what is said is kept, what is heard is given. */
static struct {
	struct backend backend;
	const struct backend *before;
	int claimed;
	unsigned told;
	char words[16][STORE_WORDS];
	const char *next;
} server;

static int claim(void *connection, int64_t node)
{
	return node == 4711 ? -ERR_STORE_TAKEN : server.claimed;
}

static int tell(void *connection, const char *words)
{
	snprintf(server.words[server.told++], STORE_WORDS, "%s", words);
	return 0;
}

static void give_words(void *connection, void (*fn)(void *, const char *words), void *context)
{
	if (server.next != NULL)
		fn(context, server.next);
	server.next = NULL;
}

static void share(struct house *house)
{
	struct store *store = house->broker->store;

	server.before = store->backend;
	server.backend = *store->backend;
	server.backend.claim = claim;
	server.backend.tell = tell;
	server.backend.hear = give_words;
	server.claimed = 0;
	server.told = 0;
	store->backend = &server.backend;
	assert_int_equal(node_enter(house->broker), 0);
	/* its trail was begun as that of the only one */
	store_node_set(store, 0);
	store->node = house->broker->node.id;
}

static void unshare_it(struct house *house)
{
	house->broker->node.shared = false;
	house->broker->store->backend = server.before;
}

static void test_alone_does_nothing(void **state)
{
	struct house *house = *state;
	struct session_row row = { .state = SESSION_LIVE };
	struct address address = { 0 };

	assert_int_equal(node_enter(house->broker), 0);
	assert_int_equal(house->broker->node.id, 0);
	assert_int_equal(node_elsewhere(house->broker, &row), 0);
	assert_false(node_asked(house->broker, &row));
	assert_int_equal(node_alone(house->broker), 1);
	node_failed(house->broker, "portal", &address);
	assert_int_equal(house->broker->node.failure_count, 0);
	node_heard(house->broker);
	node_tick(house->broker);
	node_leave(house->broker);
	assert_false(house->broker->turn.open);
}

static void test_name_that_is_taken(void **state)
{
	struct house *house = *state;

	share(house);
	assert_true(house->broker->node.id > 0);
	assert_true(house->broker->node.name[0] != '\0');
	server.claimed = -ERR_STORE_TAKEN;
	assert_int_equal(node_enter(house->broker), -ERR_STORE_TAKEN);
	unshare_it(house);
}

/* As the other node's broker would have it. */
static int64_t put_elsewhere(struct house *house, int64_t session)
{
	char statement[160];
	int64_t other;

	assert_int_equal(
		store_node_enter(house->broker->store, "other", clock_wall_ms(), &other), 0);
	snprintf(statement, sizeof statement,
		"UPDATE sessions SET state = 2, node = %lld WHERE id = %lld", (long long)other,
		(long long)session);
	house_tamper(house, statement);
	return other;
}

static int keep_ending_row(void *context, const struct ending_row *row)
{
	*(struct ending_row *)context = *row;
	return 0;
}

static void test_end_is_asked_of_its_node(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct ending_row ending = { 0 };

	share(house);
	house_session(house);
	house_session(house);
	int64_t other = put_elsewhere(house, 1);
	assert_int_equal(node_alone(broker), 0);
	assert_int_equal(house_end_of(house, ENDING_USER, house->user), 2);
	assert_int_equal(person_row(house, 1).state, SESSION_LIVE);
	assert_int_equal(person_row(house, 2).state, SESSION_ENDED); /* nobody had opened it */
	assert_int_equal(server.told, 1);
	assert_string_equal(server.words[0], "end");
	assert_int_equal(house_end_of(house, ENDING_USER, house->user), 0); /* asked is asked */
	assert_int_equal(house_end_of(house, ENDING_EVERYTHING, 0), 0);     /* not ours */
	store_node_set(broker->store, other);
	assert_int_equal(store_ending_list(broker->store, 8, keep_ending_row, &ending), 0);
	store_node_set(broker->store, 0);
	assert_int_equal(ending.session, 1);
	assert_int_equal(ending.why, -ERR_RIGHTS_WITHDRAWN);
	assert_string_equal(ending.reason, "because");
	assert_string_equal(ending.actor, "gateway");
	unshare_it(house);
}

static void ask_us(struct house *house, int64_t session)
{
	struct ending_row ending = {
		.session = session, .node = house->broker->node.id, .why = -ERR_SESSION_DROPPED
	};

	snprintf(ending.reason, sizeof ending.reason, "Enough");
	snprintf(ending.actor, sizeof ending.actor, "application:9");
	snprintf(ending.origin, sizeof ending.origin, "192.0.2.9");
	assert_int_equal(store_ending_ask(house->broker->store, &ending, 1), 0);
}

static void test_what_is_asked_of_us_is_done(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct person person;

	int64_t id = person_go_live(house, &person);
	share(house);
	broker->node.look_at = UINT64_MAX;
	ask_us(house, id);
	node_heard(broker); /* nothing was said */
	assert_int_equal(person_row(house, id).state, SESSION_LIVE);
	server.next = "end";
	node_heard(broker);
	turn_close(broker);
	assert_int_equal(person_row(house, id).state, SESSION_ENDED);
	assert_string_equal(person_row(house, id).end_reason, "Enough");
	assert_string_equal(house_audit(house, "session.ended").actor, "application:9");
	assert_string_equal(house_audit(house, "session.ended").from, "192.0.2.9");
	assert_int_equal(store_ending_asked(broker->store, id), 0);
	/* once more, for one that is over; the tick is the net below */
	ask_us(house, id);
	broker->node.look_at = 0;
	broker->node.renew_at = UINT64_MAX;
	node_tick(broker);
	turn_close(broker);
	assert_int_equal(store_ending_asked(broker->store, id), 0);
	assert_int_equal(house_audit_count(house, "session.ended"), 1);
	unshare_it(house);
	person_close(&person);
}

static void test_lost_node(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;

	share(house);
	house_session(house);
	put_elsewhere(house, 1);
	broker->node.look_at = UINT64_MAX;
	broker->node.renew_at = 0;
	node_tick(broker);
	turn_close(broker);
	assert_int_equal(person_row(house, 1).state, SESSION_LIVE); /* seen a moment ago */
	house_tamper(house, "UPDATE nodes SET seen_at = 1 WHERE name = 'other'");
	broker->node.renew_at = 0;
	node_tick(broker);
	turn_close(broker);
	assert_int_equal(person_row(house, 1).end_why, -ERR_NODE_LOST);
	assert_string_equal(house_audit(house, "node.lost").object, "node:other");
	house_audit_verify(house);
	unshare_it(house);
}

/* Others ended our sessions on record: what we believe is not so. */
static void test_lost_ourselves(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;

	share(house);
	house_tamper(house, "UPDATE nodes SET gone_at = 1");
	broker->node.renew_at = 0;
	node_tick(broker);
	assert_true(broker->broken);
	assert_true(loop_stopping(broker->loop));
	node_tick(broker); /* nothing any more */
	turn_close(broker);
	broker->broken = false;
	unshare_it(house);
}

static void test_guesses_count_everywhere(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	struct address address;

	share(house);
	assert_int_equal(address_parse(&address, "192.0.2.77"), 0);
	for (unsigned i = 0; i < 2 * NODE_FAILURES; i++)
		node_failed(broker, i == 0 ? "por tal" : "x", &address);
	assert_int_equal(broker->node.failure_count, NODE_FAILURES);
	broker->node.failure_count = 1;
	assert_int_equal(turn_open(broker), 0);
	turn_close(broker);
	assert_int_equal(server.told, 1);
	assert_string_equal(server.words[0], "failed 192.0.2.77 706f722074616c");
	for (int64_t i = 0; i <= broker->settings->api_failures; i++) {
		assert_int_equal(throttle_wait(broker->throttle, "por tal", &address,
					 clock_monotonic_ms()) > 0,
			i == broker->settings->api_failures);
		server.next = server.words[0];
		node_heard(broker);
	}
	static const char *const nonsense[] = { "failed", "failed ", "failed nobody 00", "other",
		"failed 192.0.2.78", "failed 192.0.2.78 xx" };
	for (unsigned i = 0; i < ARRAY_LEN(nonsense); i++) {
		server.next = nonsense[i];
		node_heard(broker);
	}
	unshare_it(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_alone_does_nothing),
		TEST(test_name_that_is_taken),
		TEST(test_end_is_asked_of_its_node),
		TEST(test_what_is_asked_of_us_is_done),
		TEST(test_lost_node),
		TEST(test_lost_ourselves),
		TEST(test_guesses_count_everywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
