/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_session.c"

#include <pthread.h>

#include "failing.h"
#include "failing_store.h"
#include "fixture.h"

static int64_t add(struct fixture *fixture, unsigned number)
{
	struct session_row session = fixture_session(fixture, number);
	int64_t id = 0;
	assert_int_equal(store_session_add(fixture->store, &session, &id), 0);
	return id;
}

static int64_t add_with_ticket(struct fixture *fixture, unsigned number, int64_t expires_at)
{
	int64_t id = add(fixture, number);
	uint8_t hash[HASH_LEN];
	fixture_hash(hash, number);
	assert_int_equal(store_ticket_add(fixture->store, hash, id, "", expires_at), 0);
	return id;
}

static void a_session_comes_back_as_it_was_made(void **state)
{
	struct fixture *fixture = *state;
	struct session_row made = fixture_session(fixture, 1), found;
	int64_t id = add(fixture, 1);
	assert_int_equal(store_session_get(fixture->store, id, &found), 0);
	made.id = id;
	made.exit_status = -1;
	assert_string_equal(found.session_id, made.session_id);
	assert_memory_equal(found.token_hash, made.token_hash, HASH_LEN);
	assert_int_equal(found.state, SESSION_CREATED);
	assert_int_equal(found.credential_version, 3);
	assert_string_equal(found.user, "ana");
	assert_string_equal(found.application, "portal");
	assert_string_equal(found.device, "DB1");
	assert_string_equal(found.ip, "192.0.2.7");
	assert_string_equal(found.username, "root");
	assert_string_equal(found.protocol, "ssh");
	assert_int_equal(found.port, 22);
	assert_int_equal(found.width, 1920);
	assert_int_equal(found.height, 1080);
	assert_string_equal(found.remote_addr, "198.51.100.1");
	assert_string_equal(found.origin_ip, "");
	assert_int_equal(found.created_at, NOW);
	assert_int_equal(found.exit_status, -1);
	assert_int_equal(found.recorded, 0);
	assert_int_equal(store_session_add(fixture->store, &made, &id), -ERR_EXISTS);
	made = fixture_session(fixture, 2);
	made.credential_id = 99;
	assert_int_equal(store_session_add(fixture->store, &made, &id), -ERR_NOT_FOUND);
}

/* The database itself keeps a second one out, whoever asks: not a look and then a write. */
static void one_that_is_alone_stays_alone(void **state)
{
	struct fixture *fixture = *state;
	struct session_row row = fixture_session(fixture, 1);
	int64_t first, other;
	row.alone = true;
	assert_int_equal(store_session_add(fixture->store, &row, &first), 0);
	row = fixture_session(fixture, 2);
	row.alone = true;
	assert_int_equal(store_session_add(fixture->store, &row, &other), -ERR_EXISTS);
	assert_int_equal(store_session_ended(fixture->store, first, 0, "", 0, NOW), 0);
	assert_int_equal(store_session_add(fixture->store, &row, &other), 0);
	row = fixture_session(fixture, 3);
	row.alone = false; /* made before the policy said so: the policy counts those */
	assert_int_equal(store_session_add(fixture->store, &row, &other), 0);
}

static void a_session_is_its_callers(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct session_row session;
	int64_t id = add(fixture, 1);
	uint8_t hash[HASH_LEN];
	fixture_hash(hash, 1);
	assert_int_equal(store_session_by_token(store, hash, fixture->authorization, &session), 0);
	assert_int_equal(session.id, id);
	assert_int_equal(store_session_by_token(store, hash, fixture->authorization + 1, &session),
		-ERR_NOT_FOUND);
	fixture_hash(hash, 2);
	assert_int_equal(store_session_by_token(store, hash, fixture->authorization, &session),
		-ERR_NOT_FOUND);
	char session_id[SESSION_ID_SIZE];
	snprintf(session_id, sizeof session_id, "%040u", 1);
	assert_int_equal(store_session_by_session_id(store, session_id, &session), 0);
	assert_int_equal(session.id, id);
	assert_int_equal(store_session_by_session_id(store, "", &session), -ERR_NOT_FOUND);
	assert_int_equal(store_session_get(store, 99, &session), -ERR_NOT_FOUND);
}

