/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/a2a.c"

#include "house.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encode.h"
#include "failing.h"
#include "failing_store.h"

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

static unsigned ask_from(struct house *house, const char *field, const char *from)
{
	struct house_call call = {
		.method = "GET", .path = LIST, .authorization = field, .from = from
	};

	return house_call(house, &call)->status;
}

static unsigned ask(struct house *house, const char *field)
{
	return ask_from(house, field, NULL);
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

static struct authorization_row plain(void)
{
	return (struct authorization_row){ .id = 1, .reads = 1, .writes = 1 };
}

/* Guessed signatures slow down whoever holds the right one too: by the key they name. */
static void test_guessed_signatures(void **state)
{
	struct house *house = *state;
	int64_t now = clock_wall_ms() / 1000;
	char field[2048], nonce[16];

	for (int i = 0; i < 9; i++) {
		snprintf(nonce, sizeof nonce, "guess%d", i);
		sign(field, nonce, now, false, true);
		assert_int_equal(ask(house, field), 401);
	}
	sign(field, "right", now, false, false);
	assert_int_equal(ask(house, field), 200); /* and forgets the key's failures */
	sign(field, "again", now, false, true);
	assert_int_equal(ask(house, field), 401); /* the tenth of this address */
	sign(field, "next", now, false, false);
	assert_int_equal(ask(house, field), 429);
	assert_string_equal(house->reply.header, "Retry-After: 1\r\n");
	/* Elsewhere the key's own failures count, and the right one had made them none. */
	sign(field, "there", now, false, false);
	assert_int_equal(ask_from(house, field, "192.0.2.77"), 200);
	for (int i = 0; i < 10; i++) {
		char from[32];
		snprintf(from, sizeof from, "198.51.100.%d", i);
		snprintf(nonce, sizeof nonce, "spread%d", i);
		sign(field, nonce, now, false, true);
		assert_int_equal(ask_from(house, field, from), 401);
	}
	sign(field, "late", now, false, false);
	assert_int_equal(ask_from(house, field, "192.0.2.78"), 429);
}

/* Whichever step the store fails at: no success, and no blame for the caller. */
static void test_store_fails(void **state)
{
	struct house *house = *state;
	int64_t now = clock_wall_ms() / 1000;
	unsigned run = 0;
	char field[2048], nonce[16];
	const struct house_call bearer = {
		.method = "GET", .path = LIST, .authorization = "Bearer " HOUSE_TOKEN
	};

	failing_store(house->broker->store);
	FAILING(FAILING_STORE) {
		snprintf(nonce, sizeof nonce, "step%u", run++);
		sign(field, nonce, now, false, false);
		unsigned status = ask(house, field);
		assert_int_equal(status, failing_struck() ? 503 : 200);
	}
	FAILING(FAILING_STORE) {
		unsigned status = house_call(house, &bearer)->status;
		assert_int_equal(status, failing_struck() ? 503 : 200);
	}
	assert_int_equal(ask(house, field), 401);
	house_audit_verify(house);
}

/* An authorization whose secrets are not there yet verifies nothing. */
static void test_without_secrets(void **state)
{
	struct house *house = *state;
	struct authorization_row row = { .reads = RESOURCE_WEB_PROXY_SESSION,
		.application_id = house->application,
		.consumer_key = "dpf43f3p2l4k3l03",
		.token_key = "other",
		.created_at = 1 };
	char field[2048];
	int64_t id;

	assert_int_equal(store_authorization_add(house->broker->store, &row, &id), 0);
	sign(field, "first", clock_wall_ms() / 1000, false, false);
	char *at = strstr(field, "nnch734d00sl2jdk");
	memmove(at + 5, at + 16, strlen(at + 16) + 1);
	memcpy(at, "other", 5);
	assert_int_equal(ask(house, field), 401);
	assert_string_equal(house->reply.body, "{\"message\":\"Invalid signature\"}");
	/* Nor does one that nobody has. */
	memcpy(at, "OTHER", 5);
	assert_int_equal(ask(house, field), 401);
}

/* A token that is nobody's counts as a guess of its address, a right one of another does not. */
static void test_guessed_tokens(void **state)
{
	struct house *house = *state;

	for (int i = 0; i < 9; i++)
		assert_int_equal(ask(house, "Bearer 0123456789abcdef"), 401);
	assert_int_equal(ask(house, "Bearer " HOUSE_TOKEN), 200);
	assert_int_equal(ask(house, "Bearer 0123456789abcdef"), 401);
	assert_int_equal(ask(house, "Bearer " HOUSE_TOKEN), 429);
}

/* The right token of an authorization that is not valid any more is no guess, and no key. */
static void test_not_admitted(void **state)
{
	struct house *house = *state;

	assert_int_equal(
		store_authorization_set_disabled(house->broker->store, house->authorization, 5), 0);
	for (int i = 0; i < 12; i++)
		assert_int_equal(ask(house, "Bearer " HOUSE_TOKEN), 500);
	assert_int_equal(house_audit(house, "authorization.denied").result, -ERR_NOT_AUTHORIZED);
}

/* The question to the vault: all three parts, or none is asked. */
static void test_question_to_the_vault(void **state)
{
	struct house *house = *state;
	uint8_t consumer[256], token[256];
	struct authorization_row row = { .id = 1,
		.consumer_sealed = consumer,
		.consumer_sealed_len = sizeof consumer,
		.token_sealed = token,
		.token_sealed_len = sizeof token };
	struct oauth1 oauth = { .signature = "bm8=" };
	CLEANUP(buf_finish) struct buf base = BUF(1 << 20);
	uint8_t *room;

	memset(consumer, 1, sizeof consumer);
	memset(token, 2, sizeof token);
	assert_int_equal(buf_append(&base, token, sizeof token), 0);
	for (unsigned part = 1; part <= 3; part++) { /* each makes the tail grow */
		failing_once("malloc", part, ENOMEM);
		assert_int_equal(signature_ask(house->broker, &oauth, &row, &base), -ERR_SYSTEM);
		failing_end();
	}
	assert_int_equal(signature_ask(house->broker, &oauth, &row, &base), -ERR_SIGNATURE_INVALID);
	row.token_sealed_len = SIGNATURE_TAIL_MAX - sizeof consumer + 1;
	row.token_sealed = malloc(row.token_sealed_len);
	assert_int_equal(signature_ask(house->broker, &oauth, &row, &base), -ERR_TOO_LARGE);
	free(row.token_sealed);
	row.token_sealed = token;
	row.token_sealed_len = sizeof token;
	assert_int_equal(buf_reserve(&base, SIGNATURE_TAIL_MAX, &room), 0);
	buf_commit(&base, SIGNATURE_TAIL_MAX - base.len);
	assert_int_equal(signature_ask(house->broker, &oauth, &row, &base), -ERR_TOO_LARGE);
}

static void test_rights(void **state)
{
	static const struct {
		enum need need;
		uint32_t reads, writes;
		int r;
	} rows[] = { { NEED_READ, 2, 0, 0 }, { NEED_READ, 0, 2, 0 }, { NEED_READ, 4, 4, -1 },
		{ NEED_READ, 0, 0, -1 }, { NEED_WRITE, 2, 0, -1 }, { NEED_WRITE, 0, 2, 0 },
		{ NEED_WRITE, 2, 4, -1 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoint endpoint = { .need = rows[i].need, .resource = 2 };
		struct call *call = calloc(1, sizeof *call);
		call->endpoint = &endpoint;
		call->principal.reads = rows[i].reads;
		call->principal.writes = rows[i].writes;
		assert_int_equal(a2a_rights(call), rows[i].r < 0 ? -ERR_NOT_AUTHORIZED : 0);
		free(call);
	}
}

/* Who may read but not write has a number of its own, in PAM Core alone. */
static void test_reads_only(void **state)
{
	struct endpoint endpoint = { .need = NEED_WRITE, .resource = RESOURCE_PAM_CORE };
	struct call *call = calloc(1, sizeof *call);

	call->endpoint = &endpoint;
	call->principal.reads = RESOURCE_PAM_CORE;
	assert_int_equal(a2a_rights(call), -ERR_READ_ONLY);
	call->principal.reads = RESOURCE_USERS;
	assert_int_equal(a2a_rights(call), -ERR_NOT_AUTHORIZED);
	endpoint.resource = RESOURCE_USERS;
	assert_int_equal(a2a_rights(call), -ERR_NOT_AUTHORIZED);
	free(call);
}

static void test_referers_listed(void **state)
{
	static const struct {
		const char *listed, *referer;
		bool admitted;
	} rows[] = {
		{ "", "", true },
		{ " , ", "https://x", true },
		{ "*", "", true },
		{ "https://a, *", "https://x", true },
		{ "*a", "https://x", false },
		{ "x", "y", false },
		{ "https://a", "https://a?x", true },
		{ "https://a", "https://a#x", true },
		{ "https://a//", "https://a", true },
		{ "https://a", "https://a:444/", false },
		{ "https://a", "https://", false },
		{ "/", "", false },
		{ "//", "/", false },
	};

	assert_false(referer_matches("", "//x" + 1, 1)); /* reads no further than its own */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct authorization_row row = plain();
		text_copy(row.referers, sizeof row.referers, rows[i].listed);
		int r = referer_check(&row, rows[i].referer);
		if (r != (rows[i].admitted ? 0 : -ERR_REFERER_REFUSED))
			fail_msg("'%s' for '%s'", rows[i].referer, rows[i].listed);
	}
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
	assert_int_equal(ask(*state, ""), 401);
	assert_string_equal(((struct house *)*state)->reply.body,
		"{\"message\":\"No route matched with those values.\"}");
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

static unsigned ask_with(struct house *house, const char *field, const uint8_t *certificate)
{
	struct house_call call = {
		.method = "GET", .path = LIST, .authorization = field, .certificate = certificate
	};

	return house_call(house, &call)->status;
}

/* Its own is asked for at every call, and a token that was made with it is one only with it. */
static void test_certificate(void **state)
{
	struct house *house = *state;
	static const uint8_t own[HASH_LEN] = { 0xab, [31] = 1 }, other[HASH_LEN] = { 0xab };
	struct authorization_row row = { .application_id = house->application,
		.reads = RESOURCE_WEB_PROXY_SESSION,
		.client_id = "certified",
		.created_at = 1 };
	uint8_t hash[HASH_LEN];
	int64_t id, later = clock_wall_ms() + 60000;

	hex_encode(row.fingerprint, own, sizeof own);
	assert_int_equal(store_authorization_add(house->broker->store, &row, &id), 0);
	a2a_token_bound(hash, "bound", own);
	assert_int_equal(store_token_add(house->broker->store, hash, id, later), 0);
	hash_token(hash, "free", 4);
	assert_int_equal(store_token_add(house->broker->store, hash, id, later), 0);
	assert_int_equal(ask_with(house, "Bearer bound", own), 200);
	assert_int_equal(ask_with(house, "Bearer bound", other), 401);
	assert_int_equal(ask_with(house, "Bearer bound", NULL), 401);
	assert_int_equal(ask_with(house, "Bearer free", own), 200);
	assert_int_equal(ask_with(house, "Bearer free", other), 500);
	assert_int_equal(ask_with(house, "Bearer free", NULL), 500);
	/* Who is asked for none may show one. */
	assert_int_equal(ask_with(house, "Bearer " HOUSE_TOKEN, other), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_oauth1),
		TEST(test_guessed_signatures),
		TEST(test_store_fails),
		TEST(test_without_secrets),
		TEST(test_guessed_tokens),
		TEST(test_not_admitted),
		TEST(test_question_to_the_vault),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_reads_only),
		cmocka_unit_test(test_referers_listed),
		TEST(test_without_signature),
		TEST(test_other_schemes),
		cmocka_unit_test(test_allowed),
		TEST(test_referer),
		TEST(test_certificate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
