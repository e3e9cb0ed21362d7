/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "api/remote_session_rules.h"
#include "store/policy.h"

#define CHECK "/api/pam/remote/session"
#define GOOD "user=ana&credential=root&device=db1&protocol=ssh"
#define DOMAIN "user=ana&credential=svc&device=fs1&protocol=ssh"

/* What is sent with check=1, and the rule that is broken by it. */
static const struct {
	const char *params, *rule, *message;
} cases[] = {
	{ "user=ana&credential=root&device=db1&protocol=gopher", "protocol", "Invalid protocol" },
	{ "user=eva&credential=root&device=db1&protocol=ssh", "user", "1005: User does not exist" },
	{ "user=ana&credential=root&device=db9&protocol=ssh", "device", "1011: Device not found" },
	{ "user=ana&credential=root&device=db1&protocol=telnet", "connectivity",
		"Invalid protocol" },
	{ "user=ana&credential=toor&device=db1&protocol=ssh", "credential",
		"1007: Credential not found" },
	{ "user=ana&credential=foreign&device=db1&protocol=ssh", "credential",
		"1009: No access to credential" },
	{ GOOD "&port=23", "port", "Invalid port" },
	{ GOOD "&screensize=1x1", "screensize", "Invalid screensize" },
	{ GOOD "&remoteAddr=localhost", "remoteAddr", "Invalid remoteAddr" },
	{ GOOD "&remoteapp=7", "remoteapp", "RemoteApp not found" },
	{ DOMAIN, "remotedevice", "Remote device not specified" },
	{ DOMAIN "&remotedevice=db1", "remotedevice", "Remote device not found" },
};

static const struct house_reply *check(struct house *house, const char *params)
{
	char text[256];

	snprintf(text, sizeof text, "%s&check=1", params);
	return house_post(house, CHECK, text);
}

/* Rules before the broken one hold, those behind it were not reached. */
static void expect_broken(const struct house_reply *reply, const char *rule, const char *message)
{
	const char *at = strstr(reply->body, "\"rules\":[");
	char expected[256];
	bool before = true;

	assert_int_equal(reply->status, 200);
	assert_non_null(at);
	assert_non_null(strstr(reply->body, "\"allowed\":false"));
	assert_null(strstr(reply->body, "session_url"));
	for (const struct rule *each = session_rules; each->name != NULL; each++) {
		bool broken = strcmp(each->name, rule) == 0;
		snprintf(expected, sizeof expected, "{\"rule\":\"%s\",\"result\":\"%s\"%s%s%s}",
			each->name,
			broken   ? "broken"
			: before ? "holds"
				 : "not reached",
			broken ? ",\"message\":\"" : "", broken ? message : "", broken ? "\"" : "");
		at = strstr(at, expected);
		if (at == NULL)
			fail_msg("%s is not in %s", expected, reply->body);
		before = before && !broken;
	}
	assert_false(before);
}

static int count_session(void *context, const struct session_row *row)
{
	++*(unsigned *)context;
	return 0;
}

static unsigned sessions(struct house *house)
{
	unsigned count = 0;

	assert_int_equal(store_session_unended(house->broker->store, count_session, &count), 0);
	return count;
}

static void test_each_rule_is_named(void **state)
{
	struct house *house = *state;

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		expect_broken(check(house, cases[i].params), cases[i].rule, cases[i].message);
		/* the call itself says the same */
		const struct house_reply *reply = house_post(house, CHECK, cases[i].params);
		assert_int_equal(reply->status, 400);
		assert_non_null(strstr(reply->body, cases[i].message));
	}
	assert_int_equal(sessions(house), 0);
	assert_int_equal(house_audit_count(house, "session.checked"), ARRAY_LEN(cases));
	assert_int_equal(house_audit_count(house, "session.created"), 0);
	house_audit_verify(house);
}

static void test_what_would_be_made(void **state)
{
	struct house *house = *state;
	const struct house_reply *reply = check(house, DOMAIN "&remotedevice=FS2&port=22");

	assert_int_equal(reply->status, 200);
	assert_non_null(strstr(reply->body, "\"message\":\"Checked; no session was created\""));
	assert_non_null(strstr(reply->body, "\"allowed\":true,\"status\":200,"
					    "\"message\":\"Session created successfully\""));
	assert_null(strstr(reply->body, "broken"));
	assert_null(strstr(reply->body, "not reached"));
	assert_non_null(strstr(reply->body,
		"\"session\":{\"user\":\"ana\",\"credential\":\"svc\",\"device\":\"fs2\","
		"\"protocol\":\"ssh\",\"port\":22}"));
	assert_int_equal(sessions(house), 0);
	assert_non_null(
		strstr(house_audit(house, "session.checked").detail, "\"outcome\":\"allowed\""));
	/* what is missing is told as ever: there is nothing to check */
	assert_int_equal(check(house, "user=ana")->status, 400);
	assert_int_equal(house_post(house, CHECK, GOOD "&check=0")->status, 200);
	assert_int_equal(sessions(house), 1);
	assert_int_equal(house_post(house, CHECK, GOOD "&check=perhaps")->status, 400);
}

static void test_policies(void **state)
{
	struct house *house = *state;
	struct policy_row policy = { .name = "never", .username_mask = "root" };

	assert_int_equal(store_policy_add(house->broker->store, &policy, &policy.id), 0);
	expect_broken(check(house, GOOD), "policy", "Credential not allowed at this time");
	policy.hours.days = HOURS_ALL_DAYS;
	assert_int_equal(store_policy_edit(house->broker->store, &policy), 0);
	assert_int_equal(house_post(house, CHECK, GOOD)->status, 200);
	expect_broken(check(house, GOOD), "policy", "Credential already in use");
	/* what may be another device is looked at there */
	expect_broken(check(house, DOMAIN "&remotedevice=fs2&port=23"), "remotedevice_port",
		"Invalid port");
}

static void test_the_gateway_itself(void **state)
{
	struct house *house = *state;

	house->broker->process.settings.session_most = 0;
	expect_broken(check(house, GOOD), "limits", "Session limit reached");
	house->broker->process.settings.session_most = 10;
	house->broker->vault_known = true;
	house->broker->vault_state.sealed = true;
	expect_broken(check(house, GOOD), "vault", error_text(-ERR_SEALED));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_rule_is_named),
		TEST(test_what_would_be_made),
		TEST(test_policies),
		TEST(test_the_gateway_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
