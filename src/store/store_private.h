/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "store/backend.h"
#include "store/store.h"
#include "store/store_node.h"

struct store {
	const struct backend *backend;
	void *connection;
	bool begun;                 /* a batch is open */
	int64_t node;               /* 0: the only one */
	int64_t rows_from, rows_to; /* its rows of the trail, both exclusive */
};

/* Parameters. The pointers must live until the statement ran. */
static inline struct value integer(int64_t number)
{
	return (struct value){ .type = VALUE_INTEGER, .integer = number };
}
static inline struct value text(const char *words)
{
	return (struct value){ .type = VALUE_TEXT, .bytes = words, .len = strlen(words) };
}
static inline struct value bytes(const void *start, size_t len)
{
	return (struct value){ .type = VALUE_BYTES, .bytes = start, .len = len };
}
#define HASH(array) bytes(array, HASH_LEN)
/* Points to a row; 0 points to none. */
static inline struct value reference(int64_t id)
{
	return id != 0 ? integer(id) : (struct value){ .type = VALUE_NULL };
}

/* RUN(store, USER_FIND, keep, context, text(login)): rows or an error, as backend->run. */
#define RUN(store, statement, keep, context, ...)                                                  \
	({                                                                                         \
		const struct value params_[] = { __VA_ARGS__ };                                    \
		(store)->backend->run((store)->connection, STMT_##statement, params_,              \
			sizeof(params_) / sizeof(struct value), keep, context);                    \
	})
/* Any number of rows will do. */
static inline int any_rows(int r)
{
	return r < 0 ? r : 0;
}
/* For statements about one row: none is `none`. */
static inline int one_row(int r, enum error none)
{
	if (r < 0)
		return r;
	return r == 0 ? -(int)none : 0;
}

/*
 * Columns of a row, read in their order. What does not have the type and size the schema gave it
 * is damage: reader.error is then -ERR_STORE, to be looked at once, at the end.
 */
struct reader {
	const struct value *values;
	unsigned count, next;
	int error;
};
#define READER(row, columns) ((struct reader){ .values = (row), .count = (columns) })
int64_t read_integer(struct reader *reader); /* NULL reads as 0 */
void read_text_sized(struct reader *reader, char *ret_text, size_t size);
#define read_text(reader, array) read_text_sized(reader, array, sizeof(array))
/* Exactly len bytes; NULL reads as zeros. */
void read_bytes(struct reader *reader, void *ret_bytes, size_t len);
/* A copy to be freed, at most SEALED_MAX; NULL reads as NULL. */
void read_sealed(struct reader *reader, uint8_t **ret_sealed, uint32_t *ret_len);

/* keep_row_fn: the first column into an int64_t. */
int keep_number(void *context, const struct value *values, unsigned count);

int keep_count(void *context, const struct value *values, unsigned count); /* struct store_count */
/* Names of hosts and domains have no letter case; only ASCII letters have one here. */
void lower_name(char out[HOSTNAME_SIZE], const char *name);

/* Several statements that must not come apart, inside a batch or outside of one. */
int atom_begin(struct store *store);
int atom_end(struct store *store, int r); /* r < 0 undoes; returns r, or why it could not be kept */

/* Rows read by more than one file. */
void read_device(struct reader *reader, struct device_row *ret_device);

/* The migrations up to `last`. */
int schema_apply(struct store *store, unsigned last);
/* An SQLite store with this schema and nothing in it, for copy.c. */
int store_make(const char *directory, unsigned schema);
int schema_check(struct store *store); /* -ERR_STORE_NEWER; migrates nothing */