/* Every pair of states: a move happens exactly where SESSION_MOVES has a row. */
static void moves_are_conditional(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint8_t cookie[HASH_LEN] = { 9 }, key[65] = { 4, 7 };
	int64_t id = add(fixture, 1);
	struct session_row session;
	assert_int_equal(store_session_live(store, id, NOW), -ERR_WRONG_MOMENT);
	assert_int_equal(store_session_redeemed(store, id, "203.0.113.5", cookie, key, NOW + 1), 0);
	assert_int_equal(store_session_redeemed(store, id, "203.0.113.6", cookie, key, NOW + 1),
		-ERR_WRONG_MOMENT);
	assert_int_equal(store_session_live(store, id, NOW + 2), 0);
	assert_int_equal(store_session_live(store, id, NOW + 2), -ERR_WRONG_MOMENT);
	assert_int_equal(store_session_redeemed(store, id, "203.0.113.6", cookie, key, NOW),
		-ERR_WRONG_MOMENT);
	assert_int_equal(store_session_ended(store, id, -ERR_TARGET_GONE, "gone", 3, NOW + 3), 0);
	assert_int_equal(store_session_ended(store, id, 0, "", 0, NOW), -ERR_WRONG_MOMENT);
	assert_int_equal(store_session_live(store, id, NOW), -ERR_WRONG_MOMENT);
	assert_int_equal(store_session_get(store, id, &session), 0);
	assert_int_equal(session.state, SESSION_ENDED);
	assert_string_equal(session.origin_ip, "203.0.113.5");
	assert_memory_equal(session.cookie_hash, cookie, HASH_LEN);
	assert_memory_equal(session.public_key, key, sizeof key);
	assert_int_equal(session.redeemed_at, NOW + 1);
	assert_int_equal(session.live_at, NOW + 2);
	assert_int_equal(session.ended_at, NOW + 3);
	assert_int_equal(session.end_why, -ERR_TARGET_GONE);
	assert_string_equal(session.end_reason, "gone");
	assert_int_equal(session.exit_status, 3);
	int64_t unopened = add(fixture, 2), starting = add(fixture, 3);
	assert_int_equal(store_session_ended(store, unopened, 0, "", -1, NOW), 0);
	assert_int_equal(store_session_redeemed(store, starting, "", cookie, key, NOW), 0);
	assert_int_equal(store_session_ended(store, starting, 0, "", -1, NOW), 0);
	assert_int_equal(store_session_ended(store, 99, 0, "", -1, NOW), -ERR_WRONG_MOMENT);
}

static void a_recording_is_noted(void **state)
{
	struct fixture *fixture = *state;
	struct session_row session;
	struct session_recorded recorded = { 1ull << 40, 20, 4, 30, 5, 60, { 1, 2 } };
	int64_t id = add(fixture, 1);
	assert_int_equal(store_session_get(fixture->store, id, &session), 0);
	assert_int_equal(session.inputs, -1);
	assert_int_equal(session.chunks, -1);
	assert_int_equal(session.duration_ms, -1);
	assert_int_equal(store_session_recorded(fixture->store, id, &recorded), 0);
	assert_int_equal(store_session_get(fixture->store, id, &session), 0);
	assert_int_equal(session.recorded, 1);
	assert_true(session.output_bytes == 1ull << 40);
	assert_int_equal(session.input_bytes, 20);
	assert_int_equal(session.file_bytes, 30);
	assert_int_equal(session.inputs, 4);
	assert_int_equal(session.chunks, 5);
	assert_int_equal(session.duration_ms, 60);
	assert_memory_equal(session.head, recorded.head, HASH_LEN);
	assert_int_equal(store_session_recorded(fixture->store, 99, &recorded), -ERR_NOT_FOUND);
}

struct ids {
	int64_t ids[16];
	unsigned count;
};

static int collect(void *context, const struct session_row *session)
{
	struct ids *ids = context;
	if (ids->count == ARRAY_LEN(ids->ids))
		return -ERR_FULL;
	ids->ids[ids->count++] = session->id;
	return 0;
}

