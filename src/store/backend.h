/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/statements.h"

/*
 * A database is eight functions, three more if it can be on its way to the disk while the next
 * transaction runs, and four more if it is a server's. They know nothing of what the rows mean: a
 * statement is a number of statements.def, a row is an array of values.
 */
enum value_type { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT, VALUE_BYTES };
struct value {
	enum value_type type;
	int64_t integer;
	const void *bytes; /* text, with a NUL behind it, or bytes; NULL when empty */
	size_t len;
};
#define VALUES_MAX 40 /* parameters of a statement, columns of a row */

/*
 * Called once per row; what `values` point to lives until it returns. A non-zero return ends the
 * statement and is returned by run().
 */
typedef int keep_row_fn(void *context, const struct value *values, unsigned count);

struct backend {
	const char *name;   /* "sqlite" */
	const char *prefix; /* of the address that chooses it */
	/* directory: where an embedded database keeps its files. */
	int (*open)(const char *where, const char *directory, void **ret_connection);
	/* A transaction that will write: no other writer between begin and commit. */
	int (*begin)(void *connection);
	/* On disk when it returns 0; after an error: rollback. -ERR_STORE_BROKEN: no commit can be
	 * again. */
	int (*commit)(void *connection);
	void (*rollback)(void *connection); /* fine without a transaction */
	/*
	 * Returns the number of rows returned or, for statements that return none, changed. Errors:
	 * -ERR_EXISTS (unique), -ERR_NOT_FOUND (points to a row that is not there), -ERR_STORE;
	 * -ERR_STORE_LOST: nothing more will be heard from it over this connection.
	 */
	int (*run)(void *connection, unsigned statement, const struct value *params, unsigned count,
		keep_row_fn *keep, void *context);
	bool (*take_full)(void *connection);   /* the disk was full since this was asked */
	uint64_t (*changes)(void *connection); /* rows changed since it was opened */
	void (*close)(void *connection);

	/* Or NULL: as commit(), but what it did is on disk only when synced() says its mark. */
	int (*commit_later)(void *connection, uint64_t *ret_mark);
	int (*synced)(void *connection, bool wait, uint64_t *ret_mark); /* -ERR_STORE_BROKEN */
	int (*descriptor)(void *connection); /* readable when synced() has news */

	/* Or NULL, where others may be at it besides us: -ERR_STORE_TAKEN when somebody is. */
	int (*claim)(void *connection, int64_t node);
	/* Or NULL: words to the others, which they hear with the commit; and what they said. */
	int (*tell)(void *connection, const char *words);
	void (*hear)(void *connection, void (*fn)(void *, const char *words), void *context);
	/* Or NULL: how long an answer is waited for. */
	void (*patience)(void *connection, int wait_ms);
};
extern const struct backend sqlite_backend, postgres_backend;
