/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/tls.c"

#include "receiver.h"

static void test_authorities(void **state)
{
	struct authority one, other;
	SSL_CTX *context = NULL;
	char both[8192];

	authority_create(&one, "localhost");
	authority_create(&other, "localhost");
	assert_int_equal(tls_client(one.pem, &context), 0);
	assert_int_equal(SSL_CTX_get_verify_mode(context), SSL_VERIFY_PEER);
	assert_int_equal(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
	SSL_CTX_free(context);
	snprintf(both, sizeof both, "# ours\n%s\n# theirs\n%s", one.pem, other.pem);
	assert_int_equal(tls_client(both, &context), 0);
	SSL_CTX_free(context);
	context = NULL;
	assert_int_equal(tls_client("", &context), -ERR_CRYPTO);
	assert_int_equal(tls_client("no certificate", &context), -ERR_CRYPTO);
	assert_int_equal(tls_client(one.key, &context), -ERR_CRYPTO);
	assert_null(context);
	authority_destroy(&one);
	authority_destroy(&other);
}

static void test_whom_it_asks_for(void **state)
{
	struct authority one;
	SSL_CTX *context;
	SSL *session;

	authority_create(&one, "localhost");
	assert_int_equal(tls_client(one.pem, &context), 0);
	assert_int_equal(tls_session(context, "gate.example", false, 0, &session), 0);
	assert_string_equal(SSL_get_servername(session, TLSEXT_NAMETYPE_host_name), "gate.example");
	SSL_free(session);
	assert_int_equal(tls_session(context, "192.0.2.1", true, 0, &session), 0);
	assert_null(SSL_get_servername(session, TLSEXT_NAMETYPE_host_name));
	SSL_free(session);
	assert_int_equal(tls_session(context, "no address", true, 0, &session), -ERR_CRYPTO);
	SSL_CTX_free(context);
	authority_destroy(&one);
}

static void test_why(void **state)
{
	struct authority one;
	SSL_CTX *context;
	SSL *session;
	char why[96];

	authority_create(&one, "localhost");
	assert_int_equal(tls_client(one.pem, &context), 0);
	assert_int_equal(tls_session(context, "gate.example", false, 0, &session), 0);
	assert_string_equal(tls_why(session, why), "TLS: the connection was closed");
	SSL_set_verify_result(session, X509_V_ERR_CERT_HAS_EXPIRED);
	assert_string_equal(tls_why(session, why), "certificate: certificate has expired");
	SSL_set_verify_result(session, X509_V_OK);
	ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
	assert_string_equal(tls_why(session, why), "TLS: wrong version number");
	assert_int_equal(ERR_peek_error(), 0);
	SSL_free(session);
	SSL_CTX_free(context);
	authority_destroy(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_whom_it_asks_for),
		cmocka_unit_test(test_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
