/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <signal.h>
#include <sys/resource.h>

#include "broker/throttle.h"

#define CREATE "/api/pam/remote/session"
#define GOOD "user=ana&credential=root&device=db1&protocol=SSH"

static void test_created_exactly(void **state)
{
	const struct house_reply *reply = house_post(*state, CREATE, GOOD);
	static const char head[] =
		"{\"code\":200,\"response\":{\"status\":200,\"message\":\"Session created "
		"successfully\","
		"\"error\":false,\"error_code\":0,\"detail\":\"\",\"mensagem\":\"Session created "
		"successfully\","
		"\"erro\":false,\"cod_erro\":0},\"tenant\":\"Acme\",\"session\":{\"session_url\":"
		"\"https://gw.example/modulos/auth?_sr=";

	assert_int_equal(reply->status, 200);
	assert_memory_equal(reply->body, head, sizeof head - 1);
	/* 176 characters of ticket, then 64 digits of token, and nothing else */
	assert_memory_equal(reply->body + sizeof head - 1 + 176, "\",\"token\":\"", 11);
	assert_string_equal(reply->body + sizeof head - 1 + 176 + 11 + 64, "\"}}");
	struct audit_row row = house_audit(*state, "session.created");
	assert_string_equal(row.actor, "application:portal");
	assert_string_equal(row.from, "192.0.2.10");
	assert_non_null(strstr(row.detail, "\"user\":\"ana\""));
	assert_null(strstr(row.detail, "_sr"));
}

static void test_error_exactly(void **state)
{
	const struct house_reply *reply = house_post(
		*state, CREATE, "user=ana&credential=root&device=nowhere&protocol=ssh&colour=red");

	assert_int_equal(reply->status, 400);
	assert_string_equal(reply->body,
		"{\"code\":400,\"response\":{\"status\":400,\"message\":\"1011: Device not "
		"found\",\"error\":true,"
		"\"error_code\":1,\"detail\":\"Unknown parameters ignored: colour\","
		"\"mensagem\":\"1011: Device not "
		"found\",\"erro\":true,\"cod_erro\":1},\"tenant\":\"Acme\","
		"\"exception\":{\"code\":1011,\"message\":\"1011: Device not "
		"found\",\"detail\":null}}");
	struct audit_row row = house_audit(*state, "call.refused");
	assert_int_equal(row.result, -ERR_DEVICE_UNKNOWN);
	assert_non_null(strstr(row.detail, "\"asked\":\"session.created\""));
}

static void test_message_key(void **state)
{
	struct house *house = *state;

	text_copy(house->broker->process.settings.api_message_key, 16, "Message");
	const struct house_reply *reply = house_post(house, CREATE, GOOD);
	assert_non_null(strstr(reply->body,
		"\"detail\":\"\",\"Message\":\"Session created successfully\",\"erro\""));
	assert_null(strstr(reply->body, "mensagem"));
}

