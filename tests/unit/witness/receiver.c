/* SPDX-License-Identifier: Apache-2.0 */
#include "receiver.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT "kept" /* what it got, in the stand's directory */

/* ---- certificates ---- */

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	assert_non_null(extension);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

static X509 *make(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *certificate = X509_new();
	char names[128];

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer == NULL ? 1 : 2);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
		certificate, X509_get_subject_name(issuer != NULL ? issuer : certificate));
	if (issuer == NULL) {
		add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
	} else {
		snprintf(names, sizeof names, "DNS:%s,IP:127.0.0.1", name);
		add_extension(certificate, issuer, NID_subject_alt_name, names);
	}
	assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
	return certificate;
}

static char *text_of(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)len);

	BIO_free(bio);
	return text;
}

static char *pem_of(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	return text_of(bio);
}

void authority_create(struct authority *authority, const char *name)
{
	static unsigned made; /* no two have one name */
	EVP_PKEY *root = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	char issuer_name[32];
	snprintf(issuer_name, sizeof issuer_name, "Authority %u", ++made);
	X509 *issuer = make(issuer_name, root, NULL, root);
	X509 *certificate = make(name, key, issuer, root);
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	*authority = (struct authority){ pem_of(issuer), pem_of(certificate), text_of(bio) };
	X509_free(issuer);
	X509_free(certificate);
	EVP_PKEY_free(root);
	EVP_PKEY_free(key);
}

void authority_destroy(struct authority *authority)
{
	free(authority->pem);
	free(authority->certificate);
	free(authority->key);
}

/* ---- the process ---- */

static SSL_CTX *context_of(const struct authority *authority)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	BIO *bio = BIO_new_mem_buf(authority->certificate, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	SSL_CTX_use_certificate(context, certificate);
	X509_free(certificate);
	BIO_free(bio);
	bio = BIO_new_mem_buf(authority->key, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	SSL_CTX_use_PrivateKey(context, key);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return context;
}

static ssize_t take(int fd, SSL *session, char *bytes, size_t size)
{
	return session != NULL ? SSL_read(session, bytes, (int)size) : read(fd, bytes, size);
}

static void put(int fd, SSL *session, const char *text)
{
	if (session != NULL)
		SSL_write(session, text, (int)strlen(text));
	else if (write(fd, text, strlen(text)) < 0)
		_exit(3);
}

/* Answers when a body that was announced is there: requests come one after the other. */
static bool whole_request(const char *text)
{
	const char *body = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");

	return body != NULL && length != NULL && strlen(body + 4) >= strtoul(length + 16, NULL, 10);
}

static void serve(const struct receiver *receiver, int fd, SSL *session)
{
	int kept = openat(receiver->stand->fd, KEPT, O_WRONLY | O_CREAT | O_APPEND, 0600);
	static char request[1024 * 1024], bytes[65536];
	size_t len = 0;

	for (ssize_t got; (got = take(fd, session, bytes, sizeof bytes)) > 0;) {
		if (write(kept, bytes, (size_t)got) != got)
			_exit(3);
		if (receiver->answer == NULL || len + (size_t)got >= sizeof request)
			continue;
		memcpy(request + len, bytes, (size_t)got);
		len += (size_t)got;
		request[len] = '\0';
		if (whole_request(request)) {
			put(fd, session, receiver->answer);
			len = 0;
		}
	}
	close(kept);
}

static void live(const struct receiver *receiver, SSL_CTX *context)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(receiver->listener, NULL, NULL);
		SSL *session = NULL;
		if (context != NULL) {
			session = SSL_new(context);
			SSL_set_fd(session, fd);
		}
		if (receiver->silent)
			pause();
		if (!receiver->closes && (session == NULL || SSL_accept(session) == 1))
			serve(receiver, fd, session);
		SSL_free(session);
		close(fd);
	}
}

void receiver_listen(struct receiver *receiver)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(receiver->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof address;
	int on = 1;

	receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(receiver->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	assert_int_equal(bind(receiver->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(receiver->listener, 8), 0);
	getsockname(receiver->listener, (struct sockaddr *)&address, &len);
	receiver->port = ntohs(address.sin_port);
}

void receiver_start(
	struct receiver *receiver, const struct stand *stand, const struct authority *authority)
{
	receiver_listen(receiver);
	receiver->stand = stand;
	receiver->pid = fork();
	assert_true(receiver->pid >= 0);
	if (receiver->pid == 0)
		live(receiver, authority != NULL ? context_of(authority) : NULL);
	close(receiver->listener);
}

void receiver_stop(struct receiver *receiver)
{
	kill(receiver->pid, SIGKILL);
	waitpid(receiver->pid, NULL, 0);
}

char *receiver_got(const struct receiver *receiver)
{
	return stand_text(receiver->stand, KEPT);
}
