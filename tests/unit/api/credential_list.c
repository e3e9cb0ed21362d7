/* SPDX-License-Identifier: Apache-2.0 */
#include "api/credential_list.c"

#include "fake.h"

static void no_list_shows_an_envelope(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(store_credential_set_secret(broker.fixture->store,
				 broker.fixture->credential, 3, 2, "ENVELOPE", 8, NOW),
		0);
	assert_int_equal(fake_call(&broker, &control_credential_list, NULL), 0);
	assert_string_equal(fake_at("0.username"), "root");
	assert_string_equal(fake_at("0.device"), "DB1");
	assert_string_equal(fake_at("0.kind"), "password");
	assert_int_equal(fake_number("0.version"), 3);
	assert_string_equal(fake_at("0.last_used_at"), "null");
	const char *text = fake_entity();
	assert_null(strstr(text, "ENVELOPE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(no_list_shows_an_envelope),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
