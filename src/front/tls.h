/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/limits.h"

/*
 * TLS 1.2 and 1.3 as every connection of ours speaks it: forward secrecy and authenticated
 * encryption only, http/1.1 by ALPN, no renegotiation, no compression.
 */
int tls_context_create(int certificate, int key, SSL_CTX **ret_context);
/*
 * Who comes to this host name (SNI) is asked for a client certificate and may have none; "*": to
 * any name; "": nobody is asked. What it says is nobody's business: only which key it is counts,
 * and that the handshake proved it. The name must live as long as the context.
 */
void tls_ask_certificate(SSL_CTX *context, const char *host);
bool tls_certificate(SSL *tls, uint8_t ret_fingerprint[HASH_LEN]); /* false: it has none */

/*
 * Steps on a non-blocking connection. On -ERR_AGAIN *ret_wants is EPOLLIN or EPOLLOUT: what to wait
 * for. -ERR_CLOSED: the peer closed in order. Anything else negative: the connection is useless.
 */
int tls_handshake(SSL *tls, uint32_t *ret_wants);                            /* 1 done */
int tls_read(SSL *tls, void *bytes, size_t len, uint32_t *ret_wants);        /* bytes read */
int tls_write(SSL *tls, const void *bytes, size_t len, uint32_t *ret_wants); /* bytes written */
/*
 * A session ticket with what is written next, so that the peer's next connection needs no full
 * handshake (TLS 1.3). Making one costs a fifth of a handshake: browsers come back, for their
 * WebSocket; who calls the API on a new connection each time mostly does so without it.
 */
void tls_offer_ticket(SSL *tls);
/* A new key for session tickets: what was sealed with the old one cannot be opened any more. */
void tls_renew_tickets(SSL_CTX *context);
void tls_goodbye(SSL *tls); /* our close_notify, if it can go now */
