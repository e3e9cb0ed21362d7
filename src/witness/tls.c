/* SPDX-License-Identifier: Apache-2.0 */
#include "witness/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static void context_freep(SSL_CTX **context)
{
	SSL_CTX_free(*context);
}

static void session_freep(SSL **session)
{
	SSL_free(*session);
}

/* Each certificate of the file; at least one must be there. */
static int add_authorities(X509_STORE *store, const char *authorities)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(authorities, -1);
	unsigned count = 0;

	if (bio == NULL)
		return -ERR_CRYPTO;
	for (X509 *one; (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; count++) {
		int added = X509_STORE_add_cert(store, one);
		X509_free(one);
		if (added != 1)
			return -ERR_CRYPTO;
	}
	ERR_clear_error(); /* the end of the file is an error to the reader */
	return count > 0 ? 0 : -ERR_CRYPTO;
}

int tls_client(const char *authorities, SSL_CTX **ret_context)
{
	CLEANUP(context_freep) SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
		return -ERR_CRYPTO;
	int r = add_authorities(SSL_CTX_get_cert_store(context), authorities);
	if (r < 0)
		return r;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(
		context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	*ret_context = STEAL(context);
	return 0;
}

int tls_session(SSL_CTX *context, const char *host, bool literal, int fd, SSL **ret_session)
{
	CLEANUP(session_freep) SSL *session = SSL_new(context);

	if (session == NULL || SSL_set_fd(session, fd) != 1)
		return -ERR_CRYPTO;
	int named =
		literal ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host)
			: SSL_set1_host(session, host) && SSL_set_tlsext_host_name(session, host);
	if (named != 1)
		return -ERR_CRYPTO;
	SSL_set_connect_state(session);
	*ret_session = STEAL(session);
	return 0;
}

const char *tls_why(const SSL *session, char out[96])
{
	long verified = SSL_get_verify_result(session);
	unsigned long code = ERR_peek_last_error();

	if (verified != X509_V_OK)
		snprintf(out, 96, "certificate: %s", X509_verify_cert_error_string(verified));
	else if (code != 0)
		snprintf(out, 96, "TLS: %s", ERR_reason_error_string(code));
	else
		snprintf(out, 96, "TLS: the connection was closed");
	ERR_clear_error();
	return out;
}