static void lists_come_newest_first_in_pages(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct ids first = { 0 }, second = { 0 }, own = { 0 }, foreign = { 0 };
	for (unsigned i = 1; i <= 5; i++)
		add(fixture, i);
	assert_int_equal(store_session_list(store, 0, 3, collect, &first), 0);
	assert_int_equal(first.count, 3);
	assert_int_equal(first.ids[0], 5);
	assert_int_equal(first.ids[2], 3);
	assert_int_equal(store_session_list(store, first.ids[2], 3, collect, &second), 0);
	assert_int_equal(second.count, 2);
	assert_int_equal(second.ids[0], 2);
	assert_int_equal(store_session_page(store, fixture->authorization,
				 &(struct store_page){ .after = 4, .limit = 9 }, collect, &own),
		0);
	assert_int_equal(own.count, 3);
	assert_int_equal(store_session_page(
				 store, 77, &(struct store_page){ .limit = 9 }, collect, &foreign),
		0);
	assert_int_equal(foreign.count, 0);
}

static void recordings_are_listed(void **state)
{
	struct fixture *fixture = *state;
	struct ids ids = { 0 }, older = { 0 };
	struct session_recorded recorded = { 1, 1, 1, 1, 1, 1, { 1 } };
	for (unsigned i = 1; i <= 4; i++)
		add(fixture, i);
	assert_int_equal(store_session_recorded(fixture->store, 2, &recorded), 0);
	assert_int_equal(store_session_recorded(fixture->store, 4, &recorded), 0);
	assert_int_equal(store_session_list_recorded(fixture->store, 0, 9, collect, &ids), 0);
	assert_int_equal(ids.count, 2);
	assert_int_equal(ids.ids[0], 4);
	assert_int_equal(store_session_list_recorded(fixture->store, 4, 9, collect, &older), 0);
	assert_int_equal(older.count, 1);
	assert_int_equal(older.ids[0], 2);
}

static unsigned standing_on(struct fixture *fixture, int what, int64_t id)
{
	struct ids ids = { 0 };
	assert_int_equal(store_session_created_by(fixture->store, what, id, collect, &ids), 0);
	return ids.count;
}

static void open_sessions_are_counted_and_found(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct ids ids = { 0 };
	int64_t id = add(fixture, 1);
	add(fixture, 2);
	assert_int_equal(store_session_count_open(store, fixture->user, 0), 2);
	assert_int_equal(store_session_count_open(store, 0, fixture->credential), 2);
	assert_int_equal(store_session_ended(store, id, 0, "", -1, NOW), 0);
	assert_int_equal(store_session_count_open(store, fixture->user, 0), 1);
	assert_int_equal(store_session_count_open(store, 0, fixture->credential), 1);
	assert_int_equal(store_session_count_open(store, fixture->user, fixture->credential), 1);
	assert_int_equal(store_session_count_open(store, fixture->user, 99), 0);
	assert_int_equal(store_session_count_open(store, 0, 0), 1);
	assert_int_equal(store_session_unended(store, collect, &ids), 0);
	assert_int_equal(ids.count, 1);
	assert_int_equal(ids.ids[0], 2);
	assert_int_equal(standing_on(fixture, SESSION_OF_ALL, 0), 1);
	assert_int_equal(standing_on(fixture, SESSION_OF_USER, fixture->user), 1);
	assert_int_equal(standing_on(fixture, SESSION_OF_DEVICE, fixture->device), 1);
	assert_int_equal(standing_on(fixture, SESSION_OF_CREDENTIAL, fixture->credential), 1);
	assert_int_equal(standing_on(fixture, SESSION_OF_AUTHORIZATION, fixture->authorization), 1);
	assert_int_equal(standing_on(fixture, SESSION_OF_USER, 99), 0);
	assert_int_equal(store_session_created_by(store, 6, 0, collect, &ids), -ERR_NOT_FOUND);
}

