/* SPDX-License-Identifier: Apache-2.0 */
#include "pen.h"

#include "../store/fixture.h"
#include "ctl/release_proof.c"
#include "store/chain.h"

struct scene {
	struct desk *desk;
	struct fixture *fixture;
	struct pen pen;
	int directory;
	int64_t row; /* last of the trail */
	uint8_t before[HASH_LEN];
	struct release_report report;
};

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	desk_open((void **)&scene->desk);
	fixture_open((void **)&scene->fixture);
	pen_open(&scene->pen, scene->desk);
	scene->directory = open(scene->pen.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scene->directory >= 0);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	close(scene->directory);
	fixture_close((void **)&scene->fixture);
	desk_close((void **)&scene->desk);
	free(scene);
	return 0;
}

static void add_row(struct scene *scene, const char *event, const char *detail)
{
	struct audit_row row = { .sequence = ++scene->row, .at = NOW };

	memcpy(row.before, scene->before, HASH_LEN);
	text_copy(row.event, sizeof row.event, event);
	text_copy(row.detail, sizeof row.detail, detail);
	chain_hash(&row, row.hash);
	assert_int_equal(store_audit_add(scene->fixture->store, &row), 0);
	memcpy(scene->before, row.hash, HASH_LEN);
}

/* A row as the broker writes it now: it knows the log as it is. */
static void see(struct scene *scene, const char *event, unsigned session)
{
	char detail[512], head[2 * HASH_LEN + 1], id[SESSION_ID_SIZE];

	hex_encode(head, scene->pen.head, HASH_LEN);
	pen_session(session, id);
	snprintf(detail, sizeof detail,
		"{\"session_id\":\"%s\",\"releases\":%llu,\"releases_head\":\"%s\"}", id,
		(unsigned long long)scene->pen.sequence, head);
	add_row(scene, event, detail);
}

/* A whole session: allowed, released, ended. */
static void session(struct scene *scene, unsigned number)
{
	see(scene, "credential.released", number);
	pen_write(&scene->pen, "key", number);
	pen_write(&scene->pen, "signature", number);
	see(scene, "session.ended", number);
}

static enum release_verdict prove(struct scene *scene)
{
	assert_int_equal(release_prove(scene->directory, scene->pen.public, scene->fixture->store,
				 &scene->report),
		0);
	return scene->report.verdict;
}

static char *log_text(struct scene *scene, size_t *ret_len)
{
	static char text[1 << 20];
	int fd = openat(scene->directory, RELEASES_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof text);

	close(fd);
	assert_true(len >= 0);
	*ret_len = (size_t)len;
	return text;
}

