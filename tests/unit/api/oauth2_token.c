/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include "base/encode.h"
#include "base/hash.h"
#include "broker/a2a.h"
#include "failing.h"
#include "failing_store.h"

#define CLIENT_SIZE 128

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

/* To the second: not when the hour is over. */
static void test_an_hour(void **state)
{
	struct house *house = *state;
	struct authorization_row row = { 0 };
	uint8_t hash[HASH_LEN];
	int64_t before = steady_now(house->broker);
	const struct house_reply *reply =
		ask(house, GRANT "&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL);

	hash_token(hash, strstr(reply->body, "access_token\":\"") + 15, 64);
	int64_t after = steady_now(house->broker);
	assert_int_equal(
		store_token_find(house->broker->store, hash, before + 3600000 - 1, &row), 0);
	store_authorization_finish(&row);
	assert_int_equal(store_token_find(house->broker->store, hash, after + 3600000, &row),
		-ERR_NOT_FOUND);
}

/* Made with the certificate that is asked for, it is found only by it. */
static void test_bound(void **state)
{
	struct house *house = *state;
	static const uint8_t own[HASH_LEN] = { 0xab };
	struct authorization_row row = { .application_id = house->application,
		.reads = RESOURCE_WEB_PROXY_SESSION,
		.client_id = "certified",
		.created_at = 1 };
	struct house_call call = { .method = "POST",
		.path = "/api/oauth2/token",
		.place = PLACE_FORM,
		.params = GRANT "&client_id=certified&client_secret=" HOUSE_SECRET };
	uint8_t hash[HASH_LEN];
	int64_t id;

	hash_sha256(row.client_secret_hash, HOUSE_SECRET, strlen(HOUSE_SECRET));
	hex_encode(row.fingerprint, own, sizeof own);
	assert_int_equal(store_authorization_add(house->broker->store, &row, &id), 0);
	assert_int_equal(house_call(house, &call)->status, 401);
	call.certificate = own;
	const struct house_reply *reply = house_call(house, &call);
	assert_int_equal(reply->status, 200);
	char token[TOKEN_SIZE] = "";
	memcpy(token, strstr(reply->body, "access_token\":\"") + 15, TOKEN_SIZE - 1);
	hash_token(hash, token, strlen(token));
	assert_int_equal(store_token_find(house->broker->store, hash, 0, &row), -ERR_NOT_FOUND);
	a2a_token_bound(hash, token, own);
	assert_int_equal(store_token_find(house->broker->store, hash, 0, &row), 0);
	assert_int_equal(row.id, id);
	store_authorization_finish(&row);
}

static void test_form(void **state)
{
	check_token(
		*state, ask(*state, GRANT "&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL));
	struct audit_row row = house_audit(*state, "token.issued");
	assert_string_equal(row.actor, "application:portal");
	assert_string_equal(row.object, "authorization:1");
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

static void test_broken_basic(void **state)
{
	static const char *const plains[] = { ":" HOUSE_SECRET, "%zz:" HOUSE_SECRET, "c0ffee:%z",
		"c0ffee", "", ":" };
	char field[512], long_id[300];

	for (size_t i = 0; i < ARRAY_LEN(plains); i++) {
		memcpy(field, "Basic ", 7);
		base64_encode(field + 6, plains[i], strlen(plains[i]));
		expect_invalid_client(ask(*state, GRANT, field));
		/* It names nobody who could have failed. */
		assert_null(strstr(
			house_audit(*state, "authentication.refused").detail, "\"client_id\""));
	}
	memset(long_id, 'c', sizeof long_id);
	long_id[CLIENT_SIZE - 1] = 0; /* one more than a client's name may have */
	basic(field, long_id, HOUSE_SECRET);
	expect_invalid_client(ask(*state, GRANT, field));
	basic(field, "c0ffee", long_id);
	expect_invalid_client(ask(*state, GRANT, field));
	/* Each part is encoded as in a form (RFC 6749 section 2.3.1). */
	basic(field, "c0%66f%65e", HOUSE_SECRET);
	check_token(*state, ask(*state, GRANT, field));
	basic(field, "c0ffee", HOUSE_SECRET);
	memcpy(field, "BASIC ", 6);
	check_token(*state, ask(*state, GRANT, field));
}

static void test_two_names(void **state)
{
	char field[512];

	basic(field, "c0ffee", HOUSE_SECRET);
	assert_int_equal(ask(*state, GRANT "&client_id=beef", field)->status, 400);
}

/* The longest that a field takes, and one more. */
static void test_long_fields(void **state)
{
	char params[512], long_id[CLIENT_SIZE + 1];

	memset(long_id, 'c', sizeof long_id);
	for (size_t len = CLIENT_SIZE - 1; len <= CLIENT_SIZE; len++) {
		long_id[len] = 0;
		snprintf(params, sizeof params, GRANT "&client_id=%s&client_secret=%s", long_id,
			HOUSE_SECRET);
		assert_int_equal(ask(*state, params, NULL)->status, 401);
		snprintf(
			params, sizeof params, GRANT "&client_id=c0ffee&client_secret=%s", long_id);
		assert_int_equal(ask(*state, params, NULL)->status, 401);
		long_id[len] = 'c';
	}
}

/* An application of OAuth 1.0 gets no bearer token, whatever secret lies beside it. */
static void test_other_kind_of_application(void **state)
{
	struct house *house = *state;
	struct authorization_row row = { .reads = RESOURCE_WEB_PROXY_SESSION, .created_at = 1 };
	int64_t id;

	assert_int_equal(store_application_add(
				 house->broker->store, "older", "oauth1", 1, &row.application_id),
		0);
	text_copy(row.client_id, sizeof row.client_id, "01d");
	hash_sha256(row.client_secret_hash, HOUSE_SECRET, strlen(HOUSE_SECRET));
	assert_int_equal(store_authorization_add(house->broker->store, &row, &id), 0);
	expect_invalid_client(ask(house, GRANT "&client_id=01d&client_secret=" HOUSE_SECRET, NULL));
}

/* A token does not outlive what it stands for. */
static void test_expiring_authorization(void **state)
{
	static const char head[] = "{\"token_type\":\"Bearer\",\"expires_in\":";
	struct house *house = *state;
	struct authorization_row row = { .application_id = house->application,
		.reads = RESOURCE_WEB_PROXY_SESSION,
		.created_at = 1 };
	const int64_t lives[] = { 100000, 100000000, -1 };
	int64_t id;
	char params[256];

	hash_sha256(row.client_secret_hash, HOUSE_SECRET, strlen(HOUSE_SECRET));
	for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
		snprintf(row.client_id, sizeof row.client_id, "expires%zu", i);
		row.expires_at = clock_wall_ms() + lives[i];
		assert_int_equal(store_authorization_add(house->broker->store, &row, &id), 0);
		snprintf(params, sizeof params, GRANT "&client_id=%s&client_secret=" HOUSE_SECRET,
			row.client_id);
		const struct house_reply *reply = ask(house, params, NULL);
		assert_int_equal(reply->status, lives[i] < 0 ? 401 : 200);
		if (lives[i] < 0)
			continue;
		long seconds = strtol(reply->body + sizeof head - 1, NULL, 10);
		if (i == 0)
			assert_in_range(seconds, 1, 100);
		else
			assert_int_equal(seconds, 3600);
	}
}

/* Whichever step the store fails at: no token leaves, and the next one is as good as ever. */
static void test_store_fails(void **state)
{
	struct house *house = *state;

	failing_store(house->broker->store);
	FAILING(FAILING_STORE) {
		const struct house_reply *reply =
			ask(house, GRANT "&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL);
		assert_int_equal(reply->status, failing_struck() ? 503 : 200);
		if (failing_struck())
			assert_null(strstr(reply->body, "access_token"));
	}
	house_audit_verify(house);
}

static void test_other_grants(void **state)
{
	const struct house_reply *reply = ask(
		*state, "grant_type=password&client_id=c0ffee&client_secret=" HOUSE_SECRET, NULL);

	assert_int_equal(reply->status, 400);
	assert_memory_equal(reply->body, "{\"error\":\"unsupported_grant_type\"", 33);
	assert_int_equal(ask(*state, "grant_type=&client_id=c0ffee", NULL)->status, 400);
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
	/* A name as long as that one is no offence. */
	call.params = GRANT "&client_id=c0ffee&client_secreT=" HOUSE_SECRET;
	assert_int_equal(house_call(*state, &call)->status, 400);
	call.params = GRANT "&client_id=nobody&clientXsecret=" HOUSE_SECRET;
	assert_int_equal(house_call(*state, &call)->status, 401);
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
		TEST(test_an_hour),
		TEST(test_bound),
		TEST(test_form),
		TEST(test_basic),
		TEST(test_wrong_client),
		TEST(test_broken_basic),
		TEST(test_two_names),
		TEST(test_long_fields),
		TEST(test_other_kind_of_application),
		TEST(test_expiring_authorization),
		TEST(test_store_fails),
		TEST(test_other_grants),
		TEST(test_never_in_the_query),
		TEST(test_slowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
