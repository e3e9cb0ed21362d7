/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "store/policy.h"
#include "store/store_private.h"

static int keep_policy(void *context, const struct value *values, unsigned count)
{
	struct policy_row *ret_policy = context;
	struct reader reader = READER(values, count);
	ret_policy->id = read_integer(&reader);
	read_text(&reader, ret_policy->name);
	ret_policy->simultaneous_sessions = read_integer(&reader) != 0;
	ret_policy->simultaneous_viewing = read_integer(&reader) != 0;
	ret_policy->view_expiry = read_integer(&reader);
	ret_policy->hours.days = read_integer(&reader);
	ret_policy->hours.from = read_integer(&reader);
	ret_policy->hours.until = read_integer(&reader);
	read_text(&reader, ret_policy->hours.zone);
	read_text(&reader, ret_policy->hours.rule);
	ret_policy->priority = read_integer(&reader);
	read_text(&reader, ret_policy->username_mask);
	read_text(&reader, ret_policy->device_mask);
	ret_policy->created_at = read_integer(&reader);
	return reader.error;
}

struct each_policy {
	int (*keep)(void *, const struct policy_row *);
	void *context;
	int result;
};

static int keep_each_policy(void *context, const struct value *values, unsigned count)
{
	struct each_policy *each = context;
	struct policy_row policy;
	each->result = keep_policy(&policy, values, count);
	if (each->result == 0)
		each->result = each->keep(each->context, &policy);
	return each->result;
}

int store_policy_add(struct store *store, const struct policy_row *policy, int64_t *ret_id)
{
	return any_rows(RUN(store, POLICY_ADD, keep_number, ret_id, text(policy->name),
		integer(policy->simultaneous_sessions), integer(policy->simultaneous_viewing),
		integer(policy->view_expiry), integer(policy->hours.days),
		integer(policy->hours.from), integer(policy->hours.until), text(policy->hours.zone),
		text(policy->hours.rule), integer(policy->priority), text(policy->username_mask),
		text(policy->device_mask), integer(policy->created_at)));
}

int store_policy_edit(struct store *store, const struct policy_row *policy)
{
	return one_row(RUN(store, POLICY_EDIT, NULL, NULL, integer(policy->id),
			       integer(policy->simultaneous_sessions),
			       integer(policy->simultaneous_viewing), integer(policy->view_expiry),
			       integer(policy->hours.days), integer(policy->hours.from),
			       integer(policy->hours.until), text(policy->hours.zone),
			       text(policy->hours.rule), integer(policy->priority),
			       text(policy->username_mask), text(policy->device_mask)),
		ERR_NOT_FOUND);
}

int store_policy_find(struct store *store, const char *name, struct policy_row *ret_policy)
{
	return one_row(RUN(store, POLICY_FIND, keep_policy, ret_policy, text(name)), ERR_NOT_FOUND);
}

int store_policy_list(
	struct store *store, int (*keep)(void *, const struct policy_row *), void *context)
{
	struct each_policy each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, POLICY_LIST, keep_each_policy, &each));
	return each.result != 0 ? each.result : r;
}

int store_policy_count(struct store *store)
{
	int64_t count = 0;
	int r = RUN(store, POLICY_COUNT, keep_number, &count);
	assert(count <= INT32_MAX); /* of rows */
	return r < 0 ? r : (int)count;
}
