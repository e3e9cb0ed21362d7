/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/http.h"

/*
 * WebSocket (RFC 6455), the server's side: one subprotocol, binary messages, no extension. A frame:
 *   fin rsv1-3 opcode | mask length7 | length 16 or 64 | 4 bytes mask | payload
 */
#define WEBSOCKET_PROTOCOL "sallyport.1"
#define WEBSOCKET_MESSAGE_MAX                                                                      \
	(128 * 1024)            /* bytes of one message: two of the largest view frames */
#define WEBSOCKET_HEADER_MAX 10 /* bytes in front of a frame of ours */
#define WEBSOCKET_CONTROL_MAX 125
#define WEBSOCKET_ACCEPT_SIZE 29

enum websocket_opcode {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};
enum websocket_code {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_AWAY = 1001,
	WEBSOCKET_FAULT = 1002,
	WEBSOCKET_UNSUPPORTED = 1003,
	WEBSOCKET_NO_CODE = 1005, /* never on the wire */
	WEBSOCKET_NOT_UTF8 = 1007,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_TOO_BIG = 1009,
	WEBSOCKET_RESTART = 1012, /* come again at once: another front is there already */
};

/*
 * 0 when the request may become a WebSocket, else the status to refuse it with: 400, 403 (from
 * another site) or 426 (another version). origin: ours, "https://host[:port]".
 */
int websocket_handshake(const struct http_request *request, const char *origin,
	char ret_accept[WEBSOCKET_ACCEPT_SIZE]);
/* Origin is ours, by its configured name or by the name the request was sent to. */
bool websocket_origin(const struct http_request *request, const char *origin);

/* Reads frames from bytes in any pieces; payloads are unmasked in place and never collected. */
struct websocket {
	uint8_t header[14], header_len; /* of the frame being read */
	uint8_t opcode;                 /* of the frame being read; header_len == 0: none */
	bool in_message, closed;
	uint8_t control_len, control[WEBSOCKET_CONTROL_MAX];
	uint32_t left;    /* payload bytes of the frame still to come */
	uint32_t mask_at; /* position in the mask */
	uint32_t message; /* bytes of the message so far, with this frame */
};
struct websocket_piece {
	enum websocket_opcode opcode; /* BINARY for every piece of a message, PING, PONG, CLOSE */
	uint8_t *bytes;
	size_t len;
	uint16_t code; /* CLOSE: what the peer said, or NO_CODE */
};
/*
 * The next piece in bytes[*used..len); *used moves on. 1: ret_piece is filled; 0: more bytes are
 * needed; negative: -code, with which the connection must be closed.
 */
int websocket_next(struct websocket *websocket, uint8_t *bytes, size_t len, size_t *used,
	struct websocket_piece *ret_piece);
/* Writes the header of an unfragmented frame of ours; its length. */
size_t websocket_header(
	uint8_t out[WEBSOCKET_HEADER_MAX], enum websocket_opcode opcode, size_t len);
