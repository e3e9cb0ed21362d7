/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "store/policy.h"

#define CREATE "/api/pam/remote/session"

/* What is sent, and the message it must get; NULL: it succeeds. In the order of the checks. */
static const struct {
	const char *params, *message;
} cases[] = {
	{ "", "Username not specified" },
	{ "credential=&device=&protocol=", "Username not specified" },
	{ "user=ana", "Credential not specified" },
	{ "user=ana&device=db1&protocol=ssh", "Credential not specified" },
	{ "user=ana&credential=root", "Credential device not specified" },
	{ "user=ana&credential=root&protocol=ssh", "Credential device not specified" },
	{ "user=ana&credential=root&device=db1", "Invalid protocol" },
	{ "user=ana&credential=root&device=db1&protocol=gopher", "Invalid protocol" },
	{ "user=ana&credential=root&device=db1&protocol=rdp", "Invalid protocol" }, /* no driver */
	{ "user=ana&credential=root&device=db1&protocol=telnet",
		"Invalid protocol" }, /* not listed */
	{ "user=eva&credential=root&device=db1&protocol=ssh", "1005: User does not exist" },
	{ "user=ana&credential=root&device=db9&protocol=ssh", "1011: Device not found" },
	{ "user=ana&credential=toor&device=db1&protocol=ssh", "1007: Credential not found" },
	{ "user=ana&credential=svc&device=db1&protocol=ssh", "1007: Credential not found" },
	{ "user=ana&credential=foreign&device=db1&protocol=ssh", "1009: No access to credential" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&port=23", "Invalid port" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&port=0", "Invalid port" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&port=65536", "Invalid port" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&port=22x", "Invalid port" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&port=3389",
		"Invalid port" }, /* of RDP */
	{ "user=ana&credential=root&device=db1&protocol=ssh&port=2222", NULL },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=1920",
		"Invalid screensize" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=319x200",
		"Invalid screensize" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=320x199",
		"Invalid screensize" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=7681x4320",
		"Invalid screensize" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=1920x1080x",
		"Invalid screensize" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=0320x0200",
		"Invalid screensize" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=320x200", NULL },
	{ "user=ana&credential=root&device=db1&protocol=ssh&screensize=7680X4320", NULL },
	{ "user=ana&credential=root&device=db1&protocol=ssh&remoteAddr=localhost",
		"Invalid remoteAddr" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&remoteAddr=10.0.0.0/8",
		"Invalid remoteAddr" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&remoteAddr=2001:db8::1", NULL },
	{ "user=ana&credential=root&device=db1&protocol=ssh&remoteapp=7", "RemoteApp not found" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&remotedevice=fs1",
		NULL }, /* ignored, told */
	{ "user=ana&credential=svc&device=fs1&protocol=ssh", "Remote device not specified" },
	{ "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=nowhere",
		"Remote device not found" },
	{ "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=db1",
		"Remote device not found" },
	{ "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=FS2", NULL },
	{ "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=127.0.0.3", NULL },
	{ "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=3", NULL },
	{ "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=fs2&port=2222", NULL },
	{ "user=ana&credential=svc&device=fs1&protocol=ssh&remotedevice=fs2&port=2223",
		"Invalid port" },
	{ "user=ana&credential=svc&device=fs1&protocol=telnet&remotedevice=fs2",
		"Invalid protocol" },
	{ "user=ana&credential=root&device=db1&protocol=telnet&remotedevice=fs1",
		"Invalid protocol" },
	{ "user=ana&credential=root&device=db1&protocol=ssh&remotedevice=fs1&port=23",
		"Invalid port" },
	{ "user=ana&credential=root&device=127.0.0.1&protocol=SSH", NULL },
	{ "USER=ana&Credential=root&DEVICE=DB1&Protocol=Ssh", NULL },
};

static void test_every_complaint(void **state)
{
	char expected[128];

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		const struct house_reply *reply = house_post(*state, CREATE, cases[i].params);
		snprintf(expected, sizeof expected, "\"message\":\"%s\"",
			cases[i].message != NULL ? cases[i].message
						 : "Session created successfully");
		if (reply->status != (cases[i].message != NULL ? 400 : 200) ||
			strstr(reply->body, expected) == NULL)
			fail_msg("%s\n-> %u %s", cases[i].params, reply->status, reply->body);
	}
	house_audit_verify(*state);
}

