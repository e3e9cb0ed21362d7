/* SPDX-License-Identifier: Apache-2.0 */
#include "api/user_add.c"

#include "fake.h"

static void a_user_is_added_once(void **state)
{
	struct broker broker = fake_broker(state);
	struct user_row user;
	assert_int_equal(
		fake_call(&broker, &control_user_add, "login", "rui", "name", "Rui Costa", NULL),
		0);
	assert_string_equal(fake_at("login"), "rui");
	assert_string_equal(fake_at("id"), "2");
	assert_string_equal(fake_object(), "user:rui");
	assert_int_equal(store_user_find(broker.fixture->store, "rui", &user), 0);
	assert_string_equal(user.name, "Rui Costa");
	assert_int_equal(user.created_at, NOW);
	assert_int_equal(
		fake_call(&broker, &control_user_add, "login", "rui", NULL), -ERR_NAME_TAKEN);
}

static void bad_names_are_refused(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_user_add, NULL), -ERR_PARAMETER_MISSING);
	assert_int_equal(fake_call(&broker, &control_user_add, "login", "a\nb", NULL),
		-ERR_PARAMETER_INVALID);
	assert_int_equal(
		fake_call(&broker, &control_user_add, "login", "a", "name", "\x1b[0m", NULL),
		-ERR_PARAMETER_INVALID);
	assert_non_null(strstr(fake_message(), "characters"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(a_user_is_added_once),
		API_CASE(bad_names_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
