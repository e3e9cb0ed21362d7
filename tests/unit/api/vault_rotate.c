/* SPDX-License-Identifier: Apache-2.0 */
#include "api/vault_rotate.c"

#include "fake.h"

static void says_what_is_left_to_do(void **state)
{
	struct broker broker = fake_broker(state);
	broker.progress = (struct rotation_progress){ .going = true, .left = 12 };
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), 0);
	assert_int_equal(fake_number("key_version"), 2);
	assert_int_equal(fake_number("left"), 12);
	assert_int_equal(fake_audit_number("key_version"), 2);
	assert_string_equal(fake_object(), "vault:2");
}

static void a_secret_goes_to_the_vault(void **state)
{
	struct broker broker = fake_broker(state);
	fake_fds(fake_pipe_with("1234"), -1);
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), 0);
	assert_string_equal(broker.secret, "1234");
}

static void a_vault_that_refuses_does_not_rotate(void **state)
{
	struct broker broker = fake_broker(state);
	broker.vault_result = -ERR_SEALED;
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), -ERR_SEALED);
	broker.vault_result = -ERR_PIN_WANTED;
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), -ERR_PARAMETER_MISSING);
	assert_string_equal(fake_message(), "The token's PIN is needed");
	broker.vault_result = 0;
	broker.progress_result = -ERR_STORE;
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), -ERR_STORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(says_what_is_left_to_do),
		API_CASE(a_secret_goes_to_the_vault),
		API_CASE(a_vault_that_refuses_does_not_rotate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
