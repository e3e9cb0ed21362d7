/* SPDX-License-Identifier: Apache-2.0 */
#include "api/application_list.c"

#include "fake.h"

static void applications_are_listed(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_application_list, NULL), 0);
	assert_string_equal(fake_at("0.name"), "portal");
	assert_string_equal(fake_at("0.auth"), "oauth2");
	assert_string_equal(fake_at("0.disabled_at"), "null");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(applications_are_listed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
