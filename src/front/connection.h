/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/loop.h"
#include "front/headers.h"
#include "front/http.h"
#include "front/tls.h"
#include "wire/messages.h"

/*
 * One client: TLS, then one request after the other, perhaps a WebSocket at the end. Bytes are read
 * into the front's scratch and handled there; a connection keeps only what is incomplete, and gives
 * the memory back when it is not.
 */
#define CONNECTION_IN_MAX (256 * 1024)       /* a head, a body, and one read more */
#define CONNECTION_OUT_MAX (8 * 1024 * 1024) /* of an answer in parts */

struct front;
struct relay;

enum connection_state {
	CONNECTION_HANDSHAKE,
	CONNECTION_REQUEST, /* reads requests */
	CONNECTION_WAITING, /* for the broker; the next request waits as well */
	CONNECTION_PROOF,   /* upgraded; waits for the page's proof */
	CONNECTION_RELAY,   /* between page and recorder */
	CONNECTION_LAST,    /* sends what is left, then closes */
	CONNECTION_LINGER,  /* everything is sent; swallows what the client still sends */
	CONNECTION_CLOSED,
};

struct connection {
	struct front *front;
	struct connection *next, *previous;
	struct connection *next_waiting, *next_again;
	SSL *tls;
	int fd;
	struct watch *watch;
	struct address peer; /* the socket's */
	struct buf in,
		out; /* in: incomplete or pipelined requests; out: what the socket did not take */
	uint64_t deadline;       /* of the state; 0: none */
	uint64_t write_deadline; /* 0 while nothing waits in out */
	uint32_t serial;         /* of the question at the broker */
	enum msg_type question;
	struct channel *asked; /* the broker that has it */
	struct relay *relay;   /* from the upgrade on */

	size_t held; /* bytes of in and out, as counted in front->held */

	/* The request being read. */
	uint32_t scanned;  /* bytes known to hold no line end of interest */
	uint32_t head_len; /* 0: the head is incomplete */
	uint32_t body_len; /* Content-Length */
	struct http_chunked chunked;

	uint8_t state;     /* enum connection_state */
	uint8_t tls_wants; /* TLS reads that want to write, and the reverse: extra events */
	bool is_chunked, continued;
	bool close_after; /* this request is the last */
	bool head_only;   /* HEAD: no body */
	bool old;         /* HTTP/1.0 */
	bool half_closed; /* the client said it has nothing more to say */
	bool swallow;     /* unread bytes may be on their way: linger before closing */
	bool streaming;   /* the answer's head is out, parts follow */
	bool asks;        /* the next of them comes when it is asked for */
	bool again;
};

int connection_open(struct front *front, int fd, const struct address *peer); /* takes fd */
void connection_close(struct connection *connection); /* at once; freed after the turn */
void connection_bury(struct front *front);

/* Sends, or keeps what the socket does not take. Past the ceiling the connection is closed. */
void connection_send(struct connection *connection, const void *bytes, size_t len);
void connection_last(struct connection *connection); /* close when everything is sent */
/* What must be asked for again after anything happened to the connection from outside its events.
 */
void connection_resume(struct connection *connection);
void connection_timeout(struct connection *connection);
void connection_again(struct front *front); /* reads what TLS still holds */

/* Answers the request being handled. head: body_len, close and wall_ms are filled in. */
void connection_answer(
	struct connection *connection, struct head *head, const void *body, size_t len);
void connection_error(struct connection *connection, int error, const char *extra_lines);
/* The same, for bytes that cannot be understood: nothing after them is read. */
void connection_refuse(struct connection *connection, int error);

/*
 * Puts a question to the broker; the answer finds the connection by its serial. Without a broker
 * the question is answered with -ERR_PEER_GONE at once.
 */
void connection_ask(struct connection *connection, enum msg_type question, const void *payload,
	const void *tail, size_t tail_len);
void connection_forget(struct connection *connection); /* the question */
