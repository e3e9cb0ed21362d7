/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "stand.h"

/*
 * Somebody outside: a process that accepts connections on loopback, with TLS when it has a
 * certificate, and keeps what it got in a file. What is not right about it is said beforehand.
 */
struct receiver {
	uint16_t port;
	int pid, listener;
	bool tls;
	bool silent;               /* accepts, and never reads */
	bool closes;               /* accepts, and closes */
	const char *answer;        /* to the end of a request's head; NULL: none */
	const struct stand *stand; /* the file lies in its directory */
};

/* An authority and a certificate of it for this name and address; PEM, good for the process. */
struct authority {
	char *pem, *certificate, *key;
};
void authority_create(struct authority *authority, const char *name);
void authority_destroy(struct authority *authority);

void receiver_listen(struct receiver *receiver);
void receiver_start(
	struct receiver *receiver, const struct stand *stand, const struct authority *authority);
void receiver_stop(struct receiver *receiver);
char *receiver_got(const struct receiver *receiver); /* the caller frees */
