/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_people.c"

#include "fixture.h"

static void users_are_found_by_login(void **state)
{
	struct fixture *fixture = *state;
	struct user_row user;
	assert_int_equal(store_user_find(fixture->store, "ana", &user), 0);
	assert_int_equal(user.id, fixture->user);
	assert_string_equal(user.name, "Ana Sousa");
	assert_int_equal(user.created_at, NOW);
	assert_int_equal(user.disabled_at, 0);
	assert_int_equal(store_user_find(fixture->store, "Ana", &user), -ERR_NOT_FOUND);
	assert_int_equal(store_user_find(fixture->store, "ana' OR '1'='1", &user), -ERR_NOT_FOUND);
}

static void a_login_is_taken_once(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = -7;
	assert_int_equal(store_user_add(fixture->store, "ana", "", NOW, &id), -ERR_EXISTS);
	assert_int_equal(id, -7);
}

static void users_are_disabled_and_blocked(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct user_row user;
	assert_int_equal(store_user_set_disabled(store, fixture->user, NOW + 1, NOW), 0);
	assert_int_equal(store_user_set_blocked(store, fixture->user, "rui", NOW + 2), 0);
	assert_int_equal(store_user_find(store, "ana", &user), 0);
	assert_int_equal(user.disabled_at, NOW + 1);
	assert_string_equal(user.blocked_by, "rui");
	assert_int_equal(user.blocked_at, NOW + 2);
	assert_int_equal(store_user_set_disabled(store, fixture->user, 0, NOW), 0);
	assert_int_equal(store_user_find(store, "ana", &user), 0);
	assert_int_equal(user.disabled_at, 0);
	assert_int_equal(store_user_set_disabled(store, 99, 1, NOW), -ERR_NOT_FOUND);
	assert_int_equal(store_user_set_blocked(store, 99, "", 0), -ERR_NOT_FOUND);
}

static void users_are_edited(void **state)
{
	struct fixture *fixture = *state;
	struct user_row user;
	assert_int_equal(store_user_find(fixture->store, "ana", &user), 0);
	assert_int_equal(user.sessions_most, -1); /* the settings' */
	user.sessions_most = 3;
	memcpy(user.name, "Ana", 4);
	assert_int_equal(store_user_edit(fixture->store, &user), 0);
	user = (struct user_row){ 0 };
	assert_int_equal(store_user_find(fixture->store, "ana", &user), 0);
	assert_int_equal(user.sessions_most, 3);
	assert_string_equal(user.name, "Ana");
	user.id = 99;
	assert_int_equal(store_user_edit(fixture->store, &user), -ERR_NOT_FOUND);
}

struct seen {
	struct store *store;
	char logins[64];
	int stop_after, count;
};

static int see(void *context, const struct user_row *user)
{
	struct seen *seen = context;
	size_t len = strlen(seen->logins);
	snprintf(seen->logins + len, sizeof seen->logins - len, "%s ", user->login);
	return ++seen->count == seen->stop_after ? 42 : 0;
}

/* Asks the question it is an answer to. */
static int see_nested(void *context, const struct user_row *user)
{
	struct seen *seen = context;
	struct seen inner = { .stop_after = -1 };
	assert_int_equal(store_user_list(seen->store, see, &inner), 0);
	assert_string_equal(inner.logins, "ana rui eva ");
	return see(context, user);
}

static void lists_come_in_order_and_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t id;
	assert_int_equal(store_user_add(store, "rui", "", NOW, &id), 0);
	assert_int_equal(store_user_add(store, "eva", "", NOW, &id), 0);
	struct seen all = { .stop_after = -1 }, two = { .stop_after = 2 };
	assert_int_equal(store_user_list(store, see, &all), 0);
	assert_string_equal(all.logins, "ana rui eva ");
	assert_int_equal(store_user_list(store, see, &two), 42);
	assert_string_equal(two.logins, "ana rui ");
	struct seen nested = { .store = store, .stop_after = -1 };
	assert_int_equal(store_user_list(store, see_nested, &nested), 0);
	assert_string_equal(nested.logins, "ana rui eva ");
}

