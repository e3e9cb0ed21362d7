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
	ret_user->changed_at = read_integer(reader);
	ret_user->sessions_most = read_integer(reader);
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

int store_user_get(struct store *store, int64_t id, struct user_row *ret_user)
{
	return one_row(RUN(store, USER_GET, keep_user, ret_user, integer(id)), ERR_NOT_FOUND);
}

int store_user_set(
	struct store *store, int64_t id, const char *login, const char *name, int64_t now)
{
	return one_row(RUN(store, USER_SET, NULL, NULL, integer(id), text(login), text(name),
			       integer(now)),
		ERR_NOT_FOUND);
}

int store_user_set_disabled(struct store *store, int64_t id, int64_t at, int64_t now)
{
	return one_row(
		RUN(store, USER_SET_DISABLED, NULL, NULL, integer(id), integer(at), integer(now)),
		ERR_NOT_FOUND);
}

int store_user_edit(struct store *store, const struct user_row *user)
{
	return one_row(RUN(store, USER_EDIT, NULL, NULL, integer(user->id), text(user->name),
			       integer(user->sessions_most), integer(user->changed_at)),
		ERR_NOT_FOUND);
}

int store_user_set_blocked(struct store *store, int64_t id, const char *by, int64_t at)
{
	return one_row(RUN(store, USER_SET_BLOCKED, NULL, NULL, integer(id), text(by), integer(at)),
		ERR_NOT_FOUND);
}

int store_user_page(struct store *store, bool disabled, const struct store_page *page,
	int (*keep)(void *, const struct user_row *), void *context)
{
	struct each_user each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, USER_PAGE, keep_each_user, &each, integer(page->after),
		integer(page->last), integer(page->since), integer(disabled), integer(page->limit),
		integer(page->offset)));
	return each.result != 0 ? each.result : r;
}

int store_user_list(
	struct store *store, int (*keep)(void *, const struct user_row *), void *context)
{
	const struct store_page all = { .last = INT64_MAX, .limit = INT32_MAX };
	return store_user_page(store, true, &all, keep, context);
}

int store_user_count(struct store *store, int64_t since, struct store_count *ret_count)
{
	return any_rows(RUN(store, USER_COUNT, keep_count, ret_count, integer(since)));
}

static int keep_domain(void *context, const struct value *values, unsigned count)
{
	struct reader reader = READER(values, count);
	struct domain_row *domain = context;
	domain->id = read_integer(&reader);
	read_text(&reader, domain->name);
	domain->created_at = read_integer(&reader);
	return reader.error;
}

struct each_domain {
	int (*keep)(void *, const struct domain_row *);
	void *context;
	int result;
};

static int keep_each_domain(void *context, const struct value *values, unsigned count)
{
	struct each_domain *each = context;
	struct domain_row domain;
	each->result = keep_domain(&domain, values, count);
	if (each->result == 0)
		each->result = each->keep(each->context, &domain);
	return each->result;
}

int store_domain_add(struct store *store, const char *name, int64_t now, int64_t *ret_id)
{
	char key[HOSTNAME_SIZE];
	lower_name(key, name);
	return any_rows(
		RUN(store, DOMAIN_ADD, keep_number, ret_id, text(name), text(key), integer(now)));
}

int store_domain_find(struct store *store, const char *name, struct domain_row *ret_domain)
{
	char key[HOSTNAME_SIZE];
	if (strlen(name) >= sizeof key)
		return -ERR_NOT_FOUND;
	lower_name(key, name);
	return one_row(RUN(store, DOMAIN_FIND, keep_domain, ret_domain, text(key)), ERR_NOT_FOUND);
}

int store_domain_page(struct store *store, const struct store_page *page,
	int (*keep)(void *, const struct domain_row *), void *context)
{
	struct each_domain each = { .keep = keep, .context = context };
	int r = any_rows(RUN(store, DOMAIN_PAGE, keep_each_domain, &each, integer(page->after),
		integer(page->last), integer(page->since), integer(page->limit),
		integer(page->offset)));
	return each.result != 0 ? each.result : r;
}
