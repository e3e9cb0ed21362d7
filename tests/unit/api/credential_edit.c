/* SPDX-License-Identifier: Apache-2.0 */
#include "api/credential_edit.c"

#include "fake.h"

static int64_t add(struct broker *broker, const char *username)
{
	struct credential_row row = { .device_id = broker->fixture->device, .kind = 1 };
	int64_t id;
	assert_int_equal(text_copy(row.username, sizeof row.username, username), 0);
	assert_int_equal(text_copy(row.identifier, sizeof row.identifier, username), 0);
	assert_int_equal(store_credential_add(broker->fixture->store, &row, &id), 0);
	return id;
}

static struct credential_row get(struct broker *broker, int64_t id)
{
	struct credential_row row = { 0 };
	assert_int_equal(store_credential_get(broker->fixture->store, id, &row), 0);
	store_credential_finish(&row);
	return row;
}

static int edit_one(
	struct broker *broker, const char *username, const char *name, const char *value)
{
	return fake_call(broker, &control_credential_edit, "device", "db1", "username", username,
		name, value, NULL);
}

static void parents_and_logins(void **state)
{
	struct broker broker = fake_broker(state);
	int64_t child = add(&broker, "child"), other = add(&broker, "other");
	int64_t root = broker.fixture->credential;
	assert_int_equal(edit_one(&broker, "child", "parent", "root@db1"), 0);
	assert_string_equal(fake_object(), "credential:child@DB1");
	assert_string_equal(fake_audit_at("parent"), "root@db1");
	assert_int_equal(get(&broker, child).parent_id, root);
	/* no chains, and so no circles */
	assert_int_equal(edit_one(&broker, "root", "parent", "child@db1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(edit_one(&broker, "root", "parent", "other@db1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(edit_one(&broker, "other", "parent", "child@db1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(edit_one(&broker, "other", "parent", "other@db1"), -ERR_PARAMETER_INVALID);
	assert_non_null(strstr(fake_message(), "children"));
	assert_int_equal(edit_one(&broker, "child", "parent", "none"), 0);
	assert_int_equal(get(&broker, child).parent_id, 0);
	assert_int_equal(edit_one(&broker, "child", "login", "other@db1"), 0);
	assert_int_equal(get(&broker, child).login_id, other);
	assert_int_equal(edit_one(&broker, "other", "login", "root@db1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(edit_one(&broker, "root", "login", "child@db1"), -ERR_PARAMETER_INVALID);
	assert_int_equal(edit_one(&broker, "child", "login", "none"), 0);
	assert_int_equal(get(&broker, child).login_id, 0);
	assert_int_equal(
		edit_one(&broker, "child", "parent", "nobody@db1"), -ERR_CREDENTIAL_NOT_FOUND);
	assert_int_equal(edit_one(&broker, "child", "parent", "x"), -ERR_CREDENTIAL_NOT_FOUND);
	assert_int_equal(edit_one(&broker, "x", "parent", "none"), -ERR_CREDENTIAL_NOT_FOUND);
}

static void protocols_are_those_there_are(void **state)
{
	struct broker broker = fake_broker(state);
	int64_t root = broker.fixture->credential;
	assert_int_equal(edit_one(&broker, "root", "protocols", "SSH, Telnet"), 0);
	assert_string_equal(get(&broker, root).protocols, "ssh,telnet");
	assert_int_equal(edit_one(&broker, "root", "protocols", "gopher"), -ERR_PROTOCOL_INVALID);
	assert_int_equal(
		edit_one(&broker, "root", "protocols",
			"ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,"
			"ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh,ssh"),
		0);
	assert_int_equal(edit_one(&broker, "root", "protocols", "all"), 0);
	assert_string_equal(get(&broker, root).protocols, "");
}

static void policies_are_assigned(void **state)
{
	struct broker broker = fake_broker(state);
	struct policy_row policy = { .name = "one", .hours = { .days = HOURS_ALL_DAYS } };
	int64_t root = broker.fixture->credential, other = add(&broker, "other"), id;
	assert_int_equal(store_policy_add(broker.fixture->store, &policy, &id), 0);
	assert_int_equal(edit_one(&broker, "root", "policy", "one"), 0);
	assert_int_equal(get(&broker, root).policy_id, id);
	assert_int_equal(edit_one(&broker, "root", "policy", "two"), -ERR_POLICY_NOT_FOUND);
	assert_int_equal(edit_one(&broker, "root", "policy", "none"), 0);
	assert_int_equal(get(&broker, root).policy_id, 0);
	assert_int_equal(fake_call(&broker, &control_policy_assign, "name", "one", "credentials.0",
				 "root@db1", "credentials.1", "other@db1", NULL),
		0);
	assert_int_equal(fake_number("credentials"), 2);
	assert_int_equal(get(&broker, root).policy_id, id);
	assert_int_equal(get(&broker, other).policy_id, id);
	assert_int_equal(fake_call(&broker, &control_policy_assign, "name", "none", "credentials.0",
				 "root@db1", NULL),
		0);
	assert_int_equal(get(&broker, root).policy_id, 0);
	assert_int_equal(fake_call(&broker, &control_policy_assign, "name", "one", NULL),
		-ERR_PARAMETER_MISSING);
	assert_int_equal(fake_call(&broker, &control_policy_assign, "name", "one", "credentials.0",
				 "x@db1", NULL),
		-ERR_CREDENTIAL_NOT_FOUND);
	assert_int_equal(fake_call(&broker, &control_policy_assign, "name", "two", "credentials.0",
				 "root@db1", NULL),
		-ERR_POLICY_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(parents_and_logins),
		API_CASE(protocols_are_those_there_are),
		API_CASE(policies_are_assigned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
