/* SPDX-License-Identifier: Apache-2.0 */
/* The table of endpoints as a whole: what the dispatcher relies on holds for every row. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/endpoints.c"

static void every_row_says_what_it_needs(void **state)
{
	for (unsigned i = 0; endpoints[i] != NULL; i++) {
		const struct endpoint *endpoint = endpoints[i];
		assert_in_range(endpoint->need, NEED_READ, NEED_NOBODY);
		assert_true(endpoint->door == DOOR_API || endpoint->door == DOOR_CONTROL);
		assert_non_null(endpoint->answer);
		assert_non_null(endpoint->fields);
		assert_true(endpoint->path[0] != '/');
		/* the administrator is somebody, and an application's right has a name */
		if (endpoint->door == DOOR_CONTROL)
			assert_int_not_equal(endpoint->need, NEED_NOBODY);
		else if (endpoint->need != NEED_NOBODY)
			assert_int_not_equal(endpoint->resource, 0);
	}
}

static void what_changes_something_is_audited(void **state)
{
	for (unsigned i = 0; endpoints[i] != NULL; i++) {
		const struct endpoint *endpoint = endpoints[i];
		if (endpoint->need != NEED_READ && endpoint->audit == NULL)
			fail_msg("%s %s leaves no audit row", endpoint->method, endpoint->path);
		if (endpoint->door == DOOR_CONTROL)
			assert_string_equal(
				endpoint->method, endpoint->need == NEED_READ ? "GET" : "POST");
	}
}

static void fields_are_bounded_and_named_once(void **state)
{
	for (unsigned i = 0; endpoints[i] != NULL; i++) {
		const struct field *fields = endpoints[i]->fields;
		unsigned count = 0;
		for (; fields[count].name != NULL; count++) {
			const struct field *field = &fields[count];
			assert_true(field->most > 0);
			assert_in_range(field->type, FIELD_TEXT, FIELD_BOOL);
			for (const char *at = field->name; *at != '\0'; at++)
				assert_false(isupper((unsigned char)*at));
			for (unsigned j = 0; j < count; j++)
				assert_string_not_equal(fields[j].name, field->name);
		}
		assert_true(count < FIELDS_MAX);
	}
}

static void a_path_and_method_are_taken_once(void **state)
{
	for (unsigned i = 0; endpoints[i] != NULL; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (endpoints[i]->door == endpoints[j]->door &&
				strcmp(endpoints[i]->method, endpoints[j]->method) == 0)
				assert_string_not_equal(endpoints[i]->path, endpoints[j]->path);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_says_what_it_needs),
		cmocka_unit_test(what_changes_something_is_audited),
		cmocka_unit_test(fields_are_bounded_and_named_once),
		cmocka_unit_test(a_path_and_method_are_taken_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
