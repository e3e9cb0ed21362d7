/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

static unsigned char *failing_HMAC(const EVP_MD *digest, const void *key, int key_len,
	const unsigned char *bytes, size_t len, unsigned char *out, unsigned *ret_len);
#define HMAC failing_HMAC
#include "vault/oauth.c"
#undef HMAC

#include "failing.h"
#include "fixture.h"

static unsigned char *failing_HMAC(const EVP_MD *digest, const void *key, int key_len,
	const unsigned char *bytes, size_t len, unsigned char *out, unsigned *ret_len)
{
	if (failing_now("HMAC"))
		return NULL;
	return HMAC(digest, key, key_len, bytes, len, out, ret_len);
}

/* The examples of RFC 5849 section 1.2 (its token request) and OAuth Core 1.0 appendix A.5. */
#define CONSUMER "kd94hf93k423kf44"
#define TOKEN "pfkkdhi9sl3r4s00"
#define PHOTOS                                                                                     \
	"GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key"    \
	"%3Ddpf43f3p2l4k3l03%26oauth_nonce%3Dchapoh%26oauth_signature_method%3DHMAC-SHA1%26oauth_" \
	"timestamp%3D137131202%26oauth_token%3Dnnch734d00sl2jdk%26size%3Doriginal"
#define CORE                                                                                       \
	"GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key"    \
	"%3Ddpf43f3p2l4k3l03%26oauth_nonce%3Dkllo9940pd9333jh%26oauth_signature_method%3DHMAC-"    \
	"SHA1%26oauth_timestamp%3D1191242096%26oauth_token%3Dnnch734d00sl2jdk%26oauth_version"     \
	"%3D1.0%26size%3Doriginal"

struct question {
	struct msg_signature message;
	uint8_t tail[2 * SEALED_MAX + 8192];
	size_t len;
};

static uint32_t seal(struct fixture *f, struct identity *identity, enum secret_kind kind,
	const char *text, uint8_t *out)
{
	uint8_t envelope[SEALED_MAX];
	size_t len;
	struct secret *secret = secret_create(text, strlen(text));
	assert_int_equal(envelope_seal(f->keyring, identity, kind, secret, envelope, &len), 0);
	secret_destroy(secret);
	memcpy(out, envelope, len);
	return (uint32_t)len;
}

static void ask(struct fixture *f, struct question *question, const char *consumer,
	const char *token, const char *base, const char *signature)
{
	memset(question, 0, sizeof *question);
	question->message.consumer = fixture_identity(5, 1);
	question->message.token = fixture_identity(5, 1);
	text_copy(question->message.consumer.field, 16, "consumer");
	text_copy(question->message.token.field, 16, "token");
	text_copy(question->message.signature, 64, signature);
	uint8_t *at = question->tail;
	question->message.consumer_len =
		seal(f, &question->message.consumer, SECRET_TOKEN, consumer, at);
	at += question->message.consumer_len;
	question->message.token_len = seal(f, &question->message.token, SECRET_TOKEN, token, at);
	at += question->message.token_len;
	question->message.base_len = (uint32_t)strlen(base);
	memcpy(at, base, strlen(base));
	question->len = (size_t)(at - question->tail) + strlen(base);
}

static int check(struct fixture *f, struct question *question)
{
	return oauth_check(f->keyring, &question->message, question->tail, question->len);
}

