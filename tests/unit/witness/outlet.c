/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/outlet.c"

#include "stand.h"

/* Outside: keeps what it gets, takes it at once, later, or not. */
struct outsider {
	char text[65536];
	unsigned sends, looks;
	bool closed, refuses, waits;
};

static void take(struct outlet *outlet)
{
	struct outsider *outsider = outlet->self;
	size_t len = strlen(outsider->text);

	memcpy(outsider->text + len, outlet->batch.data, outlet->batch.len);
	outlet_took(outlet);
}

static void kind_send(struct outlet *outlet)
{
	struct outsider *outsider = outlet->self;

	outsider->sends++;
	if (outsider->refuses)
		outlet_failed(outlet, "%s of %u", "no", 7u);
	else if (!outsider->waits)
		take(outlet);
}

static void kind_look(struct outlet *outlet)
{
	((struct outsider *)outlet->self)->looks++;
}

static void kind_close(struct outlet *outlet)
{
	((struct outsider *)outlet->self)->closed = true;
}

/* Rows and heads in a few letters: "r1 h1 aH3 f5>9 ". */
static int kind_write(struct outlet *outlet, const struct line *line, struct buf *out)
{
	switch (line->kind) {
	case LINE_ROW:
		return buf_append_format(out, "r%lld ", (long long)line->row.sequence);
	case LINE_AUDIT_HEAD:
		return buf_append_format(out, "h%lld ", (long long)line->audit.sequence);
	case LINE_RECORDING_HEAD:
		return buf_append_format(out, "%c%llu ", line->recording.session_id[0],
			(unsigned long long)line->recording.number);
	default:
		return buf_append_format(out, "f%lld>%lld ", (long long)line->place.sequence,
			(long long)line->place.next);
	}
}

static const struct outlet_kind kind = { kind_send, kind_look, kind_close, kind_write };

static struct outsider *begin(struct stand *stand, bool rows, bool whole, int64_t at)
{
	static struct outsider outsider;
	struct position position = stand_position(at);

	outsider = (struct outsider){ .sends = 0 };
	stand->outlet.rows = rows;
	stand->outlet.whole = whole;
	stand->outlet.recordings = true;
	stand_begin(stand, &kind, &outsider, at > 0 ? &position : NULL);
	return &outsider;
}

static void got(struct outsider *outsider, const char *text)
{
	assert_string_equal(outsider->text, text);
	memset(outsider->text, 0, sizeof outsider->text);
}

static void test_heads_alone(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, false, false, 0);
	struct line recording = stand_recording('a', 1);

	stand_newest(stand, 3);
	stand_newest(stand, 5);
	outlet_head(&stand->outlet, &recording);
	outlet_go(&stand->outlet);
	got(outsider, "h3 h5 a1 ");
	assert_int_equal(stand->asks, 0);
	assert_int_equal(stand->outlet.taken.sequence, 5);
	stand_newest(stand, 5); /* after a restart of the broker: it has that one */
	got(outsider, "");
	assert_true(outlet_settled(&stand->outlet));
}

static void test_rows_from_where_it_stands(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, true, 0);

	stand_newest(stand, 2);
	assert_int_equal(stand->asks, 1);
	assert_int_equal(stand->asked.after.sequence, 0);
	assert_false(stand->asked.check || stand->asked.newest || stand->asked.head);
	assert_false(outlet_settled(&stand->outlet));
	stand_answer(stand, 1, 2);
	got(outsider, "r1 r2 h2 ");
	assert_int_equal(stand->outlet.taken.sequence, 2);
	assert_int_equal(stand->asks, 1); /* there is no more */
	assert_true(outlet_settled(&stand->outlet));
	/* more than one answer holds: asked for until it is there */
	stand_newest(stand, 9);
	assert_int_equal(stand->asked.after.sequence, 2);
	stand_answer(stand, 3, 5);
	assert_int_equal(stand->asked.after.sequence, 5);
	stand_answer(stand, 6, 9);
	got(outsider, "r3 r4 r5 h5 r6 r7 r8 r9 h9 ");
	assert_int_equal(stand->asks, 3);
}

/* One that is new begins where the trail is; only a mirror wants all of it. */
static void test_a_new_receiver_begins_at_the_end(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, false, 0);

	stand_newest(stand, 40);
	assert_true(stand->asked.newest);
	stand_answer(stand, 1, 0);
	got(outsider, "h40 "); /* to see whether it is there */
	assert_int_equal(stand->outlet.taken.sequence, 40);
	stand_newest(stand, 41);
	assert_false(stand->asked.newest);
	assert_int_equal(stand->asked.after.sequence, 40);
	stand_answer(stand, 41, 41);
	got(outsider, "r41 h41 ");
}

