/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpointer.c"

#include "fixture.h"

static int pages_left(sqlite3 *database)
{
	int log = -1, carried = -1;
	/* tells how far it is; carries nothing that is carried already */
	assert_int_equal(sqlite3_wal_checkpoint_v2(
				 database, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &carried),
		SQLITE_OK);
	return log - carried;
}

static void what_was_committed_is_carried_over(void **state)
{
	struct fixture *fixture = *state;
	struct checkpointer *checkpointer;
	int64_t id;

	assert_int_equal(checkpointer_create(fixture->file, &checkpointer), 0);
	assert_int_equal(store_user_add(fixture->store, "eva", "", NOW, &id), 0);
	checkpointer_poke(checkpointer);
	checkpointer_poke(checkpointer);
	for (int i = 0; i < 500 && checkpointer->wanted; i++)
		usleep(10000);
	pthread_mutex_lock(&checkpointer->mutex);
	assert_false(checkpointer->wanted);
	pthread_mutex_unlock(&checkpointer->mutex);
	checkpointer_destroy(checkpointer); /* waits for what it is doing */

	/* A copy of the database without its log has what was carried. */
	sqlite3 *alone;
	char uri[128];
	snprintf(uri, sizeof uri, "file:%s?mode=ro&immutable=1", fixture->file);
	assert_int_equal(sqlite3_open_v2(uri, &alone, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL),
		SQLITE_OK);
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(alone, "SELECT count(*) FROM users WHERE login = 'eva'",
				 -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 1);
	sqlite3_finalize(statement);
	sqlite3_close(alone);
}

static void a_database_that_is_not_there_is_an_error(void **state)
{
	struct checkpointer *checkpointer = NULL;

	assert_int_equal(checkpointer_create("/nowhere/a.db", &checkpointer), -ERR_STORE);
	assert_null(checkpointer);
	checkpointer_destroy(NULL);
}

static void the_writer_goes_on_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	struct checkpointer *checkpointer;
	char login[16];
	int64_t id;
	sqlite3 *database;

	assert_int_equal(checkpointer_create(fixture->file, &checkpointer), 0);
	for (int i = 0; i < 200; i++) {
		snprintf(login, sizeof login, "u%d", i);
		assert_int_equal(store_user_add(fixture->store, login, "", NOW, &id), 0);
		checkpointer_poke(checkpointer);
	}
	checkpointer_destroy(checkpointer);
	assert_int_equal(
		sqlite3_open_v2(fixture->file, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(pages_left(database), 0);
	sqlite3_close(database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_committed_is_carried_over),
		CASE(a_database_that_is_not_there_is_an_error),
		CASE(the_writer_goes_on_meanwhile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
