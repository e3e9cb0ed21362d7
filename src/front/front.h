/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"
#include "front/crowd.h"
#include "front/form.h"
#include "wire/wire.h"

/* Ceilings of the front alone. */
#define CONNECTIONS_MAX 16384 /* at once; fewer when the process may open fewer descriptors */
#define ADDRESS_PART 2        /* one address may hold this fraction of them */
#define LISTENERS_MAX 8
#define ACCEPT_BURST 64 /* connections taken before others get their turn */
#define WAITING_BUCKETS 1024
#define HELD_MAX                                                                                   \
	(256 * 1024 * 1024)       /* bytes of unfinished requests and answers, all connections     \
				   */
#define SCRATCH_SIZE (65536 + 16) /* one read: a full view chunk and the header in front of it */
#define SWEEP_MS 1000             /* how often deadlines are looked at */

/* Timeouts, milliseconds (contract section 2, requirement A3) */
#define HANDSHAKE_MS 10000
#define HEAD_MS 10000          /* of one request, from its first byte, or from the handshake */
#define BODY_MS 30000          /* from the end of its head */
#define IDLE_MS 75000          /* between requests */
#define IDLE_CROWDED_MS 5000   /* the same, when connections get scarce */
#define BROKER_MS 10000        /* a call at the broker */
#define WRITE_MS 30000         /* without the client taking a byte of an answer */
#define LINGER_MS 2000         /* after our last byte */
#define PROOF_MS 10000         /* from the upgrade to the page's proof */
#define FAREWELL_MS 5000       /* from our close frame to the page's */
#define TICKET_KEYS_MS 3600000 /* the life of the key that session tickets are sealed with */
#define STOP_MS 2000           /* from STOP to the end */
#define RETIRE_MS 60000        /* from FINISH to the end, whoever is still there */
#define RETIRE_IDLE_MS 5000    /* that a connection between two requests is kept then */
#define BROKERS_MAX 8          /* replaced ones that still have questions of ours */

/* Everything this process knows. One per process; handlers get it through their connection. */
struct front {
	struct loop *loop;
	const struct settings *settings;
	SSL_CTX *tls;
	struct channel *broker; /* NULL while it is being restarted */
	struct channel *earlier[BROKERS_MAX];
	unsigned broker_number; /* counts brokers: a challenge is good with the one that made it */
	uint32_t serial;        /* of the last question, whichever broker has it */
	char origin[URL_SIZE];  /* of gateway.public_url: "https://host[:port]", or "" */
	struct listener {
		int fd;
		struct watch *watch;
	} listeners[LISTENERS_MAX];
	unsigned listener_count;
	struct connection *connections, *buried;     /* buried: closed, freed after the turn */
	struct connection *waiting[WAITING_BUCKETS]; /* for an answer of the broker, by serial */
	unsigned connection_count, connection_most, titled;
	struct crowd *crowd;
	struct timer *sweep, *again_timer;
	struct connection *again; /* TLS holds bytes of theirs that no descriptor will announce */
	uint64_t trace;           /* names calls: random start, then counted */
	size_t held;              /* at most about HELD_MAX */
	uint64_t ticket_keys_due;
	bool stopping; /* no new connections; ends with the last one */
	bool stopped;  /* and soon, whoever is still there: STOP came */

	/* Of the request being handled; nothing here outlives a callback. */
	struct http_request request;
	struct form form;
	struct msg_api_call call;
	uint8_t scratch[SCRATCH_SIZE];
};

int front_init(struct front *front, struct loop *loop, const struct settings *settings,
	SSL_CTX *tls, unsigned connection_most);
void front_finish(struct front *front);
int front_listen(struct front *front, int fd); /* takes fd */
/*
 * A channel to a (new) broker; takes fd. One that was there is asked nothing more, but what it was
 * asked it answers.
 */
void front_broker(struct front *front, int fd, uint32_t generation);
void front_stop(struct front *front); /* no new connections; the loop ends soon */
/*
 * Another front accepts from now on. Requests are answered to their end, each as the last of its
 * connection; pages are told to come again.
 */
void front_retire(struct front *front);
void front_again(struct front *front); /* connection_again() in the next turn */
void front_trace(struct front *front, char ret_trace[TRACE_SIZE]);