static void test_a_known_position_is_checked_once(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, false, 7);

	stand_newest(stand, 7); /* nothing new, and still: is it the same trail? */
	assert_true(stand->asked.check);
	assert_int_equal(stand->asked.after.sequence, 7);
	stand_answer(stand, 1, 0);
	got(outsider, "h7 "); /* to see whether it is there */
	stand_newest(stand, 8);
	assert_false(stand->asked.check);
	stand_answer(stand, 8, 8);
	got(outsider, "r8 h8 ");
	outlet_broker_gone(&stand->outlet); /* another broker is asked again */
	stand_newest(stand, 9);
	assert_true(stand->asked.check);
}

static void test_a_store_that_was_put_back(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, true, 50);
	struct msg_witness_rows answer = { .result = -ERR_CRYPTO };
	struct outlet_state told;

	stand_newest(stand, 41);
	answer.newest = stand->newest;
	outlet_rows(&stand->outlet, &answer, NULL, 0);
	got(outsider, "f50>42 ");
	assert_int_equal(stand->outlet.taken.sequence, 41);
	outlet_state(&stand->outlet, &told);
	assert_true(told.disagrees);
	stand_newest(stand, 42);
	stand_answer(stand, 42, 42);
	got(outsider, "r42 h42 ");
	/* without rows the head tells */
	stand->outlet.rows = false;
	stand->outlet.disagrees = false;
	stand->outlet.taken = stand_position(60);
	struct line older = stand_head(43);
	outlet_head(&stand->outlet, &older);
	assert_true(stand->outlet.disagrees);
	stand->outlet.disagrees = false;
	struct line other = stand_head(60);
	other.audit.hash[0] ^= 1;
	outlet_head(&stand->outlet, &other);
	assert_true(stand->outlet.disagrees);
}

/* What is not the trail does not go out as if it were. */
static void test_rows_with_a_hole_are_refused(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, true, 0);

	stand_newest(stand, 9);
	stand_answer(stand, 2, 3); /* row 1 is missing */
	got(outsider, "");
	assert_int_equal(stand->outlet.taken.sequence, 0);
	assert_int_equal(stand->outlet.stage, OUTLET_IDLE);
	outlet_look(&stand->outlet); /* asked again */
	assert_int_equal(stand->asks, 2);
	stand_answer(stand, 1, 9);
	got(outsider, "r1 r2 r3 r4 r5 r6 r7 r8 r9 h9 ");
	struct msg_witness_rows error = { .result = -ERR_STORE };
	stand_newest(stand, 10);
	outlet_rows(&stand->outlet, &error, NULL, 0);
	outlet_rows(&stand->outlet, &error, (const uint8_t *)"x", 1); /* nobody asked */
	got(outsider, "");
	assert_int_equal(stand->outlet.taken.sequence, 9);
}

static void test_a_batch_is_sent_until_it_is_taken(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, true, 0);
	struct outlet_state told;

	outsider->refuses = true;
	stand_newest(stand, 2);
	stand_answer(stand, 1, 2);
	assert_int_equal(outsider->sends, 1);
	outlet_state(&stand->outlet, &told);
	assert_false(told.up);
	assert_string_equal(told.why, "no of 7");
	assert_int_equal(stand->changes, 1);
	assert_true(outlet_settled(&stand->outlet)); /* waiting longer would not help */
	stand_newest(stand, 3);                      /* not asked for meanwhile */
	assert_int_equal(stand->asks, 1);
	outsider->refuses = false;
	STAND_UNTIL(stand, outsider->sends == 2);
	assert_int_equal(stand->asks, 2);
	stand_answer(stand, 3, 3);
	got(outsider, "r1 r2 h2 r3 h3 ");
	outlet_state(&stand->outlet, &told);
	assert_true(told.up && told.wanted);
	assert_string_equal(told.why, "");
	assert_int_equal(told.sequence, 3);
	assert_int_equal(told.taken, 5);
	assert_true(told.age_ms < 10000);
	assert_int_equal(stand->changes, 2);
}

static void test_waits_longer_each_time(void **state)
{
	static const struct {
		unsigned failures;
		uint64_t ms;
	} rows[] = { { 0, 1000 }, { 1, 2000 }, { 5, 32000 }, { 6, 60000 }, { 4000000000u, 60000 } };
	struct outlet outlet = { .kind = &kind };

	outlet_begin(&outlet, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		outlet.failures = rows[i].failures;
		assert_int_equal(backoff(&outlet), rows[i].ms);
	}
}

/* With nothing to send the newest head shows whether it is there again. */
static void test_knocks_with_the_newest_head(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, false, false, 0);

	stand_newest(stand, 4);
	got(outsider, "h4 ");
	outlet_failed(&stand->outlet, "the connection broke");
	STAND_UNTIL(stand, stand->outlet.up);
	got(outsider, "h4 ");
	assert_int_equal(stand->outlet.taken.sequence, 4);
}

