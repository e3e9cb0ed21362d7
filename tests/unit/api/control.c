/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control.c"

#include "fake.h"

static void states_have_names(void **state)
{
	assert_string_equal(session_state_name(SESSION_CREATED), "created");
	assert_string_equal(session_state_name(SESSION_ENDED), "ended");
	assert_string_equal(session_state_name(17), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(states_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
