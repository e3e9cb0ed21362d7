/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "store/sqlite_value.h"
#include "store/store_private.h"

#define PATH_SIZE 4096
#define SQL_MAX 16384
#define BUSY_MS 2000
#define OPEN_FLAGS (SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE)
extern const char connection_sqlite_read[];

static void closep(sqlite3 **database)
{
	sqlite3_close(*database);
}

static void finalizep(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

static int error_of(int code)
{
	return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE ? -ERR_STORE_FULL
									  : -ERR_STORE;
}

static int run(sqlite3 *database, const char *sql)
{
	int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : error_of(code);
}

/* Names of our own schema, and nothing that would need quoting. */
static bool is_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return len > 0 && len < COPY_NAME_SIZE && name[len] == '\0';
}

/* --- out ------------------------------------------------------------------------------------ */

/*
 * Always through the log and its locks, never as a file that stands still: a gateway may start
 * while it is read.
 */
static int open_out(const char *directory, sqlite3 **ret_database)
{
	CLEANUP(buf_finish) struct buf uri = BUF(4 * PATH_SIZE);
	char path[PATH_SIZE];
	int len = snprintf(path, sizeof path, "%s/sallyport.db", directory);
	int r = len < 0 || (size_t)len >= sizeof path ? -ERR_STORE : buf_append_text(&uri, "file:");
	if (r == 0)
		r = percent_encode(&uri, path, strlen(path));
	if (r == 0)
		r = buf_append(&uri, "?mode=ro", sizeof "?mode=ro");
	if (r < 0)
		return r;
	if (sqlite3_open_v2((char *)uri.data, ret_database,
		    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | OPEN_FLAGS, NULL) != SQLITE_OK)
		return -ERR_STORE;
	sqlite3_busy_timeout(*ret_database, BUSY_MS);
	sqlite3_db_config(*ret_database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return run(*ret_database, connection_sqlite_read);
}

static int read_names(sqlite3 *database, char names[COPY_TABLES_MAX][COPY_NAME_SIZE])
{
	CLEANUP(finalizep) sqlite3_stmt *statement = NULL;
	int count = 0, code;
	if (sqlite3_prepare_v2(database,
		    "SELECT name FROM sqlite_schema WHERE type = 'table'"
		    " AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY rowid",
		    -1, &statement, NULL) != SQLITE_OK)
		return -ERR_STORE;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);
		if (count == COPY_TABLES_MAX || name == NULL || !is_name(name))
			return -ERR_STORE;
		text_copy(names[count++], COPY_NAME_SIZE, name);
	}
	return code == SQLITE_DONE ? count : -ERR_STORE;
}

static int table_out(sqlite3 *database, const char *name, const struct copy_sink *sink)
{
	CLEANUP(finalizep) sqlite3_stmt *statement = NULL;
	const char *columns[VALUES_MAX];
	struct value values[VALUES_MAX];
	char sql[COPY_NAME_SIZE + 32];
	int r, code;
	snprintf(sql, sizeof sql, "SELECT * FROM %.*s", COPY_NAME_SIZE - 1, name);
	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
		return -ERR_STORE;
	int count = sqlite3_column_count(statement);
	if (count > VALUES_MAX)
		return -ERR_STORE;
	for (int i = 0; i < count; i++)
		columns[i] = sqlite3_column_name(statement, i);
	r = sink->table(sink->context, name, columns, (unsigned)count);
	while (r == 0 && (code = sqlite3_step(statement)) != SQLITE_DONE) {
		if (code != SQLITE_ROW)
			return -ERR_STORE;
		for (int i = 0; i < count; i++)
			values[i] = sqlite_value(statement, i);
		r = sink->row(sink->context, values, (unsigned)count);
	}
	return r;
}

int store_copy_out(const char *directory, const struct copy_sink *sink)
{
	CLEANUP(closep) sqlite3 *database = NULL;
	char names[COPY_TABLES_MAX][COPY_NAME_SIZE];
	int r = open_out(directory, &database);
	if (r == 0) /* one transaction: all tables as they were at one moment */
		r = run(database, "BEGIN");
	int count = r == 0 ? read_names(database, names) : r;
	for (int i = 0; r == 0 && i < count; i++)
		r = table_out(database, names[i], sink);
	return count < 0 ? count : r;
}

/* --- in ------------------------------------------------------------------------------------- */

struct store_copy {
	sqlite3 *database;
	sqlite3_stmt *insert; /* into the table at hand */
	unsigned columns;
};

void store_copy_destroy(struct store_copy *copy)
{
	if (copy == NULL)
		return;
	sqlite3_finalize(copy->insert);
	sqlite3_close(copy->database);
	free(copy);
}

void store_copy_destroyp(struct store_copy **copy)
{
	store_copy_destroy(*copy);
}

/* What a migration has put there is in the backup as well. */
static int empty_tables(sqlite3 *database)
{
	char names[COPY_TABLES_MAX][COPY_NAME_SIZE], sql[COPY_NAME_SIZE + 32];
	int count = read_names(database, names), r = count < 0 ? count : 0;
	for (int i = 0; r == 0 && i < count; i++) {
		snprintf(sql, sizeof sql, "DELETE FROM %.*s", COPY_NAME_SIZE - 1, names[i]);
		r = run(database, sql);
	}
	return r;
}

