/* SPDX-License-Identifier: Apache-2.0 */
#include "api/credential_add.c"

#include "fake.h"

static int add_one(struct broker *broker, const char *username, const char *kind)
{
	fake_fds(fake_pipe_with("s3cret"), -1);
	return fake_call(broker, &control_credential_add, "device", "db1", "username", username,
		"kind", kind, NULL);
}

static void the_secret_goes_to_the_vault_alone(void **state)
{
	struct broker broker = fake_broker(state);
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	assert_int_equal(add_one(&broker, "web", "password"), 0);
	assert_string_equal(broker.secret, "s3cret");
	assert_int_equal(broker.sealed_kind[0], SECRET_PASSWORD);
	assert_string_equal(broker.sealed_as[0].object, "credential");
	assert_string_equal(broker.sealed_as[0].field, "content");
	assert_int_equal(broker.sealed_as[0].version, 1);
	assert_string_equal(fake_object(), "credential:web@DB1");
	assert_string_equal(fake_at("key"), "null");
	assert_int_equal(
		store_credential_find(broker.fixture->store, broker.fixture->device, "web", &row),
		0);
	assert_int_equal(broker.sealed_as[0].id, row.id);
	assert_int_equal(row.version, 1);
	assert_memory_equal(row.sealed, "sealed 1", 8);
	assert_string_equal(row.identifier, fake_at("identifier"));
	assert_int_equal(row.identifier[14], '7');
	assert_int_equal(add_one(&broker, "web", "password"), -ERR_NAME_TAKEN);
}

static void a_key_is_named(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(add_one(&broker, "deploy", "ssh_key"), 0);
	assert_int_equal(broker.sealed_kind[0], SECRET_SSH_KEY);
	assert_string_equal(fake_at("key"), "ssh-ed25519 SHA256:x");
	assert_string_equal(fake_audit_at("key"), "ssh-ed25519 SHA256:x");
}

static int add_child(struct broker *broker, const char *username, const char *parent)
{
	return fake_call(broker, &control_credential_add, "device", "db1", "username", username,
		"kind", "password", "parent", parent, NULL);
}

static int replace_one(struct broker *broker, const char *username, const char *kind)
{
	fake_fds(fake_pipe_with("newer"), -1);
	return fake_call(broker, &control_credential_replace, "device", "db1", "username", username,
		"kind", kind, NULL);
}

static void a_replaced_secret_has_the_next_version(void **state)
{
	struct broker broker = fake_broker(state);
	CLEANUP(store_credential_finish) struct credential_row row = { 0 };
	assert_int_equal(add_one(&broker, "web", "password"), 0);
	assert_int_equal(replace_one(&broker, "web", "ssh_key"), -ERR_PARAMETER_INVALID);
	assert_int_equal(replace_one(&broker, "nobody", "password"), -ERR_CREDENTIAL_NOT_FOUND);
	assert_int_equal(replace_one(&broker, "web", "password"), 0);
	assert_int_equal(broker.sealed_as[1].version, 2);
	assert_int_equal(broker.sealed_as[1].id, broker.sealed_as[0].id);
	assert_int_equal(
		store_credential_find(broker.fixture->store, broker.fixture->device, "web", &row),
		0);
	assert_int_equal(row.version, 2);
	assert_memory_equal(row.sealed, "sealed 2", 8);
}

static void a_refusal_of_the_vault_leaves_nothing(void **state)
{
	struct broker broker = fake_broker(state);
	struct credential_row row = { 0 };
	broker.vault_result = -ERR_KEY_ENCRYPTED;
	assert_int_equal(add_one(&broker, "web", "ssh_key"), -ERR_KEY_ENCRYPTED);
	assert_int_equal(
		store_credential_find(broker.fixture->store, broker.fixture->device, "web", &row),
		-ERR_NOT_FOUND);
}

static void what_cannot_be_a_credential(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(add_one(&broker, "web", "token"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add_one(&broker, "a\tb", "password"), -ERR_PARAMETER_INVALID);
	assert_int_equal(fake_call(&broker, &control_credential_add, "device", "db1", "username",
				 "web", "kind", "password", NULL),
		-ERR_PARAMETER_MISSING); /* no secret */
	assert_int_equal(fake_call(&broker, &control_credential_add, "device", "db9", "username",
				 "web", "kind", "password", NULL),
		-ERR_DEVICE_NOT_FOUND);
}

/* It has no secret, so nothing goes to the vault; its kind is its parent's. */
static void a_child_uses_its_parents_secret(void **state)
{
	struct broker broker = fake_broker(state);
	CLEANUP(store_credential_finish) struct credential_row parent = { 0 };
	CLEANUP(store_credential_finish) struct credential_row child = { 0 };
	struct store *store = broker.fixture->store;
	assert_int_equal(add_one(&broker, "deploy", "ssh_key"), 0);
	unsigned sealed = broker.sealed;
	assert_int_equal(add_child(&broker, "child", "deploy@db1"), 0);
	assert_int_equal(broker.sealed, sealed);
	assert_string_equal(fake_at("kind"), "ssh_key");
	assert_int_equal(fake_number("version"), 0);
	assert_string_equal(fake_audit_at("parent"), "deploy@db1");
	assert_int_equal(
		store_credential_find(store, broker.fixture->device, "deploy", &parent), 0);
	assert_int_equal(store_credential_find(store, broker.fixture->device, "child", &child), 0);
	assert_int_equal(child.parent_id, parent.id);
	assert_int_equal(child.kind, SECRET_SSH_KEY);
	assert_int_equal(child.sealed_len, 0);
	assert_int_equal(replace_one(&broker, "child", "ssh_key"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add_child(&broker, "grandchild", "child@db1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add_child(&broker, "orphan", "nobody@db1"), -ERR_CREDENTIAL_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(the_secret_goes_to_the_vault_alone),
		API_CASE(a_key_is_named),
		API_CASE(a_child_uses_its_parents_secret),
		API_CASE(a_replaced_secret_has_the_next_version),
		API_CASE(a_refusal_of_the_vault_leaves_nothing),
		API_CASE(what_cannot_be_a_credential),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
