/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_audit.c"

#include "failing.h"
#include "failing_store.h"
#include "fixture.h"

static struct audit_row row(int64_t sequence)
{
	struct audit_row row = { .sequence = sequence,
		.at = NOW + sequence,
		.event = "session.created",
		.actor = "application:portal",
		.from = "192.0.2.1",
		.object = "session:1",
		.result = -ERR_STORE,
		.detail = "{\"user\":\"ana\"}" };
	fixture_hash(row.before, sequence - 1);
	fixture_hash(row.hash, sequence);
	return row;
}

static void the_last_row_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct audit_row first = row(1), second = row(2), last = { 0 };
	assert_int_equal(store_audit_last(fixture->store, &last), -ERR_NOT_FOUND);
	assert_int_equal(store_audit_add(fixture->store, &first), 0);
	assert_int_equal(store_audit_add(fixture->store, &second), 0);
	assert_int_equal(store_audit_add(fixture->store, &second), -ERR_EXISTS);
	assert_int_equal(store_audit_last(fixture->store, &last), 0);
	assert_memory_equal(&last, &second, sizeof last);
}

static int check(void *context, const struct audit_row *audit)
{
	int64_t *expected = context;
	assert_int_equal(audit->sequence, (*expected)++);
	return 0;
}

static void the_list_follows_the_sequence(void **state)
{
	struct fixture *fixture = *state;
	for (int64_t i = 1; i <= 5; i++) {
		struct audit_row audit = row(i);
		assert_int_equal(store_audit_add(fixture->store, &audit), 0);
	}
	int64_t all = 1, middle = 3;
	assert_int_equal(store_audit_list(fixture->store, 0, 100, check, &all), 0);
	assert_int_equal(all, 6);
	assert_int_equal(store_audit_list(fixture->store, 2, 2, check, &middle), 0);
	assert_int_equal(middle, 5);
}

static int stop(void *context, const struct audit_row *row)
{
	(void)context;
	(void)row;
	return 42;
}

static void the_list_can_be_stopped(void **state)
{
	struct fixture *fixture = *state;
	struct audit_row first = row(1);
	assert_int_equal(store_audit_add(fixture->store, &first), 0);
	assert_int_equal(store_audit_list(fixture->store, 0, 100, stop, NULL), 42);
}

static void a_store_that_fails(void **state)
{
	struct fixture *fixture = *state;
	struct audit_row first = row(1), last;
	failing_store(fixture->store);
	/* A row that could not be added is not there: the next one takes its place. */
	FAILING(FAILING_STORE) {
		int r = store_audit_add(fixture->store, &first);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_audit_last(fixture->store, &last);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = store_audit_list(fixture->store, 0, 100, stop, NULL);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 42);
	}
}

static void damage_is_no_row(void **state)
{
	struct each_audit each = { .keep = stop };
	assert_int_equal(keep_each_audit(&each, NULL, 0), -ERR_STORE);
	assert_int_equal(each.result, -ERR_STORE);
	assert_int_equal(keep_audit(&(struct audit_row){ 0 }, NULL, 0), -ERR_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_last_row_comes_back),
		CASE(the_list_follows_the_sequence),
		CASE(the_list_can_be_stopped),
		CASE(a_store_that_fails),
		CASE(damage_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