/* The sweep must not lose the sessions that nobody opened. */
static void unopened_sessions_are_found_until_they_end(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint8_t zero[65] = { 0 };
	struct ids ids = { 0 }, after = { 0 };
	int64_t late = add_with_ticket(fixture, 1, NOW);
	add_with_ticket(fixture, 2, NOW + 1);
	int64_t opened = add_with_ticket(fixture, 3, NOW);
	assert_int_equal(store_session_redeemed(store, opened, "", zero, zero, NOW), 0);
	assert_int_equal(store_sweep(store, NOW, 0), 1); /* the opened one's */
	assert_int_equal(store_session_unopened(store, NOW, 10, collect, &ids), 0);
	assert_int_equal(ids.count, 1);
	assert_int_equal(ids.ids[0], late);
	assert_int_equal(store_session_ended(store, late, 0, "", -1, NOW), 0);
	assert_int_equal(store_session_unopened(store, NOW, 10, collect, &after), 0);
	assert_int_equal(after.count, 0);
	assert_int_equal(store_sweep(store, NOW, 0), 1);
	assert_int_equal(store_session_unopened(store, NOW + 5, 0, collect, &after), 0);
	assert_int_equal(after.count, 0); /* no more than the limit */
}

static void a_ticket_is_spent_once(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t id = add_with_ticket(fixture, 1, NOW + 30), spent = -7;
	uint8_t hash[HASH_LEN];
	struct ticket_row ticket;
	fixture_hash(hash, 1);
	assert_int_equal(store_ticket_add(store, hash, id, "", NOW), -ERR_EXISTS);
	assert_int_equal(store_ticket_peek(store, hash, &ticket), 0);
	assert_int_equal(ticket.session_id, id);
	assert_int_equal(ticket.expires_at, NOW + 30);
	assert_int_equal(
		store_ticket_spend(store, hash, "::1", NOW + 30, &spent), -ERR_TICKET_REFUSED);
	assert_int_equal(spent, -7);
	assert_int_equal(store_ticket_spend(store, hash, "::1", NOW + 29, &spent), 0);
	assert_int_equal(spent, id);
	assert_int_equal(
		store_ticket_spend(store, hash, "::1", NOW + 29, &spent), -ERR_TICKET_REFUSED);
	fixture_hash(hash, 2);
	assert_int_equal(store_ticket_spend(store, hash, "::1", NOW, &spent), -ERR_TICKET_REFUSED);
	assert_int_equal(store_ticket_peek(store, hash, &ticket), -ERR_NOT_FOUND);
	assert_int_equal(store_ticket_add(store, hash, 99, "", NOW), -ERR_NOT_FOUND);
}

static void a_wrong_address_does_not_spend(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t id = add(fixture, 1), spent;
	uint8_t hash[HASH_LEN];
	fixture_hash(hash, 1);
	assert_int_equal(store_ticket_add(store, hash, id, "198.51.100.1", NOW + 30), 0);
	assert_int_equal(
		store_ticket_spend(store, hash, "198.51.100.2", NOW, &spent), -ERR_TICKET_REFUSED);
	assert_int_equal(store_ticket_spend(store, hash, "", NOW, &spent), -ERR_TICKET_REFUSED);
	assert_int_equal(store_ticket_spend(store, hash, "198.51.100.1", NOW, &spent), 0);
	assert_int_equal(spent, id);
}

#define RACERS 4
#define ROUNDS 25
struct racer {
	struct store *store;
	pthread_barrier_t *start;
	int wins, errors;
};

static void *race(void *context)
{
	struct racer *racer = context;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint8_t hash[HASH_LEN];
		int64_t session;
		fixture_hash(hash, round);
		pthread_barrier_wait(racer->start);
		int r = store_ticket_spend(racer->store, hash, "", NOW, &session);
		racer->wins += r == 0;
		racer->errors += r != 0 && r != -ERR_TICKET_REFUSED;
	}
	return NULL;
}

/* Several connections spend the same URL at the same moment: one of them gets it. */
static void a_race_has_one_winner(void **state)
{
	struct fixture *fixture = *state;
	pthread_barrier_t start;
	pthread_t threads[RACERS];
	struct racer racers[RACERS] = { 0 };
	int wins = 0;
	for (unsigned round = 0; round < ROUNDS; round++)
		add_with_ticket(fixture, round, NOW + 30);
	assert_int_equal(pthread_barrier_init(&start, NULL, RACERS), 0);
	for (unsigned i = 0; i < RACERS; i++) {
		racers[i].start = &start;
		assert_int_equal(
			store_open(fixture->where, fixture->directory, &racers[i].store), 0);
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(racers[i].errors, 0);
		wins += racers[i].wins;
		store_close(racers[i].store);
	}
	assert_int_equal(wins, ROUNDS);
	assert_int_equal(pthread_barrier_destroy(&start), 0);
}

