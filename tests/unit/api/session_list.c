/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#define GOOD "user=ana&credential=root&device=db1&protocol=ssh"

static void test_list_and_show(void **state)
{
	struct house *house = *state;

	assert_non_null(strstr(house_get(house, "/api/pam/session/remotesessions")->body,
		"\"tenant\":\"Acme\",\"remote_sessions\":[]}"));
	house_post(house, "/api/pam/remote/session", GOOD);
	house_post(house, "/api/pam/remote/session", GOOD "&port=2222");
	const struct house_reply *reply = house_get(house, "/api/session/remotesessions");
	assert_int_equal(reply->status, 200);
	assert_non_null(strstr(reply->body, "\"message\":\"\""));
	/* newest first, every documented key, ids as texts */
	const char *item = strstr(reply->body,
		"{\"id\":\"2\",\"user\":\"ana\",\"origin_ip\":\"\",\"credential\":"
		"\"root\",\"device\":\"127.0.0.1:2222\",\"protocol\":\"ssh\","
		"\"proxy\":\"Web Proxy\",\"session_id\":\"");
	assert_non_null(item);
	assert_non_null(strstr(item, "\"end\":null,\"time\":\"00:00:00\",\"prevent_purge\":\"No\","
				     "\"request\":null,\"ITSM\":null}"));
	assert_non_null(strstr(item, "{\"id\":\"1\""));
	reply = house_get(house, "/iso/session/remotesessions/1");
	assert_non_null(strstr(reply->body, "\"remote_session\":[{\"id\":\"1\""));
	assert_non_null(strstr(house_get(house, "/api/session/remotesessions/99")->body,
		"1002: Session not found"));
	assert_non_null(strstr(house_get(house, "/api/session/remotesessions/x1")->body,
		"1003: Unexpected identifier type"));
}

static void expect_pages(struct house *house, const char *params, const char *ids)
{
	struct house_call call = { .method = "GET",
		.path = "/api/pam/session/remotesessions",
		.place = PLACE_QUERY,
		.authorization = "Bearer " HOUSE_TOKEN,
		.params = params };
	char found[64] = "";
	size_t len = 0;
	const char *at = house_call(house, &call)->body;
	while ((at = strstr(at, "{\"id\":\"")) != NULL) {
		at += 7;
		found[len++] = *at;
	}
	assert_string_equal(found, ids);
}

static void test_pages(void **state)
{
	struct house *house = *state;

	for (int i = 0; i < 5; i++)
		house_post(house, "/api/pam/remote/session", GOOD);
	expect_pages(house, "limit=2&before=4", "32");
	expect_pages(house, "limit=2", "54");
	expect_pages(house, "limit=2&offset=2", "32");
	expect_pages(house, "offset=4", "1");
	expect_pages(house, "offset=9", "");
	expect_pages(house, "limit=0", "");
	expect_pages(house, "limit=1000000", "54321");
	expect_pages(house, "since=2020-01-01", "54321");
	expect_pages(house, "since=2999-01-01", "");
	expect_pages(house, "since=", "54321");
	house_tamper(house, "UPDATE sessions SET state = 3 WHERE id = 4");
	house_tamper(house, "UPDATE sessions SET state = 3, redeemed_at = 1 WHERE id = 3");
	expect_pages(house, "", "5321"); /* one that was never opened never was */
	struct house_call call = { .method = "GET",
		.path = "/api/pam/session/remotesessions",
		.place = PLACE_QUERY,
		.authorization = "Bearer " HOUSE_TOKEN,
		.params = "since=yesterday" };
	assert_non_null(strstr(house_call(house, &call)->body, "Parameter invalid"));
	call.params = "limit=-1";
	assert_non_null(strstr(house_call(house, &call)->body, "Parameter invalid"));
}

/* Another caller's sessions are not in the list, and not to be had by their names. */
static void test_own_only(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "GET",
		.path = "/api/pam/session/remotesessions",
		.authorization = "Bearer reader" };

	house_post(house, "/api/pam/remote/session", GOOD);
	assert_non_null(strstr(house_call(house, &call)->body, "\"remote_sessions\":[]"));
	call.path = "/api/pam/session/remotesessions/1";
	assert_non_null(strstr(house_call(house, &call)->body, "1002: Session not found"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_and_show),
		TEST(test_pages),
		TEST(test_own_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
