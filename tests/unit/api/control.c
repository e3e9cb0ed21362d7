/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control.c"

#include "base/mem.h"
#include "fake.h"

static void states_have_names(void **state)
{
	assert_string_equal(session_state_name(SESSION_CREATED), "created");
	assert_string_equal(session_state_name(SESSION_ENDED), "ended");
	assert_string_equal(session_state_name(17), "unknown");
}

static void times_are_text_or_null(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(256);
	struct json json = json_begin(&out);
	json_open_object(&json, NULL);
	json_time(&json, "never", 0);
	json_time(&json, "then", NOW);
	json_close_object(&json);
	assert_int_equal(json_finish(&json), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal(
		(char *)out.data, "{\"never\":null,\"then\":\"2023-11-14T22:13:20.000Z\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(states_have_names),
		API_CASE(times_are_text_or_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
