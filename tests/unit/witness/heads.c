/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/heads.c"

#include "stand.h"

static struct line of_session(unsigned session, uint64_t number)
{
	struct line line = stand_recording('a', number);

	snprintf(line.recording.session_id, SESSION_ID_SIZE, "%040x", session);
	return line;
}

static void expect(struct heads *heads, unsigned session, uint64_t number)
{
	struct line want = of_session(session, number), got;

	assert_int_equal(heads_take(heads, &got), 1);
	assert_int_equal(got.kind, LINE_RECORDING_HEAD);
	assert_string_equal(got.recording.session_id, want.recording.session_id);
	assert_int_equal(got.recording.number, number);
}

static void test_first_come_first_served(void **state)
{
	struct heads heads = { 0 };
	struct line line;

	assert_int_equal(heads_take(&heads, &line), 0);
	for (unsigned i = 0; i < 200; i++) { /* through several sizes of the ring */
		line = of_session(i % 3, i);
		heads_put(&heads, &line);
		if (i % 4 == 3)
			expect(&heads, (i / 4) % 3, i / 4);
	}
	line = stand_head(9);
	heads_put(&heads, &line);
	for (unsigned i = 50; i < 200; i++)
		expect(&heads, i % 3, i);
	assert_int_equal(heads_take(&heads, &line), 1);
	assert_int_equal(line.kind, LINE_AUDIT_HEAD);
	assert_int_equal(line.audit.sequence, 9);
	assert_int_equal(heads.left_out, 0);
	assert_int_equal(heads_take(&heads, &line), 0);
	assert_null(heads.rows); /* given back */
}

/* Many wait: of each chain the newest stays, in the place of the one that waited longest. */
static void test_the_newest_of_each_chain_is_kept(void **state)
{
	struct heads heads = { 0 };
	struct line line;

	for (unsigned i = 0; i < HEADS_PLENTY; i++) {
		line = of_session(i, 1);
		heads_put(&heads, &line);
	}
	for (uint64_t number = 2; number < 50; number++) {
		line = of_session(7, number);
		heads_put(&heads, &line);
	}
	line = stand_head(1);
	heads_put(&heads, &line); /* of a chain that does not wait yet */
	line = stand_head(2);
	heads_put(&heads, &line);
	assert_int_equal(heads.count, HEADS_PLENTY + 1);
	assert_int_equal(heads.left_out, 49);
	for (unsigned i = 0; i < HEADS_PLENTY; i++)
		expect(&heads, i, i == 7 ? 49 : 1);
	assert_int_equal(heads_take(&heads, &line), 1);
	assert_int_equal(line.audit.sequence, 2);
	heads_finish(&heads);
}

static void test_there_is_an_end(void **state)
{
	struct heads heads = { 0 };
	struct line line;

	for (unsigned i = 0; i < HEADS_MAX + 10; i++) {
		line = of_session(i, 1);
		heads_put(&heads, &line);
	}
	assert_int_equal(heads.count, HEADS_MAX);
	assert_int_equal(heads.left_out, 10);
	expect(&heads, 10, 1);
	heads_finish(&heads);
	assert_int_equal(heads.count, 0);
}

/* Hashes of two sessions may be the same; the sessions are not. */
static void test_chains_are_told_apart(void **state)
{
	struct head_waiting a = { .recording = true }, b = { .recording = true }, trail = { 0 };

	text_copy(a.of.session_id, SESSION_ID_SIZE, "aa");
	text_copy(b.of.session_id, SESSION_ID_SIZE, "ab");
	assert_true(same_chain(&a, &a));
	assert_false(same_chain(&a, &b));
	assert_false(same_chain(&a, &trail));
	assert_true(same_chain(&trail, &trail));
	assert_int_equal(chain_of(&trail), 0);
	assert_int_not_equal(chain_of(&a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_come_first_served),
		cmocka_unit_test(test_the_newest_of_each_chain_is_kept),
		cmocka_unit_test(test_there_is_an_end),
		cmocka_unit_test(test_chains_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
