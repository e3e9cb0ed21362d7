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

static void what_runs_in_which_generation(void **state)
{
	struct broker broker = fake_broker(state);
	broker.generations = (struct msg_generations){ .current = 2,
		.version = "0.2",
		.since = NOW,
		.reload = RELOAD_DONE,
		.count = 2,
		.rows = { { 2, PARTY_FRONT, 0, "0.2" }, { 1, PARTY_RECORDER, 1, "0.1" } } };
	assert_int_equal(fake_call(&broker, &control_status, NULL), 0);
	assert_int_equal(fake_number("generation"), 2);
	assert_string_equal(fake_at("reload.state"), "done");
	assert_string_equal(fake_at("generations.0.process"), "supervisor");
	assert_string_equal(fake_at("generations.0.version"), "0.2");
	assert_string_equal(fake_at("generations.1.process"), "front");
	assert_string_equal(fake_at("generations.1.retired"), "false");
	assert_null(fake_at("generations.1.sessions"));
	assert_string_equal(fake_at("generations.2.version"), "0.1");
	assert_int_equal(fake_number("generations.2.sessions"), 10);
}

static void what_a_sealed_vault_wants(void **state)
{
	struct broker broker = fake_broker(state);
	broker.vault = (struct msg_vault_state){ .sealed = 1,
		.source = SOURCE_TOKEN,
		.wants = WANTS_PIN,
		.why = -ERR_PIN_LOCKED,
		.wait_ms = 3001 };
	assert_int_equal(fake_call(&broker, &control_status, NULL), 0);
	assert_string_equal(fake_at("vault.sealed"), "true");
	assert_string_equal(fake_at("vault.source"), "pkcs11");
	assert_string_equal(fake_at("vault.wants"), "pin");
	assert_string_equal(fake_at("vault.why"), "PIN_LOCKED");
	assert_string_equal(fake_at("vault.reason"), "The token has locked its PIN");
	assert_int_equal(fake_number("vault.wait_seconds"), 4);
	broker.vault.source = 77;
	broker.vault.wants = 77;
	assert_int_equal(fake_call(&broker, &control_status, NULL), 0);
	assert_string_equal(fake_at("vault.source"), "unknown");
}

static void how_far_a_rotation_is(void **state)
{
	struct broker broker = fake_broker(state);
	broker.progress = (struct rotation_progress){ .going = true, .left = 5, .stuck = 2 };
	assert_int_equal(fake_call(&broker, &control_status, NULL), 0);
	assert_string_equal(fake_at("vault.rotation.going"), "true");
	assert_int_equal(fake_number("vault.rotation.left"), 5);
	assert_int_equal(fake_number("vault.rotation.stuck"), 2);
	broker.progress_result = -ERR_STORE;
	assert_int_equal(fake_call(&broker, &control_status, NULL), -ERR_STORE);
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
		API_CASE(what_runs_in_which_generation),
		API_CASE(what_a_sealed_vault_wants),
		API_CASE(how_far_a_rotation_is),
		API_CASE(a_silent_vault_is_not_an_open_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
