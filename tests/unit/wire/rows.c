/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rows.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct audit_row row(int64_t sequence)
{
	struct audit_row row = { .sequence = sequence,
		.at = 1763906709123,
		.event = "session.created",
		.actor = "application:portal",
		.object = "session:1",
		.result = -33,
		.detail = "{\"user\":\"ana\"}" };

	memset(row.before, 1, HASH_LEN);
	memset(row.hash, 2, HASH_LEN);
	return row;
}

static void test_come_back_as_they_were(void **state)
{
	CLEANUP(buf_finish) struct buf packed = BUF(65536);
	struct audit_row one = row(1), two = row(2);
	struct audit_head head = { .sequence = 2, .at = 5, .signer = { .certified = true } };
	struct line line;

	memset(head.signature, 7, sizeof head.signature);
	assert_int_equal(rows_put_row(&packed, &one), 0);
	assert_int_equal(rows_put_row(&packed, &two), 0);
	assert_int_equal(rows_put_head(&packed, &head), 0);
	const uint8_t *at = packed.data, *end = at + packed.len;
	assert_int_equal(rows_next(&at, end, &line), 1);
	assert_int_equal(line.kind, LINE_ROW);
	assert_memory_equal(&line.row, &one, sizeof one);
	assert_int_equal(rows_next(&at, end, &line), 1);
	assert_memory_equal(&line.row, &two, sizeof two);
	assert_int_equal(rows_next(&at, end, &line), 1);
	assert_int_equal(line.kind, LINE_AUDIT_HEAD);
	assert_memory_equal(&line.audit, &head, sizeof head);
	assert_int_equal(rows_next(&at, end, &line), 0);
}

static void test_a_part_is_not_a_row(void **state)
{
	CLEANUP(buf_finish) struct buf packed = BUF(65536);
	struct audit_row one = row(1);
	struct audit_head head = { .sequence = 1 };
	struct line line;

	assert_int_equal(rows_put_row(&packed, &one), 0);
	size_t row_len = packed.len;
	assert_int_equal(rows_put_head(&packed, &head), 0);
	for (size_t len = 1; len < packed.len; len++) {
		const uint8_t *at = packed.data;
		int r = rows_next(&at, packed.data + len, &line);
		if (len >= row_len && r == 1)
			r = len > row_len ? rows_next(&at, packed.data + len, &line)
					  : -ERR_MALFORMED;
		assert_int_equal(r, -ERR_MALFORMED);
	}
}

static void test_what_is_no_row(void **state)
{
	CLEANUP(buf_finish) struct buf packed = BUF(65536);
	struct audit_row one = row(1);
	struct line line;
	uint8_t kind = LINE_FORKED;
	const uint8_t *at = &kind;

	assert_int_equal(rows_next(&at, &kind + 1, &line), -ERR_MALFORMED);
	assert_int_equal(rows_put_row(&packed, &one), 0);
	packed.data[21 + 2] = '\0'; /* a NUL inside the event */
	at = packed.data;
	assert_int_equal(rows_next(&at, at + packed.len, &line), -ERR_MALFORMED);
	packed.data[21] = 200; /* longer than an event may be */
	at = packed.data;
	assert_int_equal(rows_next(&at, at + packed.len, &line), -ERR_MALFORMED);
}

static void test_the_longest(void **state)
{
	CLEANUP(buf_finish) struct buf packed = BUF(65536);
	struct audit_row one;
	struct line line;

	memset(&one, 'x', sizeof one);
	one.event[47] = one.actor[NAME_SIZE - 1] = one.from[ADDRESS_SIZE - 1] = '\0';
	one.object[NAME_SIZE - 1] = one.detail[1023] = '\0';
	assert_int_equal(rows_put_row(&packed, &one), 0);
	const uint8_t *at = packed.data;
	assert_int_equal(rows_next(&at, at + packed.len, &line), 1);
	assert_string_equal(line.row.detail, one.detail);
	struct buf small = BUF(100);
	assert_int_equal(rows_put_row(&small, &one), -ERR_TOO_LARGE);
	assert_int_equal(small.len, 0);
	buf_finish(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_come_back_as_they_were),
		cmocka_unit_test(test_a_part_is_not_a_row),
		cmocka_unit_test(test_what_is_no_row),
		cmocka_unit_test(test_the_longest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
