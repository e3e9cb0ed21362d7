/* SPDX-License-Identifier: Apache-2.0 */
#include "api/application_add.c"

#include "fake.h"

static void an_application_is_added_once(void **state)
{
	struct broker broker = fake_broker(state);
	struct application_row row;
	assert_int_equal(fake_call(&broker, &control_application_add, "name", "desk", NULL), 0);
	assert_string_equal(fake_at("auth"), "oauth2");
	assert_int_equal(store_application_find(broker.fixture->store, "desk", &row), 0);
	assert_string_equal(row.auth, "oauth2");
	assert_int_equal(
		fake_call(&broker, &control_application_add, "name", "old", "auth", "oauth1", NULL),
		0);
	assert_int_equal(fake_call(&broker, &control_application_add, "name", "desk", NULL),
		-ERR_NAME_TAKEN);
	assert_int_equal(
		fake_call(&broker, &control_application_add, "name", "x", "auth", "aws", NULL),
		-ERR_PARAMETER_INVALID);
	assert_int_equal(fake_call(&broker, &control_application_add, "name", " x", NULL),
		-ERR_PARAMETER_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(an_application_is_added_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
