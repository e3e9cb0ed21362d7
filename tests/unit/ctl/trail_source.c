/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/trail_source.c"

#include <sqlite3.h>

#include "../store/fixture.h"
#include "past.h"

#define ROWS 1103 /* more than a page */

static struct trail_report from_store(const struct past *past, struct store *store)
{
	struct trail_report report;
	struct trail trail;

	trail_begin(&trail, past->installation, NULL, &report);
	assert_int_equal(trail_from_store(&trail, store), 0);
	assert_int_equal(trail_end(&trail), 0);
	return report;
}

static struct trail_report from_mirror(const struct past *past, const struct buf *text)
{
	CLEANUP(fd_closep) int fd = past_file(text);
	struct trail_report report;
	struct trail trail;

	trail_begin(&trail, past->installation, NULL, &report);
	assert_int_equal(trail_from_mirror(&trail, fd), 0);
	assert_int_equal(trail_end(&trail), 0);
	return report;
}

static void says(const struct trail_report *report, const char *words)
{
	char text[REASON_SIZE];

	assert_string_equal(trail_verdict_text(report, text), words);
}

static void tamper(const struct fixture *fixture, const char *statement)
{
	sqlite3 *database;
	char *why = NULL;

	assert_int_equal(sqlite3_open(fixture->file, &database), SQLITE_OK);
	if (sqlite3_exec(database, statement, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	assert_true(sqlite3_changes(database) > 0);
	sqlite3_close(database);
}

static void a_store_of_pages(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(mem_freep) struct past *past = past_create(ROWS, 1);

	struct trail_report report = from_store(past, fixture->store);
	says(&report, "empty: there are no rows");
	past_store(past, fixture->store);
	report = from_store(past, fixture->store);
	says(&report, "intact: rows 1 to 1103");
	assert_int_equal(report.heads, ROWS);
	/* behind the store's back */
	tamper(fixture, "UPDATE audit SET detail = '{}' WHERE sequence = 1002");
	report = from_store(past, fixture->store);
	says(&report, "row 1002 altered: it is not what was chained");
	tamper(fixture, "UPDATE heads SET signed_at = signed_at + 1 WHERE sequence = 900");
	report = from_store(past, fixture->store);
	says(&report, "row 900 altered: its head was not signed so");
}

static void a_head_without_its_row(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(mem_freep) struct past *past = past_create(30, 3);

	past_store(past, fixture->store);
	tamper(fixture, "DELETE FROM audit WHERE sequence = 30");
	struct trail_report report = from_store(past, fixture->store);
	says(&report, "row 30 altered: missing");
	tamper(fixture, "DELETE FROM heads WHERE sequence = 30");
	report = from_store(past, fixture->store);
	says(&report, "unproven after row 27: 2 rows are not signed by a certified key");
	tamper(fixture, "DELETE FROM audit");
	report = from_store(past, fixture->store);
	says(&report, "row 1 altered: missing");
}

/* What an installation of before looks like. */
static void a_store_without_heads(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(mem_freep) struct past *past = past_create(3, 3);

	past_store(past, fixture->store);
	tamper(fixture, "UPDATE facts SET value = '1' WHERE name = 'schema'");
	struct trail_report report = from_store(past, fixture->store);
	says(&report, "unproven after row 0: 3 rows are not signed by a certified key");
}

static void a_broken_store(void **state)
{
	struct fixture *fixture = *state;
	CLEANUP(mem_freep) struct past *past = past_create(3, 1);
	struct trail_report report;
	struct trail trail;

	past_store(past, fixture->store);
	tamper(fixture, "UPDATE heads SET signature = zeroblob(3) WHERE sequence = 2");
	trail_begin(&trail, past->installation, NULL, &report);
	assert_int_equal(trail_from_store(&trail, fixture->store), -ERR_STORE);
}

#define TEXT() BUF(4 * 1024 * 1024)

static void a_mirror(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(60, 7);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past_mirror(past, 0, &text);
	struct trail_report report = from_mirror(past, &text);
	says(&report, "intact: rows 1 to 60");
	/* half a line at its end: a write that was cut, or is under way */
	assert_int_equal(buf_append_text(&text, "{\"kind\":\"audit.row\",\"sequ"), 0);
	report = from_mirror(past, &text);
	says(&report, "intact: rows 1 to 60");
	assert_int_equal(buf_append_text(&text, "\n"), 0);
	report = from_mirror(past, &text);
	says(&report, "row 61 altered: its line is not as it was written");
	buf_clear(&text);
	report = from_mirror(past, &text);
	says(&report, "empty: there are no rows");
	assert_int_equal(buf_append_text(&text, "half of something else"), 0);
	report = from_mirror(past, &text);
	says(&report, "row 1 altered: its line is not as it was written");
}

/* A byte here and there, all over the file: always found, and never called intact. */
static void every_line_of_a_mirror_counts(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past_mirror(past, 0, &text);
	for (size_t i = 0; i < text.len; i += 5) {
		text.data[i] ^= (uint8_t)(1u << i % 7);
		assert_int_not_equal(from_mirror(past, &text).verdict, TRAIL_INTACT);
		text.data[i] ^= (uint8_t)(1u << i % 7);
	}
	for (size_t len = 0; len < text.len; len += 97) {
		struct buf part = { .data = text.data, .len = len };
		struct trail_report report = from_mirror(past, &part);
		assert_true(report.last == 0 || report.verdict != TRAIL_ALTERED);
		assert_true(report.verdict != TRAIL_INTACT || report.proven == report.last);
	}
	assert_int_equal(from_mirror(past, &text).verdict, TRAIL_INTACT);
}

static void write_place(struct buf *out, enum line_kind kind, const struct past *past, unsigned at)
{
	struct line line = { .kind = kind, .place = { .sequence = at, .next = at } };

	memcpy(line.place.hash, past->rows[at - 1].hash, HASH_LEN);
	assert_int_equal(line_write(out, &line), 0);
}

static void the_next_file_of_a_mirror(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	CLEANUP(buf_finish) struct buf text = TEXT();

	write_place(&text, LINE_CONTINUED, past, 4);
	past_mirror(past, 4, &text);
	struct trail_report report = from_mirror(past, &text);
	says(&report, "intact: rows 5 to 12");
	/* both files as one */
	buf_clear(&text);
	past->count = 4;
	past_mirror(past, 0, &text);
	past->count = 12;
	write_place(&text, LINE_CONTINUED, past, 4);
	past_mirror(past, 4, &text);
	report = from_mirror(past, &text);
	says(&report, "intact: rows 1 to 12");
	/* one between them is missing */
	write_place(&text, LINE_CONTINUED, past, 8);
	report = from_mirror(past, &text);
	says(&report, "row 13 altered: missing");
	buf_clear(&text);
	past_mirror(past, 4, &text); /* its beginning was taken away */
	report = from_mirror(past, &text);
	says(&report, "row 1 altered: missing");
}

static void a_store_that_was_put_back(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(12, 4);
	CLEANUP(buf_finish) struct buf text = TEXT();

	past_mirror(past, 0, &text);
	write_place(&text, LINE_FORKED, past, 4);
	struct trail_report report = from_mirror(past, &text);
	says(&report, "row 13 altered: the store went back behind what was mirrored");
}

/* Heads of recordings in the same file are none of the trail's. */
static void other_lines_are_passed_over(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(2, 1);
	CLEANUP(buf_finish) struct buf text = TEXT();
	struct line line = { .kind = LINE_RECORDING_HEAD };

	assert_int_equal(line_write(&text, &line), 0);
	past_mirror(past, 0, &text);
	struct trail_report report = from_mirror(past, &text);
	says(&report, "intact: rows 1 to 2");
}

static void a_mirror_that_cannot_be_read(void **state)
{
	CLEANUP(mem_freep) struct past *past = past_create(2, 1);
	struct trail_report report;
	struct trail trail;

	trail_begin(&trail, past->installation, NULL, &report);
	assert_int_equal(trail_from_mirror(&trail, -1), -ERR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_store_of_pages),
		CASE(a_head_without_its_row),
		CASE(a_store_without_heads),
		CASE(a_broken_store),
		cmocka_unit_test(a_mirror),
		cmocka_unit_test(every_line_of_a_mirror_counts),
		cmocka_unit_test(the_next_file_of_a_mirror),
		cmocka_unit_test(a_store_that_was_put_back),
		cmocka_unit_test(other_lines_are_passed_over),
		cmocka_unit_test(a_mirror_that_cannot_be_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
