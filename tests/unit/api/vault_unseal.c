/* SPDX-License-Identifier: Apache-2.0 */
#include "api/vault_unseal.c"

#include "base/mem.h"

#include "fake.h"

static void the_passphrase_goes_to_the_vault(void **state)
{
	struct broker broker = fake_broker(state);
	fake_fds(fake_pipe_with("open sesame"), -1);
	assert_int_equal(fake_call(&broker, &control_vault_unseal, NULL), 0);
	assert_string_equal(broker.secret, "open sesame");
	assert_string_equal(fake_at("sealed"), "false");
	assert_int_equal(fake_number("key_version"), 1);
	assert_int_equal(fake_audit_number("key_version"), 1);
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		int r, complaint;
		const char *words;
	} rows[] = {
		{ -ERR_WRONG_MOMENT, -ERR_WRONG_MOMENT, "The vault is open already" },
		{ -ERR_PASSPHRASE_WANTED, -ERR_PARAMETER_MISSING, "No passphrase was given" },
		{ -ERR_PIN_WANTED, -ERR_PARAMETER_MISSING, "No PIN was given" },
		{ -ERR_THROTTLED, -ERR_THROTTLED,
			"After a wrong one, the next is looked at in 2 s" },
		{ -ERR_PASSPHRASE_WRONG, -ERR_PASSPHRASE_WRONG, "" }, /* the table's own words */
		{ -ERR_PIN_WRONG_LAST, -ERR_PIN_WRONG_LAST, "" },
	};
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct broker broker = fake_broker(state);
		broker.vault_result = rows[i].r;
		broker.vault.sealed = 1;
		broker.vault.wait_ms = 1001;
		assert_int_equal(
			fake_call(&broker, &control_vault_unseal, NULL), rows[i].complaint);
		assert_string_equal(fake_message(), rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(the_passphrase_goes_to_the_vault),
		API_CASE(says_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
