/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres.c"

#include <poll.h>
#include <unistd.h>

#include "store/store_private.h"
#include "fixture.h"

static struct connection *inside(struct fixture *fixture)
{
	return fixture->store->connection;
}

/* Every statement is one this server takes, and gives columns that we can read. */
static void every_statement_is_understood(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = inside(fixture);
	static const unsigned known[] = { TYPE_BOOL, TYPE_BYTES, TYPE_INT8, TYPE_INT2, TYPE_INT4,
		TYPE_NAME, TYPE_TEXT, TYPE_UNKNOWN, TYPE_VARCHAR };

	assert_true(PQexitPipelineMode(connection->work.connection));
	for (unsigned statement = STMT_SAVEPOINT_UNDO + 1; statement < STMT_SCHEMA; statement++) {
		char *text = statement_text(statement, statement_dialect);
		PGresult *result = PQprepare(connection->work.connection, "", text, 0, NULL);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			fail_msg("%s: %s", statement_name(statement), PQresultErrorMessage(result));
		PQclear(result);
		result = PQdescribePrepared(connection->work.connection, "");
		for (int i = 0; i < PQnfields(result); i++) {
			bool readable = false;
			for (unsigned j = 0; j < ARRAY_LEN(known); j++)
				readable = readable || PQftype(result, i) == known[j];
			if (!readable)
				fail_msg("%s: column %d is of type %u", statement_name(statement),
					i, PQftype(result, i));
		}
		PQclear(result);
		free(text);
	}
	assert_true(PQenterPipelineMode(connection->work.connection));
}

static bool there(struct store *store, const char *login)
{
	struct user_row user;
	return store_user_find(store, login, &user) == 0;
}

/* A name that is taken does not take the rest of the transaction with it. */
static void a_refused_row_is_undone_alone(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t id;

	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_user_add(store, "rui", "", NOW, &id), 0);
	assert_int_equal(store_user_add(store, "rui", "", NOW, &id), -ERR_EXISTS);
	assert_int_equal(store_connectivity_add(store, 4711, "ssh", 22), -ERR_NOT_FOUND);
	assert_int_equal(store_savepoint(store), 0);
	assert_int_equal(store_user_add(store, "eva", "", NOW, &id), 0);
	assert_int_equal(store_user_add(store, "eva", "", NOW, &id), -ERR_EXISTS);
	assert_int_equal(store_savepoint_undo(store), 0);
	assert_int_equal(store_user_add(store, "leo", "", NOW, &id), 0);
	assert_int_equal(store_commit(store), 0);
	assert_true(there(store, "rui"));
	assert_true(there(store, "leo"));
	assert_false(there(store, "eva"));
}

/* What went wrong without being undone is not committed by halves. */
static void a_broken_transaction_is_not_committed(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	PGresult *result = NULL;
	int64_t id;

	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_user_add(store, "rui", "", NOW, &id), 0);
	const struct value wrong[] = { text("not a number") };
	int r = converse(inside(fixture), STMT_SESSION_GET, wrong, 1, &result);
	assert_int_equal(r, -ERR_STORE);
	assert_int_equal(store_commit(store), -ERR_STORE);
	assert_false(there(store, "rui"));
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_user_add(store, "rui", "", NOW, &id), 0);
	assert_int_equal(store_commit(store), 0);
	assert_true(there(store, "rui"));
}

static bool readable(struct store *store, int timeout_ms)
{
	struct pollfd news = { .fd = store_sync_descriptor(store), .events = POLLIN };
	return poll(&news, 1, timeout_ms) == 1;
}

static void a_later_commit_says_when_it_is_durable(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint64_t first, second, mark = 0;
	int64_t id;

	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_user_add(store, "rui", "", NOW, &id), 0);
	assert_int_equal(store_commit_later(store, &first), 0);
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_user_add(store, "eva", "", NOW, &id), 0);
	assert_int_equal(store_commit_later(store, &second), 0);
	assert_true(first > 0 && second > first);
	while (mark < first) {
		assert_true(readable(store, 60000));
		assert_int_equal(store_synced(store, false, &mark), 0);
	}
	assert_int_equal(store_synced(store, true, &mark), 0);
	assert_int_equal(mark, second);
}

static void only_one_writes_the_trail(void **state)
{
	struct fixture *fixture = *state;
	struct store *other = NULL;

	assert_int_equal(store_claim(fixture->store), 0);
	assert_int_equal(store_open(fixture->where, fixture->directory, &other), 0);
	assert_int_equal(store_claim(other), -ERR_STORE_TAKEN);
	store_close(fixture->store);
	fixture->store = other;
	for (int tries = 0; store_claim(other) == -ERR_STORE_TAKEN; tries++)
		assert_true(tries < 60);
}

/* The connection is cut: nobody waits, and nothing is said to be done that may not be. */
static void a_lost_server_is_told_apart(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	uint64_t mark;
	int64_t id;

	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_user_add(store, "rui", "", NOW, &id), 0);
	fixture_sql("SET client_min_messages = error; DO 'BEGIN PERFORM pg_terminate_backend(pid)"
		    " FROM pg_stat_activity WHERE application_name = ''sallyport''; END'");
	assert_true(readable(store, 60000));
	assert_int_equal(store_user_add(store, "eva", "", NOW, &id), -ERR_STORE_LOST);
	assert_int_equal(store_commit(store), -ERR_STORE_LOST);
	assert_int_equal(store_begin(store), -ERR_STORE_LOST);
	assert_int_equal(store_synced(store, true, &mark), -ERR_STORE_LOST);
	store_close(store);
	assert_int_equal(store_open(fixture->where, fixture->directory, &fixture->store), 0);
	assert_false(there(fixture->store, "rui"));
}

/* A server that says nothing is as good as gone, after the time that was said. */
static void a_silent_server_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = inside(fixture);

	store_patience(fixture->store, 100);
	assert_true(PQexitPipelineMode(connection->work.connection));
	assert_int_equal(run_words(connection, "SET statement_timeout = 0; SELECT pg_sleep(30)"),
		-ERR_STORE_LOST);
	assert_int_equal(store_begin(fixture->store), -ERR_STORE_LOST);
}

/* One that waits for another's lock fails alone, and is tried again. */
static void a_statement_has_its_time(void **state)
{
	struct fixture *fixture = *state;
	struct connection *connection = inside(fixture);

	store_patience(fixture->store, 500);
	assert_true(PQexitPipelineMode(connection->work.connection));
	assert_int_equal(run_words(connection, "SELECT pg_sleep(30)"), -ERR_STORE);
	assert_true(PQenterPipelineMode(connection->work.connection));
	assert_true(there(fixture->store, "ana"));
}

static void who_only_reads_writes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct store *reader = NULL;
	int64_t id;

	assert_int_equal(store_open_read(fixture->where, fixture->directory, &reader), 0);
	assert_true(there(reader, "ana"));
	assert_int_equal(store_user_add(reader, "eva", "", NOW, &id), -ERR_STORE);
	store_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_statement_is_understood),
		CASE(a_refused_row_is_undone_alone),
		CASE(a_broken_transaction_is_not_committed),
		CASE(a_later_commit_says_when_it_is_durable),
		CASE(only_one_writes_the_trail),
		CASE(a_lost_server_is_told_apart),
		CASE(a_silent_server_is_lost),
		CASE(a_statement_has_its_time),
		CASE(who_only_reads_writes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
