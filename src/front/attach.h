/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"
#include "wire/wire.h"

/*
 * GET /session/<id>/attach becomes a WebSocket of the page (subprotocol sallyport.1):
 *   1. Origin, handshake and the session's cookie are checked; the broker is asked (ATTACH_ASK)
 *   2. it answers with a challenge: the upgrade is completed, the first frame carries it
 *   3. the page's first frame is its proof (ATTACH_PROVE)
 *   4. ATTACH_GRANTED brings the descriptor that leads to the recorder: relay.h takes over
 * A refusal in 2 or 4 completes the upgrade as well, since only a frame can tell the page why.
 */
void attach_begin(struct connection *connection, const struct http_request *request,
	const char session[SESSION_ID_SIZE]);
void attach_challenged(struct connection *connection, const struct msg_challenge *challenge);
void attach_refused(struct connection *connection, const struct msg_result *result);
void attach_granted(
	struct connection *connection, struct message *message); /* takes its descriptor */
/* Bytes of the page's first frame; returns how many belonged to it. */
size_t attach_proof(struct connection *connection, const uint8_t *bytes, size_t len);
