/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/oauth1.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "failing.h"

#define N50 "01234567890123456789012345678901234567890123456789"
#define NOW_S 137131202
#define FIELD                                                                                      \
	"OAuth realm=\"Photos\", oauth_consumer_key=\"dpf43f3p2l4k3l03\", "                        \
	"oauth_token=\"nnch734d00sl2jdk\", "                                                       \
	"oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"137131202\", "                    \
	"oauth_nonce=\"chapoH\", "                                                                 \
	"oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\""

static struct param text_param(enum param_place place, const char *name, const char *value)
{
	return (struct param){ place, PARAM_TEXT, name, (uint16_t)strlen(name), value,
		(uint32_t)strlen(value) };
}

static void photos(struct msg_api_call *head, struct param params[2])
{
	memset(head, 0, sizeof *head);
	text_copy(head->method, sizeof head->method, "GET");
	text_copy(head->scheme, sizeof head->scheme, "http");
	text_copy(head->host, sizeof head->host, "photos.example.net");
	text_copy(head->raw_path, sizeof head->raw_path, "/photos");
	text_copy(head->authorization, sizeof head->authorization, FIELD);
	params[0] = text_param(PLACE_QUERY, "size", "original");
	params[1] = text_param(PLACE_QUERY, "file", "vacation.jpg");
}

