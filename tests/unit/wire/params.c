/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/params.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct param text(const char *name, const char *value)
{
	return (struct param){ PLACE_JSON, PARAM_TEXT, name, (uint16_t)strlen(name), value,
		(uint32_t)strlen(value) };
}

static void round_trip(void **state)
{
	struct buf out = BUF(4096);
	struct param first = text("user", "ana"), second = text("empty", ""), got;

	assert_int_equal(params_write(&out, &first), 0);
	assert_int_equal(params_write(&out, &second), 0);
	const uint8_t *cursor = out.data, *end = out.data + out.len;
	assert_int_equal(params_next(&cursor, end, &got), 1);
	assert_int_equal(got.name_len, 4);
	assert_memory_equal(got.name, "user", 4);
	assert_memory_equal(got.value, "ana", 3);
	assert_int_equal(got.place, PLACE_JSON);
	assert_int_equal(params_next(&cursor, end, &got), 1);
	assert_int_equal(got.value_len, 0);
	assert_int_equal(params_next(&cursor, end, &got), 0);
	buf_finish(&out);
}

/* Cut anywhere, it is malformed or a shorter list; it never reads past its end. */
static void every_cut_is_safe(void **state)
{
	struct buf out = BUF(4096);
	struct param row = text("credential", "root"), got;

	params_write(&out, &row);
	for (size_t len = 1; len < out.len; len++) {
		const uint8_t *cursor = out.data;
		assert_int_equal(params_next(&cursor, out.data + len, &got), -ERR_MALFORMED);
	}
	buf_finish(&out);
}

static void lying_lengths_are_refused(void **state)
{
	uint8_t bytes[16] = { PLACE_JSON, PARAM_TEXT, 2, 0, 0xff, 0xff, 0xff, 0xff, 'a', 'b' };
	const uint8_t *cursor = bytes;
	struct param got;

	assert_int_equal(params_next(&cursor, bytes + sizeof bytes, &got), -ERR_MALFORMED);
	bytes[0] = 99;
	memset(bytes + 4, 0, 4);
	assert_int_equal(params_next(&cursor, bytes + sizeof bytes, &got), -ERR_MALFORMED);
	char name[PARAM_NAME_MAX + 2];
	memset(name, 'n', sizeof name);
	struct buf out = BUF(4096);
	struct param row = { PLACE_JSON, PARAM_TEXT, name, PARAM_NAME_MAX + 1, "", 0 };
	assert_int_equal(params_write(&out, &row), -ERR_TOO_LARGE);
	buf_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_cut_is_safe),
		cmocka_unit_test(lying_lengths_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
