/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/agent.c"

#include "fixture.h"

/* One key and a login that may be signed; each test spoils one thing. */
struct login {
	const char *session, *username, *service, *method, *algorithm;
	uint8_t type, has_signature;
	uint32_t flags;
	const struct sshkey *key, *inner; /* of the request, of the login */
	const char *tail;
};

static struct sshkey *key, *other;
static struct exchange exchange;
#define NAME_32 "the session identifier, 32 bytes"
#define NAME_48 "the session identifier of SHA-384, of 48 bytes.."
#define NAME_64 "the session identifier of SHA-512, of sixty-four bytes, no more."

static int load_keys(void **state)
{
	struct fixture f;
	char text[SECRET_MAX];
	struct sshkey **const keys[] = { &key, &other };
	for (unsigned i = 0; i < 2; i++) {
		fixture_keygen(&f, i ? "ed25519" : "rsa", i ? "256" : "2048", NULL, "");
		struct secret *secret =
			secret_create(text, fixture_read(&f, "key", text, sizeof text));
		assert_int_equal(sshkey_parse(secret, keys[i]), 0);
		secret_destroy(secret);
		fixture_finish(&f);
	}
	memcpy(exchange.sha256, NAME_32, sizeof exchange.sha256);
	memcpy(exchange.sha384, NAME_48, sizeof exchange.sha384);
	memcpy(exchange.sha512, NAME_64, sizeof exchange.sha512);
	return 0;
}

static int drop_keys(void **state)
{
	sshkey_destroy(key);
	sshkey_destroy(other);
	return 0;
}

static struct login honest(void)
{
	return (struct login){ .session = NAME_32,
		.username = "root",
		.service = "ssh-connection",
		.method = "publickey",
		.algorithm = "rsa-sha2-512",
		.type = 50,
		.has_signature = 1,
		.flags = SSHKEY_FLAG_SHA512,
		.key = key,
		.inner = key,
		.tail = "" };
}

static void put_blob(struct buf *out, const struct sshkey *of)
{
	size_t len;
	const uint8_t *blob = sshkey_blob(of, &len);
	sshwire_put_string(out, blob, len);
}

static void put_request(struct buf *out, const struct login *login)
{
	CLEANUP(buf_finish) struct buf data = BUF(AGENT_MESSAGE_MAX);
	sshwire_put_word(&data, login->session);
	sshwire_put_byte(&data, login->type);
	sshwire_put_word(&data, login->username);
	sshwire_put_word(&data, login->service);
	sshwire_put_word(&data, login->method);
	sshwire_put_byte(&data, login->has_signature);
	sshwire_put_word(&data, login->algorithm);
	put_blob(&data, login->inner);
	buf_append_text(&data, login->tail);
	sshwire_put_byte(out, AGENT_SIGN_REQUEST);
	put_blob(out, login->key);
	sshwire_put_string(out, data.data, data.len);
	sshwire_put_u32(out, login->flags);
}

static struct agent agent_for_root(void)
{
	return (struct agent){ .key = key, .username = "root", .exchange = &exchange };
}

static int ask(struct agent *agent, const struct login *login)
{
	CLEANUP(buf_finish) struct buf message = BUF(AGENT_MESSAGE_MAX);
	CLEANUP(buf_finish) struct buf out = BUF(AGENT_REPLY_MAX);
	struct agent_request request;
	put_request(&message, login);
	int r = agent_check(agent, message.data, message.len, &request);
	if (r < 0)
		return r;
	r = agent_sign(agent, &request, &out);
	if (r < 0)
		return r;
	struct sshwire wire = SSHWIRE(out.data, out.len);
	struct sshspan signature;
	uint32_t len;
	uint8_t type;
	assert_int_equal(sshwire_u32(&wire, &len), 0);
	assert_int_equal(len, wire.left);
	assert_int_equal(sshwire_byte(&wire, &type), 0);
	assert_int_equal(type, AGENT_SIGN_RESPONSE);
	assert_int_equal(sshwire_string(&wire, &signature), 0);
	assert_int_equal(wire.left, 0);
	wire = SSHWIRE(signature.bytes, signature.len);
	assert_int_equal(sshwire_word(&wire, login->algorithm), 0);
	return 0;
}

