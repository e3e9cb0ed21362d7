/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy.c"

#include "house.h"

#include "failing.h"
#include "failing_store.h"

#define NOON INT64_C(1767614400000) /* 2026-01-05 12:00 UTC, a Monday */
#define HOUR (60 * 60 * INT64_C(1000))

static struct policy_row add(struct house *house, const char *name, const char *username_mask,
	const char *device_mask, int priority)
{
	struct policy_row row = { .simultaneous_sessions = true,
		.priority = priority,
		.hours = { .days = HOURS_ALL_DAYS } };

	text_copy(row.name, sizeof row.name, name);
	text_copy(row.username_mask, sizeof row.username_mask, username_mask);
	text_copy(row.device_mask, sizeof row.device_mask, device_mask);
	assert_int_equal(store_policy_add(house->broker->store, &row, &row.id), 0);
	return row;
}

static struct credential_row root(struct house *house)
{
	struct credential_row row = { 0 };

	assert_int_equal(store_credential_get(house->broker->store, house->credential, &row), 0);
	store_credential_finish(&row);
	return row;
}

static const char *found(struct house *house, const char *device)
{
	static struct policy_row policy;
	struct credential_row credential = root(house);
	int r = policy_find(house->broker, &credential, device, &policy);

	assert_true(r == 0 || r == -ERR_NOT_FOUND);
	return r == 0 ? policy.name : "none";
}

static void test_which_policy(void **state)
{
	struct house *house = *state;

	assert_string_equal(found(house, "db1"), "none");
	struct policy_row named = add(house, "named", "", "", 0);
	assert_string_equal(found(house, "db1"), "none"); /* no mask: for who names it */
	add(house, "users", "r*t", "", 1);
	assert_string_equal(found(house, "db1"), "users");
	add(house, "others", "Root", "", 9); /* accounts have letter case */
	assert_string_equal(found(house, "db1"), "users");
	add(house, "both", "root", "DB?", 3); /* hosts have none */
	assert_string_equal(found(house, "db1"), "both");
	assert_string_equal(found(house, "web1"), "users");
	add(house, "later", "root", "", 3);
	assert_string_equal(found(house, "db1"), "both"); /* of two alike the older */
	assert_int_equal(
		store_credential_set_policy(house->broker->store, house->credential, named.id), 0);
	assert_string_equal(found(house, "db1"), "named");
	assert_string_equal(found(house, "web1"), "named");
	named.priority = 1000; /* wherever it stands among them */
	assert_int_equal(store_policy_edit(house->broker->store, &named), 0);
	assert_string_equal(found(house, "db1"), "named");
}

static int admits(struct house *house, const char *protocol, bool own, bool *ret_alone)
{
	struct credential_row credential = root(house);
	struct session_row session = { .device = "db1" };

	text_copy(session.protocol, sizeof session.protocol, protocol);
	return policy_admits(house->broker, &credential, &session, own, NOON, ret_alone);
}

static void test_protocols(void **state)
{
	static const struct {
		const char *list;
		int r;
	} rows[] = { { "", 0 }, { "ssh", 0 }, { "telnet,ssh", 0 }, { "ssh,telnet", 0 },
		{ "telnet", -ERR_PROTOCOL_INVALID }, { "rdp", -ERR_PROTOCOL_INVALID },
		{ "sshx", -ERR_PROTOCOL_INVALID }, { "ss,h", -ERR_PROTOCOL_INVALID } };
	struct house *house = *state;
	bool alone;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(store_credential_set_protocols(
					 house->broker->store, house->credential, rows[i].list),
			0);
		assert_int_equal(admits(house, "ssh", false, &alone), rows[i].r);
		assert_false(alone);
	}
}

