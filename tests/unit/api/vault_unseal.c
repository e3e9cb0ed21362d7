/* SPDX-License-Identifier: Apache-2.0 */
#include "api/vault_unseal.c"

#include "fake.h"

static void the_passphrase_goes_to_the_vault(void **state)
{
	struct broker broker = fake_broker(state);
	fake_fds(fake_pipe_with("open sesame"), -1);
	assert_int_equal(fake_call(&broker, &control_vault_unseal, NULL), 0);
	assert_string_equal(broker.secret, "open sesame");
	assert_string_equal(fake_at("sealed"), "false");
	assert_int_equal(fake_call(&broker, &control_vault_unseal, NULL), -ERR_PARAMETER_MISSING);
	broker.vault_result = -ERR_CRYPTO;
	fake_fds(fake_pipe_with("wrong"), -1);
	assert_int_equal(fake_call(&broker, &control_vault_unseal, NULL), -ERR_PARAMETER_INVALID);
	assert_string_equal(fake_message(), "The passphrase is wrong");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(the_passphrase_goes_to_the_vault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
