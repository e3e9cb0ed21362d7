/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gateway_reload.c"

#include "fake.h"

static void begins_or_says_why_not(void **state)
{
	struct broker broker = fake_broker(state);
	broker.reload = (struct msg_reload_answer){ .generation = 4 };
	assert_int_equal(fake_call(&broker, &control_gateway_reload, NULL), 0);
	assert_int_equal(broker.forced, 0);
	assert_int_equal(fake_number("generation"), 4);
	assert_string_equal(fake_at("ends_sessions"), "false");
	assert_int_equal(fake_audit_number("generation"), 4);
	assert_string_equal(fake_object(), "gateway");
	broker.reload.ends_sessions = 1;
	assert_int_equal(fake_call(&broker, &control_gateway_reload, "force", "true", NULL), 0);
	assert_int_equal(broker.forced, 1);
	assert_string_equal(fake_at("ends_sessions"), "true");
	broker.reload =
		(struct msg_reload_answer){ .result = -ERR_RELOAD_REFUSED, .words = "no room" };
	assert_int_equal(fake_call(&broker, &control_gateway_reload, NULL), -ERR_RELOAD_REFUSED);
	assert_string_equal(fake_detail(), "no room");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(begins_or_says_why_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
