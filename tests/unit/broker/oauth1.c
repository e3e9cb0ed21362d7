/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/oauth1.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

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
	/* in the body it is not looked for; in both places it is refused */
	params[4].place = PLACE_FORM;
	assert_int_equal(oauth1_read(&oauth, &head, params, ARRAY_LEN(params), NOW_S * 1000LL),
		-ERR_SIGNATURE_INVALID);
	params[4].place = PLACE_QUERY;
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
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(changes); i++)
		assert_int_equal(read_changed(changes[i][0], changes[i][1], NOW_S * 1000LL),
			-ERR_SIGNATURE_INVALID);
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