static void users_are_changed_and_paged(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct store_page page = { .last = INT64_MAX, .limit = 9 };
	struct store_count count;
	struct user_row user;
	int64_t id;
	assert_int_equal(store_user_add(store, "rui", "", NOW + 10, &id), 0);
	assert_int_equal(store_user_get(store, id, &user), 0);
	assert_string_equal(user.login, "rui");
	assert_int_equal(store_user_get(store, 99, &user), -ERR_NOT_FOUND);
	assert_int_equal(store_user_set(store, id, "rui2", "Rui", NOW + 20), 0);
	assert_int_equal(store_user_set(store, id, "ana", "Rui", NOW + 20), -ERR_EXISTS);
	assert_int_equal(store_user_set(store, 99, "x", "", NOW + 20), -ERR_NOT_FOUND);
	assert_int_equal(store_user_set_disabled(store, fixture->user, NOW, NOW), 0);
	assert_int_equal(store_user_count(store, 0, &count), 0);
	assert_int_equal(count.count, 1);
	assert_int_equal(count.last, id);
	struct seen active = { .stop_after = -1 }, all = { .stop_after = -1 };
	struct seen newest = { .stop_after = -1 }, one = { .stop_after = 1 };
	assert_int_equal(store_user_page(store, false, &page, see, &active), 0);
	assert_string_equal(active.logins, "rui2 ");
	assert_int_equal(store_user_page(store, true, &page, see, &all), 0);
	assert_string_equal(all.logins, "ana rui2 ");
	assert_int_equal(store_user_page(store, true, &page, see, &one), 42);
	page.since = NOW + 20;
	assert_int_equal(store_user_page(store, true, &page, see, &newest), 0);
	assert_string_equal(newest.logins, "rui2 ");
}

static int stop_domain(void *context, const struct domain_row *domain)
{
	int *left = context;
	assert_int_not_equal(domain->id, 0);
	return --*left == 0 ? 42 : 0;
}

static void domains_have_no_letter_case(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	struct store_page page = { .last = INT64_MAX, .limit = 9 };
	struct domain_row domain;
	char name[HOSTNAME_SIZE + 1];
	int64_t id;
	int left = 1, more = 9;
	assert_int_equal(store_domain_add(store, "Corp", NOW, &id), 0);
	assert_int_equal(store_domain_add(store, "CORP", NOW, &id), -ERR_EXISTS);
	assert_int_equal(store_domain_find(store, "corp", &domain), 0);
	assert_string_equal(domain.name, "Corp");
	assert_int_equal(store_domain_find(store, "lab", &domain), -ERR_NOT_FOUND);
	memset(name, 'a', sizeof name);
	name[HOSTNAME_SIZE] = '\0';
	assert_int_equal(store_domain_find(store, name, &domain), -ERR_NOT_FOUND);
	assert_int_equal(store_domain_page(store, &page, stop_domain, &left), 42);
	assert_int_equal(store_domain_page(store, &page, stop_domain, &more), 0);
	assert_int_equal(more, 8);
	struct each_domain each = { .keep = stop_domain };
	assert_int_equal(keep_each_domain(&each, NULL, 0), -ERR_STORE);
}

static void damage_is_no_row(void **state)
{
	struct each_user each = { .keep = see };
	assert_int_equal(keep_each_user(&each, NULL, 0), -ERR_STORE);
	assert_int_equal(each.result, -ERR_STORE);
	assert_int_equal(keep_user(&(struct user_row){ 0 }, NULL, 0), -ERR_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(users_are_found_by_login),
		CASE(a_login_is_taken_once),
		CASE(users_are_disabled_and_blocked),
		CASE(users_are_edited),
		CASE(lists_come_in_order_and_can_be_stopped),
		CASE(users_are_changed_and_paged),
		CASE(domains_have_no_letter_case),
		CASE(damage_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
