/* SPDX-License-Identifier: Apache-2.0 */
#include "api/vault_rotate.c"

#include "fake.h"

static void add_credential(struct store *store, int64_t device, unsigned number, int kind)
{
	struct credential_row row = { .device_id = device, .kind = kind };
	int64_t id;
	snprintf(row.identifier, sizeof row.identifier, "id-%u", number);
	snprintf(row.username, sizeof row.username, "user-%u", number);
	assert_int_equal(store_credential_add(store, &row, &id), 0);
	assert_int_equal(store_credential_set_secret(store, id, 1, 1, "old", 3, NOW), 0);
}

static void every_envelope_comes_under_the_new_key(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct envelope_row left;
	add_credential(store, broker.fixture->device, 1, SECRET_SSH_KEY);
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), 0);
	assert_int_equal(broker.sealed_kind[0], SECRET_SSH_KEY); /* its own kind, not a guess */
	assert_int_equal(store_authorization_set_secrets(
				 store, broker.fixture->authorization, 2, "c", 1, "t", 1),
		0);
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), 0);
	assert_int_equal(broker.rotations, 2);
	assert_int_equal(broker.sealed_kind[0], SECRET_TOKEN);
	assert_string_equal(broker.sealed_as[0].field, "token");
	assert_int_equal(fake_number("rewrapped"), 3);
	assert_int_equal(fake_audit_number("key_version"), 3);
	assert_string_equal(fake_at("left"), "false");
	assert_int_equal(store_envelope_older(store, 3, &left), -ERR_NOT_FOUND);
}

static void large_stores_take_several_calls(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	assert_int_equal(store_begin(store), 0);
	for (unsigned i = 0; i < ROUND_MOST + 3; i++)
		add_credential(store, broker.fixture->device, i, SECRET_PASSWORD);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), 0);
	assert_string_equal(fake_at("left"), "true");
	assert_int_equal(fake_call(&broker, &control_vault_rotate, "continue", "true", NULL), 0);
	assert_string_equal(fake_at("left"), "false");
	assert_int_equal(fake_number("rewrapped"), 3);
	assert_int_equal(broker.rotations, 1);
}

static void a_sealed_vault_does_not_rotate(void **state)
{
	struct broker broker = fake_broker(state);
	broker.vault_result = -ERR_SEALED;
	assert_int_equal(fake_call(&broker, &control_vault_rotate, NULL), -ERR_SEALED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(every_envelope_comes_under_the_new_key),
		API_CASE(large_stores_take_several_calls),
		API_CASE(a_sealed_vault_does_not_rotate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
