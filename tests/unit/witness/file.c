/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/file.c"

#include "failing.h"
#include "stand.h"
#include "wire/rows.h"

static struct file file;

static void begin(struct stand *stand, bool mirror, int64_t at)
{
	struct position position = stand_position(at);

	file_init(&file, dup(stand->fd), "/somewhere/else/out.jsonl");
	stand->outlet.rows = stand->outlet.whole = mirror;
	stand->outlet.recordings = !mirror;
	stand_begin(stand, &file_kind, &file, at > 0 ? &position : NULL);
}

/* The next witness on the same directory. */
static void begin_again(struct stand *stand, bool mirror, int64_t at)
{
	outlet_end(&stand->outlet);
	stand->outlet = (struct outlet){ .host = &stand->host, .most = 65536 };
	begin(stand, mirror, at);
	outlet_look(&stand->outlet);
}

static void holds(const struct stand *stand, const char *name, unsigned rows, unsigned heads)
{
	CLEANUP(mem_freep) char *text = stand_text(stand, name);

	assert_int_equal(stand_lines(text, "audit.row"), rows);
	assert_int_equal(stand_lines(text, "audit.head"), heads);
}

static void give(struct stand *stand, int64_t from, int64_t to)
{
	stand_newest(stand, to);
	stand_answer(stand, from, to);
}