static int open_in(const char *directory, sqlite3 **ret_database)
{
	char path[PATH_SIZE];
	int len = snprintf(path, sizeof path, "%s/sallyport.db", directory);
	if (len < 0 || (size_t)len >= sizeof path ||
		sqlite3_open_v2(path, ret_database,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | OPEN_FLAGS,
			NULL) != SQLITE_OK)
		return -ERR_STORE;
	int r = run(*ret_database, "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
				   "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE");
	return r < 0 ? r : empty_tables(*ret_database);
}

int store_copy_begin(const char *directory, unsigned schema, struct store_copy **ret_copy)
{
	CLEANUP(store_copy_destroyp) struct store_copy *copy = calloc(1, sizeof *copy);
	int r = copy == NULL ? -ERR_SYSTEM : store_make(directory, schema);
	if (r == 0)
		r = open_in(directory, &copy->database);
	if (r == 0)
		*ret_copy = STEAL(copy);
	return r;
}

static int insert_text(
	struct buf *sql, const char *name, const char *const *columns, unsigned count)
{
	int r = buf_append_format(sql, "INSERT INTO %s (", name);
	for (unsigned i = 0; r == 0 && i < count; i++)
		r = is_name(columns[i])
			    ? buf_append_format(sql, "%s%s", i > 0 ? ", " : "", columns[i])
			    : -ERR_STORE;
	if (r == 0)
		r = buf_append_text(sql, ") VALUES (");
	for (unsigned i = 0; r == 0 && i < count; i++)
		r = buf_append_text(sql, i > 0 ? ", ?" : "?");
	return r < 0 ? r : buf_append(sql, ")", 2);
}

int store_copy_table(
	struct store_copy *copy, const char *name, const char *const *columns, unsigned count)
{
	CLEANUP(buf_finish) struct buf sql = BUF(SQL_MAX);
	int r = is_name(name) && count > 0 && count <= VALUES_MAX
			? insert_text(&sql, name, columns, count)
			: -ERR_STORE;
	sqlite3_finalize(STEAL(copy->insert));
	copy->columns = count;
	if (r == 0 && sqlite3_prepare_v2(copy->database, (char *)sql.data, -1, &copy->insert,
			      NULL) != SQLITE_OK)
		r = -ERR_STORE;
	return r;
}

static int bind_value(sqlite3_stmt *statement, int place, const struct value *value)
{
	switch (value->type) {
	case VALUE_INTEGER:
		return sqlite3_bind_int64(statement, place, value->integer);
	case VALUE_TEXT:
		return sqlite3_bind_text64(statement, place, value->len > 0 ? value->bytes : "",
			value->len, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BYTES: /* one without length would be NULL */
		return sqlite3_bind_blob64(statement, place, value->len > 0 ? value->bytes : "",
			value->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(statement, place);
	}
}

int store_copy_row(struct store_copy *copy, const struct value *values, unsigned count)
{
	if (copy->insert == NULL || count != copy->columns)
		return -ERR_STORE;
	int code = SQLITE_OK;
	for (unsigned i = 0; i < count && code == SQLITE_OK; i++)
		code = bind_value(copy->insert, (int)i + 1, &values[i]);
	if (code == SQLITE_OK)
		code = sqlite3_step(copy->insert);
	sqlite3_reset(copy->insert);
	return code == SQLITE_DONE ? 0 : error_of(code);
}

/* A row of the answer is one that points to nothing. */
static int check_references(sqlite3 *database)
{
	CLEANUP(finalizep) sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(database, "PRAGMA foreign_key_check", -1, &statement, NULL) !=
		SQLITE_OK)
		return -ERR_STORE;
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : -ERR_STORE;
}

int store_copy_end(struct store_copy *copy)
{
	CLEANUP(store_copy_destroyp) struct store_copy *ended = copy;
	sqlite3_finalize(STEAL(ended->insert));
	int r = check_references(ended->database);
	return r < 0 ? r : run(ended->database, "COMMIT");
}

/* --- afterwards ----------------------------------------------------------------------------- */

static int settle(struct store *store, int64_t now, const char *from)
{
	int sessions = RUN(store, RESTORED_SESSIONS, NULL, NULL, integer(now),
		integer(-ERR_RESTORED), text(error_text(-ERR_RESTORED)));
	int r = any_rows(sessions);
	if (r == 0)
		r = any_rows(RUN(store, RESTORED_TICKETS, NULL, NULL, integer(now)));
	if (r == 0)
		r = any_rows(RUN(store, RESTORED_TOKENS, NULL, NULL));
	char said[512];
	snprintf(said, sizeof said, "%s,\"sessions_ended\":%d}", from, sessions);
	if (r == 0)
		r = store_fact_set(store, FACT_RESTORED, said);
	return r < 0 ? r : sessions;
}

int store_copy_restored(const char *directory, int64_t now, const char *from, int64_t *ret_sessions)
{
	struct store *store = NULL;
	int r = store_open("sqlite", directory, &store);
	if (r == 0)
		r = store_begin(store);
	int sessions = r == 0 ? settle(store, now, from) : r;
	if (sessions >= 0)
		r = store_commit(store);
	store_close(store);
	if (sessions < 0 || r < 0)
		return sessions < 0 ? sessions : r;
	*ret_sessions = sessions;
	return 0;
}
