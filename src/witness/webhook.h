/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <curl/curl.h>

#include "base/loop.h"
#include "base/secret.h"
#include "witness/lookup.h"
#include "witness/outlet.h"

/*
 * A batch is the body of one HTTPS POST, JSON lines (application/x-ndjson), with two fields more:
 *
 *	Sallyport-Time: 1763906709123		milliseconds since 1970, when it was sent
 *	Sallyport-Signature: v1=4be1..		hex HMAC-SHA256 by the shared key of: that number,
 *						a full stop, the body
 *
 * Taken is what was answered with 2xx. Anything else is sent again, with another time.
 */
#define WEBHOOK_CONNECT_MS 10000
#define WEBHOOK_ANSWER_MS 20000
#define WEBHOOK_KEY_LEAST 16
#define WEBHOOK_SOCKETS 4

struct webhook {
	char url[URL_SIZE];
	struct lookup lookup;
	struct secret *key;
	char *authorities; /* PEM; curl reads it with each handshake */
	CURLM *multi;
	CURL *easy;
	struct curl_slist *fields, *resolve;
	bool running;
	size_t seen;           /* of an answer */
	struct outlet *outlet; /* whose batch it is */
	struct timer *timer;
	struct webhook_socket {
		struct webhook *webhook;
		curl_socket_t fd;
		struct watch *watch;
	} sockets[WEBHOOK_SOCKETS];
	char why[CURL_ERROR_SIZE];
};

extern const struct outlet_kind webhook_kind;

/* Takes the key and the authorities, always. -ERR_MALFORMED. */
int webhook_init(struct webhook *webhook, const char *url, struct secret *key, char *authorities);
/* After the lookup, before the walls. -ERR_SYSTEM. */
int webhook_open(struct webhook *webhook);
/* "v1=" and 64 hex digits. */
#define WEBHOOK_SIGNATURE_SIZE 68
int webhook_sign(const struct secret *key, int64_t at, const void *body, size_t len,
	char out[WEBHOOK_SIGNATURE_SIZE]);
