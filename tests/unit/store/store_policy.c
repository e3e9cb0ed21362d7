/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_policy.c"

#include "fixture.h"

#include "failing.h"
#include "failing_store.h"

static const struct policy_row whole = { .name = "office",
	.simultaneous_sessions = true,
	.simultaneous_viewing = true,
	.view_expiry = 30,
	.hours = { .days = 0x1f,
		.from = 480,
		.until = 1080,
		.zone = "Europe/Berlin",
		.rule = "CET-1CEST,M3.5.0,M10.5.0/3" },
	.priority = 7,
	.username_mask = "adm*",
	.device_mask = "db*",
	.created_at = NOW };

static void same(const struct policy_row *one, const struct policy_row *other)
{
	assert_string_equal(one->name, other->name);
	assert_int_equal(one->simultaneous_sessions, other->simultaneous_sessions);
	assert_int_equal(one->simultaneous_viewing, other->simultaneous_viewing);
	assert_int_equal(one->view_expiry, other->view_expiry);
	assert_int_equal(one->hours.days, other->hours.days);
	assert_int_equal(one->hours.from, other->hours.from);
	assert_int_equal(one->hours.until, other->hours.until);
	assert_string_equal(one->hours.zone, other->hours.zone);
	assert_string_equal(one->hours.rule, other->hours.rule);
	assert_int_equal(one->priority, other->priority);
	assert_string_equal(one->username_mask, other->username_mask);
	assert_string_equal(one->device_mask, other->device_mask);
	assert_int_equal(one->created_at, other->created_at);
}

static void what_was_added_is_found(void **state)
{
	struct fixture *fixture = *state;
	struct policy_row found, edited = whole;
	assert_int_equal(store_policy_count(fixture->store), 0);
	assert_int_equal(store_policy_find(fixture->store, "office", &found), -ERR_NOT_FOUND);
	assert_int_equal(store_policy_add(fixture->store, &whole, &edited.id), 0);
	assert_int_equal(store_policy_add(fixture->store, &whole, &edited.id), -ERR_EXISTS);
	assert_int_equal(store_policy_count(fixture->store), 1);
	assert_int_equal(store_policy_find(fixture->store, "office", &found), 0);
	same(&found, &whole);
	edited.simultaneous_sessions = edited.simultaneous_viewing = false;
	edited.view_expiry = edited.priority = 1;
	edited.hours = (struct hours){ .days = HOURS_ALL_DAYS, .zone = "UTC", .rule = "UTC0" };
	edited.username_mask[0] = edited.device_mask[0] = '\0';
	assert_int_equal(store_policy_edit(fixture->store, &edited), 0);
	assert_int_equal(store_policy_find(fixture->store, "office", &found), 0);
	same(&found, &edited);
	edited.id = 99;
	assert_int_equal(store_policy_edit(fixture->store, &edited), -ERR_NOT_FOUND);
}

static int join(void *context, const struct policy_row *policy)
{
	char *names = context;
	names[strlen(names)] = policy->name[0];
	return strlen(names) == 2 ? 42 : 0;
}

static void the_weightiest_comes_first(void **state)
{
	struct fixture *fixture = *state;
	struct policy_row row = { .hours = { .days = HOURS_ALL_DAYS } };
	static const char *const names[] = { "a", "b", "c" };
	char all[8] = "";
	int64_t id;
	for (int i = 0; i < 3; i++) {
		row.name[0] = names[i][0];
		row.priority = i == 1 ? 5 : 1;
		assert_int_equal(store_policy_add(fixture->store, &row, &id), 0);
	}
	assert_int_equal(store_policy_list(fixture->store, join, all), 42);
	assert_string_equal(all, "ba");
}

static void a_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	failing_store(fixture->store);
	FAILING(FAILING_STORE) {
		int r = store_policy_count(fixture->store);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
}

static void damage_is_no_row(void **state)
{
	struct each_policy each = { .keep = join };
	assert_int_equal(keep_each_policy(&each, NULL, 0), -ERR_STORE);
	assert_int_equal(each.result, -ERR_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_added_is_found),
		CASE(the_weightiest_comes_first),
		CASE(a_store_that_fails),
		CASE(damage_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
