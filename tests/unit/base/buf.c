/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "test.h"

#include "base/buf.h"
#include "base/mem.h"

static void holds_to_its_ceiling(void **state)
{
	CLEANUP(buf_finish) struct buf buf = BUF(10);

	assert_int_equal(buf_room(&buf), 10);
	assert_int_equal(buf_append(&buf, "0123456", 7), 0);
	assert_int_equal(buf_append(&buf, "abcd", 4), -ERR_TOO_LARGE);
	assert_int_equal(buf.len, 7);
	assert_int_equal(buf_append(&buf, "abc", 3), 0);
	assert_int_equal(buf_room(&buf), 0);
	assert_int_equal(buf_append_format(&buf, "%d", 1), -ERR_TOO_LARGE);
	assert_int_equal(buf_append_format(&buf, "%s", ""), 0);
	assert_memory_equal(buf.data, "0123456abc", 10);
}

static void a_ceiling_of_nothing(void **state)
{
	CLEANUP(buf_finish) struct buf buf = BUF(0);
	uint8_t *room;

	assert_int_equal(buf_append(&buf, "", 0), 0);
	assert_int_equal(buf_append(&buf, "x", 1), -ERR_TOO_LARGE);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX, &room), -ERR_TOO_LARGE);
}

/* Against a plain array, with every mixture of appending and consuming. */
static void queues_in_order(void **state)
{
	CLEANUP(buf_finish) struct buf buf = BUF(5000);
	uint8_t next_in = 0, next_out = 0;
	unsigned dice = 12345;

	for (int round = 0; round < 20000; round++) {
		size_t count;

		dice = dice * 1103515245 + 12345;
		count = (dice >> 16) % 300;
		if (dice >> 30 & 1) {
			count = MIN(count, buf_room(&buf));
			for (size_t i = 0; i < count; i++, next_in++)
				assert_int_equal(buf_append(&buf, &next_in, 1), 0);
		} else {
			count = MIN(count, buf.len);
			for (size_t i = 0; i < count; i++, next_out++)
				assert_int_equal(buf.data[i], next_out);
			buf_consume(&buf, count);
		}
		assert_int_equal((uint8_t)(next_in - next_out), (uint8_t)buf.len);
	}
}

static void gives_memory_back_when_drained(void **state)
{
	struct buf buf = BUF(1000);

	assert_int_equal(buf_append_text(&buf, "some"), 0);
	buf_consume(&buf, 4);
	assert_null(buf.base);
	assert_null(buf.data);
	assert_int_equal(buf_append_text(&buf, "again"), 0);
	buf_consume(&buf, 2);
	assert_memory_equal(buf.data, "ain", 3);
	buf_wipe(&buf);
	assert_null(buf.base);
	buf_finish(&buf);
	buf_finish_wiped(&buf);
}

static void reserves_and_commits(void **state)
{
	CLEANUP(buf_finish_wiped) struct buf buf = BUF(600);
	uint8_t *room;

	assert_int_equal(buf_append_text(&buf, "head "), 0);
	assert_int_equal(buf_reserve(&buf, 595, &room), 0);
	memset(room, 'x', 595);
	buf_commit(&buf, 4);
	assert_int_equal(buf.len, 9);
	assert_memory_equal(buf.data, "head xxxx", 9);
	assert_int_equal(buf_reserve(&buf, 592, &room), -ERR_TOO_LARGE);
	assert_int_equal(buf_reserve(&buf, 0, &room), 0);
	buf_commit(&buf, 0);
	assert_int_equal(buf.len, 9);
}

static void formats(void **state)
{
	CLEANUP(buf_finish) struct buf buf = BUF(4096);

	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_append_format(&buf, "%03d,%s;", i, "text"), 0);
	assert_int_equal(buf.len, 900);
	assert_memory_equal(buf.data + 99 * 9, "099,text;", 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_to_its_ceiling),
		cmocka_unit_test(a_ceiling_of_nothing),
		cmocka_unit_test(queues_in_order),
		cmocka_unit_test(gives_memory_back_when_drained),
		cmocka_unit_test(reserves_and_commits),
		cmocka_unit_test(formats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