static void test_honest_login(void **state)
{
	struct agent agent = agent_for_root();
	struct login login = honest();
	assert_int_equal(ask(&agent, &login), 0);
	login.algorithm = "rsa-sha2-256";
	login.flags = SSHKEY_FLAG_SHA256;
	assert_int_equal(ask(&agent, &login), 0);
	assert_int_equal(agent.signatures, 2);
}

static void test_every_other_wish_is_refused(void **state)
{
	struct login wishes[12];
	for (unsigned i = 0; i < ARRAY_LEN(wishes); i++)
		wishes[i] = honest();
	wishes[0].username = "admin";
	wishes[1].service = "ssh-userauth";
	wishes[2].method = "hostbased";
	wishes[3].method = "publickey-hostbound-v00@openssh.com";
	wishes[4].type = 51;
	wishes[5].has_signature = 0;
	wishes[6].algorithm = "rsa-sha2-256";
	wishes[7].algorithm = "ssh-rsa";
	wishes[8].inner = other;
	wishes[9].key = other;
	wishes[10].tail = "x";
	wishes[11].session = "too short for SSH";
	for (unsigned i = 0; i < ARRAY_LEN(wishes); i++) {
		struct agent agent = agent_for_root();
		if (ask(&agent, &wishes[i]) != -ERR_NOT_AUTHORIZED)
			fail_msg("wish %u was granted", i);
		assert_int_equal(agent.signatures, 0);
	}
}

static void test_one_session_only(void **state)
{
	struct agent agent = agent_for_root();
	struct login login = honest();
	static const char *const others[] = { "", "another session, of 32 bytes ...",
		NAME_32 ", and more", "the session identifier, 32 byte",
		"Another session of SHA-384, its name has 48 bytes",
		"the session identifier of SHA-512, of sixty-four bytes, no less." };
	for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
		login.session = others[i];
		assert_int_equal(ask(&agent, &login), -ERR_NOT_AUTHORIZED);
	}
	login = honest();
	assert_int_equal(ask(&agent, &login), 0);
	login.session = NAME_48;
	assert_int_equal(ask(&agent, &login), 0);
	login.session = NAME_64;
	assert_int_equal(ask(&agent, &login), 0);
}

static void test_few_signatures(void **state)
{
	struct agent agent = agent_for_root();
	struct login login = honest();
	for (unsigned i = 0; i < AGENT_SIGNATURES_MAX; i++)
		assert_int_equal(ask(&agent, &login), 0);
	assert_int_equal(ask(&agent, &login), -ERR_NOT_AUTHORIZED);
}

static void test_sha1_is_an_honest_question(void **state)
{
	struct agent agent = agent_for_root();
	struct login login = honest();
	login.flags = 0;
	login.algorithm = "ssh-rsa";
	assert_int_equal(ask(&agent, &login), -ERR_NOT_FOUND);
}

static void test_files_cannot_be_signed(void **state)
{
	struct agent agent = agent_for_root();
	struct agent_request request;
	CLEANUP(buf_finish) struct buf message = BUF(AGENT_MESSAGE_MAX);
	sshwire_put_byte(&message, AGENT_SIGN_REQUEST);
	put_blob(&message, key);
	sshwire_put_word(&message, "SSHSIG and what people sign with it");
	sshwire_put_u32(&message, SSHKEY_FLAG_SHA512);
	assert_int_equal(
		agent_check(&agent, message.data, message.len, &request), -ERR_NOT_AUTHORIZED);
}

static void test_every_cut_is_refused(void **state)
{
	struct agent agent = agent_for_root();
	struct agent_request request;
	struct login login = honest();
	CLEANUP(buf_finish) struct buf message = BUF(AGENT_MESSAGE_MAX);
	put_request(&message, &login);
	for (size_t len = 0; len < message.len; len++) {
		uint8_t *exact = malloc(len + 1); /* so that reading one byte too far is seen */
		memcpy(exact, message.data, len);
		assert_true(agent_check(&agent, exact, len, &request) < 0);
		free(exact);
	}
	assert_int_equal(agent_check(&agent, message.data, message.len, &request), 0);
}

