/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/checkpointer.h"
#include "store/log_file.h"
#include "store/sqlite_value.h"

/*
 * SQLite: one file, sallyport.db, with its -wal and -shm beside it; nothing outside of that
 * directory is touched. Statements are prepared at first use and kept.
 */
#define BUSY_STEP_MS 10
#define BUSY_MS 2000 /* another process may write: administration with the gateway stopped */
#define PATH_SIZE 4096
#define LOOKASIDE_SIZE                                                                             \
	512 /* bytes of the small allocations that are kept at hand, and how many                  \
	     */
#define LOOKASIDE_SLOTS 512
#define OPEN_FLAGS (SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE)
extern const char connection_sqlite[], connection_sqlite_read[]; /* the files .sql */

struct prepared {
	sqlite3_stmt *statement;
	/* $n is a name to SQLite, numbered by first appearance: its number, by n - 1 */
	int places[VALUES_MAX];
};
/* Pages of the log. Four kilobytes each, read again at the start after a crash. */
#define CHECKPOINT_FROM 4000  /* from here on the log is carried over beside the work */
#define CHECKPOINT_STEP 4000  /* and again after so many more */
#define CHECKPOINT_MOST 16000 /* here the work waits for it */
struct connection {
	sqlite3 *database;
	struct log_sync *sync; /* NULL: only reads */
	struct checkpointer *checkpointer;
	int log_pages, carried_at; /* length of the log now, and when it was last carried over */
	bool begun;
	bool locked; /* somebody else was writing for BUSY_MS: until he is done nobody waits again
		      */
	bool full;   /* the disk, since it was asked */
	struct prepared prepared[STMT_SCHEMA];
};

static const struct dialect_word dialect[] = {
	{ "IDENTITY", "INTEGER PRIMARY KEY" },
	{ "BIGINT", "INTEGER" },
	{ "BYTES", "BLOB" },
	{ "BY_ROW", "STRICT" },
	{ "BY_KEY", "STRICT, WITHOUT ROWID" },
	/* would cost as much as the insert itself; step() knows the id anyway */
	{ "RETURNING_ID", "" },
	/* the write lock at once: a later upgrade could only fail */
	{ "BEGIN_WRITE", "BEGIN IMMEDIATE" },
	{},
};

static int error_of(int code)
{
	switch (code) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return -ERR_EXISTS;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return -ERR_NOT_FOUND;
	case SQLITE_IOERR_FSYNC:
		return -ERR_STORE_BROKEN;
	case SQLITE_FULL:
	case SQLITE_IOERR_SHMSIZE: /* no room for the index of the log */
		return -ERR_STORE_FULL;
	default:
		return -ERR_STORE;
	}
}

/* journal_mode answers with what it became: anything but WAL is not what we promise. */
static int check_journal(void *context, int count, char **values, char **names)
{
	if (count == 1 && strcmp(names[0], "journal_mode") == 0)
		return values[0] == NULL || strcmp(values[0], "wal") != 0;
	return 0;
}

/*
 * Made before SQLite sees it, so that it never exists with wider rights; -wal and -shm take the
 * rights of the file. An existing file is not opened here: closing it again would drop the locks
 * of another connection of this process.
 */
static int make_file(const char *path)
{
	CLEANUP(fd_closep)
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		return 0;
	struct stat stat;
	if (errno != EEXIST || lstat(path, &stat) < 0 || !S_ISREG(stat.st_mode))
		return -ERR_STORE;
	if ((stat.st_mode & 077) != 0 && chmod(path, 0600) < 0)
		return -ERR_STORE;
	return 0;
}

static void sqlite_close(void *context)
{
	struct connection *connection = context;
	if (connection == NULL)
		return;
	for (unsigned i = 0; i < STMT_SCHEMA; i++)
		sqlite3_finalize(connection->prepared[i].statement);
	checkpointer_destroy(connection->checkpointer);
	sqlite3_close(connection->database);
	log_sync_destroy(connection->sync);
	free(connection);
}

