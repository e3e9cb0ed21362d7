/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite.c"

#include "base/clock.h"

#include "fixture.h"

static void *attach(struct fixture *fixture)
{
	void *connection = NULL;
	assert_int_equal(sqlite_open("sqlite", fixture->directory, &connection), 0);
	return connection;
}

static int keep_text(void *context, const struct value *values, unsigned count)
{
	assert_true(count >= 1);
	return values[0].type == VALUE_TEXT
		       ? text_copy(context, 16, values[0].bytes)
		       : (snprintf(context, 16, "%d", (int)values[0].integer), 0);
}

static void pragma(struct connection *connection, const char *name, const char *expected)
{
	char question[64], answer[16] = "";
	snprintf(question, sizeof question, "PRAGMA %s", name);
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(connection->database, question, -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(step(connection->database, statement, keep_text, answer), 1);
	sqlite3_finalize(statement);
	assert_string_equal(answer, expected);
}

static void connections_are_set_up_for_durability(void **state)
{
	struct connection *connection = attach(*state);
	pragma(connection, "journal_mode", "wal");
	pragma(connection, "synchronous", "2");
	pragma(connection, "foreign_keys", "1");
	pragma(connection, "temp_store", "2");
	pragma(connection, "trusted_schema", "0");
	pragma(connection, "cell_size_check", "1");
	pragma(connection, "busy_timeout", "2000");
	sqlite_close(connection);
	sqlite_close(NULL);
}

static unsigned rights(const char *path)
{
	struct stat stat;
	assert_int_equal(lstat(path, &stat), 0);
	return stat.st_mode & 0777;
}

static void the_files_are_the_owners_alone(void **state)
{
	struct fixture *fixture = *state;
	char path[128];
	assert_int_equal(rights(fixture->file), 0600);
	snprintf(path, sizeof path, "%s-wal", fixture->file);
	assert_int_equal(rights(path), 0600);
	snprintf(path, sizeof path, "%s-shm", fixture->file);
	assert_int_equal(rights(path), 0600);
	assert_int_equal(chmod(fixture->file, 0644), 0);
	assert_int_equal(make_file(fixture->file), 0);
	assert_int_equal(rights(fixture->file), 0600);
}

static void a_planted_link_is_not_followed(void **state)
{
	struct fixture *fixture = *state;
	char link[96];
	snprintf(link, sizeof link, "%s/link", fixture->directory);
	assert_int_equal(symlink(fixture->file, link), 0);
	assert_int_equal(make_file(link), -ERR_STORE);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(make_file("/nonexistent/sallyport.db"), -ERR_STORE);
}

/* Every statement is understood, with its parameters numbered without holes. */
static void every_statement_prepares(void **state)
{
	struct connection *connection = attach(*state);
	for (unsigned i = 0; i < STMT_SCHEMA; i++) {
		struct prepared prepared = { 0 };
		if (prepare(connection->database, i, &prepared) < 0)
			fail_msg("%s: %s", statement_name(i), sqlite3_errmsg(connection->database));
		int count = sqlite3_bind_parameter_count(prepared.statement);
		assert_true(count <= VALUES_MAX);
		for (int n = 0; n < count; n++)
			assert_true(prepared.places[n] > 0);
		assert_true(sqlite3_column_count(prepared.statement) <= VALUES_MAX);
		sqlite3_finalize(prepared.statement);
	}
	sqlite_close(connection);
}

/* Look-ups on the way of a call go by index: their plans contain no scan. */
static void no_look_up_scans(void **state)
{
	static const unsigned fast[] = { STMT_USER_FIND, STMT_DEVICE_BY_HOSTNAME,
		STMT_DEVICE_BY_ADDRESS, STMT_CONNECTIVITY_LIST, STMT_PIN_LIST, STMT_CREDENTIAL_FIND,
		STMT_CREDENTIAL_SELECT, STMT_AUTHORIZATION_COVERS, STMT_AUTHORIZATION_BY_CLIENT,
		STMT_AUTHORIZATION_BY_CONSUMER, STMT_TOKEN_FIND, STMT_TOKEN_SWEEP, STMT_NONCE_SWEEP,
		STMT_SESSION_GET, STMT_SESSION_BY_SESSION_ID, STMT_SESSION_BY_TOKEN,
		STMT_SESSION_PAGE, STMT_SESSION_REDEEMED, STMT_SESSION_LIVE, STMT_SESSION_ENDED,
		STMT_SESSION_COUNT_OPEN_USER, STMT_SESSION_COUNT_OPEN_CREDENTIAL,
		STMT_SESSION_COUNT_OPEN_BOTH, STMT_SESSION_UNOPENED, STMT_TICKET_PEEK,
		STMT_TICKET_SPEND, STMT_TICKET_SWEEP, STMT_AUDIT_LIST };
	struct connection *connection = attach(*state);
	for (size_t i = 0; i < ARRAY_LEN(fast); i++) {
		char *text = statement_text(fast[i], dialect), question[4096];
		snprintf(question, sizeof question, "EXPLAIN QUERY PLAN %s", text);
		free(text);
		sqlite3_stmt *plan;
		assert_int_equal(
			sqlite3_prepare_v2(connection->database, question, -1, &plan, NULL),
			SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *line = (const char *)sqlite3_column_text(plan, 3);
			if (strncmp(line, "SCAN", 4) == 0 && strstr(line, "CONSTANT") == NULL)
				fail_msg("%s: %s", statement_name(fast[i]), line);
		}
		sqlite3_finalize(plan);
	}
	sqlite_close(connection);
}

static int user_add(void *connection, const char *login)
{
	const struct value params[] = { { VALUE_TEXT, 0, login, strlen(login) },
		{ VALUE_TEXT, 0, "", 0 }, { VALUE_INTEGER, NOW, NULL, 0 } };
	return sqlite_run(connection, STMT_USER_ADD, params, 3, NULL, NULL);
}

/* SQLite rolled the batch back by itself: nothing of it may be written any more. */
static void a_batch_that_was_lost_stays_lost(void **state)
{
	struct connection *connection = attach(*state);
	assert_int_equal(sqlite_begin(connection), 0);
	assert_int_equal(user_add(connection, "first"), 1);
	assert_int_equal(
		sqlite3_exec(connection->database, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(user_add(connection, "second"), -ERR_STORE);
	assert_int_equal(sqlite_commit(connection), -ERR_STORE);
	sqlite_rollback(connection);
	assert_int_equal(sqlite_begin(connection), 0);
	assert_int_equal(user_add(connection, "second"), 1);
	assert_int_equal(sqlite_commit(connection), 0);
	assert_int_equal(user_add(connection, "first"), 1);
	sqlite_close(connection);
}

/* No room: an error, nothing of the batch, and service again when there is room. */
static void a_full_database(void **state)
{
	struct connection *connection = attach(*state);
	char login[LOGIN_SIZE];
	int r = 0, i = 0;
	assert_int_equal(user_add(connection, "before"), 1);
	/* fewer than there are means: no more than there are */
	assert_int_equal(
		sqlite3_exec(connection->database, "PRAGMA max_page_count = 1", NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite_begin(connection), 0);
	for (; i < 10000 && r >= 0; i++) {
		snprintf(login, sizeof login, "%0100d", i);
		r = user_add(connection, login);
	}
	assert_int_equal(r, -ERR_STORE_FULL);
	assert_true(sqlite_take_full(connection));
	assert_false(sqlite_take_full(connection)); /* once */
	sqlite_rollback(connection);
	assert_int_equal(sqlite3_exec(connection->database, "PRAGMA max_page_count = 100000", NULL,
				 NULL, NULL),
		SQLITE_OK);
	snprintf(login, sizeof login, "%0100d", 0);
	assert_int_equal(user_add(connection, login), 1); /* the batch left nothing behind */
	assert_int_equal(user_add(connection, "before"), -ERR_EXISTS);
	sqlite_close(connection);
}

static void one_writer_at_a_time(void **state)
{
	struct connection *first = attach(*state), *second = attach(*state);
	sqlite3_busy_timeout(second->database, 1);
	assert_int_equal(sqlite_begin(first), 0);
	assert_int_equal(sqlite_begin(second), -ERR_STORE);
	assert_int_equal(sqlite_commit(first), 0);
	assert_int_equal(sqlite_begin(second), 0);
	sqlite_rollback(second);
	sqlite_close(first);
	sqlite_close(second);
}

static uint64_t commit_one(struct connection *connection, const char *login, bool later)
{
	uint64_t mark = 0;
	assert_int_equal(sqlite_begin(connection), 0);
	assert_int_equal(user_add(connection, login), 1);
	if (later)
		assert_int_equal(sqlite_commit_later(connection, &mark), 0);
	else
		assert_int_equal(sqlite_commit(connection), 0);
	return mark;
}

/* Everybody sees it; that it is on disk is said by its mark. */
static void a_commit_may_be_on_its_way(void **state)
{
	struct connection *connection = attach(*state), *other = attach(*state);
	uint64_t first = commit_one(connection, "one", true), mark;
	assert_int_equal(user_add(other, "one"), -ERR_EXISTS);
	uint64_t second = commit_one(connection, "two", true);
	assert_true(second > first);
	assert_int_equal(sqlite_synced(connection, true, &mark), 0);
	assert_int_equal(mark, second);
	assert_true(sqlite_descriptor(connection) >= 0);
	/* one that waits leaves nothing on its way, even without a row of its own */
	commit_one(connection, "three", true);
	assert_int_equal(sqlite_begin(connection), 0);
	assert_int_equal(sqlite_commit(connection), 0);
	assert_int_equal(sqlite_synced(connection, false, &mark), 0);
	assert_int_equal(mark, log_sync_mark(connection->sync));
	sqlite_close(other);
	sqlite_close(connection);
}

/* However long the work goes on, its log does not. */
static void a_long_log_is_begun_anew(void **state)
{
	struct fixture *fixture = *state;
	store_close(STEAL(fixture->store)); /* whoever reads holds the log */
	struct connection *connection = attach(fixture);
	commit_one(connection, "one", false);
	connection->log_pages = CHECKPOINT_MOST; /* as if, for the next commit's hook lowers it */
	carry_over(connection);
	assert_int_equal(connection->carried_at, CHECKPOINT_MOST);
	commit_one(connection, "two", false);
	assert_true(connection->log_pages < 10); /* it was carried over, so the log began anew */
	assert_int_equal(connection->carried_at, 0);
	sqlite_close(connection);
}

static uint64_t time_of_begin(struct connection *connection, int expected)
{
	uint64_t before = clock_monotonic_ms();
	assert_int_equal(sqlite_begin(connection), expected);
	return clock_monotonic_ms() - before;
}

/* Who waits behind one that waited in vain is told at once, until it is free again. */
static void waits_do_not_add_up(void **state)
{
	struct connection *first = attach(*state), *second = attach(*state);
	assert_int_equal(sqlite_begin(first), 0);
	assert_true(time_of_begin(second, -ERR_STORE) >= BUSY_MS);
	assert_true(time_of_begin(second, -ERR_STORE) < BUSY_MS);
	assert_true(time_of_begin(second, -ERR_STORE) < BUSY_MS);
	assert_int_equal(sqlite_commit(first), 0);
	assert_int_equal(sqlite_begin(second), 0);
	sqlite_rollback(second);
	assert_int_equal(sqlite_begin(first), 0);
	assert_true(time_of_begin(second, -ERR_STORE) >= BUSY_MS); /* waited for again */
	sqlite_rollback(first);
	sqlite_close(first);
	sqlite_close(second);
}

static void overwrite(const char *path, long offset, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	char garbage[16384];
	memset(garbage, 0xa5, sizeof garbage);
	store_close(fixture->store);
	fixture->store = NULL;
	overwrite(fixture->file, 4096, garbage, sizeof garbage);
	struct store *store = NULL;
	struct user_row user;
	int r = store_open("sqlite", fixture->directory, &store);
	if (r == 0)
		r = store_user_find(store, "ana", &user);
	assert_int_equal(r, -ERR_STORE);
	store_close(store);
	overwrite(fixture->file, 0, garbage, 100);
	assert_int_equal(store_open("sqlite", fixture->directory, &store), -ERR_STORE);
}

static void errors_have_names(void **state)
{
	assert_int_equal(error_of(SQLITE_CONSTRAINT_UNIQUE), -ERR_EXISTS);
	assert_int_equal(error_of(SQLITE_CONSTRAINT_PRIMARYKEY), -ERR_EXISTS);
	assert_int_equal(error_of(SQLITE_CONSTRAINT_FOREIGNKEY), -ERR_NOT_FOUND);
	assert_int_equal(error_of(SQLITE_CONSTRAINT_CHECK), -ERR_STORE);
	assert_int_equal(error_of(SQLITE_FULL), -ERR_STORE_FULL);
	assert_int_equal(error_of(SQLITE_BUSY), -ERR_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(connections_are_set_up_for_durability),
		CASE(the_files_are_the_owners_alone),
		CASE(a_planted_link_is_not_followed),
		CASE(every_statement_prepares),
		CASE(no_look_up_scans),
		CASE(a_batch_that_was_lost_stays_lost),
		CASE(a_full_database),
		CASE(one_writer_at_a_time),
		CASE(a_commit_may_be_on_its_way),
		CASE(a_long_log_is_begun_anew),
		CASE(waits_do_not_add_up),
		CASE(a_damaged_file_is_an_error),
		CASE(errors_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