static void append(const struct stand *stand, const char *text)
{
	CLEANUP(fd_closep)
	int fd = openat(stand->fd, "out.jsonl", O_WRONLY | O_APPEND | O_CREAT, 0640);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void test_a_mirror_goes_on_where_it_ends(void **state)
{
	struct stand *stand = *state;

	begin(stand, true, 0);
	outlet_look(&stand->outlet);
	give(stand, 1, 3);
	holds(stand, "out.jsonl", 3, 1);
	/* what it holds goes before what was written down of it */
	begin_again(stand, true, 1);
	assert_int_equal(stand->outlet.taken.sequence, 3);
	assert_false(stand->outlet.headless);
	give(stand, 4, 5);
	holds(stand, "out.jsonl", 5, 2);
	begin_again(stand, true, 9);
	assert_int_equal(stand->outlet.taken.sequence, 5);
}

static void test_half_a_line_is_cut_off(void **state)
{
	struct stand *stand = *state;

	begin(stand, true, 0);
	give(stand, 1, 3);
	append(stand, "{\"kind\":\"audit.row\",\"sequence\":4");
	begin_again(stand, true, 0);
	assert_int_equal(stand->outlet.taken.sequence, 3);
	give(stand, 4, 4);
	holds(stand, "out.jsonl", 4, 2);
	CLEANUP(mem_freep) char *text = stand_text(stand, "out.jsonl");
	assert_int_equal(text[strlen(text) - 1], '\n');
}

/* A write that got through in part: rows, and not their head. */
static void test_rows_without_their_head(void **state)
{
	struct stand *stand = *state;
	CLEANUP(buf_finish) struct buf text = BUF(LINE_BYTES_MAX);
	struct line line = { .kind = LINE_ROW, .row = stand_row(1) };

	assert_int_equal(line_write(&text, &line), 0);
	assert_int_equal(buf_append(&text, "", 1), 0);
	append(stand, (char *)text.data);
	begin(stand, true, 0);
	outlet_look(&stand->outlet);
	assert_int_equal(stand->outlet.taken.sequence, 1);
	assert_true(stand->outlet.headless);
	stand_newest(stand, 1);
	assert_true(stand->asked.head);
}

static void test_a_renamed_file_is_begun_anew(void **state)
{
	struct stand *stand = *state;

	begin(stand, true, 0);
	give(stand, 1, 3);
	assert_int_equal(renameat(stand->fd, "out.jsonl", stand->fd, "out.1"), 0);
	give(stand, 4, 4);
	holds(stand, "out.1", 3, 1);
	holds(stand, "out.jsonl", 1, 1);
	CLEANUP(mem_freep) char *text = stand_text(stand, "out.jsonl");
	assert_int_equal(strncmp(text, "{\"kind\":\"mirror.continued\",\"sequence\":3,", 39), 0);
	/* seen with a look as well, and by the next witness, which only knows the position */
	assert_int_equal(renameat(stand->fd, "out.jsonl", stand->fd, "out.2"), 0);
	outlet_look(&stand->outlet);
	assert_int_equal(faccessat(stand->fd, "out.jsonl", F_OK, 0), 0);
	begin_again(stand, true, 0);
	assert_int_equal(stand->outlet.taken.sequence, 4);
	/* emptied in place: the same */
	CLEANUP(fd_closep) int fd = openat(stand->fd, "out.jsonl", O_WRONLY | O_TRUNC);
	give(stand, 5, 5);
	CLEANUP(mem_freep) char *after = stand_text(stand, "out.jsonl");
	assert_int_equal(strncmp(after, "{\"kind\":\"mirror.continued\",\"sequence\":4,", 39), 0);
}

static void test_heads_alone(void **state)
{
	struct stand *stand = *state;
	struct line recording = stand_recording('a', 1);

	append(stand, "half");
	begin(stand, false, 0);
	outlet_head(&stand->outlet, &recording);
	stand_newest(stand, 3);
	holds(stand, "out.jsonl", 0, 1);
	CLEANUP(mem_freep) char *text = stand_text(stand, "out.jsonl");
	assert_int_equal(strncmp(text, "{\"kind\":\"recording.head\"", 24), 0);
	assert_int_equal(stand->outlet.taken.sequence, 3);
}

/* Nothing of ours at its end: the position that was written down is all there is. */
static void test_a_strange_end(void **state)
{
	struct stand *stand = *state;

	append(stand, "something else\n");
	begin(stand, true, 7);
	outlet_look(&stand->outlet);
	assert_int_equal(stand->outlet.taken.sequence, 7);
	give(stand, 8, 8);
	holds(stand, "out.jsonl", 1, 1);
}

static void test_two_do_not_write_one_file(void **state)
{
	struct stand *stand = *state;

	begin(stand, true, 0);
	give(stand, 1, 1);
	CLEANUP(fd_closep) int other = openat(stand->fd, "out.jsonl", O_RDWR);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	fd_closep(&file.fd);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	give(stand, 2, 2);
	assert_false(stand->outlet.up);
	holds(stand, "out.jsonl", 1, 1);
	fd_closep(&other);
	STAND_UNTIL(stand, stand->outlet.up);
	holds(stand, "out.jsonl", 2, 2);
}

static void test_only_a_plain_file(void **state)
{
	struct stand *stand = *state;

	assert_int_equal(symlinkat("/tmp/elsewhere", stand->fd, "out.jsonl"), 0);
	begin(stand, true, 0);
	outlet_look(&stand->outlet);
	assert_false(stand->outlet.up);
	assert_int_equal(access("/tmp/elsewhere", F_OK), -1);
	assert_int_equal(unlinkat(stand->fd, "out.jsonl", 0), 0);
	assert_int_equal(mkfifoat(stand->fd, "out.jsonl", 0600), 0);
	STAND_UNTIL(stand, stand->outlet.failures >= 2);
	assert_string_equal(stand->outlet.why, "Invalid argument");
}

/* As the broker would: from where the file says it stands, with the head that is missing there. */
static void serve(struct stand *stand, int64_t to)
{
	CLEANUP(buf_finish) struct buf rows = BUF(WITNESS_ROWS_MAX);
	struct msg_witness_rows answer = { .newest = stand->newest };
	struct line head = stand_head(stand->asked.after.sequence);

	if (stand->outlet.stage != OUTLET_ASKING)
		return;
	if (stand->asked.head)
		assert_int_equal(rows_put_head(&rows, &head.audit), 0);
	for (int64_t i = stand->asked.after.sequence + 1; i <= to; i++)
		stand_put(&rows, i, i);
	outlet_rows(&stand->outlet, &answer, rows.data, rows.len);
}

/* At each call that the disk may refuse: said, tried again, and every row once, with its head. */
static int64_t fail_each_call(struct stand *stand, int64_t next, bool opened)
{
	FAILING_WITH("write fdatasync fsync fstat ftruncate", ENOSPC) {
		if (!opened)
			fd_closep(&file.fd);
		stand_newest(stand, next);
		serve(stand, next);
		failing_end();
		for (uint64_t until = clock_monotonic_ms() + 10000;
			!(stand->outlet.taken.sequence == next && stand->outlet.up &&
				!stand->outlet.headless) &&
			clock_monotonic_ms() < until;
			stand_run(stand, 5))
			serve(stand, next);
		assert_int_equal(stand->outlet.taken.sequence, next);
		next++;
	}
	return next;
}

static void test_the_disk_fails(void **state)
{
	struct stand *stand = *state;

	begin(stand, true, 0);
	int64_t closed = fail_each_call(stand, 1, false);
	int64_t opened = fail_each_call(stand, closed, true);
	assert_true(closed >= 4 && opened - closed >= 3);
	holds(stand, "out.jsonl", (unsigned)opened - 1, (unsigned)opened - 1);
}

/* Half a batch got through, and not even that half could be taken back at once. */
static void test_a_write_stops_in_the_middle(void **state)
{
	struct stand *stand = *state;

	begin(stand, true, 0);
	give(stand, 1, 2);
	stand_newest(stand, 6);
	failing_once("write", 1, FAILING_SHORT);
	stand_answer(stand, 3, 6);
	failing_end();
	holds(stand, "out.jsonl", 6, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAND(test_a_mirror_goes_on_where_it_ends),
		STAND(test_half_a_line_is_cut_off),
		STAND(test_rows_without_their_head),
		STAND(test_a_renamed_file_is_begun_anew),
		STAND(test_heads_alone),
		STAND(test_a_strange_end),
		STAND(test_two_do_not_write_one_file),
		STAND(test_only_a_plain_file),
		STAND(test_the_disk_fails),
		STAND(test_a_write_stops_in_the_middle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