static void sqlite_closep(struct connection **connection)
{
	sqlite_close(*connection);
}

static int set_up(sqlite3 *database, const char *script)
{
	sqlite3_busy_timeout(database, BUSY_MS);
	sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(database, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
	/* The change to WAL does not wait for others by itself: it fails, or stays as it was. */
	for (int waited = 0;; waited += BUSY_STEP_MS) {
		int code = sqlite3_exec(database, script, check_journal, NULL, NULL);
		if (code == SQLITE_OK)
			return 0;
		int kind = code & 0xff; /* without what the extended code adds */
		if ((kind != SQLITE_BUSY && kind != SQLITE_ABORT) || waited >= BUSY_MS)
			return -ERR_STORE;
		sqlite3_sleep(BUSY_STEP_MS);
	}
}

static int note_log(void *context, sqlite3 *database, const char *name, int pages)
{
	struct connection *connection = context;
	if (pages < connection->log_pages)
		connection->carried_at = 0; /* it was begun anew */
	connection->log_pages = pages;
	return SQLITE_OK;
}

static int open_database(struct connection *connection, const char *path)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | OPEN_FLAGS;
	if (sqlite3_open_v2(path, &connection->database, flags, log_sync_layer(connection->sync)) !=
		SQLITE_OK)
		return -ERR_STORE;
	sqlite3_db_config(connection->database, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_SIZE,
		LOOKASIDE_SLOTS);
	int r = set_up(connection->database, connection_sqlite);
	sqlite3_wal_hook(connection->database, note_log, connection); /* the script took it away */
	return r;
}

/* Nobody asks how much memory SQLite has; counting it costs a lock at every allocation. */
__attribute__((constructor)) static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int open_write(struct connection *connection, const char *path)
{
	int r = make_file(path);
	if (r == 0)
		r = log_sync_create(&connection->sync);
	if (r == 0)
		r = open_database(connection, path);
	return r < 0 ? r : checkpointer_create(path, &connection->checkpointer);
}

/*
 * A URI that reads and leaves no trace. With a -wal beside it somebody runs, or ran: that is read
 * too, under the locks of the -shm, which is not written. Without one the file is whole by itself,
 * and the usual way would make -wal and -shm, owned by whoever looks.
 */
static int read_uri(const char *path, struct buf *out)
{
	char wal[PATH_SIZE + 8];
	snprintf(wal, sizeof wal, "%s-wal", path);
	bool alone = access(wal, F_OK) < 0;
	int r = buf_append_text(out, "file:");
	if (r == 0)
		r = percent_encode(out, path, strlen(path));
	if (r == 0)
		r = buf_append_text(
			out, alone ? "?mode=ro&immutable=1" : "?mode=ro&readonly_shm=1");
	return r < 0 ? r : buf_append(out, "", 1);
}

static int open_read(struct connection *connection, const char *path)
{
	CLEANUP(buf_finish) struct buf uri = BUF(4 * PATH_SIZE);
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | OPEN_FLAGS;
	int r = read_uri(path, &uri);
	if (r < 0)
		return r;
	if (sqlite3_open_v2((char *)uri.data, &connection->database, flags, NULL) != SQLITE_OK)
		return -ERR_STORE;
	return set_up(connection->database, connection_sqlite_read);
}

static int sqlite_open(const char *where, const char *directory, void **ret_connection)
{
	char path[PATH_SIZE];
	bool only_read = strcmp(where, "sqlite-read") == 0;
	struct stat stat_of;
	bool copy = only_read && stat(directory, &stat_of) == 0 && S_ISREG(stat_of.st_mode);
	int len = snprintf(path, sizeof path, copy ? "%s" : "%s/sallyport.db", directory);
	if ((!only_read && strcmp(where, "sqlite") != 0) || len < 0 || (size_t)len >= sizeof path)
		return -ERR_STORE;
	CLEANUP(sqlite_closep) struct connection *connection = calloc(1, sizeof *connection);
	if (connection == NULL)
		return -ERR_SYSTEM;
	int r = only_read ? open_read(connection, path) : open_write(connection, path);
	if (r < 0)
		return r;
	*ret_connection = STEAL(connection);
	return 0;
}

