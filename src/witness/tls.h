/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include <openssl/ssl.h>

/*
 * A client's side of TLS: 1.2 or newer, and nobody is believed but who has a certificate for the
 * name that was asked for, from one of the authorities (PEM).
 */
int tls_client(const char *authorities, SSL_CTX **ret_context); /* -ERR_CRYPTO */
/* host: the name, or the address, that the certificate must be for. */
int tls_session(SSL_CTX *context, const char *host, bool literal, int fd, SSL **ret_session);
/* Why the handshake failed, in words: the certificate's fault, or the library's. */
const char *tls_why(const SSL *session, char out[96]);