#define GOOD "user=ana&credential=root&device=db1&protocol=ssh"

static void expect(struct house *house, unsigned status, const char *message)
{
	char expected[160];
	const struct house_reply *reply = house_post(house, CREATE, GOOD);

	snprintf(expected, sizeof expected, "\"message\":\"%s", message);
	if (reply->status != status || strstr(reply->body, expected) == NULL)
		fail_msg("-> %u %s", reply->status, reply->body);
}

static void test_states_of_things(void **state)
{
	struct house *house = *state;
	struct store *store = house->broker->store;

	assert_int_equal(store_credential_set_disabled(store, house->credential, 5), 0);
	expect(house, 400, "1008: Credential inactive\"");
	assert_int_equal(store_credential_set_disabled(store, house->credential, 0), 0);
	assert_int_equal(store_user_set_blocked(store, house->user, "rui", 1700000000000), 0);
	expect(house, 400,
		"Error. User has been prevented to start sessions by rui on 2023-11-14 22:13:20\"");
	assert_int_equal(store_user_set_blocked(store, house->user, "", 0), 0);
	assert_int_equal(store_user_set_disabled(store, house->user, 1700000000000, 1), 0);
	expect(house, 400, "Error. User has been prevented to start sessions by administrator on ");
	assert_int_equal(store_user_set_disabled(store, house->user, 0, 1), 0);
	house->broker->process.settings.session_most = 0;
	expect(house, 400, "Session limit reached\"");
	house->broker->process.settings.session_most = 10;
	expect(house, 200, "Session created successfully\"");
}

static void test_limits(void **state)
{
	struct house *house = *state;
	struct settings *settings = &house->broker->process.settings;

	settings->session_most_per_user = 2;
	expect(house, 200, "Session created successfully\"");
	expect(house, 200, "Session created successfully\"");
	expect(house, 400, "Session limit reached\"");
	settings->session_most_per_user = 0;
	settings->session_most_per_credential = 2;
	expect(house, 400, "Credential already in use\"");
	settings->session_most_per_credential = 3;
	expect(house, 200, "Session created successfully\"");
	expect(house, 400, "Credential already in use\"");
}

static void test_any_port(void **state)
{
	struct house *house = *state;
	struct device_row row = {
		.hostname = "any1", .ip = "127.0.0.9", .any_port = true, .created_at = 1
	};
	int64_t device, credential;
	struct credential_row account = {
		.identifier = "x", .username = "root", .kind = SECRET_PASSWORD
	};
	struct store *store = house->broker->store;

	assert_int_equal(store_device_add(store, &row, &device), 0);
	assert_int_equal(store_connectivity_add(store, device, "ssh", 22), 0);
	account.device_id = device;
	assert_int_equal(store_credential_add(store, &account, &credential), 0);
	assert_int_equal(store_credential_set_secret(store, credential, 1, 1, "sealed", 6, 1), 0);
	assert_int_equal(store_authorization_cover(store, house->authorization, credential), 0);
	assert_int_equal(house_post(house, CREATE,
				 "user=ana&credential=root&device=any1&protocol=ssh&port=4022")
				 ->status,
		200);
	assert_non_null(strstr(house_audit(house, "session.created").detail, "\"port\":4022"));
}

static void test_automatic_credential(void **state)
{
	struct house *house = *state;
	static const char without[] = "user=ana&device=db1&protocol=ssh";

	text_copy(house->broker->process.settings.api_credential_required, 16, "no");
	assert_int_equal(house_post(house, CREATE, without)->status, 200);
	assert_non_null(
		strstr(house_audit(house, "session.created").detail, "\"username\":\"root\""));
	/* it is in use on that device now, and there is no other that is covered */
	const struct house_reply *reply = house_post(house, CREATE, without);
	assert_int_equal(reply->status, 400);
	assert_non_null(strstr(reply->body, "\"message\":\"No eligible credential\""));
}

static struct policy_row policy(struct house *house, const char *name, const char *username)
{
	struct policy_row row = { .hours = { .days = HOURS_ALL_DAYS } };

	text_copy(row.name, sizeof row.name, name);
	text_copy(row.username_mask, sizeof row.username_mask, username);
	assert_int_equal(store_policy_add(house->broker->store, &row, &row.id), 0);
	return row;
}

