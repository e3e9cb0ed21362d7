/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/store_private.h"

/*
 * The number of the newest migration that was applied is the fact "schema". Each migration is one
 * transaction together with its number: after a crash it is there whole or not at all.
 */
static int schema_number(struct store *store, unsigned *ret_number)
{
	char number[16];
	int r = store_fact_get(store, "schema", number, sizeof number);
	if (r == -ERR_NOT_FOUND) {
		*ret_number = 0;
		return 0;
	}
	if (r < 0)
		return r;
	char *end;
	errno = 0;
	unsigned long value = strtoul(number, &end, 10);
	if (errno != 0 || end == number || *end != '\0' || value > 9999)
		return -ERR_STORE;
	*ret_number = value;
	return 0;
}

/*
 * Inside a transaction that excludes other writers: two processes that start at once do not both
 * migrate. Returns 1 when there was something to do.
 */
static int apply_next(struct store *store, unsigned last)
{
	unsigned number;
	int r = store->backend->run(store->connection, STMT_SCHEMA, NULL, 0, NULL, NULL);
	if (r >= 0)
		r = schema_number(store, &number);
	if (r < 0)
		return r;
	if (number > schema_newest())
		return -ERR_STORE_NEWER;
	if (number >= last)
		return 0;
	number++;
	r = store->backend->run(store->connection, STMT_SCHEMA + number, NULL, 0, NULL, NULL);
	char words[16];
	snprintf(words, sizeof words, "%u", number);
	if (r >= 0)
		r = store_fact_set(store, "schema", words);
	return r < 0 ? r : 1;
}

int schema_check(struct store *store)
{
	unsigned number;
	int r = schema_number(store, &number);
	if (r < 0)
		return r;
	return number > schema_newest() ? -ERR_STORE_NEWER : 0;
}

int schema_apply(struct store *store, unsigned last)
{
	int r;
	do {
		r = store_begin(store);
		if (r < 0)
			return r;
		r = apply_next(store, last);
		if (r < 0) {
			store_rollback(store);
			return r;
		}
		int committed = store_commit(store);
		if (committed < 0)
			return committed;
	} while (r > 0);
	return 0;
}
