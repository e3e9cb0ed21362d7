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
	assert_int_equal(store_user_set_disabled(store, fixture->user, NOW + 1), 0);
	assert_int_equal(store_user_set_blocked(store, fixture->user, "rui", NOW + 2), 0);
	assert_int_equal(store_user_find(store, "ana", &user), 0);
	assert_int_equal(user.disabled_at, NOW + 1);
	assert_string_equal(user.blocked_by, "rui");
	assert_int_equal(user.blocked_at, NOW + 2);
	assert_int_equal(store_user_set_disabled(store, fixture->user, 0), 0);
	assert_int_equal(store_user_find(store, "ana", &user), 0);
	assert_int_equal(user.disabled_at, 0);
	assert_int_equal(store_user_set_disabled(store, 99, 1), -ERR_NOT_FOUND);
	assert_int_equal(store_user_set_blocked(store, 99, "", 0), -ERR_NOT_FOUND);
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
		CASE(lists_come_in_order_and_can_be_stopped),
		CASE(damage_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
