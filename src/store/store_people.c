/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

static int read_user(struct reader *reader, struct user_row *ret_user)
{
	ret_user->id = read_integer(reader);
	read_text(reader, ret_user->login);
	read_text(reader, ret_user->name);
	ret_user->created_at = read_integer(reader);
	ret_user->disabled_at = read_integer(reader);
	read_text(reader, ret_user->blocked_by);
	ret_user->blocked_at = read_integer(reader);
	return reader->error;
}

static int keep_user(void *context, const struct value *values, unsigned count)
{
	struct reader reader = READER(values, count);
	return read_user(&reader, context);
}

struct each_user {
	int (*keep)(void *, const struct user_row *);
	void *context;
	int result;
};

static int keep_each_user(void *context, const struct value *values, unsigned count)
{
	struct each_user *each = context;
	struct user_row user;
	each->result = keep_user(&user, values, count);
	if (each->result == 0)
		each->result = each->keep(each->context, &user);
	return each->result;
}

int store_user_add(
	struct store *store, const char *login, const char *name, int64_t now, int64_t *ret_id)
{
	return any_rows(
		RUN(store, USER_ADD, keep_number, ret_id, text(login), text(name), integer(now)));
}

int store_user_find(struct store *store, const char *login, struct user_row *ret_user)
{
	return one_row(RUN(store, USER_FIND, keep_user, ret_user, text(login)), ERR_NOT_FOUND);
}

int store_user_set_disabled(struct store *store, int64_t id, int64_t at)
{
	return one_row(
		RUN(store, USER_SET_DISABLED, NULL, NULL, integer(id), integer(at)), ERR_NOT_FOUND);
}

int store_user_set_blocked(struct store *store, int64_t id, const char *by, int64_t at)
{
	return one_row(RUN(store, USER_SET_BLOCKED, NULL, NULL, integer(id), text(by), integer(at)),
		ERR_NOT_FOUND);
}

int store_user_list(
	struct store *store, int (*keep)(void *, const struct user_row *), void *context)
{
	struct each_user each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, USER_LIST, keep_each_user, &each));
	return each.result != 0 ? each.result : r;
}
