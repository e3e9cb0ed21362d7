/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/statements.h"

/*
 * A database is six functions. They know nothing of what the rows mean: a statement is a number of
 * statements.def, a row is an array of values.
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
	int (*commit)(void *connection); /* on disk when it returns 0; after an error: rollback */
	void (*rollback)(void *connection); /* fine without a transaction */
	/*
	 * Returns the number of rows returned or, for statements that return none, changed. Errors:
	 * -ERR_EXISTS (unique), -ERR_NOT_FOUND (points to a row that is not there), -ERR_STORE.
	 */
	int (*run)(void *connection, unsigned statement, const struct value *params, unsigned count,
		keep_row_fn *keep, void *context);
	void (*close)(void *connection);
};
extern const struct backend sqlite_backend;
