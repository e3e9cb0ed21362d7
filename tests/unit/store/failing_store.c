/* SPDX-License-Identifier: Apache-2.0 */
#include "failing_store.h"

#include <errno.h>

#include "failing.h"
#include "store/store_private.h"

static const struct backend *real;

/* failing.h set errno */
static int refusal(void)
{
	return errno == ENOSPC ? -ERR_STORE_FULL : -ERR_STORE;
}

static int begin(void *connection)
{
	return failing_now("store_begin") ? refusal() : real->begin(connection);
}

static int commit(void *connection)
{
	return failing_now("store_commit") ? refusal() : real->commit(connection);
}

static int commit_later(void *connection, uint64_t *ret_mark)
{
	return failing_now("store_commit") ? refusal() : real->commit_later(connection, ret_mark);
}

static int run(void *connection, unsigned statement, const struct value *params, unsigned count,
	keep_row_fn *keep, void *context)
{
	if (failing_now("store_run"))
		return refusal();
	return real->run(connection, statement, params, count, keep, context);
}

void failing_store(struct store *store)
{
	static struct backend failing;

	if (store->backend == &failing)
		return;
	real = store->backend;
	failing = *real;
	failing.begin = begin;
	failing.commit = commit;
	failing.commit_later = real->commit_later != NULL ? commit_later : NULL;
	failing.run = run;
	store->backend = &failing;
}