static void test_vectors(void **state)
{
	struct fixture f;
	static struct question q;
	fixture_installation(&f);
	ask(&f, &q, CONSUMER, "hdhd0244k9j7ao03",
		"POST&https%3A%2F%2Fphotos.example.net%2Ftoken&oauth_consumer_key%"
		"3Ddpf43f3p2l4k3l03"
		"%26oauth_nonce%3Dwalatlh%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp"
		"%3D137131201%26oauth_token%3Dhh5s93j4hdidpola%26oauth_verifier%3Dhfdp7dh39dks9884",
		"gKgrFCywp7rO0OXSjdot/IHF7IU=");
	assert_int_equal(check(&f, &q), 0);
	ask(&f, &q, CONSUMER, TOKEN, CORE, "tR3+Ty81lMeYAr/Fid0kMTYa/WM=");
	assert_int_equal(check(&f, &q), 0);
	ask(&f, &q, CONSUMER, TOKEN, PHOTOS, "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	assert_int_equal(check(&f, &q), 0);
	/* printf BASE | openssl dgst -sha256 -hmac CONSUMER'&'TOKEN -binary | base64 */
	ask(&f, &q, CONSUMER, TOKEN, PHOTOS, "2/d9BMszTCv6R0aT9ZrI0wSjODDsV1wQcMRQd8C42fk=");
	assert_int_equal(check(&f, &q), -ERR_SIGNATURE_INVALID);
	q.message.sha256 = 1;
	assert_int_equal(check(&f, &q), 0);
	/* Secrets are percent-encoded first: key "a%20b%26c&%C3%A9%2B". */
	ask(&f, &q, "a b&c", "\xc3\xa9+", "base", "3558c9/BQGmXtZxVRC8WGi1ArUw=");
	assert_int_equal(check(&f, &q), 0);
	fixture_finish(&f);
}

static void test_wrong_signatures(void **state)
{
	static const char *const wrong[] = { "X6Hu4uQ/hc1LXD8i7yCLGPvGwhI=", "",
		"W6Hu4uQ/hc1LXD8i7yCLGPvGwhI", "W6Hu4uQ%2Fhc1LXD8i7yCLGPvGwhI%3D", "W6Hu",
		"W6Hu4uQ/hc1LXD8i7yCLGPvGwhLX" };
	struct fixture f;
	static struct question q;
	fixture_installation(&f);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		ask(&f, &q, CONSUMER, TOKEN, PHOTOS, wrong[i]);
		assert_int_equal(check(&f, &q), -ERR_SIGNATURE_INVALID);
	}
	ask(&f, &q, CONSUMER, "pfkkdhi9sl3r4s01", PHOTOS, "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	assert_int_equal(check(&f, &q), -ERR_SIGNATURE_INVALID);
	ask(&f, &q, TOKEN, CONSUMER, PHOTOS, "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	assert_int_equal(check(&f, &q), -ERR_SIGNATURE_INVALID);
	ask(&f, &q, CONSUMER, TOKEN, PHOTOS "x", "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	assert_int_equal(check(&f, &q), -ERR_SIGNATURE_INVALID);
	memset(q.message.signature, 'M', sizeof q.message.signature);
	assert_int_equal(check(&f, &q), -ERR_MALFORMED);
	fixture_finish(&f);
}

static void test_wrong_envelopes(void **state)
{
	struct fixture f;
	static struct question q;
	fixture_installation(&f);
	ask(&f, &q, CONSUMER, TOKEN, PHOTOS, "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	q.message.consumer.id = 6;
	assert_int_equal(check(&f, &q), -ERR_CRYPTO);
	ask(&f, &q, CONSUMER, TOKEN, PHOTOS, "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	text_copy(q.message.token.field, 16, "consumer");
	assert_int_equal(check(&f, &q), -ERR_CRYPTO);
	ask(&f, &q, CONSUMER, TOKEN, PHOTOS, "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	/* A person's password is no OAuth secret: nobody can try passwords through here. */
	seal(&f, &q.message.consumer, SECRET_PASSWORD, CONSUMER, q.tail);
	assert_int_equal(check(&f, &q), -ERR_CRYPTO);
	fixture_finish(&f);
}

static void test_lengths(void **state)
{
	struct fixture f;
	static struct question q;
	fixture_installation(&f);
	ask(&f, &q, CONSUMER, TOKEN, PHOTOS, "W6Hu4uQ/hc1LXD8i7yCLGPvGwhI=");
	q.message.base_len++;
	assert_int_equal(check(&f, &q), -ERR_MALFORMED);
	q.message.base_len = 0xffffffff;
	q.message.token_len += 1;
	assert_int_equal(check(&f, &q), -ERR_MALFORMED);
	q.message.consumer_len = 0xffffffff;
	q.message.token_len = 1;
	q.message.base_len = (uint32_t)q.len;
	assert_int_equal(check(&f, &q), -ERR_MALFORMED);
	fixture_finish(&f);
}

/* Long secrets, so that the key grows with each of its parts. Nothing is right by accident. */
static void test_what_fails(void **state)
{
	char consumer[257], token[301];
	uint8_t digest[EVP_MAX_MD_SIZE];
	char key[600], signature[64];
	unsigned len;
	struct fixture f;
	static struct question q;

	memset(consumer, 'c', sizeof consumer);
	memset(token, 't', sizeof token);
	consumer[sizeof consumer - 1] = token[sizeof token - 1] = 0;
	snprintf(key, sizeof key, "%s&%s", consumer, token);
	HMAC(EVP_sha1(), key, (int)strlen(key), (const uint8_t *)"base", 4, digest, &len);
	base64_encode(signature, digest, len);
	fixture_installation(&f);
	ask(&f, &q, consumer, token, "base", signature);
	FAILING(FAILING_MEMORY " HMAC") {
		int r = check(&f, &q);
		int expected = strcmp(failing_call(), "HMAC") == 0 ? -ERR_CRYPTO : -ERR_SYSTEM;
		assert_int_equal(r, failing_struck() ? expected : 0);
	}
	fixture_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_wrong_signatures),
		cmocka_unit_test(test_wrong_envelopes),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_what_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