static void test_framing(void **state)
{
	CLEANUP(buf_finish) struct buf in = BUF(4 + AGENT_MESSAGE_MAX);
	const uint8_t *message;
	size_t len;
	static const uint8_t bytes[] = { 0, 0, 0, 2, 11, 7, 0, 0 };
	assert_int_equal(agent_next(&in, &message, &len), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(agent_next(&in, &message, &len), 0);
		buf_append(&in, bytes + i, 1);
	}
	assert_int_equal(agent_next(&in, &message, &len), 1);
	assert_int_equal(len, 2);
	assert_int_equal(message[0], 11);
	buf_clear(&in);
	sshwire_put_u32(&in, 0);
	assert_int_equal(agent_next(&in, &message, &len), -ERR_MALFORMED);
	buf_clear(&in);
	sshwire_put_u32(&in, AGENT_MESSAGE_MAX + 1);
	assert_int_equal(agent_next(&in, &message, &len), -ERR_MALFORMED);
	buf_clear(&in);
	sshwire_put_u32(&in, 0xffffffff);
	assert_int_equal(agent_next(&in, &message, &len), -ERR_MALFORMED);
}

static void test_pin(void **state)
{
	CLEANUP(buf_finish) struct buf message = BUF(256);
	uint8_t hash[HASH_LEN], pin[HASH_LEN];
	struct sshspan shown;
	memset(hash, 9, sizeof hash);
	sshwire_put_byte(&message, AGENT_EXTENSION);
	sshwire_put_word(&message, "pin@sallyport");
	sshwire_put_string(&message, hash, sizeof hash);
	size_t alone = message.len;
	assert_int_equal(alone, 1 + 4 + 13 + 4 + 32);
	assert_int_equal(agent_read_pin(message.data, alone, pin, &shown), 0);
	assert_memory_equal(pin, hash, HASH_LEN);
	assert_null(shown.bytes);
	sshwire_put_word(&message, "exchange");
	for (size_t len = 0; len < message.len; len++)
		assert_int_equal(agent_read_pin(message.data, len, pin, &shown),
			len == alone ? 0 : -ERR_MALFORMED);
	assert_int_equal(agent_read_pin(message.data, message.len, pin, &shown), 0);
	assert_true(sshspan_is(shown, "exchange"));
	sshwire_put_byte(&message, 0);
	assert_int_equal(agent_read_pin(message.data, message.len, pin, &shown), -ERR_MALFORMED);
	message.data[0] = AGENT_REQUEST_IDENTITIES;
	assert_int_equal(agent_read_pin(message.data, alone, pin, &shown), -ERR_MALFORMED);
}

static void test_identities(void **state)
{
	CLEANUP(buf_finish) struct buf out = BUF(AGENT_REPLY_MAX);
	assert_int_equal(agent_write_identities(&out, key), 0);
	struct sshwire wire = SSHWIRE(out.data, out.len);
	struct sshspan blob, own;
	uint32_t len, count;
	uint8_t type;
	assert_int_equal(sshwire_u32(&wire, &len), 0);
	assert_int_equal(len, wire.left);
	assert_int_equal(sshwire_byte(&wire, &type), 0);
	assert_int_equal(type, AGENT_IDENTITIES_ANSWER);
	assert_int_equal(sshwire_u32(&wire, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(sshwire_string(&wire, &blob), 0);
	own.bytes = sshkey_blob(key, &own.len);
	assert_true(sshspan_equal(blob, own));
	assert_int_equal(sshwire_word(&wire, ""), 0);
	assert_int_equal(wire.left, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_honest_login),
		cmocka_unit_test(test_every_other_wish_is_refused),
		cmocka_unit_test(test_one_session_only),
		cmocka_unit_test(test_few_signatures),
		cmocka_unit_test(test_sha1_is_an_honest_question),
		cmocka_unit_test(test_files_cannot_be_signed),
		cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_identities),
	};
	return cmocka_run_group_tests(tests, load_keys, drop_keys);
}