static int prepare(sqlite3 *database, unsigned statement, struct prepared *ret_prepared)
{
	CLEANUP(mem_freep) char *text = statement_text(statement, dialect);
	if (text == NULL)
		return -ERR_SYSTEM;
	struct prepared prepared = { 0 };
	if (sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &prepared.statement,
		    NULL) != SQLITE_OK)
		return -ERR_STORE;
	for (int i = 0; i < VALUES_MAX; i++) {
		char name[8];
		snprintf(name, sizeof name, "$%d", i + 1);
		prepared.places[i] = sqlite3_bind_parameter_index(prepared.statement, name);
	}
	*ret_prepared = prepared;
	return 0;
}

static int run_script(sqlite3 *database, unsigned statement)
{
	CLEANUP(mem_freep) char *text = statement_text(statement, dialect);
	if (text == NULL)
		return -ERR_SYSTEM;
	int code = sqlite3_exec(database, text, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : error_of(code);
}

static int give(const struct prepared *prepared, unsigned index, const struct value *value)
{
	int place = prepared->places[index];
	switch (value->type) {
	case VALUE_INTEGER:
		return sqlite3_bind_int64(prepared->statement, place, value->integer);
	case VALUE_TEXT:
		return sqlite3_bind_text(
			prepared->statement, place, value->bytes, value->len, SQLITE_STATIC);
	case VALUE_BYTES:
		return sqlite3_bind_blob(
			prepared->statement, place, value->bytes, value->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(prepared->statement, place);
	}
}

/*
 * Steps through the rows; returns the rows seen, or changed by a statement that shows none. To who
 * keeps rows of such a one, the id of the added row is shown (RETURNING_ID).
 */
static int step(sqlite3 *database, sqlite3_stmt *statement, keep_row_fn *keep, void *context)
{
	int columns = sqlite3_column_count(statement);
	int rows = 0, code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		rows++;
		if (keep == NULL)
			continue;
		struct value values[VALUES_MAX];
		for (int i = 0; i < columns && i < VALUES_MAX; i++)
			values[i] = sqlite_value(statement, i);
		int r = keep(context, values, columns);
		if (r != 0)
			return r;
	}
	if (code != SQLITE_DONE)
		return error_of(code);
	if (columns > 0)
		return rows;
	if (keep != NULL) {
		struct value id = { VALUE_INTEGER, sqlite3_last_insert_rowid(database), NULL, 0 };
		int r = keep(context, &id, 1);
		return r != 0 ? r : 1;
	}
	return sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes(database);
}

static int run_prepared(sqlite3 *database, struct prepared *prepared, const struct value *params,
	unsigned count, keep_row_fn *keep, void *context)
{
	int r = 0;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = give(prepared, i, &params[i]) == SQLITE_OK ? 0 : -ERR_STORE;
	if (r == 0)
		r = step(database, prepared->statement, keep, context);
	sqlite3_reset(prepared->statement);
	sqlite3_clear_bindings(prepared->statement);
	return r;
}

static int run_statement(struct connection *connection, unsigned statement,
	const struct value *params, unsigned count, keep_row_fn *keep, void *keep_context)
{
	/*
	 * A full disk or a failed read makes SQLite roll back by itself. What follows must not
	 * commit row by row behind the batch's back.
	 */
	if (connection->begun && sqlite3_get_autocommit(connection->database))
		return -ERR_STORE;
	if (statement >= STMT_SCHEMA)
		return run_script(connection->database, statement);
	struct prepared *kept = &connection->prepared[statement];
	int r = kept->statement == NULL ? prepare(connection->database, statement, kept) : 0;
	if (r < 0)
		return r;
	if (!sqlite3_stmt_busy(kept->statement))
		return run_prepared(connection->database, kept, params, count, keep, keep_context);
	/* a keep function asks the question that it is an answer to: let it have its own */
	struct prepared again;
	r = prepare(connection->database, statement, &again);
	if (r < 0)
		return r;
	r = run_prepared(connection->database, &again, params, count, keep, keep_context);
	sqlite3_finalize(again.statement);
	return r;
}

static int sqlite_run(void *context, unsigned statement, const struct value *params, unsigned count,
	keep_row_fn *keep, void *keep_context)
{
	struct connection *connection = context;
	int r = run_statement(connection, statement, params, count, keep, keep_context);
	connection->full = connection->full || r == -ERR_STORE_FULL;
	return r;
}

/*
 * Everybody waits here for the one who writes. What waits behind the first that waited in vain
 * would wait again, one after the other: it is told at once.
 */
static int sqlite_begin(void *context)
{
	struct connection *connection = context;
	int r = sqlite_run(connection, STMT_BEGIN, NULL, 0, NULL, NULL);
	bool locked = r < 0 && (sqlite3_errcode(connection->database) & 0xff) == SQLITE_BUSY;
	if (locked != connection->locked)
		sqlite3_busy_timeout(connection->database, locked ? 0 : BUSY_MS);
	connection->locked = locked;
	connection->begun = r >= 0;
	return r < 0 ? r : 0;
}

/* Before the work must wait for it; if somebody else is at it, after the next commit. */
static void carry_over(struct connection *connection)
{
	if (connection->log_pages >= CHECKPOINT_MOST) {
		sqlite3_wal_checkpoint_v2(
			connection->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		connection->carried_at = connection->log_pages;
	} else if (connection->log_pages >= CHECKPOINT_FROM &&
		   connection->log_pages - connection->carried_at >= CHECKPOINT_STEP) {
		checkpointer_poke(connection->checkpointer);
		connection->carried_at = connection->log_pages;
	}
}

static int sqlite_commit(void *context)
{
	struct connection *connection = context;
	int r = sqlite_run(connection, STMT_COMMIT, NULL, 0, NULL, NULL);
	if (r < 0)
		return r;
	connection->begun = false;
	carry_over(connection);
	/* without a write of its own it may stand on what is still on its way */
	return connection->sync != NULL ? log_sync_wait(connection->sync) : 0;
}

static int sqlite_commit_later(void *context, uint64_t *ret_mark)
{
	struct connection *connection = context;
	log_sync_defer(connection->sync, true);
	int r = sqlite_run(connection, STMT_COMMIT, NULL, 0, NULL, NULL);
	log_sync_defer(connection->sync, false);
	if (r < 0)
		return r;
	connection->begun = false;
	*ret_mark = log_sync_mark(connection->sync);
	carry_over(connection);
	return 0;
}

static int sqlite_synced(void *context, bool wait, uint64_t *ret_mark)
{
	struct connection *connection = context;
	if (wait)
		log_sync_wait(connection->sync);
	return log_synced(connection->sync, ret_mark);
}

static int sqlite_descriptor(void *context)
{
	struct connection *connection = context;
	return log_sync_descriptor(connection->sync);
}

static void sqlite_rollback(void *context)
{
	struct connection *connection = context;
	connection->begun = false;
	if (!sqlite3_get_autocommit(connection->database))
		sqlite_run(connection, STMT_ROLLBACK, NULL, 0, NULL, NULL);
}

static bool sqlite_take_full(void *context)
{
	struct connection *connection = context;
	bool full = connection->full;
	connection->full = false;
	return full;
}

static uint64_t sqlite_changes(void *context)
{
	struct connection *connection = context;
	return (uint64_t)sqlite3_total_changes64(connection->database);
}

const struct backend sqlite_backend = {
	.name = "sqlite",
	.prefix = "sqlite",
	.open = sqlite_open,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.run = sqlite_run,
	.take_full = sqlite_take_full,
	.changes = sqlite_changes,
	.close = sqlite_close,
	.commit_later = sqlite_commit_later,
	.synced = sqlite_synced,
	.descriptor = sqlite_descriptor,
};
