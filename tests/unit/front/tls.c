/* SPDX-License-Identifier: Apache-2.0 */
#include "front/tls.c"

#include <sys/mman.h>

#include "gateway.h"

/* Only TLS 1.2 and 1.3, only http/1.1. */
static void test_tls(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	SSL_CTX_set_security_level(gateway->client, 0);
	SSL_CTX_set_min_proto_version(gateway->client, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(gateway->client, TLS1_1_VERSION);
	assert_false(client_open(gateway, &client));
	SSL_CTX_set_max_proto_version(gateway->client, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(gateway->client,
		"AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA");
	assert_false(client_open(gateway, &client));
	SSL_CTX_set_cipher_list(gateway->client, "ECDHE-ECDSA-AES256-GCM-SHA384");
	assert_true(client_open(gateway, &client));
	client_close(&client);
	SSL_CTX_set_max_proto_version(gateway->client, TLS1_3_VERSION);
	SSL_CTX_set_alpn_protos(gateway->client, (const unsigned char *)"\x02h2", 3);
	assert_false(client_open(gateway, &client));
	SSL_CTX_set_alpn_protos(gateway->client, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	assert_true(client_open(gateway, &client));
	const unsigned char *chosen;
	unsigned len;
	SSL_get0_alpn_selected(client.tls, &chosen, &len);
	assert_int_equal(len, 8);
	client_close(&client);
}

static void test_resumption(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	for (int round = 0; round < 3; round++) {
		static SSL_SESSION *session;
		assert_true(client_open_again(gateway, &client, session));
		assert_int_equal(SSL_session_reused(client.tls), round == 1);
		static const char page[] = "GET /modulos/auth?_sr=x HTTP/1.1\r\n" HOST "\r\n";
		client_send(gateway, &client, page, sizeof page - 1);
		client_read(gateway, &client, text, sizeof text, "\r\n\r\n");
		SSL_SESSION_free(session);
		session = SSL_get1_session(client.tls);
		SSL_set_shutdown(client.tls, SSL_SENT_SHUTDOWN); /* else it counts as spoilt */
		client_close(&client);
		if (round == 1)
			tls_renew_tickets(
				gateway->server); /* a stolen key would open nothing old */
		if (round == 2)
			SSL_SESSION_free(session);
	}
}

/* Tickets cost a fifth of a handshake: only who gets a page is expected back. */
static void test_no_ticket_for_the_api(void **state)
{
	struct gateway *gateway = *state;
	struct client client;
	char text[4096];
	SSL_SESSION *session = NULL;
	for (int round = 0; round < 2; round++) {
		assert_true(client_open_again(gateway, &client, session));
		assert_false(SSL_session_reused(client.tls));
		client_send(gateway, &client, "GET /healthz HTTP/1.1\r\n" HOST "\r\n", 45);
		client_read(gateway, &client, text, sizeof text, "ok");
		SSL_SESSION_free(session);
		session = SSL_get1_session(client.tls);
		SSL_set_shutdown(client.tls, SSL_SENT_SHUTDOWN);
		client_close(&client);
	}
	SSL_SESSION_free(session);
}

/* The fingerprint the broker hears of one call under this name; NULL when it hears of none. */
static const uint8_t *heard_under(struct gateway *gateway, const char *name)
{
	static const uint8_t none[HASH_LEN];
	gateway->name = name;
	exchange(gateway, "GET /api/1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	const uint8_t *heard = gateway->call.certificate;
	return memcmp(heard, none, sizeof none) == 0 ? NULL : heard;
}

static void test_client_certificate(void **state)
{
	struct gateway *gateway = *state;
	static const char *const settings[] = { "", "api.example", "*" };
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		uint8_t own[HASH_LEN];
		unsigned len;
		int certificate, key;
		gateway_finish(gateway);
		gateway_start(gateway, "api.client_certificates", settings[i]);
		assert_null(heard_under(gateway, "api.example")); /* it may have none */
		gateway_identity(&certificate, &key);
		assert_int_equal(load(gateway->client, certificate, use_certificate), 0);
		assert_int_equal(load(gateway->client, key, use_key), 0);
		X509_digest(SSL_CTX_get0_certificate(gateway->client), EVP_sha256(), own, &len);
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
			SSL_CTX_set_min_proto_version(gateway->client, version);
			SSL_CTX_set_max_proto_version(gateway->client, version);
			const uint8_t *heard = heard_under(gateway, "API.example");
			assert_int_equal(heard != NULL, i >= 1);
			if (heard)
				assert_memory_equal(heard, own, sizeof own);
			assert_int_equal(heard_under(gateway, "gate.example") != NULL, i == 2);
			assert_int_equal(heard_under(gateway, NULL) != NULL, i == 2);
		}
		close(certificate);
		close(key);
	}
	gateway->name = NULL;
}

static int file_with(const char *text)
{
	int fd = memfd_create("pem", MFD_CLOEXEC);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void test_bad_identity(void **state)
{
	SSL_CTX *context = NULL;
	int empty = file_with(""), words = file_with("not a certificate");
	assert_true(tls_context_create(empty, empty, &context) < 0);
	assert_true(tls_context_create(words, words, &context) < 0);
	assert_true(tls_context_create(-1, -1, &context) < 0);
	assert_null(context);
	close(empty);
	close(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tls),
		TEST(test_resumption),
		TEST(test_no_ticket_for_the_api),
		TEST(test_client_certificate),
		TEST(test_bad_identity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
