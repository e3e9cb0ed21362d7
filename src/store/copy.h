/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "store/backend.h"

/*
 * The whole of a store as tables and rows, for a backup: out of one that may be in use, as it was
 * at one moment, and into a new one. SQLite alone: -ERR_STORE for any other.
 *
 *	store_copy_out(directory, &sink)
 *
 *	store_copy_begin(directory, schema, &copy)	then for each table
 *	store_copy_table(copy, name, columns, count)	and for each of its rows
 *	store_copy_row(copy, values, count)
 *	store_copy_end(copy)
 *	store_copy_restored(directory, now, words, &sessions)
 */
#define COPY_TABLES_MAX 64
#define COPY_NAME_SIZE 64

struct copy_sink {
	void *context;
	/* Non-zero ends it and is returned. Tables come in the order in which they were made. */
	int (*table)(void *context, const char *name, const char *const *columns, unsigned count);
	int (*row)(void *context, const struct value *values, unsigned count);
};
int store_copy_out(const char *directory, const struct copy_sink *sink);

struct store_copy;
/* Makes the database with the tables of that schema, all empty, in one transaction that is open. */
int store_copy_begin(const char *directory, unsigned schema, struct store_copy **ret_copy);
int store_copy_table(
	struct store_copy *copy, const char *name, const char *const *columns, unsigned count);
int store_copy_row(struct store_copy *copy, const struct value *values, unsigned count);
/* On disk, and what points to rows does. Destroys it; without this nothing was kept. */
int store_copy_end(struct store_copy *copy);
void store_copy_destroy(struct store_copy *copy); /* NULL is fine */
void store_copy_destroyp(struct store_copy **copy);

/*
 * Of a restored store: migrated, tokens dropped, tickets spent, open sessions ended as restored
 * (*ret_sessions). `from` is the beginning of a JSON object; with that number, and closed, it waits
 * for the broker's first start, which says it in the trail.
 */
#define FACT_RESTORED "restored"
int store_copy_restored(
	const char *directory, int64_t now, const char *from, int64_t *ret_sessions);
