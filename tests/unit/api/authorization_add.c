/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authorization_add.c"

#include "fake.h"

static void oauth2_keys_are_shown_once(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	uint8_t hash[HASH_LEN];
	assert_int_equal(fake_call(&broker, &control_authorization_add, "application", "portal",
				 "resource", "web-proxy-session:rw", "ip", "192.0.2.0/24",
				 "referer", "https://a.example/, https://b.example/", "expires",
				 "2030-01-31T18:00:00Z", "credentials.0", "root@db1", NULL),
		0);
	assert_int_equal(fake_count(), 2);
	const char *id = fake_at("client_id");
	const char *secret = fake_at("client_secret");
	assert_int_equal(strlen(id), 41);
	assert_int_equal(strspn(id, "0123456789abcdef"), 41);
	assert_int_equal(strlen(secret), 64);
	assert_int_equal(strspn(secret, "0123456789abcdef"), 64);
	hash_sha256(hash, secret, 64);
	assert_int_equal(store_authorization_by_client(store, id, &row), 0);
	assert_memory_equal(row.client_secret_hash, hash, HASH_LEN);
	assert_int_equal(row.writes, RESOURCE_WEB_PROXY_SESSION);
	assert_string_equal(row.ips, "192.0.2.0/24");
	assert_string_equal(row.referers, "https://a.example/ https://b.example/");
	assert_true(row.expires_at > NOW);
	assert_int_equal(store_authorization_covers(store, row.id, broker.fixture->credential), 1);
	const char *audit = fake_audit();
	assert_null(strstr(audit, secret));
}

static void oauth1_secrets_go_past_the_broker(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	CLEANUP(store_authorization_finish) struct authorization_row row = { 0 };
	int64_t id;
	int ends[2];
	char written[32] = "";
	assert_int_equal(store_application_add(store, "old", "oauth1", NOW, &id), 0);
	assert_int_equal(pipe(ends), 0);
	fake_fds(-1, ends[1]);
	assert_int_equal(fake_call(&broker, &control_authorization_add, "application", "old",
				 "resource", "pam-core", NULL),
		0);
	assert_int_equal(read(ends[0], written, sizeof written - 1), 14);
	assert_string_equal(written, "5ec2e7\n5ec2e7\n");
	assert_string_equal(fake_detail(), "It covers no credential.");
	assert_int_equal(store_authorization_by_consumer(
				 store, fake_at("consumer_key"), fake_at("token_key"), &row),
		0);
	assert_memory_equal(row.consumer_sealed, "sealed 1", 8);
	assert_memory_equal(row.token_sealed, "sealed 2", 8);
	assert_string_equal(broker.sealed_as[0].object, "authorization");
	assert_string_equal(broker.sealed_as[0].field, "consumer");
	assert_string_equal(broker.sealed_as[1].field, "token");
	assert_int_equal(broker.sealed_as[1].id, row.id);
	assert_int_equal(broker.sealed_as[1].version, 1);
	assert_int_equal(broker.sealed_kind[0], SECRET_TOKEN);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(fake_call(&broker, &control_authorization_add, "application", "old",
				 "resource", "pam-core", NULL),
		-ERR_PARAMETER_MISSING); /* nowhere to write to */
}

static int add_with(struct broker *broker, const char *name, const char *value)
{
	return fake_call(broker, &control_authorization_add, "application", "portal", "resource",
		"pam-core", name, value, NULL);
}

static void what_cannot_be_an_authorization(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(add_with(&broker, "ip", "300.1.1.1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add_with(&broker, "referer", "javascript:1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add_with(&broker, "expires", "tomorrow"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add_with(&broker, "expires", "2020-01-01"), -ERR_PARAMETER_INVALID);
	assert_int_equal(add_with(&broker, "credentials.0", "root@db9"), -ERR_CREDENTIAL_NOT_FOUND);
	assert_string_equal(fake_message(), "No such credential: root@db9");
	assert_int_equal(
		add_with(&broker, "credentials", "root@db1,ana@db1"), -ERR_CREDENTIAL_NOT_FOUND);
	assert_int_equal(add_with(&broker, "credentials", "root"), -ERR_CREDENTIAL_NOT_FOUND);
	assert_int_equal(fake_call(&broker, &control_authorization_add, "application", "portal",
				 "resource", "everything", NULL),
		-ERR_RESOURCE_UNKNOWN);
	assert_int_equal(fake_call(&broker, &control_authorization_add, "application", "no",
				 "resource", "pam-core", NULL),
		-ERR_APPLICATION_NOT_FOUND);
	assert_int_equal(add_with(&broker, "credentials", "root@db1, root@192.0.2.7"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(oauth2_keys_are_shown_once),
		API_CASE(oauth1_secrets_go_past_the_broker),
		API_CASE(what_cannot_be_an_authorization),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