static int stop(void *context, const struct session_row *row)
{
	(void)context;
	(void)row;
	return 42;
}

static void lists_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	add_with_ticket(fixture, 1, NOW);
	add_with_ticket(fixture, 2, NOW);
	assert_int_equal(store_session_list(store, 0, 10, stop, NULL), 42);
	assert_int_equal(store_session_page(store, fixture->authorization,
				 &(struct store_page){ .limit = 10 }, stop, NULL),
		42);
	assert_int_equal(store_session_unended(store, stop, NULL), 42);
	assert_int_equal(store_session_unopened(store, NOW + 1, 10, stop, NULL), 42);
	assert_int_equal(store_session_open_on(store, 0, stop, NULL), 0);
	assert_int_equal(store_session_redeemed(
				 store, 2, "", (uint8_t[HASH_LEN]){ 1 }, (uint8_t[65]){ 4 }, NOW),
		0);
	assert_int_equal(store_session_open_on(store, 1, stop, NULL), 0);
	assert_int_equal(store_session_open_on(store, 0, stop, NULL), 42);
	assert_int_equal(
		store_session_created_by(store, SESSION_OF_USER, fixture->user, stop, NULL), 42);
	assert_int_equal(store_session_created_by(store, -1, 1, stop, NULL), -ERR_NOT_FOUND);
	assert_int_equal(store_session_created_by(store, SESSION_UNCOVERED + 1, 1, stop, NULL),
		-ERR_NOT_FOUND);
	assert_int_equal(store_session_list_recorded(store, 0, 10, stop, NULL), 0);
	assert_int_equal(store_session_redeemed(store, 1, "192.0.2.1", (uint8_t[HASH_LEN]){ 1 },
				 (uint8_t[65]){ 4 }, NOW),
		0);
	assert_int_equal(store_session_live(store, 1, NOW), 0);
	assert_int_equal(store_session_ended(store, 1, 0, "", 0, NOW), 0);
	assert_int_equal(store_session_recorded(
				 store, 1, &(struct session_recorded){ 1, 1, 1, 1, 1, 1, { 1 } }),
		0);
	assert_int_equal(store_session_list_recorded(store, 0, 10, stop, NULL), 42);
}

/* Nothing is found where the store fails, and nothing is spent by it. */
static void a_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct ticket_row ticket;
	struct session_row session;
	uint8_t hash[HASH_LEN];
	int64_t id = add_with_ticket(fixture, 1, NOW), found = 0;
	fixture_hash(hash, 1);
	failing_store(store);
	FAILING(FAILING_STORE) {
		int r = store_session_count_open(store, 0, 0);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 1);
	}
	FAILING(FAILING_STORE) {
		int r = store_session_list(store, 0, 10, stop, NULL);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 42);
	}
	FAILING(FAILING_STORE) {
		int r = store_session_get(store, id, &session);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_ticket_peek(store, hash, &ticket);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_ticket_spend(store, hash, "", NOW - 1, &found);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	assert_int_equal(found, id);
}

static void damage_is_no_row(void **state)
{
	struct each_session each = { .keep = stop };
	assert_int_equal(keep_each_session(&each, NULL, 0), -ERR_STORE);
	assert_int_equal(each.result, -ERR_STORE);
	assert_int_equal(keep_ticket(&(struct ticket_row){ 0 }, NULL, 0), -ERR_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_session_comes_back_as_it_was_made),
		CASE(a_session_is_its_callers),
		CASE(one_that_is_alone_stays_alone),
		CASE(moves_are_conditional),
		CASE(a_recording_is_noted),
		CASE(lists_come_newest_first_in_pages),
		CASE(recordings_are_listed),
		CASE(open_sessions_are_counted_and_found),
		CASE(unopened_sessions_are_found_until_they_end),
		CASE(a_ticket_is_spent_once),
		CASE(a_wrong_address_does_not_spend),
		CASE(a_race_has_one_winner),
		CASE(lists_can_be_stopped),
		CASE(a_store_that_fails),
		CASE(damage_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
