/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <openssl/ssl.h>

#include "base/loop.h"
#include "witness/lookup.h"
#include "witness/message.h"
#include "witness/outlet.h"

/*
 * Syslog over TCP (RFC 6587) or TLS (RFC 5425), one connection. There is no acknowledgement in the
 * protocol; a batch counts as taken when the receiver's machine has acknowledged all of it. A
 * connection that breaks before has its batch sent again.
 */
#define SYSLOG_CONNECT_MS 10000 /* connection and handshake */
#define SYSLOG_TAKE_MS 15000    /* until a batch is acknowledged */
#define SYSLOG_POLL_MS 20       /* how often that is looked at */

enum syslog_stage { SYSLOG_CLOSED, SYSLOG_CONNECTING, SYSLOG_HANDSHAKE, SYSLOG_OPEN };

struct syslog {
	struct lookup lookup;
	unsigned address;             /* which is tried next */
	char host[MESSAGE_HOST_SIZE]; /* of ours */
	bool cef;
	SSL_CTX *tls; /* NULL: plain TCP */
	SSL *session;
	int fd;
	enum syslog_stage stage;
	struct watch *watch;
	struct timer *timer;
	size_t written; /* of the batch */
	uint64_t deadline;
};

extern const struct outlet_kind syslog_kind;

/* where: the setting. authorities: PEM, for TLS. Before the walls. -ERR_MALFORMED, -ERR_CRYPTO. */
int syslog_init(struct syslog *syslog, const char *where, bool cef, const char *authorities);
