/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encode.h"
#include "base/hash.h"
#include "broker/a2a.h"

#define LIST "/api/pam/session/remotesessions"

/* An independent client's view: the base string is written out by hand for this one request. */
static void sign(char field[2048], const char *nonce, int64_t timestamp, bool sha256, bool spoil)
{
	char base[1024], text[BASE64_SIZE(32)], stamp[32];
	const char *method = sha256 ? "HMAC-SHA256" : "HMAC-SHA1";
	const char *key = HOUSE_CONSUMER_SECRET "&" HOUSE_TOKEN_SECRET;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;
	CLEANUP(buf_finish) struct buf encoded = BUF(256);

	snprintf(stamp, sizeof stamp, "%lld", (long long)timestamp);
	snprintf(base, sizeof base,
		"GET&https%%3A%%2F%%2Fgw.example%%2Fapi%%2Fpam%%2Fsession%%2Fremotesessions&"
		"oauth_consumer_key%%3Ddpf43f3p2l4k3l03%%26oauth_nonce%%3D%s%%26oauth_signature_"
		"method%%3D%s%%26"
		"oauth_timestamp%%3D%s%%26oauth_token%%3Dnnch734d00sl2jdk%%26oauth_version%%3D1.0",
		nonce, method, stamp);
	HMAC(sha256 ? EVP_sha256() : EVP_sha1(), key, (int)strlen(key), (uint8_t *)base,
		strlen(base), digest, &len);
	digest[0] ^= spoil;
	base64_encode(text, digest, len);
	assert_int_equal(percent_encode(&encoded, text, strlen(text)), 0);
	snprintf(field, 2048,
		"OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\",oauth_token=\"nnch734d00sl2jdk\","
		"oauth_signature_method=\"%s\",oauth_timestamp=\"%s\",oauth_nonce=\"%s\",oauth_"
		"version=\"1.0\","
		"oauth_signature=\"%.*s\"",
		method, stamp, nonce, (int)encoded.len, (char *)encoded.data);
}

static unsigned ask(struct house *house, const char *field)
{
	struct house_call call = { .method = "GET", .path = LIST, .authorization = field };

	return house_call(house, &call)->status;
}

static void test_oauth1(void **state)
{
	struct house *house = *state;
	int64_t now = clock_wall_ms() / 1000;
	char field[2048];

	sign(field, "first", now, false, false);
	assert_int_equal(ask(house, field), 200);
	assert_int_equal(ask(house, field), 401); /* the same nonce again */
	assert_string_equal(house->reply.body, "{\"message\":\"Invalid signature\"}");
	sign(field, "second", now, true, false);
	assert_int_equal(ask(house, field), 200);
	sign(field, "third", now, false, true);
	assert_int_equal(ask(house, field), 401);
	sign(field, "third", now, false, false); /* a wrong signature did not use the nonce up */
	assert_int_equal(ask(house, field), 200);
	sign(field, "fourth", now - 301, false, false);
	assert_int_equal(ask(house, field), 401);
	assert_int_equal(
		house_audit(house, "authentication.refused").result, -ERR_SIGNATURE_INVALID);
}

static void test_without_signature(void **state)
{
	struct house *house = *state;
	struct house_call call = { .method = "GET",
		.path = LIST,
		.place = PLACE_QUERY,
		.params = "oauth_consumer_key=dpf43f3p2l4k3l03&oauth_token=nnch734d00sl2jdk&oauth_"
			  "signature=-" };

	assert_int_equal(house_call(house, &call)->status, 401);
	assert_string_equal(house->reply.body, "{\"message\":\"Invalid signature\"}");
}

static void test_other_schemes(void **state)
{
	assert_int_equal(ask(*state, "Basic YTpi"), 401);
	assert_int_equal(ask(*state, "bearer   " HOUSE_TOKEN), 200);
	assert_int_equal(ask(*state, "Bearer"), 401);
	assert_int_equal(ask(*state, "Negotiate x"), 401);
}

static struct authorization_row plain(void)
{
	return (struct authorization_row){ .id = 1, .reads = 1, .writes = 1 };
}

static void test_allowed(void **state)
{
	struct authorization_row row = plain();
	struct address address;

	(void)state;
	assert_int_equal(address_parse(&address, "192.0.2.10"), 0);
	assert_int_equal(a2a_allowed(&row, &address, 1000), 0);
	row.expires_at = 1000;
	assert_int_equal(a2a_allowed(&row, &address, 999), 0);
	assert_int_equal(a2a_allowed(&row, &address, 1000), -ERR_NOT_AUTHORIZED);
	row = plain();
	row.disabled_at = 1;
	assert_int_equal(a2a_allowed(&row, &address, 1), -ERR_NOT_AUTHORIZED);
	row = plain();
	row.application_disabled_at = 1;
	assert_int_equal(a2a_allowed(&row, &address, 1), -ERR_NOT_AUTHORIZED);
	row = plain();
	text_copy(row.ips, sizeof row.ips, "10.0.0.0/8, 192.0.2.10");
	assert_int_equal(a2a_allowed(&row, &address, 1), 0);
	text_copy(row.ips, sizeof row.ips, "10.0.0.0/8");
	assert_int_equal(a2a_allowed(&row, &address, 1), -ERR_NOT_AUTHORIZED);
	text_copy(row.ips, sizeof row.ips, "*");
	assert_int_equal(a2a_allowed(&row, &address, 1), 0);
}

static int64_t with_referers(struct house *house, const char *token)
{
	struct authorization_row row = { .application_id = house->application,
		.reads = RESOURCE_WEB_PROXY_SESSION,
		.client_id = "r",
		.referers = "https://portal.example/start https://other.example/",
		.created_at = 1 };
	uint8_t hash[HASH_LEN];
	int64_t id;

	assert_int_equal(store_authorization_add(house->broker->store, &row, &id), 0);
	hash_token(hash, token, strlen(token));
	assert_int_equal(
		store_token_add(house->broker->store, hash, id, clock_wall_ms() + 60000), 0);
	return id;
}

static void test_referer(void **state)
{
	static const struct {
		const char *referer;
		unsigned status;
	} cases[] = {
		{ "https://portal.example/start", 200 },
		{ "https://portal.example/start/now?x=1", 200 },
		{ "HTTPS://PORTAL.example/start", 200 },
		{ "https://other.example", 200 },
		{ "https://other.example/x", 200 },
		{ "", 500 },
		{ "https://portal.example/started", 500 },
		{ "https://other.example.evil/", 500 },
		{ "https://evil.example/?https://other.example/", 500 },
	};
	struct house *house = *state;

	with_referers(house, "tied");
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct house_call call = { .method = "GET",
			.path = LIST,
			.authorization = "Bearer tied",
			.referer = cases[i].referer };
		assert_int_equal(house_call(house, &call)->status, cases[i].status);
		if (cases[i].status == 500)
			assert_non_null(strstr(house->reply.body,
				"\"exception\":{\"code\":1105,\"message\":"
				"\"1105: The http referer is not allowed\""));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_oauth1),
		TEST(test_without_signature),
		TEST(test_other_schemes),
		cmocka_unit_test(test_allowed),
		TEST(test_referer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
