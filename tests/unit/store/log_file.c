/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_file.c"

#include <sys/stat.h>

#include "fixture.h"

/* A database of its own through the layer; what reaches the system's file is counted. */
struct world {
	char directory[64], path[96], log[104];
	struct log_sync *sync;
	sqlite3 *database;
	struct log_file *file;
	const sqlite3_io_methods *system;
	sqlite3_io_methods counting;
	int writes, syncs;
	int sync_result;
};
static struct world world;

static int count_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
	world.writes++;
	return world.system->xWrite(file, bytes, len, at);
}

static int count_sync(sqlite3_file *file, int flags)
{
	world.syncs++;
	return world.sync_result != SQLITE_OK ? world.sync_result
					      : world.system->xSync(file, flags);
}

static int said(const char *words)
{
	return sqlite3_exec(world.database, words, NULL, NULL, NULL);
}

static long log_length(void)
{
	struct stat stat;
	assert_int_equal(lstat(world.log, &stat), 0);
	return (long)stat.st_size;
}

static int world_open(void **state)
{
	world = (struct world){ .directory = "/tmp/sallyport-log-XXXXXX" };
	assert_non_null(mkdtemp(world.directory));
	snprintf(world.path, sizeof world.path, "%s/a.db", world.directory);
	snprintf(world.log, sizeof world.log, "%s-wal", world.path);
	assert_int_equal(log_sync_create(&world.sync), 0);
	assert_int_equal(
		sqlite3_open_v2(world.path, &world.database,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, log_sync_layer(world.sync)),
		SQLITE_OK);
	assert_int_equal(said("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			      "PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a, b)"),
		SQLITE_OK);
	assert_int_equal(sqlite3_file_control(
				 world.database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &world.file),
		SQLITE_OK);
	assert_ptr_equal(world.file->file.pMethods, &log_methods);
	world.system = real_of(world.file)->pMethods;
	world.counting = *world.system;
	world.counting.xWrite = count_write;
	world.counting.xSync = count_sync;
	real_of(world.file)->pMethods = &world.counting;
	return 0;
}

static int world_close(void **state)
{
	char index[104];
	sqlite3_close(world.database);
	log_sync_destroy(world.sync);
	log_sync_destroy(NULL);
	snprintf(index, sizeof index, "%s-shm", world.path);
	unlink(index); /* the log and its index stay when the log is broken */
	unlink(world.log);
	unlink(world.path);
	return rmdir(world.directory);
}

#define ROWS(count)                                                                                \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " count ") "    \
	"INSERT INTO t SELECT i, randomblob(1000) FROM n"

static void a_commit_is_one_write_and_one_sync(void **state)
{
	long before = log_length();
	assert_int_equal(said("BEGIN; INSERT INTO t VALUES (1, randomblob(20000))"), SQLITE_OK);
	assert_int_equal(said("INSERT INTO t VALUES (2, randomblob(20000))"), SQLITE_OK);
	assert_int_equal(world.writes, 0);
	assert_int_equal(said("COMMIT"), SQLITE_OK);
	assert_int_equal(world.writes, 1);
	assert_int_equal(world.syncs, 1);
	assert_true(log_length() >= before + 10 * 4096);
}

static void a_large_commit_is_written_in_pieces_and_read_back(void **state)
{
	sqlite3_stmt *statement;
	assert_int_equal(said(ROWS("3000")), SQLITE_OK); /* three times what is gathered */
	assert_true(world.writes >= 3000 * 1000 / PIECE_MAX);
	assert_int_equal(world.syncs, 1);
	assert_int_equal(sqlite3_prepare_v2(world.database,
				 "SELECT count(*), sum(length(b)) FROM t", -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 3000);
	assert_int_equal(sqlite3_column_int(statement, 1), 3000000);
	sqlite3_finalize(statement);
}

static void a_sync_is_left_to_the_thread(void **state)
{
	uint64_t mark = 99;
	assert_int_equal(log_synced(world.sync, &mark), 0);
	assert_int_equal(mark, 0);
	log_sync_defer(world.sync, true);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(said("INSERT INTO t VALUES (1, 1)"), SQLITE_OK);
		assert_int_equal(log_sync_mark(world.sync), i);
	}
	log_sync_defer(world.sync, false);
	assert_int_equal(world.syncs, 0);
	assert_int_equal(log_sync_wait(world.sync), 0);
	assert_int_equal(log_synced(world.sync, &mark), 0);
	assert_int_equal(mark, 3);
}

static void a_sync_that_waits_covers_those_that_were_left(void **state)
{
	uint64_t mark;
	log_sync_defer(world.sync, true);
	assert_int_equal(said("INSERT INTO t VALUES (1, 1)"), SQLITE_OK);
	log_sync_defer(world.sync, false);
	assert_int_equal(said("INSERT INTO t VALUES (2, 2)"), SQLITE_OK);
	assert_int_equal(world.syncs, 1);
	assert_int_equal(log_synced(world.sync, &mark), 0);
	assert_int_equal(mark, 1);
}

