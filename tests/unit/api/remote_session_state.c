/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#define CREATE "/api/pam/remote/session"
#define GOOD "user=ana&credential=root&device=db1&protocol=ssh"

/* A token shows and ends its own session, and to another caller there is none. */
static void test_handle(void **state)
{
	struct house *house = *state;
	char path[128] = "/api/pam/remote/session/";
	const struct house_reply *reply = house_post(house, CREATE, GOOD);
	const char *token = strstr(reply->body, "\"token\":\"");

	assert_non_null(token);
	memcpy(path + strlen(path), token + 9, 64);
	reply = house_get(house, path);
	assert_int_equal(reply->status, 200);
	assert_non_null(strstr(reply->body, "\"state\":\"created\""));
	assert_non_null(strstr(reply->body, "\"recording\":null"));

	struct house_call stranger = {
		.method = "GET", .path = path, .authorization = "Bearer reader"
	};
	reply = house_call(house, &stranger);
	assert_int_equal(reply->status, 400);
	assert_non_null(strstr(reply->body, "1002: Session not found"));

	struct house_call end = {
		.method = "DELETE", .path = path, .authorization = "Bearer " HOUSE_TOKEN
	};
	reply = house_call(house, &end);
	assert_int_equal(reply->status, 200);
	assert_non_null(strstr(reply->body, "\"mensagem\":\"Sessão encerrada com sucesso\""));
	reply = house_get(house, path);
	assert_non_null(strstr(reply->body, "\"state\":\"ended\""));
	assert_non_null(strstr(reply->body, "\"recording\":null,\"receipt\":{\"text\":"));
	assert_string_equal(house_audit(house, "session.ended").actor, "application:portal");
	assert_int_equal(house_call(house, &end)->status, 200);
}

static const char *show(struct house *house, const char *token)
{
	char path[128];

	snprintf(path, sizeof path, "/api/pam/remote/session/%s", token);
	return house_get(house, path)->body;
}

static void test_every_state(void **state)
{
	struct house *house = *state;
	struct person person;
	struct msg_redeem ask;
	char token[TOKEN_SIZE] = "";

	person_open(house, &person, &ask);
	memcpy(token, strstr(house->reply.body, "\"token\":\"") + 9, 64);
	assert_non_null(strstr(show(house, token), "\"state\":\"created\""));
	int64_t id = person_bring_up(house, &person, &ask);
	const char *body = show(house, token);
	assert_non_null(strstr(body, "\"state\":\"redeemed\""));
	assert_non_null(strstr(body, "\"origin_ip\":\"203.0.113.9\""));
	assert_non_null(strstr(body, "\"live\":null,\"ended\":null,\"reason\":null"));
	person_moved(house, id, VIEW_LIVE, 0);
	assert_non_null(strstr(show(house, token), "\"state\":\"live\""));
	person_moved(house, id, VIEW_OVER, 0);
	body = show(house, token);
	assert_non_null(strstr(body, "\"state\":\"ended\""));
	assert_non_null(strstr(body, "\"reason\":\"logout\""));
	assert_non_null(strstr(body, person_row(house, id).session_id));
	assert_non_null(strstr(body, "\"receipt\":null"));
	person_sealed(house, id);
	body = show(house, token);
	assert_non_null(strstr(body, "\"receipt\":{\"text\":\"{\\\"receipt\\\":1,"));
	assert_non_null(strstr(show(house, "0"), "1002: Session not found"));
	person_close(&person);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handle),
		TEST(test_every_state),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