static void test_policies(void **state)
{
	struct house *house = *state;
	struct store *store = house->broker->store;
	struct policy_row one = policy(house, "one", "root");

	expect(house, 200, "Session created successfully\"");
	expect(house, 400, "Credential already in use\"");
	assert_int_equal(store_session_ended(store, 1, 0, "", 0, 1), 0);
	expect(house, 200, "Session created successfully\"");
	one.hours.days = 0;
	assert_int_equal(store_policy_edit(store, &one), 0);
	expect(house, 400, "Credential not allowed at this time\"");
	assert_int_equal(store_credential_set_protocols(store, house->credential, "telnet"), 0);
	expect(house, 400, "Invalid protocol\"");
}

/* However many ask before the first is written: one has it. */
static void test_one_of_many_at_once(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST",
		.path = CREATE,
		.params = GOOD,
		.authorization = "Bearer " HOUSE_TOKEN };

	policy(house, "one", "root");
	assert_int_equal(house_burst(house, &call, 20, 400), 1); /* the last one */
	assert_int_equal(store_session_count_open(house->broker->store, 0, house->credential), 1);
}

/* Selection goes on behind what its policy or its login keeps back; named, it says why. */
static void test_selection_minds_policies(void **state)
{
	struct house *house = *state;
	struct store *store = house->broker->store;
	static const char without[] = "user=ana&device=db1&protocol=ssh";
	struct credential_row second = {
		.device_id = house->device, .identifier = "second", .username = "second", .kind = 1
	};
	struct policy_row closed = policy(house, "closed", "root");

	text_copy(house->broker->process.settings.api_credential_required, 16, "no");
	assert_int_equal(store_credential_add(store, &second, &second.id), 0);
	assert_int_equal(
		store_credential_set_parent(store, second.id, house->domain_credential), 0);
	assert_int_equal(store_authorization_cover(store, house->authorization, second.id), 0);
	closed.hours.days = 0;
	assert_int_equal(store_policy_edit(store, &closed), 0);
	assert_int_equal(house_post(house, CREATE, without)->status, 200);
	assert_non_null(
		strstr(house_audit(house, "session.created").detail, "\"username\":\"second\""));
	const struct house_reply *reply = house_post(house, CREATE, without);
	assert_int_equal(reply->status, 400);
	assert_non_null(strstr(reply->body, "\"message\":\"No eligible credential\""));
	assert_int_equal(store_session_ended(store, 1, 0, "", 0, 1), 0);
	assert_int_equal(store_credential_set_login(store, second.id, house->credential), 0);
	assert_int_equal(store_credential_set_disabled(store, house->credential, 5), 0);
	assert_int_equal(house_post(house, CREATE, without)->status, 400);
}

static void test_limit_of_a_user(void **state)
{
	struct house *house = *state;
	struct user_row user;

	house->broker->process.settings.session_most_per_user = 1;
	assert_int_equal(store_user_find(house->broker->store, "ana", &user), 0);
	user.sessions_most = 2;
	assert_int_equal(store_user_edit(house->broker->store, &user), 0);
	expect(house, 200, "Session created successfully\"");
	expect(house, 200, "Session created successfully\"");
	expect(house, 400, "Session limit reached\"");
	user.sessions_most = 0; /* any number, whatever the settings say */
	assert_int_equal(store_user_edit(house->broker->store, &user), 0);
	expect(house, 200, "Session created successfully\"");
	user.sessions_most = -1;
	assert_int_equal(store_user_edit(house->broker->store, &user), 0);
	expect(house, 400, "Session limit reached\"");
}

static void test_encodings(void **state)
{
	static const enum param_place places[] = { PLACE_QUERY, PLACE_FORM, PLACE_JSON };

	for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
		struct house_call call = { .method = "POST",
			.path = CREATE,
			.params = GOOD,
			.authorization = "Bearer " HOUSE_TOKEN,
			.place = places[i] };
		assert_int_equal(house_call(*state, &call)->status, 200);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_complaint),
		TEST(test_states_of_things),
		TEST(test_limits),
		TEST(test_any_port),
		TEST(test_automatic_credential),
		TEST(test_policies),
		TEST(test_one_of_many_at_once),
		TEST(test_selection_minds_policies),
		TEST(test_limit_of_a_user),
		TEST(test_encodings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
