/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static SSL_CTX *context(void)
{
	static SSL_CTX *made; /* one for all threads: made before they are */

	if (made == NULL) {
		made = SSL_CTX_new(TLS_client_method());
		if (made == NULL || SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION) != 1 ||
			SSL_CTX_set1_groups_list(made, "X25519:P-256") != 1)
			die("no TLS 1.3");
		SSL_CTX_set_verify(made, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
	}
	return made;
}

SSL *tls_dial(uint16_t port, SSL_SESSION *session)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *tls = SSL_new(context());

	if (fd < 0 || tls == NULL)
		die("socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		die("connect to port %u: %s", port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	SSL_set_fd(tls, fd);
	SSL_set_tlsext_host_name(tls, "localhost");
	if (session != NULL)
		SSL_set_session(tls, session);
	return tls;
}

/* Small messages on a socket that always has room for them. */
void tls_say(SSL *tls, const void *bytes, size_t len)
{
	if (SSL_write(tls, bytes, (int)len) != (int)len)
		die("the gateway does not take what is said to it");
}