/* RFC 5849 section 1.2: the signature that stands there is the one this base string gives. */
static void test_rfc_photos(void **state)
{
	static const char key[] = "kd94hf93k423kf44&pfkkdhi9sl3r4s00";
	CLEANUP(buf_finish) struct buf base = BUF(OAUTH1_BASE_MAX);
	struct msg_api_call head;
	struct param params[2];
	struct oauth1 oauth;
	uint8_t digest[EVP_MAX_MD_SIZE];
	char signature[64];
	unsigned len;

	(void)state;
	photos(&head, params);
	assert_true(oauth1_present(&head, params, 2));
	assert_int_equal(oauth1_read(&oauth, &head, params, 2, NOW_S * 1000LL), 0);
	assert_int_equal(oauth1_base_string(&oauth, &head, params, 2, &base), 0);
	HMAC(EVP_sha1(), key, sizeof key - 1, base.data, base.len, digest, &len);
	base64_encode(signature, digest, len);
	assert_string_equal(signature, "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
	assert_string_equal(oauth.signature, signature);
}

/* RFC 5849 section 3.4.1.1, with its doubled a3, its empty values and its form body. */
static void test_rfc_base_string(void **state)
{
	static const char expected[] = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%"
				       "3D2%2520q%26a3%3Da%26b5%3D%253D%25253D"
				       "%26c%2540%3D%26c2%3D%26oauth_consumer_key%"
				       "3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a"
				       "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%"
				       "3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7";
	CLEANUP(buf_finish) struct buf base = BUF(OAUTH1_BASE_MAX);
	struct msg_api_call head = { .body_is_form = 1 };
	struct oauth1 oauth;
	const struct param params[] = {
		text_param(PLACE_QUERY, "b5", "=%3D"),
		text_param(PLACE_QUERY, "a3", "a"),
		text_param(PLACE_QUERY, "c@", ""),
		text_param(PLACE_QUERY, "a2", "r b"),
		text_param(PLACE_FORM, "c2", ""),
		text_param(PLACE_FORM, "a3", "2 q"),
		text_param(PLACE_JSON, "not", "signed"),
	};

	(void)state;
	text_copy(head.method, sizeof head.method, "POST");
	text_copy(head.scheme, sizeof head.scheme, "http");
	text_copy(head.host, sizeof head.host, "example.com:80");
	text_copy(head.raw_path, sizeof head.raw_path, "/request");
	text_copy(head.authorization, sizeof head.authorization,
		"OAuth "
		"realm=\"Example\",oauth_consumer_key=\"9djdj82h48djs9d2\",oauth_token="
		"\"kkk9d7dh3k39sjv7\","
		"oauth_signature_method=\"HMAC-SHA1\",oauth_timestamp=\"137131201\",oauth_nonce="
		"\"7d8f3e4a\","
		"oauth_signature=\"bYT5CMsGcbgUdFHObYMEfcx6bsw%3D\"");
	assert_int_equal(oauth1_read(&oauth, &head, params, ARRAY_LEN(params), NOW_S * 1000LL), 0);
	assert_int_equal(oauth1_base_string(&oauth, &head, params, ARRAY_LEN(params), &base), 0);
	assert_int_equal(base.len, strlen(expected));
	assert_memory_equal(base.data, expected, base.len);
}

static void test_present(void **state)
{
	struct msg_api_call head = { 0 };
	const struct param others[] = { text_param(PLACE_FORM, "oauth_consumer_key", "ck"),
		text_param(PLACE_QUERY, "oauth_consumer_keys", "ck"),
		text_param(PLACE_QUERY, "oauth_consumer_kez", "ck"),
		text_param(PLACE_QUERY, "oauth_consumer_key", "ck") };

	assert_false(oauth1_present(&head, others, 0));
	assert_false(oauth1_present(&head, others, 3));
	assert_true(oauth1_present(&head, others, 4));
	text_copy(head.authorization, sizeof head.authorization, "oauth x");
	assert_true(oauth1_present(&head, others, 0));
	text_copy(head.authorization, sizeof head.authorization, "OAuth2 x");
	assert_false(oauth1_present(&head, others, 0));
}

/* Sorted by name, then by value, the shorter first; hosts without their scheme's own port. */
static void expect_base(const struct msg_api_call *head, const struct param *params, unsigned count,
	const char *expected)
{
	CLEANUP(buf_finish) struct buf base = BUF(OAUTH1_BASE_MAX);
	struct oauth1 oauth = { 0 };

	assert_int_equal(oauth1_base_string(&oauth, head, params, count, &base), 0);
	assert_int_equal(buf_append(&base, "", 1), 0);
	assert_string_equal(base.data, expected);
}

static void test_order_and_host(void **state)
{
	static const struct {
		const char *scheme, *host, *expected;
	} hosts[] = {
		{ "https", "a.example:443", "G&https%3A%2F%2Fa.example%2F&" },
		{ "https", "a.example:80", "G&https%3A%2F%2Fa.example%3A80%2F&" },
		{ "http", "a.example:443", "G&http%3A%2F%2Fa.example%3A443%2F&" },
		{ "https", ":443", "G&https%3A%2F%2F%3A443%2F&" },
		{ "https", "a:443", "G&https%3A%2F%2Fa%2F&" },
		{ "https", "a", "G&https%3A%2F%2Fa%2F&" },
		{ "https", "", "G&https%3A%2F%2F%2F&" },
	};
	static const char *const orders[][5] = {
		{ "ab=1", "a=2", "abc=0", "a=1", "a%3D1%26a%3D2%26ab%3D1%26abc%3D0" },
		{ "a=1", "a=2", "ab=1", "abc=0", "a%3D1%26a%3D2%26ab%3D1%26abc%3D0" },
		{ "a=xyz", "a=x", "a=xy", "a=x", "a%3Dx%26a%3Dx%26a%3Dxy%26a%3Dxyz" },
		{ "a=x", "a=xyz", "a=", "a=xy", "a%3D%26a%3Dx%26a%3Dxy%26a%3Dxyz" },
		{ "b=", "a=z", "oauth_=1", "c=", "a%3Dz%26b%3D%26c%3D%26oauth_%3D1" },
	};
	struct msg_api_call head = { .method = "G", .raw_path = "/" };

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		text_copy(head.scheme, sizeof head.scheme, hosts[i].scheme);
		text_copy(head.host, sizeof head.host, hosts[i].host);
		expect_base(&head, NULL, 0, hosts[i].expected);
	}
	text_copy(head.host, sizeof head.host, "a");
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct param params[4];
		char texts[4][16], expected[128];
		for (size_t p = 0; p < 4; p++) {
			text_copy(texts[p], sizeof texts[p], orders[i][p]);
			char *value = strchr(texts[p], '=');
			*value++ = 0;
			params[p] = text_param(PLACE_QUERY, texts[p], value);
		}
		snprintf(expected, sizeof expected, "G&https%%3A%%2F%%2Fa%%2F&%s", orders[i][4]);
		expect_base(&head, params, 4, expected);
	}
	/* A body is signed when it is a form, and what is signed already is not signed twice. */
	struct param form[] = { text_param(PLACE_FORM, "a", "1"),
		text_param(PLACE_QUERY, "oauth_x", "1"), text_param(PLACE_QUERY, "oauth", "1") };
	expect_base(&head, form, 3, "G&https%3A%2F%2Fa%2F&oauth%3D1");
	head.body_is_form = 1;
	expect_base(&head, form, 3, "G&https%3A%2F%2Fa%2F&a%3D1%26oauth%3D1");
}