static void test_nothing_to_knock_with(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, false, false, 0);

	outlet_failed(&stand->outlet, "the connection broke");
	STAND_UNTIL(stand, stand->outlet.stage == OUTLET_IDLE);
	assert_int_equal(outsider->sends, 0);
	assert_false(stand->outlet.up);
}

static void test_heads_gather_while_one_batch_is_out(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, false, false, 0);

	outsider->waits = true;
	stand_newest(stand, 1);
	for (uint64_t i = 1; i <= OUTLET_HEADS_MOST + 5; i++) {
		struct line line = stand_recording('a', i);
		outlet_head(&stand->outlet, &line);
		outlet_go(&stand->outlet);
	}
	assert_int_equal(outsider->sends, 1);
	take(&stand->outlet);
	assert_int_equal(outsider->sends, 2);
	assert_int_equal(stand->outlet.batch_lines, OUTLET_HEADS_MOST);
	take(&stand->outlet);
	assert_int_equal(stand->outlet.batch_lines, 5);
	take(&stand->outlet);
	assert_int_equal(outsider->sends, 3);
	assert_int_equal(stand->outlet.lines, OUTLET_HEADS_MOST + 6);
}

static void test_a_heartbeat_when_all_is_quiet(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, false, 5);

	stand->outlet.heartbeat_ms = 20;
	outlet_look(&stand->outlet); /* there is no head yet */
	got(outsider, "");
	stand_newest(stand, 5);
	stand_answer(stand, 1, 0);
	got(outsider, "h5 ");
	stand_run(stand, 30);
	outlet_look(&stand->outlet);
	got(outsider, "h5 ");
	outlet_look(&stand->outlet); /* not again so soon */
	got(outsider, "");
	assert_int_equal(outsider->looks, 3);
	assert_int_equal(stand->outlet.taken.sequence, 5);
}

static void test_the_broker_goes_while_it_is_asked(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, true, 0);
	struct line recording = stand_recording('a', 1);

	stand_newest(stand, 2);
	outlet_head(&stand->outlet, &recording); /* waits with the rows */
	outlet_go(&stand->outlet);
	got(outsider, "");
	stand->broker_away = true;
	outlet_broker_gone(&stand->outlet);
	outlet_go(&stand->outlet);
	got(outsider, "a1 ");
	stand_answer(stand, 1, 2); /* too late */
	got(outsider, "");
}

static void test_started_again_at_another_place(void **state)
{
	struct stand *stand = *state;
	struct outsider *outsider = begin(stand, true, true, 9);
	struct position at = stand_position(4);

	outsider->waits = true;
	stand_newest(stand, 10);
	stand_answer(stand, 10, 10);
	outlet_restart(&stand->outlet, &at, true);
	assert_int_equal(stand->outlet.batch.len, 0);
	outlet_took(&stand->outlet);
	assert_int_equal(stand->asked.after.sequence, 4);
	assert_true(stand->asked.head && stand->asked.check);
	stand_answer(stand, 5, 10);
	assert_false(stand->outlet.headless);
}

static void test_what_nobody_wants(void **state)
{
	struct stand *stand = *state;
	struct line head = stand_head(1);
	struct outlet_state told;

	outlet_head(&stand->outlet, &head);
	outlet_go(&stand->outlet);
	outlet_look(&stand->outlet);
	outlet_state(&stand->outlet, &told);
	assert_false(told.wanted);
	assert_int_equal(told.age_ms, UINT64_MAX);
	assert_true(outlet_settled(&stand->outlet));
	struct outsider *outsider = begin(stand, false, false, 0);
	struct line recording = stand_recording('a', 1);
	stand->outlet.recordings = false;
	outlet_head(&stand->outlet, &recording);
	outlet_go(&stand->outlet);
	got(outsider, "");
	outlet_end(&stand->outlet);
	assert_true(outsider->closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAND(test_heads_alone),
		STAND(test_rows_from_where_it_stands),
		STAND(test_a_new_receiver_begins_at_the_end),
		STAND(test_a_known_position_is_checked_once),
		STAND(test_a_store_that_was_put_back),
		STAND(test_rows_with_a_hole_are_refused),
		STAND(test_a_batch_is_sent_until_it_is_taken),
		STAND(test_waits_longer_each_time),
		STAND(test_knocks_with_the_newest_head),
		STAND(test_nothing_to_knock_with),
		STAND(test_heads_gather_while_one_batch_is_out),
		STAND(test_a_heartbeat_when_all_is_quiet),
		STAND(test_the_broker_goes_while_it_is_asked),
		STAND(test_started_again_at_another_place),
		STAND(test_what_nobody_wants),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
