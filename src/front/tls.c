/* SPDX-License-Identifier: Apache-2.0 */
#include "front/tls.h"

#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/random.h"

#define TICKET_KEYS_MAX 128    /* bytes; OpenSSL says how many it wants */
#define PEM_SIZE_MAX 131072    /* bytes of a certificate chain or a key */
#define CLIENT_CHAIN_MAX 16384 /* bytes of what a client shows */

/* AES-128-GCM first: the fastest, and nobody is known to be near it. */
static const char ciphers_tls12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_tls13[] =
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

static void bio_freep(BIO **bio)
{
	BIO_free_all(*bio);
}
static void context_freep(SSL_CTX **context)
{
	SSL_CTX_free(*context);
}
static void x509_freep(X509 **certificate)
{
	X509_free(*certificate);
}
static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

/* Offers that do not hold http/1.1 end the handshake: we have nothing else to speak. */
static int choose_protocol(SSL *tls, const unsigned char **ret_protocol, unsigned char *ret_len,
	const unsigned char *offered, unsigned offered_len, void *context)
{
	static const unsigned char ours[] = "\x08http/1.1";
	if (SSL_select_next_proto((unsigned char **)ret_protocol, ret_len, ours, sizeof ours - 1,
		    offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

/* The whole file in memory that is wiped with it. */
static int read_pem(int fd, char *pem, BIO **ret_bio)
{
	size_t len = 0;
	for (;;) {
		ssize_t got = pread(fd, pem + len, PEM_SIZE_MAX - len, (off_t)len);
		if (got < 0)
			return -ERR_SYSTEM;
		if (got == 0)
			break;
		len += (size_t)got;
		if (len == PEM_SIZE_MAX)
			return -ERR_TOO_LARGE;
	}
	*ret_bio = BIO_new_mem_buf(pem, (int)len);
	return *ret_bio ? 0 : -ERR_SYSTEM;
}

static int use_certificate(SSL_CTX *context, BIO *pem)
{
	CLEANUP(x509_freep) X509 *leaf = PEM_read_bio_X509(pem, NULL, NULL, NULL);
	if (!leaf || SSL_CTX_use_certificate(context, leaf) != 1)
		return -ERR_MALFORMED;
	for (X509 *next; (next = PEM_read_bio_X509(pem, NULL, NULL, NULL));)
		if (SSL_CTX_add0_chain_cert(context, next) != 1) {
			X509_free(next);
			return -ERR_MALFORMED;
		}
	ERR_clear_error();
	return 0;
}

static int no_passphrase(char *text, int size, int writing, void *context)
{
	return 0;
}

static int use_key(SSL_CTX *context, BIO *pem)
{
	CLEANUP(key_freep) EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
	if (!key || SSL_CTX_use_PrivateKey(context, key) != 1)
		return -ERR_MALFORMED;
	return SSL_CTX_check_private_key(context) == 1 ? 0 : -ERR_MALFORMED;
}

static int load(SSL_CTX *context, int fd, int (*use)(SSL_CTX *, BIO *))
{
	char *pem = malloc(PEM_SIZE_MAX);
	if (!pem)
		return -ERR_SYSTEM;
	CLEANUP(bio_freep) BIO *bio = NULL;
	int r = read_pem(fd, pem, &bio);
	if (r == 0)
		r = use(context, bio);
	mem_wipe(pem, PEM_SIZE_MAX);
	free(pem);
	return r;
}

static int configure(SSL_CTX *context)
{
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	/* One read() takes a record's header and body; connection.c knows about what is left
	 * inside. */
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0); /* tls_offer_ticket() */
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	if (SSL_CTX_set_session_id_context(context, (const unsigned char *)"sallyport", 9) != 1 ||
		SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(context, ciphers_tls12) != 1 ||
		SSL_CTX_set_ciphersuites(context, ciphers_tls13) != 1 ||
		SSL_CTX_set1_groups_list(context, groups) != 1)
		return -ERR_CRYPTO;
	return 0;
}

int tls_context_create(int certificate, int key, SSL_CTX **ret_context)
{
	CLEANUP(context_freep) SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (!context)
		return -ERR_SYSTEM;
	int r = configure(context);
	if (r == 0)
		r = load(context, certificate, use_certificate);
	if (r == 0)
		r = load(context, key, use_key);
	if (r < 0)
		return r;
	*ret_context = STEAL(context);
	return 0;
}

/* Whom it names and who signed it does not matter: it is known by its fingerprint, or not. */
static int accept_certificate(X509_STORE_CTX *chain, void *context)
{
	return 1;
}

static int ask_by_name(SSL *tls, int *alert, void *context)
{
	const char *host = context, *name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
	if (strcmp(host, "*") == 0 || (name && strcasecmp(name, host) == 0))
		SSL_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, NULL);
	return SSL_TLSEXT_ERR_OK;
}

void tls_ask_certificate(SSL_CTX *context, const char *host)
{
	if (host[0] == '\0')
		return;
	SSL_CTX_set_cert_verify_callback(context, accept_certificate, NULL);
	SSL_CTX_set_max_cert_list(context, CLIENT_CHAIN_MAX);
	SSL_CTX_set_tlsext_servername_callback(context, ask_by_name);
	SSL_CTX_set_tlsext_servername_arg(context, (void *)(uintptr_t)host);
}

bool tls_certificate(SSL *tls, uint8_t ret_fingerprint[HASH_LEN])
{
	X509 *certificate = SSL_get0_peer_certificate(tls);
	unsigned len;
	return certificate && X509_digest(certificate, EVP_sha256(), ret_fingerprint, &len) == 1;
}

static int settle(SSL *tls, int result, uint32_t *ret_wants)
{
	switch (SSL_get_error(tls, result)) {
	case SSL_ERROR_WANT_READ:
		*ret_wants = EPOLLIN;
		return -ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*ret_wants = EPOLLOUT;
		return -ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return -ERR_CLOSED;
	default:
		ERR_clear_error();
		return -ERR_CRYPTO;
	}
}

int tls_handshake(SSL *tls, uint32_t *ret_wants)
{
	ERR_clear_error();
	int r = SSL_accept(tls);
	return r == 1 ? 1 : settle(tls, r, ret_wants);
}

int tls_read(SSL *tls, void *bytes, size_t len, uint32_t *ret_wants)
{
	ERR_clear_error();
	int r = SSL_read(tls, bytes, (int)MIN(len, (size_t)INT_MAX));
	return r > 0 ? r : settle(tls, r, ret_wants);
}

int tls_write(SSL *tls, const void *bytes, size_t len, uint32_t *ret_wants)
{
	ERR_clear_error();
	int r = SSL_write(tls, bytes, (int)MIN(len, (size_t)INT_MAX));
	return r > 0 ? r : settle(tls, r, ret_wants);
}

void tls_offer_ticket(SSL *tls)
{
	SSL_new_session_ticket(tls);
	ERR_clear_error();
}

void tls_goodbye(SSL *tls)
{
	ERR_clear_error();
	if (SSL_is_init_finished(tls))
		SSL_shutdown(tls);
	ERR_clear_error();
}

void tls_renew_tickets(SSL_CTX *context)
{
	uint8_t keys[TICKET_KEYS_MAX];
	long len = SSL_CTX_get_tlsext_ticket_keys(context, NULL, 0);
	if (len <= 0 || len > (long)sizeof keys)
		return;
	random_bytes(keys, (size_t)len);
	SSL_CTX_set_tlsext_ticket_keys(context, keys, len);
	mem_wipe(keys, sizeof keys);
}