/* Old frames behind a header that did not come to the disk would be read as the newest. */
static void the_header_of_a_new_log_is_synced_before_its_frames(void **state)
{
	assert_int_equal(said("INSERT INTO t VALUES (1, 1)"), SQLITE_OK);
	assert_int_equal(sqlite3_wal_checkpoint_v2(
				 world.database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
		SQLITE_OK);
	world.syncs = world.writes = 0;
	log_sync_defer(world.sync, true);
	assert_int_equal(said("INSERT INTO t VALUES (2, 2)"), SQLITE_OK); /* begins anew */
	assert_int_equal(world.syncs, 1);                                 /* the header */
	assert_int_equal(world.writes, 2); /* the header, the frames */
	assert_int_equal(log_sync_mark(world.sync), 1);
	assert_int_equal(said("INSERT INTO t VALUES (3, 3)"), SQLITE_OK);
	assert_int_equal(world.syncs, 1);
	log_sync_defer(world.sync, false);
}

static void a_checkpoint_syncs_the_log_first(void **state)
{
	log_sync_defer(world.sync, true);
	assert_int_equal(said("INSERT INTO t VALUES (1, 1)"), SQLITE_OK);
	log_sync_defer(world.sync, false);
	assert_int_equal(sqlite3_wal_checkpoint_v2(
				 world.database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(world.syncs, 1);
}

static void after_a_failed_sync_nothing_is_committed(void **state)
{
	uint64_t mark;
	world.sync_result = SQLITE_IOERR_FSYNC;
	assert_int_not_equal(said("INSERT INTO t VALUES (1, 1)"), SQLITE_OK);
	world.sync_result = SQLITE_OK;
	assert_int_not_equal(said("INSERT INTO t VALUES (2, 2)"), SQLITE_OK);
	assert_int_equal(log_synced(world.sync, &mark), -ERR_STORE_BROKEN);
	assert_int_equal(log_sync_wait(world.sync), -ERR_STORE_BROKEN);
}

static void the_thread_tells_of_its_failure(void **state)
{
	uint64_t mark, count;
	fd_closep(&world.sync->fd); /* what the thread syncs */
	log_sync_defer(world.sync, true);
	assert_int_equal(said("INSERT INTO t VALUES (1, 1)"), SQLITE_OK);
	assert_int_equal(log_sync_wait(world.sync), -ERR_STORE_BROKEN);
	assert_int_equal(log_synced(world.sync, &mark), -ERR_STORE_BROKEN);
	assert_int_equal(mark, 0);
	assert_int_equal(read(log_sync_descriptor(world.sync), &count, sizeof count), -1);
	assert_int_not_equal(said("INSERT INTO t VALUES (2, 2)"), SQLITE_OK);
	log_sync_defer(world.sync, false);
}

static void a_place_out_of_order_is_written_where_it_belongs(void **state)
{
	char back[8] = "";
	sqlite3_file *file = &world.file->file;
	assert_int_equal(log_write(file, "abcd", 4, 1 << 20), SQLITE_OK);
	assert_int_equal(log_write(file, "efgh", 4, (1 << 20) + 4), SQLITE_OK);
	assert_int_equal(world.writes, 0);
	assert_int_equal(log_write(file, "B", 1, (1 << 20) + 1), SQLITE_OK);
	assert_int_equal(world.writes, 1);
	assert_int_equal(log_read(file, back, 8, 1 << 20), SQLITE_OK);
	assert_memory_equal(back, "aBcdefgh", 8);
	sqlite3_int64 size;
	assert_int_equal(log_write(file, "ij", 2, (1 << 20) + 8), SQLITE_OK);
	assert_int_equal(log_size(file, &size), SQLITE_OK);
	assert_int_equal(size, (1 << 20) + 10);
	assert_int_equal(log_truncate(file, 1 << 20), SQLITE_OK);
	assert_int_equal(log_length(), 1 << 20);
}

#define IN_WORLD(function) cmocka_unit_test_setup_teardown(function, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_commit_is_one_write_and_one_sync),
		IN_WORLD(a_large_commit_is_written_in_pieces_and_read_back),
		IN_WORLD(a_sync_is_left_to_the_thread),
		IN_WORLD(a_sync_that_waits_covers_those_that_were_left),
		IN_WORLD(the_header_of_a_new_log_is_synced_before_its_frames),
		IN_WORLD(a_checkpoint_syncs_the_log_first),
		IN_WORLD(after_a_failed_sync_nothing_is_committed),
		IN_WORLD(the_thread_tells_of_its_failure),
		IN_WORLD(a_place_out_of_order_is_written_where_it_belongs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