static void test_body_hash(void **state)
{
	struct msg_api_call head;
	struct param params[2];
	struct oauth1 oauth;
	char field[1024];

	for (int sha256 = 0; sha256 < 2; sha256++) {
		uint8_t body[32] = { 1, 2, 3 };
		char hash[BASE64_SIZE(32)];
		photos(&head, params);
		memcpy(sha256 ? head.body_hash_sha256 : head.body_hash_sha1, body,
			sha256 ? 32 : 20);
		base64_encode(hash, body, sha256 ? 32 : 20);
		hash[strlen(hash) - 1] = 0; /* its '=' is written %3D */
		for (int right = 0; right < 2; right++) {
			snprintf(field, sizeof field,
				"OAuth "
				"oauth_consumer_key=\"a\",oauth_token=\"b\",oauth_nonce=\"c\","
				"oauth_timestamp=\"137131202\",oauth_signature=\"c2ln\","
				"oauth_signature_method=\"HMAC-SHA%s\",oauth_body_hash=\"%s%s\"",
				sha256 ? "256" : "1", hash, right ? "%3D" : "");
			text_copy(head.authorization, sizeof head.authorization, field);
			assert_int_equal(oauth1_read(&oauth, &head, params, 2, NOW_S * 1000LL),
				right ? 0 : -ERR_SIGNATURE_INVALID);
			assert_int_equal(oauth.sha256, sha256);
		}
	}
}

/* Whatever the base string's ceiling is: whole, or not at all. */
static void test_ceilings(void **state)
{
	struct msg_api_call head;
	struct param params[2];
	struct oauth1 oauth;
	size_t whole = 0;

	photos(&head, params);
	assert_int_equal(oauth1_read(&oauth, &head, params, 2, NOW_S * 1000LL), 0);
	for (size_t most = 0; whole == 0; most++) {
		CLEANUP(buf_finish) struct buf base = BUF(most);
		int r = oauth1_base_string(&oauth, &head, params, 2, &base);
		assert_true(r == 0 || r == -ERR_TOO_LARGE);
		whole = r == 0 ? base.len : 0;
		assert_true(r < 0 || whole == most);
	}
	assert_int_equal(whole, 245);
}

/* Inside, too: 64 KiB of parameters, joined or not, are the most. */
static void test_too_many_bytes(void **state)
{
	CLEANUP(mem_freep) char *value = malloc(OAUTH1_BASE_MAX + 1);
	struct msg_api_call head = {
		.method = "G", .scheme = "https", .host = "a", .raw_path = "/"
	};
	struct oauth1 oauth = { 0 };
	struct param params[3];

	memset(value, 'x', OAUTH1_BASE_MAX);
	/* "a=..&b=&c=": eight bytes beside the value */
	for (size_t len = OAUTH1_BASE_MAX - 60; len <= OAUTH1_BASE_MAX; len++) {
		CLEANUP(buf_finish) struct buf base = BUF(2 * OAUTH1_BASE_MAX);
		value[len] = 0;
		params[0] = text_param(PLACE_QUERY, "a", value);
		params[1] = text_param(PLACE_QUERY, "b", "");
		params[2] = text_param(PLACE_QUERY, "c", "");
		int r = oauth1_base_string(&oauth, &head, params, 3, &base);
		assert_int_equal(r, len + 8 <= OAUTH1_BASE_MAX ? 0 : -ERR_TOO_LARGE);
		value[len] = 'x';
	}
}

static void test_without_memory(void **state)
{
	char long_value[200];
	struct msg_api_call head;
	struct param params[4];
	struct oauth1 oauth;

	photos(&head, params);
	memset(long_value, 'x', sizeof long_value);
	long_value[sizeof long_value - 1] = 0;
	for (int i = 2; i < 4; i++)
		params[i] = text_param(PLACE_QUERY, long_value + i, long_value);
	assert_int_equal(oauth1_read(&oauth, &head, params, 4, NOW_S * 1000LL), 0);
	FAILING(FAILING_MEMORY) {
		CLEANUP(buf_finish) struct buf base = BUF(OAUTH1_BASE_MAX);
		int r = oauth1_base_string(&oauth, &head, params, 4, &base);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
	}
}

