/* SPDX-License-Identifier: Apache-2.0 */
#include "api/vault_seal.c"

#include "fake.h"

static void sessions_go_on_unless_it_is_said(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_vault_seal, NULL), 0);
	assert_string_equal(fake_at("sealed"), "true");
	assert_string_equal(broker.ended_because, "");
	assert_int_equal(fake_audit_number("sessions_ended"), 0);
	assert_int_equal(fake_call(&broker, &control_vault_seal, "end_sessions", "true", NULL), 0);
	assert_string_equal(broker.ended_because, "The vault was sealed");
}

static void a_vault_that_is_away_seals_nothing(void **state)
{
	struct broker broker = fake_broker(state);
	broker.vault_result = -ERR_PEER_GONE;
	assert_int_equal(fake_call(&broker, &control_vault_seal, "end_sessions", "true", NULL),
		-ERR_PEER_GONE);
	assert_string_equal(broker.ended_because, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(sessions_go_on_unless_it_is_said),
		API_CASE(a_vault_that_is_away_seals_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
