/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/list.c"

#include "house.h"

#define GOOD "user=ana&credential=root&device=db1&protocol=ssh"
#define SESSIONS "/api/pam/session/remotesessions"
#define ROWS 500 /* of sessions: several pages */

static void fill(struct house *house)
{
	house_post(house, "/api/pam/remote/session", GOOD);
	house_tamper(house,
		"INSERT INTO sessions (session_id, token_hash, state, authorization_id, user_id,"
		" device_id, credential_id, credential_version, user_login, application, device, "
		"ip,"
		" username, protocol, port, width, height, remote_addr, created_at)"
		" WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
		" SELECT printf('%040x', i), randomblob(32), 0, authorization_id, user_id,"
		" device_id, credential_id, credential_version, user_login, application, device, "
		"ip,"
		" username, protocol, port, width, height, remote_addr, created_at"
		" FROM n, sessions WHERE sessions.id = 1");
}

static const struct house_reply *ask(struct house *house, bool stop)
{
	const struct msg_result more = { stop ? -ERR_CLOSED : 0 };

	house->replied = false;
	house->reply.body_len = 0;
	assert_int_equal(channel_send(house->front, MSG_API_MORE, house->reply.serial, &more, NULL,
				 0, NULL, 0),
		0);
	if (stop) {
		house_run(house);
		return NULL;
	}
	return house_await(house);
}

/* How many rows there are; the first and the last id are noted. */
static unsigned count(const char *body, int *first, int *last)
{
	unsigned found = 0;

	while ((body = strstr(body, "{\"id\":\"")) != NULL) {
		body += 7;
		*last = (int)strtol(body, NULL, 10);
		if (found++ == 0 && *first == 0)
			*first = *last;
	}
	return found;
}

static void test_all_rows_come_in_pages(void **state)
{
	struct house *house = *state;
	int first = 0, last = 0;
	unsigned pages = 1;

	fill(house);
	unsigned found = count(house_get(house, SESSIONS)->body, &first, &last);
	assert_int_equal(house->reply.more, REPLY_ASKS);
	assert_non_null(strstr(house->reply.body, "\"tenant\":\"Acme\",\"remote_sessions\":[{"));
	/* what begins meanwhile is not in it, other calls go on, and nothing came unasked */
	uint32_t serial = house->reply.serial;
	house_post(house, "/api/pam/remote/session", GOOD);
	assert_int_equal(house->reply.status, 200);
	house->reply.serial = serial;
	assert_int_equal(house->broker->calls.used, 1);
	while (house->reply.more == REPLY_ASKS || pages == 1) {
		found += count(ask(house, false)->body, &first, &last);
		assert_true(house->reply.body_len < LIST_PAGE_BYTES + 2048);
		assert_int_equal(house->reply.body[0], house->reply.body_len > 2 ? ',' : ']');
		pages++;
	}
	assert_int_equal(house->reply.more, REPLY_LAST);
	assert_string_equal(house->reply.body + house->reply.body_len - 2, "]}");
	assert_int_equal(found, ROWS);
	assert_int_equal(first, ROWS);
	assert_int_equal(last, 1);
	assert_true(pages >= 3);
	assert_int_equal(house->broker->calls.used, 0);
}

static void test_nobody_wants_the_rest(void **state)
{
	struct house *house = *state;

	fill(house);
	house_get(house, SESSIONS);
	assert_int_equal(house->broker->calls.used, 1);
	ask(house, true);
	assert_int_equal(house->broker->calls.used, 0);
	ask(house, true); /* of a list that is over: nothing */
	house_get(house, SESSIONS);
	channel_destroy(STEAL(house->front)); /* or the whole front goes */
	house_run(house);
	assert_int_equal(house->broker->calls.used, 0);
	house->front = house_introduce(house, PARTY_FRONT);
}

static void test_rights_are_looked_at_again(void **state)
{
	static const char *const withdrawn[] = {
		"UPDATE authorizations SET disabled_at = 1 WHERE id = 1",
		"UPDATE authorizations SET disabled_at = 0, expires_at = 1 WHERE id = 1",
		"UPDATE authorizations SET expires_at = 0, reads = 0, writes = 0 WHERE id = 1",
	};
	struct house *house = *state;

	fill(house);
	for (unsigned i = 0; i < ARRAY_LEN(withdrawn); i++) {
		house_tamper(house,
			"UPDATE authorizations SET disabled_at = 0, expires_at = 0, reads = 2,"
			" writes = 2 WHERE id = 1");
		house_get(house, SESSIONS);
		assert_int_equal(house->reply.more, REPLY_ASKS);
		house_tamper(house, withdrawn[i]);
		ask(house, false);
		assert_int_equal(house->reply.more, REPLY_BROKEN);
		assert_int_equal(house->reply.body_len, 0);
		assert_int_equal(house->broker->calls.used, 0);
	}
}

static void test_time_and_renewal(void **state)
{
	struct house *house = *state;

	fill(house);
	house_get(house, SESSIONS);
	house->broker->calls.lists->list.began_ms -= LIST_MS + 1;
	ask(house, false);
	assert_int_equal(house->reply.more, REPLY_BROKEN);
	house_get(house, SESSIONS);
	house->replied = false;
	lists_end(house->broker);
	house_await(house);
	assert_int_equal(house->reply.more, REPLY_BROKEN);
	assert_int_equal(house->broker->calls.used, 0);
}

static void test_ceilings(void **state)
{
	struct house *house = *state;

	fill(house);
	for (unsigned i = 0; i < LISTS_OF_ONE; i++)
		assert_int_equal(house_get(house, SESSIONS)->more, REPLY_ASKS);
	const struct house_reply *reply = house_get(house, SESSIONS);
	assert_int_equal(reply->status, 503);
	assert_non_null(strstr(reply->body, "A limit of the gateway is reached"));
	assert_int_equal(reply->more, REPLY_LAST);
	/* others have room, until there is none at all */
	for (struct call *call = house->broker->calls.lists; call != NULL; call = call->next)
		call->principal.authorization_id = 77;
	assert_int_equal(house_get(house, SESSIONS)->more, REPLY_ASKS);
	assert_int_equal(house->broker->calls.used, LISTS_OF_ONE + 1);
	lists_end(house->broker);
	house_run(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_rows_come_in_pages),
		TEST(test_nobody_wants_the_rest),
		TEST(test_rights_are_looked_at_again),
		TEST(test_time_and_renewal),
		TEST(test_ceilings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
