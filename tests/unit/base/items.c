/* SPDX-License-Identifier: Apache-2.0 */
#include "base/items.c"

#include "test.h"

static void lists_are_taken_apart(void **state)
{
	const char *cursor = " a, b c ,,  ,d";
	char item[4];
	assert_int_equal(items_next(&cursor, item, sizeof item), 1);
	assert_string_equal(item, "a");
	assert_int_equal(items_next(&cursor, item, sizeof item), 1);
	assert_string_equal(item, "b c");
	assert_int_equal(items_next(&cursor, item, sizeof item), 1);
	assert_string_equal(item, "d");
	assert_int_equal(items_next(&cursor, item, sizeof item), 0);
	assert_int_equal(items_next(&cursor, item, sizeof item), 0);
	cursor = "abcd";
	assert_int_equal(items_next(&cursor, item, sizeof item), -ERR_TOO_LARGE);
}

static void lists_have_items(void **state)
{
	char endless[600];
	(void)state;
	memset(endless, 'a', sizeof endless);
	memcpy(endless + sizeof endless - 5, ",lab", 5);
	assert_true(items_have("corp,lab", "LAB"));
	assert_true(items_have("corp", "corp"));
	assert_false(items_have("corp,lab", "la"));
	assert_false(items_have("", "lab"));
	assert_true(items_have(endless, "lab")); /* what is too long is none */
}

static void lists_are_put_together(void **state)
{
	char list[8] = "";
	(void)state;
	assert_int_equal(items_add(list, sizeof list, "ab"), 0);
	assert_string_equal(list, "ab");
	assert_int_equal(items_add(list, sizeof list, "cd"), 0);
	assert_string_equal(list, "ab,cd");
	assert_int_equal(items_add(list, sizeof list, "ef"), -ERR_TOO_LARGE);
	assert_string_equal(list, "ab,cd");
	assert_int_equal(items_add(list, sizeof list, "e"), 0);
	assert_string_equal(list, "ab,cd,e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_taken_apart),
		cmocka_unit_test(lists_have_items),
		cmocka_unit_test(lists_are_put_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
