/* SPDX-License-Identifier: Apache-2.0 */
#include "store/policy.h"
#include "store/store_private.h"

int store_custody_take(struct store *store, const struct custody_row *custody, bool shared)
{
	return one_row(RUN(store, CUSTODY_TAKE, NULL, NULL, integer(custody->credential_id),
			       integer(custody->authorization_id), integer(custody->taken_at),
			       integer(custody->until), integer(shared)),
		ERR_CREDENTIAL_HELD);
}

int store_custody_release(
	struct store *store, int64_t credential_id, int64_t authorization_id, int64_t now)
{
	return one_row(RUN(store, CUSTODY_RELEASE, NULL, NULL, integer(credential_id),
			       integer(authorization_id), integer(now)),
		ERR_NOT_FOUND);
}

static int keep_custody(void *context, const struct value *values, unsigned count)
{
	struct custody_row *ret_custody = context;
	struct reader reader = READER(values, count);
	ret_custody->authorization_id = read_integer(&reader);
	ret_custody->taken_at = read_integer(&reader);
	ret_custody->until = read_integer(&reader);
	return reader.error;
}

int store_custody_get(
	struct store *store, int64_t credential_id, int64_t now, struct custody_row *ret_custody)
{
	ret_custody->credential_id = credential_id;
	return one_row(RUN(store, CUSTODY_GET, keep_custody, ret_custody, integer(credential_id),
			       integer(now)),
		ERR_NOT_FOUND);
}
