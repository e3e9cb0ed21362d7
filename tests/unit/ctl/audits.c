/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <sqlite3.h>

#include "../store/fixture.h"
#include "ctl/audits.c"
#include "past.h"

#define ROWS 1003 /* more than a page */

struct scene {
	struct desk *desk;
	struct fixture *fixture;
	struct past *past;
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	CLEANUP(buf_finish) struct buf text = BUF(4 * 1024 * 1024);
	char path[128];

	desk_open((void **)&scene->desk);
	fixture_open((void **)&scene->fixture);
	scene->past = past_create(ROWS, 10);
	past_store(scene->past, scene->fixture->store);
	desk_pem(scene->desk, "installation.pem", scene->past->installation);
	past_heads(scene->past, &text);
	desk_bytes(scene->desk, "heads.jsonl", text.data, text.len);
	buf_clear(&text);
	past_mirror(scene->past, 0, &text);
	desk_bytes(scene->desk, "mirror.jsonl", text.data, text.len);
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
	free(scene->past);
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

static const char *file_in(const struct scene *scene, const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", scene->desk->directory, name);
	return path;
}

static void a_whole_trail_is_intact(void **state)
{
	struct scene *scene = *state;

	finds(scene, CLI_OK,
		"intact: rows 1 to 1003\nproven       up to row 1003, by 101 signatures\n");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--json", NULL), CLI_OK);
	desk_said(scene->desk,
		"{\"verdict\":\"intact\",\"detail\":\"intact: rows 1 to 1003\",\"first\":1,"
		"\"rows\":1003,\"proven\":1003,\"heads\":101,\"how\":null,\"broken\":0,"
		"\"broken_last\":0}\n");
	assert_int_equal(scene->desk->connections, 0);
}

static void an_altered_row_is_found(void **state)
{
	struct scene *scene = *state;

	tamper(scene, "UPDATE audit SET detail = '{}' WHERE sequence = 1002");
	finds(scene, CLI_ALTERED,
		"row 1002 altered: it is not what was chained\n"
		"proven       up to row 1000, by 100 signatures\n");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--json", NULL), CLI_ALTERED);
	desk_said(scene->desk,
		"{\"verdict\":\"altered\",\"detail\":\"row 1002 altered: it is not what was "
		"chained\",\"first\":1,\"rows\":1001,\"proven\":1000,\"heads\":100,\"how\":\"it is "
		"not what was chained\",\"broken\":1002,\"broken_last\":1002}\n");
}

static void each_verdict_has_its_exit_code(void **state)
{
	struct scene *scene = *state;
	const char *heads = file_in(scene, "heads.jsonl");

	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--witness", heads, NULL), CLI_OK);
	desk_said(scene->desk,
		"intact: rows 1 to 1003\nproven       up to row 1003, by 101 signatures\n"
		"witness      101 of 101 heads agree\n");
	tamper(scene, "DELETE FROM audit WHERE sequence > 900");
	tamper(scene, "DELETE FROM heads WHERE sequence > 900");
	finds(scene, CLI_OK,
		"intact: rows 1 to 900\nproven       up to row 900, by 90 signatures\n");
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--witness", heads, NULL), CLI_CUT);
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--witness", heads, "--json", NULL),
		CLI_CUT);
	assert_non_null(strstr(scene->desk->out,
		"\"witness\":{\"heads\":101,\"agreed\":90,\"forged\":0,\"other_trail\":false,"
		"\"disagrees_at\":0,\"beyond\":1003}"));
	tamper(scene, "DELETE FROM heads WHERE sequence = 900");
	finds(scene, CLI_UNPROVEN,
		"unproven after row 890: 10 rows are not signed by a certified key\n"
		"proven       up to row 890, by 89 signatures\n");
	tamper(scene, "UPDATE signer_certificates SET certificate = zeroblob(64)");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", NULL), CLI_FOREIGN);
	tamper(scene, "DELETE FROM signer_certificates");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", NULL), CLI_UNPROVEN);
}

static void a_witness_may_disagree(void **state)
{
	struct scene *scene = *state;
	struct past *anew = past_create(5, 1);
	CLEANUP(buf_finish) struct buf text = BUF(65536);
	const char *other = file_in(scene, "other.jsonl");

	memcpy(anew->installation_secret, scene->past->installation_secret, 64);
	past_new_key(anew, 0);
	past_heads(anew, &text);
	desk_bytes(scene->desk, "other.jsonl", text.data, text.len);
	free(anew);
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--witness", other, NULL), CLI_DISAGREES);
}