static void log_write(struct scene *scene, const char *text, size_t len)
{
	int fd = openat(scene->directory, RELEASES_FILE, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void what_is_whole_is_intact(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(prove(scene), RELEASES_INTACT); /* nothing at all */
	assert_int_equal(scene->report.lines, 0);
	for (unsigned i = 1; i <= 5; i++) {
		session(scene, i);
		if (i % 2 == 0)
			pen_next_file(&scene->pen);
	}
	assert_int_equal(prove(scene), RELEASES_INTACT);
	assert_int_equal(scene->report.lines, 10);
	assert_true(scene->report.compared);
	/* Without a trail to compare. */
	assert_int_equal(
		release_prove(scene->directory, scene->pen.public, NULL, &scene->report), 0);
	assert_int_equal(scene->report.verdict, RELEASES_INTACT);
	assert_false(scene->report.compared);
}

/* What was allowed and then not asked for, and what was being written, is no fault. */
static void what_did_not_happen_is_no_fault(void **state)
{
	struct scene *scene = *state;

	session(scene, 1);
	see(scene, "credential.released", 2);
	see(scene, "session.ended", 2);
	session(scene, 3);
	size_t len;
	char *text = log_text(scene, &len);
	memcpy(text + len, "{\"sequence\":5,\"ti", 17);
	log_write(scene, text, len + 17);
	assert_int_equal(prove(scene), RELEASES_INTACT);
	assert_int_equal(scene->report.lines, 4);
}

static void a_log_that_was_cut_disagrees_with_the_trail(void **state)
{
	struct scene *scene = *state;
	size_t len;

	for (unsigned i = 1; i <= 3; i++)
		session(scene, i);
	char *text = log_text(scene, &len), *line = text;
	for (unsigned i = 0; i < 4; i++)
		line = strchr(line, '\n') + 1;
	log_write(scene, text, (size_t)(line - text));
	assert_int_equal(prove(scene), RELEASES_CUT);
	assert_int_equal(scene->report.line, 4);
	assert_int_equal(scene->report.seen, 6);
	assert_int_equal(scene->report.row, 6);
	/* Alone it cannot know. */
	assert_int_equal(
		release_prove(scene->directory, scene->pen.public, NULL, &scene->report), 0);
	assert_int_equal(scene->report.verdict, RELEASES_INTACT);
	unlinkat(scene->directory, RELEASES_FILE, 0);
	assert_int_equal(prove(scene), RELEASES_CUT);
	assert_int_equal(scene->report.line, 0);
}

static void changed_and_missing_lines(void **state)
{
	struct scene *scene = *state;
	size_t len;

	for (unsigned i = 1; i <= 2; i++)
		session(scene, i);
	char *text = log_text(scene, &len);
	char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
	strstr(second, "root")[0] = 'R';
	log_write(scene, text, len);
	assert_int_equal(prove(scene), RELEASES_ALTERED);
	assert_int_equal(scene->report.line, 2);
	assert_int_equal(scene->report.lines, 1);
	memmove(second, third, (size_t)(text + len - third));
	log_write(scene, text, len - (size_t)(third - second));
	assert_int_equal(prove(scene), RELEASES_MISSING);
	assert_int_equal(scene->report.line, 2);
}

static void a_whole_file_is_missing(void **state)
{
	struct scene *scene = *state;

	session(scene, 1);
	pen_next_file(&scene->pen);
	session(scene, 2);
	pen_next_file(&scene->pen);
	session(scene, 3);
	assert_int_equal(prove(scene), RELEASES_INTACT);
	assert_int_equal(unlinkat(scene->directory, "releases-000000000003.log", 0), 0);
	assert_int_equal(prove(scene), RELEASES_MISSING);
	assert_int_equal(scene->report.line, 3);
	assert_int_equal(unlinkat(scene->directory, "releases-000000000001.log", 0), 0);
	assert_int_equal(prove(scene), RELEASES_MISSING);
	assert_int_equal(scene->report.line, 1);
}

/* Whoever has the key could write another past: the trail has seen the one that was. */
static void another_past_is_not_the_one_that_was_seen(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 1; i <= 3; i++)
		session(scene, i);
	unlinkat(scene->directory, RELEASES_FILE, 0);
	scene->pen.sequence = 0;
	memset(scene->pen.head, 0, HASH_LEN);
	for (unsigned i = 1; i <= 4; i++) {
		pen_write(&scene->pen, "key", i);
		pen_write(&scene->pen, i == 1 ? "key" : "signature", i);
	}
	assert_int_equal(prove(scene), RELEASES_OTHER);
	assert_int_equal(scene->report.line, 2);
	assert_int_equal(scene->report.row, 2);
}

/* A broker that was taken over has something released and writes no row. */
static void a_release_without_its_row(void **state)
{
	struct scene *scene = *state;

	session(scene, 1);
	pen_write(&scene->pen, "password", 666);
	session(scene, 2);
	assert_int_equal(prove(scene), RELEASES_UNAUDITED);
	assert_int_equal(scene->report.line, 3);
}

/* A broker that was started again allows a release before it has heard how far the log is. */
static void a_row_that_knows_no_line(void **state)
{
	struct scene *scene = *state;
	char detail[128], id[SESSION_ID_SIZE];

	session(scene, 1);
	pen_session(2, id);
	snprintf(detail, sizeof detail, "{\"session_id\":\"%s\"}", id);
	add_row(scene, "credential.released", detail);
	pen_write(&scene->pen, "key", 2);
	session(scene, 3);
	assert_int_equal(prove(scene), RELEASES_INTACT);
}

/* Rows of before knew nothing of the log: what they allowed is not held against anybody. */
static void a_trail_from_before(void **state)
{
	struct scene *scene = *state;

	add_row(scene, "credential.released", "{\"user\":\"ana\"}");
	pen_write(&scene->pen, "key", 1);
	add_row(scene, "session.ended", "{}");
	session(scene, 2);
	assert_int_equal(prove(scene), RELEASES_INTACT);
	pen_write(&scene->pen, "key", 3);
	assert_int_equal(prove(scene), RELEASES_UNAUDITED);
	assert_int_equal(scene->report.line, 4);
}

static void rows_that_are_nonsense(void **state)
{
	static const char *const details[] = { "{\"releases\":\"7\",\"releases_head\":\"x\"}",
		"{\"releases\":-3,\"releases_head\":\"00\"}", "{\"releases\":1}",
		"{\"releases\":", "{\"releases\":0,\"releases_head\":\"00\"}" };
	struct scene *scene = *state;

	for (unsigned i = 0; i < ARRAY_LEN(details); i++)
		add_row(scene, "credential.released", details[i]);
	session(scene, 1);
	assert_int_equal(prove(scene), RELEASES_INTACT);
	add_row(scene, "session.ended", "{\"releases\":1,\"releases_head\":\"no hash\"}");
	assert_int_equal(prove(scene), RELEASES_OTHER);
	assert_int_equal(scene->report.line, 1);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(what_is_whole_is_intact),
		SCENE(what_did_not_happen_is_no_fault),
		SCENE(a_log_that_was_cut_disagrees_with_the_trail),
		SCENE(changed_and_missing_lines),
		SCENE(a_whole_file_is_missing),
		SCENE(another_past_is_not_the_one_that_was_seen),
		SCENE(a_release_without_its_row),
		SCENE(a_row_that_knows_no_line),
		SCENE(a_trail_from_before),
		SCENE(rows_that_are_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