static void test_every_prefix(void **state)
{
	static const char *const paths[] = { "/api/pam/remote/session", "/api/remote/session",
		"/iso/pam/remote/session", "/iso/remote/session" };

	for (unsigned i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(house_post(*state, paths[i], GOOD)->status, 200);
}

static void test_unknown_path(void **state)
{
	static const char *const paths[] = { "/api/pam/nothing", "/api/pam/pam/remote/session", "/",
		"/control/status", "/api/control/status", "/api/pam/remote/session/a/b" };

	for (unsigned i = 0; i < ARRAY_LEN(paths); i++) {
		const struct house_reply *reply = house_post(*state, paths[i], GOOD);
		assert_int_equal(reply->status, 404);
		assert_non_null(strstr(reply->body, "\"message\":\"Resource sub not found\""));
	}
}

static void test_wrong_method(void **state)
{
	const struct house_reply *reply = house_get(*state, CREATE);

	assert_int_equal(reply->status, 405);
	assert_non_null(strstr(reply->header, "Allow: POST\r\n"));
	assert_non_null(strstr(reply->body, "\"code\":405"));
}

static void test_nobody(void **state)
{
	struct house_call call = { .method = "POST", .path = CREATE, .params = GOOD };
	const struct house_reply *reply = house_call(*state, &call);

	assert_int_equal(reply->status, 401);
	assert_string_equal(reply->body, "{\"message\":\"No route matched with those values.\"}");
	assert_non_null(strstr(reply->header, "WWW-Authenticate: Bearer\r\n"));
	assert_int_equal(house_audit(*state, "authentication.refused").result, -ERR_NO_CREDENTIALS);
}

static void test_wrong_token(void **state)
{
	struct house_call call = {
		.method = "POST", .path = CREATE, .params = GOOD, .authorization = "Bearer wrong"
	};
	const struct house_reply *reply = house_call(*state, &call);

	assert_int_equal(reply->status, 401);
	assert_memory_equal(reply->body, "{\"error\":\"invalid_token\",\"message\":\"", 36);
	assert_non_null(
		strstr(reply->header, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"));
}

static void test_reader_may_not_write(void **state)
{
	struct house *house = *state;
	struct house_call call = {
		.method = "POST", .path = CREATE, .params = GOOD, .authorization = "Bearer reader"
	};
	const struct house_reply *reply = house_call(house, &call);

	assert_int_equal(reply->status, 500);
	assert_non_null(strstr(
		reply->body, "\"message\":\"You are not authorized to access this resource.\""));
	assert_int_equal(house_audit(house, "authorization.denied").result, -ERR_NOT_AUTHORIZED);
	house->broker->process.settings.api_denied_status = 403;
	assert_int_equal(house_call(house, &call)->status, 403);
	call.method = "GET";
	call.path = "/api/pam/session/remotesessions";
	call.params = NULL;
	assert_int_equal(house_call(house, &call)->status, 200);
}

static void test_twice(void **state)
{
	const struct house_reply *reply = house_post(*state, CREATE, GOOD "&USER=eva");

	assert_int_equal(reply->status, 400);
	assert_non_null(strstr(reply->body, "Parameter given twice"));
}

static void test_disabled_authorization(void **state)
{
	struct house *house = *state;

	assert_int_equal(
		store_authorization_set_disabled(house->broker->store, house->authorization, 5), 0);
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 500);
	assert_int_equal(house_audit(house, "authorization.denied").result, -ERR_NOT_AUTHORIZED);
}

static void test_guessing_is_slowed(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST",
		.path = CREATE,
		.params = GOOD,
		.authorization = "Bearer wrong",
		.from = "198.51.100.4" };

	for (int i = 0; i < 10; i++)
		assert_int_equal(house_call(house, &call)->status, 401);
	const struct house_reply *reply = house_call(house, &call);
	assert_int_equal(reply->status, 429);
	assert_non_null(strstr(reply->header, "Retry-After: "));
	/* nobody else pays for it */
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 200);
}

static void test_flood_of_one_address(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "GET",
		.path = "/api/pam/session/remotesessions",
		.authorization = "Bearer " HOUSE_TOKEN };

	throttle_destroy(house->broker->throttle);
	assert_int_equal(throttle_create(10, 20, &house->broker->throttle), 0);
	house_burst(house, &call, 21, 429);
	assert_int_equal(house->reply.status, 429);
	assert_non_null(strstr(house->reply.header, "Retry-After: 1\r\n"));
}

static void test_batch_is_one_commit(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST",
		.path = CREATE,
		.params = GOOD,
		.authorization = "Bearer " HOUSE_TOKEN };

	assert_int_equal(house_burst(house, &call, 100, 200), 1);
	assert_int_equal(house_audit_count(house, "session.created"), 100);
}

/* A store that cannot write answers nobody with success, and the chain goes on where it was. */
static void test_disk_is_full(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "POST",
		.path = CREATE,
		.params = GOOD,
		.authorization = "Bearer " HOUSE_TOKEN };
	struct rlimit before, none;

	house_post(house, CREATE, GOOD);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	const struct house_reply *reply = house_call(house, &call);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(reply->status, 503);
	assert_null(strstr(reply->body, "session_url"));
	assert_int_equal(house_audit_count(house, "session.created"), 1);
	assert_int_equal(house_post(house, CREATE, GOOD)->status, 200);
	house_audit_verify(house);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_created_exactly),
		TEST(test_error_exactly),
		TEST(test_message_key),
		TEST(test_every_prefix),
		TEST(test_unknown_path),
		TEST(test_wrong_method),
		TEST(test_nobody),
		TEST(test_wrong_token),
		TEST(test_reader_may_not_write),
		TEST(test_twice),
		TEST(test_disabled_authorization),
		TEST(test_guessing_is_slowed),
		TEST(test_flood_of_one_address),
		TEST(test_batch_is_one_commit),
		TEST(test_disk_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