static void test_in_the_query(void **state)
{
	struct msg_api_call head = { 0 };
	struct oauth1 oauth;
	struct param params[] = {
		text_param(PLACE_QUERY, "oauth_consumer_key", "ck"),
		text_param(PLACE_QUERY, "oauth_token", "tk"),
		text_param(PLACE_QUERY, "oauth_signature_method", "HMAC-SHA256"),
		text_param(PLACE_QUERY, "oauth_timestamp", "137131202"),
		text_param(PLACE_QUERY, "oauth_nonce", "n"),
		text_param(PLACE_QUERY, "oauth_version", "1.0"),
		text_param(PLACE_QUERY, "oauth_signature", "c2ln"),
	};

	(void)state;
	assert_true(oauth1_present(&head, params, ARRAY_LEN(params)));
	assert_int_equal(oauth1_read(&oauth, &head, params, ARRAY_LEN(params), NOW_S * 1000LL), 0);
	assert_true(oauth.sha256);
	/* names are as long as they say, whatever stands behind them */
	params[6].name = "oauth_signatures";
	assert_int_equal(oauth1_read(&oauth, &head, params, ARRAY_LEN(params), NOW_S * 1000LL), 0);
	assert_string_equal(oauth.signature, "c2ln");
	assert_int_equal(oauth.param_count, 6);
	/* in the body it is not looked for; in both places it is refused */
	params[4].place = PLACE_FORM;
	assert_int_equal(oauth1_read(&oauth, &head, params, ARRAY_LEN(params), NOW_S * 1000LL),
		-ERR_SIGNATURE_INVALID);
	params[4].place = PLACE_QUERY;
	/* a value that is longer than any of them may be */
	params[4] = text_param(PLACE_QUERY, "oauth_nonce", N50 N50 N50 N50);
	assert_int_equal(oauth1_read(&oauth, &head, params, ARRAY_LEN(params), NOW_S * 1000LL),
		-ERR_SIGNATURE_INVALID);
	params[4] = text_param(PLACE_QUERY, "oauth_nonce", "n");
	text_copy(head.authorization, sizeof head.authorization, FIELD);
	assert_int_equal(oauth1_read(&oauth, &head, params, ARRAY_LEN(params), NOW_S * 1000LL),
		-ERR_SIGNATURE_INVALID);
}

/* The field with one piece replaced. */
static int read_changed(const char *from, const char *to, int64_t now)
{
	struct msg_api_call head;
	struct param params[2];
	struct oauth1 oauth;
	char *at;

	photos(&head, params);
	at = strstr(head.authorization, from);
	assert_non_null(at);
	char rest[1024];
	text_copy(rest, sizeof rest, at + strlen(from));
	snprintf(at, sizeof head.authorization - (size_t)(at - head.authorization), "%s%s", to,
		rest);
	memset(head.body_hash_sha1, 0, sizeof head.body_hash_sha1);
	return oauth1_read(&oauth, &head, params, 2, now);
}

