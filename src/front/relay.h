/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"
#include "front/websocket.h"
#include "wire/view.h"

/*
 * Bytes between one page's WebSocket and the recorder's stream (view.h), never looked into but for
 * where a frame of the page ends. When one side does not take more, the other is not read: nothing
 * here grows beyond one read.
 */
#define RELAY_CHUNK_MAX 65536                   /* bytes in one frame to the page */
#define RELAY_INWARD_MAX (RELAY_CHUNK_MAX + 64) /* what the recorder did not take yet */
#define RELAY_UNSENT_MAX                                                                           \
	65536 /* bytes the kernel holds for a slow page: all of them are latency                   \
	       */
#define PROOF_LEN (VIEW_HEADER_LEN + 84) /* at most */
#define PROOF_PAGE_AT 76                 /* in its payload; pages of before had none */

struct relay {
	struct connection *connection;
	struct websocket websocket;
	int fd; /* the recorder; -1: not yet, or no more */
	struct watch *watch;
	struct buf inward;
	bool closing;          /* our close frame is on its way */
	bool hung;             /* the recorder is gone, what it left is still to be read */
	uint8_t why;           /* enum view_gap, for the recorder: why the page is gone; 0: lost */
	struct view_edge edge; /* of what the page sent */
	bool cut;              /* part of that was dropped */
	bool pong_due;
	uint8_t pong_len, pong[WEBSOCKET_CONTROL_MAX];

	/* Until the broker grants (attach.c). */
	char accept[WEBSOCKET_ACCEPT_SIZE];
	uint8_t proof_len, proof[PROOF_LEN];
	bool proven;            /* the proof is whole; what follows is the recorder's */
	unsigned broker_number; /* front->broker_number when the challenge was asked for */
	struct msg_prove prove;
};

struct relay *relay_create(struct connection *connection); /* NULL without memory */
void relay_destroy(struct relay *relay);
int relay_start(struct relay *relay, int fd); /* takes fd */
void relay_farewell(int fd, uint8_t why);     /* the last frame to a recorder; why: enum view_gap */
bool relay_wants_input(const struct relay *relay);
void relay_take(struct connection *connection, uint8_t *bytes,
	size_t len);                               /* from the page; unmasked in place */
void relay_drained(struct connection *connection); /* the page's socket takes bytes again */
void relay_send(
	struct connection *connection, enum websocket_opcode opcode, const void *bytes, size_t len);
void relay_end(struct connection *connection,
	enum websocket_code code); /* close frame, then a short wait */
void relay_timeout(struct connection *connection);