static void test_hours_and_one_at_a_time(void **state)
{
	struct house *house = *state;
	struct store *store = house->broker->store;
	struct policy_row policy = add(house, "root", "root", "", 0);
	bool alone;

	assert_int_equal(admits(house, "ssh", false, &alone), 0);
	assert_false(alone);
	policy.hours =
		(struct hours){ .days = 1, .from = 12 * 60, .until = 13 * 60, .rule = "UTC0" };
	policy.simultaneous_sessions = false;
	assert_int_equal(store_policy_edit(store, &policy), 0);
	assert_int_equal(admits(house, "ssh", false, &alone), 0);
	assert_true(alone);
	policy.hours.from = 12 * 60 + 1;
	assert_int_equal(store_policy_edit(store, &policy), 0);
	assert_int_equal(admits(house, "ssh", false, &alone), -ERR_CREDENTIAL_HOURS);
	policy.hours.from = 0;
	assert_int_equal(store_policy_edit(store, &policy), 0);
	assert_int_equal(house_post(house, "/api/pam/remote/session",
				 "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=fs2")
				 ->status,
		200);
	assert_int_equal(admits(house, "ssh", false, &alone), 0); /* another credential's */
	policy.hours.days = HOURS_ALL_DAYS;
	policy.hours.until = 0;
	assert_int_equal(store_policy_edit(store, &policy), 0);
	house_session(house);
	assert_int_equal(admits(house, "ssh", false, &alone), -ERR_CREDENTIAL_IN_USE);
	assert_int_equal(admits(house, "ssh", true, &alone), 0); /* that is it itself */
}

static void test_hours_of_a_session(void **state)
{
	struct house *house = *state;
	struct session_row session = { .credential_id = house->credential, .device = "db1" };
	struct hours hours;

	assert_int_equal(policy_hours_of(house->broker, &session, &hours), 0);
	assert_true(hours_always(&hours));
	struct policy_row policy = add(house, "db", "", "db*", 0);
	policy.hours.days = 3;
	assert_int_equal(store_policy_edit(house->broker->store, &policy), 0);
	assert_int_equal(policy_hours_of(house->broker, &session, &hours), 0);
	assert_int_equal(hours.days, 3);
	session.credential_id = 99;
	assert_int_equal(policy_hours_of(house->broker, &session, &hours), 0);
	assert_true(hours_always(&hours));
}

static int take(struct house *house, int64_t authorization, int64_t now)
{
	struct credential_row credential = root(house);

	return custody_take(house->broker, &credential, "db1", authorization, now);
}

static void test_custody(void **state)
{
	struct house *house = *state;
	struct custody_row custody;

	assert_int_equal(take(house, house->authorization, NOON), 0);
	assert_int_equal(take(house, house->reader, NOON), -ERR_CREDENTIAL_HELD);
	assert_int_equal(take(house, house->authorization, NOON + 1), 0);
	assert_int_equal(take(house, house->reader, NOON + HOUR), -ERR_CREDENTIAL_HELD);
	assert_int_equal(take(house, house->reader, NOON + HOUR + 1), 0);
	struct policy_row policy = add(house, "root", "root", "", 0);
	assert_int_equal(take(house, house->authorization, NOON + HOUR + 2), -ERR_CREDENTIAL_HELD);
	policy.view_expiry = 5;
	assert_int_equal(store_policy_edit(house->broker->store, &policy), 0);
	assert_int_equal(take(house, house->authorization, NOON + 2 * HOUR), -ERR_CREDENTIAL_HELD);
	policy.simultaneous_viewing = true;
	assert_int_equal(store_policy_edit(house->broker->store, &policy), 0);
	assert_int_equal(take(house, house->authorization, NOON + 2 * HOUR), 0);
	assert_int_equal(
		store_custody_get(house->broker->store, house->credential, NOON, &custody), 0);
	assert_int_equal(custody.until, NOON + 2 * HOUR + 5 * 60 * 1000);
	assert_int_equal(custody.authorization_id, house->authorization);
}

static int64_t add_credential(struct house *house, const char *username, bool secret)
{
	struct credential_row row = {
		.device_id = house->sibling, .kind = SECRET_SSH_KEY, .created_at = 1
	};
	struct store *store = house->broker->store;
	int64_t id;

	text_copy(row.username, sizeof row.username, username);
	text_copy(row.identifier, sizeof row.identifier, username);
	assert_int_equal(store_credential_add(store, &row, &id), 0);
	if (secret)
		assert_int_equal(store_credential_set_secret(store, id, 7, 1, "other", 5, 1), 0);
	return id;
}