static void test_refused(void **state)
{
	static const char *const changes[][2] = {
		{ "HMAC-SHA1", "PLAINTEXT" },
		{ "HMAC-SHA1", "RSA-SHA1" },
		{ "oauth_signature_method=\"HMAC-SHA1\", ", "" },
		{ "oauth_nonce=\"chapoH\", ", "" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"\"" },
		{ "oauth_timestamp=\"137131202\", ", "" },
		{ "137131202", "-137131202" },
		{ "137131202", "99999999999999999999" },
		{ "oauth_token=\"nnch734d00sl2jdk\", ", "" },
		{ "oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\"", "oauth_version=\"1.0\"" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", oauth_version=\"2.0\"" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", oauth_nonce=\"chapoH\"" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chap%H\"" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=chapoH" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", oauth_body_hash=\"AAAA\"" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", %zz=\"1\"" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", =\"1\"" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", , x=\"1\"" },
		{ "oauth_nonce=\"chapoH\", ", "oauth_nonce=\"chapoH\" " },
		{ "oauth_nonce=\"chapoH\", ", "oauth_nonce \"chapoH\", " },
		{ "sui9I%3D\"", "sui9I%3D" },
		{ "sui9I%3D\"", "sui9I%3D\"," },
		{ "sui9I%3D\"", "sui9I%3D\", oauth_signature=\"c2ln\"" },
		{ "sui9I%3D\"", "sui9I%3D000000000000000000000000000000000000\"" },
		{ "MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D", "" },
		{ "137131202", "13713120200000000" },
		{ "137131202", "13713120x" },
		{ "137131202", "" },
		/* a name and a value of one byte more than fit */
		{ "oauth_nonce=\"chapoH\"",
			"oauth_nonce=\"chapoH\", oauth_56789012345678901234567890=\"x\", "
			"oauth_567890123456789012345678901x=\"x\"" },
		{ "oauth_nonce=\"chapoH\"",
			"oauth_nonce=\"chapoH\", x=\"" N50 N50 N50 "0123456789\"" },
		{ "chapoH", N50 N50 "01234567890123456789012345678" },
		{ "dpf43f3p2l4k3l03", N50 "01234567890123" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", a=\"\", b=\"\", c=\"\", "
					    "d=\"\", e=\"\", f=\"\", g=\"\", h=\"\", i=\"\", "
					    "j=\"\", k=\"\", l=\"\"" },
	};

	static const char *const taken[][2] = {
		{ "realm=\"Photos\", ", "" },
		{ "realm=\"Photos\"", "REALM=\"Photos\"" },
		{ "realm=\"Photos\"", "realX=\"Photos\"" },
		{ "oauth_nonce=\"chapoH\", ", "oauth_nonce=\"chapoH\"\t ,\t " },
		{ "sui9I%3D\"", "sui9I%3D\" \t" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", oauth_version=\"1.0\"" },
		{ "oauth_nonce=\"chapoH\"",
			"oauth_nonce=\"chapoH\", oauth_5678901234567890123456789=\"x\"" },
		{ "oauth_nonce=\"chapoH\"",
			"oauth_nonce=\"chapoH\", x=\"" N50 N50 N50 "012345678\"" },
		{ "chapoH", N50 N50 "0123456789012345678901234567" },
		{ "dpf43f3p2l4k3l03", N50 "0123456789012" },
		{ "oauth_nonce=\"chapoH\"", "oauth_nonce=\"chapoH\", a=\"\", b=\"\", c=\"\", "
					    "d=\"\", e=\"\", f=\"\", g=\"\", h=\"\", i=\"\", "
					    "j=\"\", k=\"\"" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(changes); i++)
		if (read_changed(changes[i][0], changes[i][1], NOW_S * 1000LL) !=
			-ERR_SIGNATURE_INVALID)
			fail_msg("taken: %s", changes[i][1]);
	for (unsigned i = 0; i < ARRAY_LEN(taken); i++)
		if (read_changed(taken[i][0], taken[i][1], NOW_S * 1000LL) != 0)
			fail_msg("refused: %s", taken[i][1]);
	assert_int_equal(read_changed("chapoH", "chapoH", (NOW_S - 300) * 1000LL - 999),
		-ERR_SIGNATURE_INVALID);
	assert_int_equal(read_changed("chapoH", "chapoH", (NOW_S - 300) * 1000LL), 0);
	/* None is not the first second of all. */
	assert_int_equal(
		read_changed("oauth_timestamp=\"137131202\", ", "", 1000), -ERR_SIGNATURE_INVALID);
	assert_int_equal(read_changed("137131202", "1", 1000), 0);
	assert_int_equal(read_changed("chapoH", "chapoH", (NOW_S + 300) * 1000LL + 999), 0);
	assert_int_equal(read_changed("chapoH", "chapoH", (NOW_S + 300) * 1000LL), 0);
	assert_int_equal(
		read_changed("chapoH", "chapoH", (NOW_S + 301) * 1000LL), -ERR_SIGNATURE_INVALID);
	assert_int_equal(
		read_changed("chapoH", "chapoH", (NOW_S - 301) * 1000LL), -ERR_SIGNATURE_INVALID);
	/* twenty zero bytes */
	assert_int_equal(read_changed("oauth_nonce=\"chapoH\"",
				 "oauth_nonce=\"chapoH\", "
				 "oauth_body_hash=\"AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D\"",
				 NOW_S * 1000LL),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_photos),
		cmocka_unit_test(test_rfc_base_string),
		cmocka_unit_test(test_in_the_query),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_present),
		cmocka_unit_test(test_order_and_host),
		cmocka_unit_test(test_body_hash),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_too_many_bytes),
		cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
