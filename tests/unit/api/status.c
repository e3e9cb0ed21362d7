/* SPDX-License-Identifier: Apache-2.0 */
#include "api/status.c"

#include "fake.h"

static void what_people_and_monitors_read(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_status, NULL), 0);
	assert_string_equal(fake_at("store"), "sqlite");
	assert_string_equal(fake_at("tenant"), "Sallyport");
	assert_string_equal(fake_at("public_url"), "https://127.0.0.1:8443");
	assert_int_equal(fake_number("live"), 3);
	assert_int_equal(fake_number("users"), 1);
	assert_int_equal(fake_number("uptime_seconds"), 5);
	assert_string_equal(fake_at("vault.sealed"), "false");
	assert_int_equal(fake_number("vault.releases"), 7);
	assert_string_equal(fake_at("processes.vault"), "true");
	assert_string_equal(fake_at("processes.front"), "false");
}

static void a_silent_vault_is_not_an_open_one(void **state)
{
	struct broker broker = fake_broker(state);
	broker.vault_result = -ERR_PEER_GONE;
	assert_int_equal(fake_call(&broker, &control_status, NULL), 0);
	assert_string_equal(fake_at("vault.reachable"), "false");
	assert_string_equal(fake_at("vault.sealed"), "true");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(what_people_and_monitors_read),
		API_CASE(a_silent_vault_is_not_an_open_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
