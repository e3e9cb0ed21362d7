/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.c"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

static void facts(void **state)
{
	struct fixture *fixture = *state;
	char value[8];
	assert_int_equal(
		store_fact_get(fixture->store, "epoch", value, sizeof value), -ERR_NOT_FOUND);
	assert_int_equal(store_fact_set(fixture->store, "epoch", "1"), 0);
	assert_int_equal(store_fact_set(fixture->store, "epoch", "22"), 0);
	assert_int_equal(store_fact_get(fixture->store, "epoch", value, sizeof value), 0);
	assert_string_equal(value, "22");
	assert_int_equal(store_fact_set(fixture->store, "epoch", "1234567890"), 0);
	assert_int_equal(store_fact_get(fixture->store, "epoch", value, sizeof value), -ERR_STORE);
	assert_string_equal(store_kind(fixture->store), "sqlite");
}

static int exists(struct store *store, const char *login)
{
	struct user_row user;
	return store_user_find(store, login, &user) == 0;
}

/* What one call of a batch wrote is undone without the others; a batch is kept or not as a whole.
 */
static void batches_and_savepoints(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->store;
	int64_t id;
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_savepoint(store), 0);
	assert_int_equal(store_user_add(store, "kept", "", NOW, &id), 0);
	assert_int_equal(store_savepoint_keep(store), 0);
	assert_int_equal(store_savepoint(store), 0);
	assert_int_equal(store_user_add(store, "undone", "", NOW, &id), 0);
	assert_int_equal(store_user_add(store, "kept", "", NOW, &id), -ERR_EXISTS);
	assert_int_equal(store_savepoint_undo(store), 0);
	assert_int_equal(store_savepoint(store), 0);
	assert_int_equal(store_user_add(store, "after", "", NOW, &id), 0);
	assert_int_equal(store_savepoint_keep(store), 0);
	assert_int_equal(store_commit(store), 0);
	assert_true(exists(store, "kept"));
	assert_true(exists(store, "after"));
	assert_false(exists(store, "undone"));
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_user_add(store, "gone", "", NOW, &id), 0);
	store_rollback(store);
	assert_false(exists(store, "gone"));
	assert_int_equal(store_commit(store), -ERR_STORE); /* nothing is open */
	store_rollback(store);
	assert_int_equal(store_savepoint_keep(store), -ERR_STORE);
	assert_int_equal(store_savepoint_undo(store), -ERR_STORE);
}

static void what_was_not_committed_is_not_there(void **state)
{
	struct fixture *fixture = *state;
	int64_t id;
	assert_int_equal(store_begin(fixture->store), 0);
	assert_int_equal(store_user_add(fixture->store, "half", "", NOW, &id), 0);
	store_close(fixture->store);
	assert_int_equal(store_open("sqlite", fixture->directory, &fixture->store), 0);
	assert_false(exists(fixture->store, "half"));
	store_close(NULL);
}

static void unknown_places_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = NULL;
	assert_int_equal(store_open("oracle", fixture->directory, &store), -ERR_STORE);
	assert_int_equal(store_open("sqlite3", fixture->directory, &store), -ERR_STORE);
	assert_int_equal(store_open("sqlite", "/nonexistent", &store), -ERR_STORE);
	assert_null(store);
}

static unsigned files_in(const char *directory)
{
	unsigned count = 0;
	struct dirent *entry;
	DIR *stream = opendir(directory);
	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(stream);
	return count;
}

/* Whoever looks at the files leaves no trace, with the gateway running or without. */
static void reading_leaves_no_trace(void **state)
{
	struct fixture *fixture = *state;
	struct store *reader = NULL;
	int64_t id;
	assert_int_equal(store_user_add(fixture->store, "rui", "", NOW, &id), 0);
	assert_int_equal(store_open_read(fixture->directory, &reader), 0);
	assert_int_equal(files_in(fixture->directory), 3);
	assert_true(exists(reader, "rui"));
	assert_int_equal(store_user_add(reader, "eva", "", NOW, &id), -ERR_STORE);
	assert_int_equal(store_begin(reader), -ERR_STORE);
	/* what is written meanwhile is seen */
	assert_int_equal(store_user_add(fixture->store, "eva", "", NOW, &id), 0);
	assert_true(exists(reader, "eva"));
	store_close(reader);
	store_close(fixture->store);
	fixture->store = NULL;
	assert_int_equal(files_in(fixture->directory), 1);
	assert_int_equal(store_open_read(fixture->directory, &reader), 0);
	assert_true(exists(reader, "rui"));
	assert_int_equal(files_in(fixture->directory), 1);
	assert_int_equal(store_user_add(reader, "leo", "", NOW, &id), -ERR_STORE);
	store_close(reader);
	assert_int_equal(files_in(fixture->directory), 1);
	assert_int_equal(store_open_read("/nonexistent", &reader), -ERR_STORE);
}

