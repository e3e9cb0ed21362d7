/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.c"

#include <pthread.h>

#include "fixture.h"

static int reopen(struct fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = NULL;
	return store_open(fixture->where, fixture->directory, &fixture->store);
}

static void the_newest_schema_is_there_once(void **state)
{
	struct fixture *fixture = *state;
	char number[8], newest[16];
	struct user_row user;
	snprintf(newest, sizeof newest, "%u", schema_newest());
	assert_int_equal(reopen(fixture), 0);
	assert_int_equal(store_fact_get(fixture->store, "schema", number, sizeof number), 0);
	assert_string_equal(number, newest);
	assert_int_equal(store_user_find(fixture->store, "ana", &user), 0);
}

/* An older program must not touch what a newer one wrote. */
static void a_newer_schema_is_refused(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(store_fact_set(fixture->store, "schema", "4711"), 0);
	assert_int_equal(reopen(fixture), -ERR_STORE_NEWER);
	assert_null(fixture->store);
}

static void a_senseless_number_is_damage(void **state)
{
	struct fixture *fixture = *state;
	static const char *const numbers[] = { "", "one", "1x", "99999999999999999999" };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		unsigned number;
		assert_int_equal(store_fact_set(fixture->store, "schema", numbers[i]), 0);
		assert_int_equal(schema_number(fixture->store, &number), -ERR_STORE);
	}
}

/* A migration that fails takes its number with it: the tables are there, the number says they are
 * not. */
static void a_failed_migration_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	char number[8];
	assert_int_equal(store_fact_set(fixture->store, "schema", "0"), 0);
	assert_int_equal(schema_apply(fixture->store, schema_newest()), -ERR_STORE);
	assert_int_equal(store_fact_get(fixture->store, "schema", number, sizeof number), 0);
	assert_string_equal(number, "0");
}

static void *open_one(void *context)
{
	struct fixture *fixture = context;
	struct store *store = NULL;
	int r = store_open(fixture->where, fixture->directory, &store);
	store_close(store);
	return (void *)(intptr_t)r;
}

/* Several that start at once on nothing: one migrates, the others wait for it. */
static void starting_together(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[4];
	store_close(fixture->store);
	fixture->store = NULL;
	for (int round = 0; round < 5; round++) {
		if (fixture_is_file(fixture))
			assert_int_equal(unlink(fixture->file), 0);
		fixture_clear(fixture);
		for (size_t i = 0; i < ARRAY_LEN(threads); i++)
			assert_int_equal(pthread_create(&threads[i], NULL, open_one, fixture), 0);
		for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
			void *result;
			assert_int_equal(pthread_join(threads[i], &result), 0);
			assert_int_equal((intptr_t)result, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_newest_schema_is_there_once),
		CASE(a_newer_schema_is_refused),
		CASE(a_senseless_number_is_damage),
		CASE(a_failed_migration_leaves_nothing),
		CASE(starting_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
