/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "base/encode.h"

#define TOKEN_PATH "/iso/oauth2/token"
#define GRANT "grant_type=client_credentials"

static const struct house_reply *ask(struct house *house, const char *params, const char *field)
{
	struct house_call call = { .method = "POST",
		.path = TOKEN_PATH,
		.params = params,
		.place = PLACE_FORM,
		.authorization = field };
	return house_call(house, &call);
}

static void basic(char out[512], const char *id, const char *secret)
{
	char plain[256];

	snprintf(plain, sizeof plain, "%s:%s", id, secret);
	memcpy(out, "Basic ", 6);
	base64_encode(out + 6, plain, strlen(plain));
}

static void check_token(struct house *house, const struct house_reply *reply)
{
	static const char head[] =
		"{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"";
	char field[128] = "Bearer ";
	struct house_call call = {
		.method = "GET", .path = "/api/session/remotesessions", .authorization = field
	};

	assert_int_equal(reply->status, 200);
	assert_memory_equal(reply->body, head, sizeof head - 1);
	assert_string_equal(reply->body + sizeof head - 1 + 64, "\"}");
	assert_non_null(strstr(reply->header, "Cache-Control: no-store\r\n"));
	memcpy(field + 7, reply->body + sizeof head - 1, 64);
	field[71] = 0;
	assert_int_equal(house_call(house, &call)->status, 200);
}

static void test_form(void **state)
{
	check_token(
		*state, ask(*state, GRANT "&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL));
	struct audit_row row = house_audit(*state, "token.issued");
	assert_string_equal(row.actor, "application:portal");
	assert_null(strstr(row.detail, HOUSE_SECRET));
}

static void test_basic(void **state)
{
	char field[512];

	basic(field, "c0ffee", HOUSE_SECRET);
	check_token(*state, ask(*state, GRANT, field));
	check_token(*state, ask(*state, GRANT "&client_id=c0ffee", field));
	/* two ways at once */
	assert_int_equal(
		ask(*state, GRANT "&client_id=c0ffee&client_secret=x", field)->status, 400);
}

static void expect_invalid_client(const struct house_reply *reply)
{
	assert_int_equal(reply->status, 401);
	assert_string_equal(reply->body, "{\"error\":\"invalid_client\",\"error_description\":"
					 "\"Client authentication failed\","
					 "\"message\":\"Client authentication failed.\"}");
}

static void test_wrong_client(void **state)
{
	struct house *house = *state;
	char field[512];

	expect_invalid_client(ask(house, GRANT "&client_id=c0ffee&client_secret=wrong", NULL));
	expect_invalid_client(
		ask(house, GRANT "&client_id=nobody&client_secret=" HOUSE_SECRET, NULL));
	expect_invalid_client(ask(house, GRANT, NULL));
	expect_invalid_client(ask(house, GRANT "&client_id=c0ffee", NULL));
	basic(field, "c0ffee", "wrong");
	const struct house_reply *reply = ask(house, GRANT, field);
	expect_invalid_client(reply);
	assert_non_null(strstr(reply->header, "WWW-Authenticate: Basic"));
	expect_invalid_client(ask(house, GRANT, "Basic !!!"));
	assert_int_equal(house_audit(house, "authentication.refused").result, -ERR_CLIENT_INVALID);
	assert_int_equal(
		store_application_set_disabled(house->broker->store, house->application, 5), 0);
	expect_invalid_client(
		ask(house, GRANT "&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL));
}

static void test_other_grants(void **state)
{
	const struct house_reply *reply = ask(
		*state, "grant_type=password&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL);

	assert_int_equal(reply->status, 400);
	assert_memory_equal(reply->body, "{\"error\":\"unsupported_grant_type\"", 33);
	reply = ask(*state, "client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL);
	assert_int_equal(reply->status, 400);
	assert_memory_equal(reply->body, "{\"error\":\"invalid_request\"", 26);
}

static void test_never_in_the_query(void **state)
{
	struct house_call call = { .method = "POST",
		.path = TOKEN_PATH,
		.place = PLACE_QUERY,
		.params = GRANT "&client_id=c0ffee&client_secret=" HOUSE_SECRET };

	assert_int_equal(house_call(*state, &call)->status, 400);
}

static void test_slowed(void **state)
{
	struct house *house = *state;

	for (int i = 0; i < 10; i++)
		assert_int_equal(
			ask(house, GRANT "&client_id=c0ffee&client_secret=wrong", NULL)->status,
			401);
	const struct house_reply *reply =
		ask(house, GRANT "&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL);
	assert_int_equal(reply->status, 429);
	assert_non_null(strstr(reply->header, "Retry-After: "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_form),
		TEST(test_basic),
		TEST(test_wrong_client),
		TEST(test_other_grants),
		TEST(test_never_in_the_query),
		TEST(test_slowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