static void a_newer_store_is_not_read(void **state)
{
	struct fixture *fixture = *state;
	struct store *reader = NULL;
	assert_int_equal(store_fact_set(fixture->store, "schema", "4711"), 0);
	assert_int_equal(store_open_read(fixture->directory, &reader), -ERR_STORE_NEWER);
	assert_null(reader);
}

static void what_is_there_is_counted(void **state)
{
	struct fixture *fixture = *state;
	struct store_counts counts;
	struct session_row session = fixture_session(fixture, 1);
	int64_t id;
	assert_int_equal(store_session_add(fixture->store, &session, &id), 0);
	assert_int_equal(store_user_add(fixture->store, "rui", "", NOW, &id), 0);
	assert_int_equal(store_user_set_disabled(fixture->store, fixture->user, NOW, NOW), 0);
	assert_int_equal(store_count(fixture->store, &counts), 0);
	assert_int_equal(counts.users, 1);
	assert_int_equal(counts.devices, 1);
	assert_int_equal(counts.credentials, 1);
	assert_int_equal(counts.applications, 1);
	assert_int_equal(counts.sessions_created, 1);
}

/* Damage in a row is an error, not a shorter text or another number. */
static void rows_of_the_wrong_shape_are_damage(void **state)
{
	const struct value row[] = { text("too long"), integer(1), bytes("abc", 3), text("x") };
	struct reader reader = READER(row, 4);
	char small[4];
	uint8_t hash[4];
	read_text(&reader, small);
	assert_int_equal(reader.error, -ERR_STORE);
	reader = READER(row, 4);
	assert_int_equal(read_integer(&reader), 0); /* a text */
	assert_int_equal(reader.error, -ERR_STORE);
	reader = READER(row + 2, 2);
	read_bytes(&reader, hash, sizeof hash);
	assert_int_equal(reader.error, -ERR_STORE);
	assert_int_equal(hash[0], 0);
	reader = READER(row + 1, 1);
	assert_int_equal(read_integer(&reader), 1);
	assert_int_equal(reader.error, 0);
	read_integer(&reader); /* a column too many */
	assert_int_equal(reader.error, -ERR_STORE);
	static uint8_t large[SEALED_MAX + 1];
	const struct value sealed[] = { bytes(large, sizeof large), bytes("", 0) };
	uint8_t *copy;
	uint32_t len;
	for (int i = 0; i < 2; i++) {
		reader = READER(sealed + i, 1);
		read_sealed(&reader, &copy, &len);
		assert_int_equal(reader.error, -ERR_STORE);
		assert_null(copy);
	}
}

/* Writes users and says so after each commit, until it is killed. */
static void write_until_killed(const char *directory, int acknowledge)
{
	struct store *store;
	if (store_open("sqlite", directory, &store) < 0)
		_exit(1);
	for (unsigned i = 0;; i++) {
		char login[LOGIN_SIZE];
		int64_t id;
		snprintf(login, sizeof login, "user-%u", i);
		if (store_begin(store) < 0 || store_user_add(store, login, "", NOW, &id) < 0 ||
			store_commit(store) < 0 || write(acknowledge, &i, sizeof i) != sizeof i)
			_exit(1);
	}
}

static void check_acknowledged(struct fixture *fixture, unsigned last)
{
	assert_int_equal(store_open("sqlite", fixture->directory, &fixture->store), 0);
	for (unsigned i = 0; i <= last; i++) {
		char login[LOGIN_SIZE];
		snprintf(login, sizeof login, "user-%u", i);
		assert_true(exists(fixture->store, login));
	}
}

static void acknowledged_rows_survive_a_kill(void **state)
{
	struct fixture *fixture = *state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	store_close(fixture->store);
	fixture->store = NULL;
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		write_until_killed(fixture->directory, ends[1]);
	}
	close(ends[1]);
	unsigned last = 0, next;
	while (last < 50 && read(ends[0], &next, sizeof next) == sizeof next)
		last = next;
	assert_int_equal(last, 50);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(ends[0], &next, sizeof next) == sizeof next)
		last = next; /* acknowledged before the kill reached it */
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(ends[0]);
	check_acknowledged(fixture, last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(facts),
		CASE(batches_and_savepoints),
		CASE(what_was_not_committed_is_not_there),
		CASE(unknown_places_are_refused),
		CASE(reading_leaves_no_trace),
		CASE(a_newer_store_is_not_read),
		CASE(what_is_there_is_counted),
		CASE(rows_of_the_wrong_shape_are_damage),
		CASE(acknowledged_rows_survive_a_kill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
