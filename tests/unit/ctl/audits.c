/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <sqlite3.h>

#include "../store/fixture.h"
#include "ctl/audits.c"

#define ROWS 1003 /* more than a page */

struct scene {
	struct desk *desk;
	struct fixture *fixture;
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	uint8_t before[HASH_LEN] = { 0 };
	char path[128];

	desk_open((void **)&scene->desk);
	fixture_open((void **)&scene->fixture);
	assert_int_equal(store_begin(scene->fixture->store), 0);
	for (int i = 1; i <= ROWS; i++) {
		struct audit_row row = { 0 };
		memcpy(row.before, before, HASH_LEN);
		row.sequence = i;
		row.at = NOW + i;
		snprintf(row.event, sizeof row.event, "user.added");
		snprintf(row.detail, sizeof row.detail, "{\"n\":%d}", i);
		chain_hash(&row, row.hash);
		assert_int_equal(store_audit_add(scene->fixture->store, &row), 0);
		memcpy(before, row.hash, HASH_LEN);
	}
	assert_int_equal(store_commit(scene->fixture->store), 0);
	snprintf(path, sizeof path, "%s/store", scene->desk->directory);
	assert_int_equal(symlink(scene->fixture->directory, path), 0);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	fixture_close((void **)&scene->fixture);
	desk_close((void **)&scene->desk);
	free(scene);
	return 0;
}

/* Somebody with the file at hand. */
static void tamper(const struct scene *scene, const char *statement)
{
	sqlite3 *database;

	assert_int_equal(sqlite3_open(scene->fixture->file, &database), SQLITE_OK);
	char *why = NULL;
	if (sqlite3_exec(database, statement, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	assert_true(sqlite3_changes(database) > 0);
	sqlite3_close(database);
}

static void finds(struct scene *scene, int status, const char *said)
{
	assert_int_equal(desk_run(scene->desk, "audit", "verify", NULL), status);
	desk_said(scene->desk, said);
}

static void a_whole_trail_is_intact(void **state)
{
	struct scene *scene = *state;

	finds(scene, CLI_OK, "intact: 1003 rows\n");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--json", NULL), CLI_OK);
	desk_said(
		scene->desk, "{\"verdict\":\"intact\",\"rows\":1003,\"how\":null,\"broken\":0}\n");
	assert_int_equal(scene->desk->connections, 0);
}

static void an_altered_row_is_found(void **state)
{
	struct scene *scene = *state;

	tamper(scene, "UPDATE audit SET detail = '{}' WHERE sequence = 1002");
	finds(scene, CLI_FAILED, "row 1002 was altered\n");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--json", NULL), CLI_FAILED);
	desk_said(scene->desk, "{\"verdict\":\"altered\",\"rows\":1001,\"how\":\"was altered\","
			       "\"broken\":1002}\n");
	tamper(scene, "UPDATE audit SET happened_at = happened_at + 1 WHERE sequence = 1");
	finds(scene, CLI_FAILED, "row 1 was altered\n");
}

static void a_missing_row_is_found(void **state)
{
	struct scene *scene = *state;

	tamper(scene, "DELETE FROM audit WHERE sequence BETWEEN 500 AND 510");
	finds(scene, CLI_FAILED, "row 500 is missing\n");
	tamper(scene, "DELETE FROM audit WHERE sequence = 1");
	finds(scene, CLI_FAILED, "row 1 is missing\n");
}

/* A row that is right in itself, but follows another past. */
static void a_row_of_another_past_is_found(void **state)
{
	struct scene *scene = *state;

	tamper(scene, "UPDATE audit SET previous = zeroblob(32) WHERE sequence = 7");
	finds(scene, CLI_FAILED, "row 7 does not follow the one before it\n");
}

static void says_where_there_is_none(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--data=/nonesuch", NULL), CLI_FAILED);
	desk_said(scene->desk, "");
	desk_complained(scene->desk, "sallyport: /nonesuch/store: ");
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_whole_trail_is_intact),
		SCENE(an_altered_row_is_found),
		SCENE(a_missing_row_is_found),
		SCENE(a_row_of_another_past_is_found),
		SCENE(says_where_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
