/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy.c"

#include "fixture.h"

struct seen {
	struct store_copy *into; /* or NULL */
	unsigned tables, rows;
	unsigned stop_after;
};

static int see_table(void *context, const char *name, const char *const *columns, unsigned count)
{
	struct seen *seen = context;

	seen->tables++;
	return seen->into == NULL ? 0 : store_copy_table(seen->into, name, columns, count);
}

static int see_row(void *context, const struct value *values, unsigned count)
{
	struct seen *seen = context;

	if (++seen->rows == seen->stop_after)
		return -ERR_TOO_LARGE;
	return seen->into == NULL ? 0 : store_copy_row(seen->into, values, count);
}

static void other_directory(char out[64])
{
	snprintf(out, 64, "/tmp/sallyport-copy-XXXXXX");
	assert_non_null(mkdtemp(out));
}

static void remove_other(const char *directory)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	char path[128];

	for (unsigned i = 0; i < ARRAY_LEN(endings); i++) {
		snprintf(path, sizeof path, "%s/sallyport.db%s", directory, endings[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(directory), 0);
}

/* With everything that ends: a session that is open, its URL, a token. */
static void fill_more(struct fixture *fixture)
{
	struct session_row session = fixture_session(fixture, 1);
	uint8_t hash[HASH_LEN];
	int64_t id;

	assert_int_equal(store_session_add(fixture->store, &session, &id), 0);
	fixture_hash(hash, 7);
	assert_int_equal(store_ticket_add(fixture->store, hash, id, "", INT64_MAX), 0);
	assert_int_equal(
		store_token_add(fixture->store, hash, fixture->authorization, INT64_MAX), 0);
	assert_int_equal(store_fact_set(fixture->store, "odd", ""), 0);
}

static void copy_to(struct fixture *fixture, const char *directory)
{
	struct seen seen = { 0 };
	struct copy_sink sink = { &seen, see_table, see_row };

	assert_int_equal(store_copy_begin(directory, schema_newest(), &seen.into), 0);
	assert_int_equal(store_copy_out(fixture->directory, &sink), 0);
	assert_true(seen.tables > 10 && seen.rows > 8);
	assert_int_equal(store_copy_end(seen.into), 0);
}

static void what_was_copied_is_the_same(void **state)
{
	struct fixture *fixture = *state;
	struct session_row session, copied;
	struct authorization_row row;
	struct store *store;
	uint8_t hash[HASH_LEN];
	char directory[64], text[64];
	int64_t ended = -1, id;

	fill_more(fixture);
	other_directory(directory);
	copy_to(fixture, directory);
	assert_int_equal(store_open("sqlite", directory, &store), 0);
	assert_int_equal(store_session_get(fixture->store, 1, &session), 0);
	assert_int_equal(store_session_get(store, 1, &copied), 0);
	assert_memory_equal(&session, &copied, sizeof session);
	assert_int_equal(store_fact_get(store, "odd", text, sizeof text), 0);
	assert_string_equal(text, "");
	store_close(store);

	assert_int_equal(store_copy_restored(directory, NOW + 5, "{\"a\":7", &ended), 0);
	assert_int_equal(ended, 1);
	assert_int_equal(store_open("sqlite", directory, &store), 0);
	assert_int_equal(store_session_get(store, 1, &copied), 0);
	assert_int_equal(copied.state, SESSION_ENDED);
	assert_int_equal(copied.end_why, -ERR_RESTORED);
	assert_int_equal(copied.ended_at, NOW + 5);
	fixture_hash(hash, 7);
	assert_int_equal(store_ticket_spend(store, hash, "", NOW, &id), -ERR_TICKET_REFUSED);
	assert_int_equal(store_token_find(store, hash, NOW, &row), -ERR_NOT_FOUND);
	assert_int_equal(store_fact_get(store, FACT_RESTORED, text, sizeof text), 0);
	assert_string_equal(text, "{\"a\":7,\"sessions_ended\":1}");
	store_close(store);
	remove_other(directory);
}

/* The first schema, filled, is migrated when it is opened. */
static void an_older_schema_is_migrated_afterwards(void **state)
{
	const char *const columns[] = { "name", "value" };
	struct value values[2] = { text("schema"), text("1") };
	struct store_copy *copy;
	struct store *store;
	char directory[64], number[8], newest[8];
	int64_t ended;

	other_directory(directory);
	assert_int_equal(store_copy_begin(directory, 1, &copy), 0);
	assert_int_equal(store_copy_table(copy, "receipts", columns, 2), -ERR_STORE);
	assert_int_equal(store_copy_table(copy, "facts", columns, 2), 0);
	assert_int_equal(store_copy_row(copy, values, 2), 0);
	assert_int_equal(store_copy_end(copy), 0);
	assert_int_equal(store_copy_restored(directory, NOW, "", &ended), 0);
	assert_int_equal(store_open_read("sqlite", directory, &store), 0);
	assert_int_equal(store_fact_get(store, "schema", number, sizeof number), 0);
	snprintf(newest, sizeof newest, "%u", schema_newest());
	assert_string_equal(number, newest);
	store_close(store);
	remove_other(directory);
}

static void nonsense_is_refused(void **state)
{
	const char *const columns[] = { "name", "value" };
	const char *const odd[] = { "name", "value) VALUES (1); --" };
	struct value values[3] = { text("a"), integer(7), text("") };
	struct store_copy *copy;
	char directory[64];

	assert_int_equal(store_copy_begin("/nonexistent", schema_newest(), &copy), -ERR_STORE);
	other_directory(directory);
	assert_int_equal(store_copy_begin(directory, schema_newest() + 1, &copy), -ERR_STORE_NEWER);
	assert_int_equal(store_copy_begin(directory, 0, &copy), -ERR_STORE_NEWER);
	assert_int_equal(store_copy_begin(directory, schema_newest(), &copy), 0);
	assert_int_equal(store_copy_row(copy, values, 2), -ERR_STORE);
	assert_int_equal(store_copy_table(copy, "nonesuch", columns, 2), -ERR_STORE);
	assert_int_equal(store_copy_table(copy, "facts;", columns, 2), -ERR_STORE);
	assert_int_equal(store_copy_table(copy, "facts", odd, 2), -ERR_STORE);
	assert_int_equal(store_copy_table(copy, "facts", columns, 0), -ERR_STORE);
	assert_int_equal(store_copy_table(copy, "facts", columns, 2), 0);
	assert_int_equal(store_copy_row(copy, values, 3), -ERR_STORE);
	values[1].type = VALUE_NULL; /* where the schema wants something */
	assert_int_equal(store_copy_row(copy, values, 2), -ERR_STORE);
	store_copy_destroy(copy);
	store_copy_destroy(NULL);
	remove_other(directory);
}

/* Nothing of a copy is there before its end, and what points to nothing is no store. */
static void only_a_whole_is_kept(void **state)
{
	const char *const columns[] = { "authorization_id", "credential_id" };
	struct value values[2] = { integer(1), integer(2) };
	struct store_counts counts;
	struct store_copy *copy;
	struct store *store;
	char directory[64];

	other_directory(directory);
	assert_int_equal(store_copy_begin(directory, schema_newest(), &copy), 0);
	assert_int_equal(store_copy_table(copy, "coverage", columns, 2), 0);
	assert_int_equal(store_copy_row(copy, values, 2), 0);
	assert_int_equal(store_copy_end(copy), -ERR_STORE);
	assert_int_equal(store_open("sqlite", directory, &store), 0);
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.users, 0);
	store_close(store);
	remove_other(directory);
}

static void whoever_reads_can_stop(void **state)
{
	struct fixture *fixture = *state;
	struct seen seen = { .stop_after = 3 };
	struct copy_sink sink = { &seen, see_table, see_row };

	assert_int_equal(store_copy_out(fixture->directory, &sink), -ERR_TOO_LARGE);
	assert_int_equal(seen.rows, 3);
	assert_int_equal(store_copy_out("/nonexistent", &sink), -ERR_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_copied_is_the_same),
		CASE(an_older_schema_is_migrated_afterwards),
		CASE(nonsense_is_refused),
		CASE(only_a_whole_is_kept),
		CASE(whoever_reads_can_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