/* The id whose secret it is, and the name that logs in. */
static int64_t login(struct house *house, char username[USERNAME_SIZE])
{
	CLEANUP(store_credential_finish) struct credential_row credential = { 0 };
	struct store *store = house->broker->store;
	struct login found;

	assert_int_equal(store_credential_get(store, house->credential, &credential), 0);
	int r = login_find(house->broker, &credential, &found);
	if (r == 0)
		memcpy(username, found.username, USERNAME_SIZE);
	return r < 0 ? r : found.secret_id;
}

static void test_who_logs_in(void **state)
{
	struct house *house = *state;
	struct store *store = house->broker->store;
	char username[USERNAME_SIZE];
	int64_t other = add_credential(house, "other", true),
		bare = add_credential(house, "bare", false);

	assert_int_equal(login(house, username), house->credential);
	assert_string_equal(username, "root");
	assert_int_equal(store_credential_set_parent(store, house->credential, other), 0);
	assert_int_equal(login(house, username), other); /* its secret, and the child's name */
	assert_string_equal(username, "root");
	assert_int_equal(store_credential_set_disabled(store, other, 5), 0);
	assert_int_equal(login(house, username), -ERR_CREDENTIAL_INACTIVE);
	assert_int_equal(store_credential_set_parent(store, house->credential, bare), 0);
	assert_int_equal(login(house, username), -ERR_CREDENTIAL_INACTIVE);
	assert_int_equal(store_credential_set_disabled(store, other, 0), 0);
	assert_int_equal(store_credential_set_login(store, house->credential, other), 0);
	assert_int_equal(login(house, username), other);
	assert_string_equal(username, "other");
	assert_int_equal(store_credential_set_disabled(store, other, 5), 0);
	assert_int_equal(login(house, username), -ERR_CREDENTIAL_INACTIVE);
	assert_int_equal(store_credential_set_disabled(store, other, 0), 0);
	/* a login that is a child */
	assert_int_equal(store_credential_set_parent(store, house->credential, 0), 0);
	assert_int_equal(store_credential_set_login(store, house->credential, bare), 0);
	assert_int_equal(login(house, username), -ERR_CREDENTIAL_INACTIVE);
	assert_int_equal(store_credential_set_parent(store, bare, other), 0);
	assert_int_equal(login(house, username), other);
	assert_string_equal(username, "bare");
	/* what only two gateways at once could do is no way round */
	house_tamper(house, "UPDATE credentials SET parent_id = 1 WHERE username = 'other'");
	assert_int_equal(login(house, username), -ERR_CREDENTIAL_INACTIVE);
	assert_int_equal(store_credential_set_disabled(store, house->credential, 5), 0);
	assert_int_equal(login(house, username), -ERR_CREDENTIAL_INACTIVE);
}

/* What cannot be looked up is not allowed. */
static void test_a_store_that_fails(void **state)
{
	struct house *house = *state;
	struct credential_row credential = root(house), child = credential;
	struct session_row session = { .device = "db1", .protocol = "ssh" };
	struct policy_row policy = add(house, "root", "root", "", 0);
	bool alone;

	child.login_id = add_credential(house, "other", true);

	policy.simultaneous_sessions = false;
	assert_int_equal(store_policy_edit(house->broker->store, &policy), 0);
	failing_store(house->broker->store);
	FAILING(FAILING_STORE) {
		int r = policy_admits(house->broker, &credential, &session, false, NOON, &alone);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		struct login found;
		int r = login_find(house->broker, &child, &found);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
	FAILING(FAILING_STORE) {
		int r = custody_take(house->broker, &credential, "db1", house->authorization, NOON);
		assert_int_equal(r, failing_struck() ? -ERR_STORE : 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_which_policy),
		TEST(test_protocols),
		TEST(test_hours_and_one_at_a_time),
		TEST(test_hours_of_a_session),
		TEST(test_custody),
		TEST(test_who_logs_in),
		TEST(test_a_store_that_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
