/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pq.c"

#include "fixture.h"

static void every_function_is_there(void **state)
{
	void **members = (void **)&pq;

	(void)state;
	assert_int_equal(pq_load(), 0);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		assert_non_null(members[i]);
	assert_int_equal(pq_load(), 0);
	assert_non_null(PQerrorMessage(NULL)); /* it answers */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_function_is_there) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