/* A comparison with nothing must not pass for one. */
static void a_witness_with_nothing_to_say(void **state)
{
	struct scene *scene = *state;
	struct past *foreign = past_create(5, 1);
	CLEANUP(buf_finish) struct buf text = BUF(65536);

	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--witness", "/dev/null", NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "the witness file has no head of this audit trail");
	/* of this trail, by another's key */
	for (unsigned i = 0; i < foreign->head_count; i++) {
		memcpy(foreign->heads[i].signer.trail, scene->past->signer.trail, HASH_LEN);
		struct line line = { .kind = LINE_AUDIT_HEAD, .audit = foreign->heads[i] };
		assert_int_equal(line_write(&text, &line), 0);
	}
	free(foreign);
	desk_bytes(scene->desk, "foreign.jsonl", text.data, text.len);
	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--witness",
				 file_in(scene, "foreign.jsonl"), NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "none of the 5 heads in the witness file is of this");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--witness", "/nonesuch", NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "/nonesuch: No such file");
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--witness", scene->desk->directory, NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "the witness file cannot be read");
}

static void copies_and_mirrors_are_verified(void **state)
{
	struct scene *scene = *state;
	const char *mirror = file_in(scene, "mirror.jsonl");
	static const char intact[] =
		"intact: rows 1 to 1003\nproven       up to row 1003, by 101 signatures\n";

	assert_int_equal(desk_run(scene->desk, "audit", "verify", mirror, NULL), CLI_OK);
	desk_said(scene->desk, intact);
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", scene->fixture->directory, NULL), CLI_OK);
	desk_said(scene->desk, intact);
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", scene->fixture->file, NULL), CLI_OK);
	desk_said(scene->desk, intact);
	/* a mirror is a witness of the store, and the store of nothing */
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--witness", mirror, NULL), CLI_OK);
}

static void a_mirror_of_several_files(void **state)
{
	struct scene *scene = *state;
	CLEANUP(buf_finish) struct buf text = BUF(4 * 1024 * 1024);
	struct line line = { .kind = LINE_CONTINUED, .place = { .sequence = 500 } };

	memcpy(line.place.hash, scene->past->rows[499].hash, HASH_LEN);
	assert_int_equal(line_write(&text, &line), 0);
	past_mirror(scene->past, 500, &text);
	desk_bytes(scene->desk, "second.jsonl", text.data, text.len);
	scene->past->count = 500;
	buf_clear(&text);
	past_mirror(scene->past, 0, &text);
	desk_bytes(scene->desk, "first.jsonl", text.data, text.len);
	const char *first = file_in(scene, "first.jsonl"), *second = file_in(scene, "second.jsonl");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", first, second, NULL), CLI_OK);
	desk_said(scene->desk,
		"intact: rows 1 to 1003\nproven       up to row 1003, by 101 signatures\n");
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", second, first, NULL), CLI_ALTERED);
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", first, "/nonesuch", NULL), CLI_FAILED);
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", first, scene->fixture->file, NULL),
		CLI_FAILED);
	desk_complained(scene->desk, "not a mirror's file");
}

static void says_where_there_is_none(void **state)
{
	struct scene *scene = *state;
	const char *certificate = file_in(scene, "installation.pem");

	assert_int_equal(desk_run(scene->desk, "audit", "verify", "--data=/nonesuch",
				 "--certificate", certificate, NULL),
		CLI_FAILED);
	desk_said(scene->desk, "");
	desk_complained(scene->desk, "sallyport: /nonesuch/store: ");
	assert_int_equal(desk_run(scene->desk, "audit", "verify", "/nonesuch", NULL), CLI_FAILED);
	desk_complained(scene->desk, "sallyport: /nonesuch: No such file");
	assert_int_equal(
		desk_run(scene->desk, "audit", "verify", "--data=/nonesuch", NULL), CLI_FAILED);
	desk_complained(scene->desk, "/nonesuch/installation.pem");
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_whole_trail_is_intact),
		SCENE(an_altered_row_is_found),
		SCENE(each_verdict_has_its_exit_code),
		SCENE(a_witness_may_disagree),
		SCENE(a_witness_with_nothing_to_say),
		SCENE(copies_and_mirrors_are_verified),
		SCENE(a_mirror_of_several_files),
		SCENE(says_where_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
