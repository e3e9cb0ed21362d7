/* SPDX-License-Identifier: Apache-2.0 */
#include "front/websocket.h"

#include <string.h>
#include <strings.h>

#include <openssl/sha.h>

#include "base/encode.h"
#include "base/mem.h"

#define KEY_LEN 16
#define KEY_TEXT_LEN 24
#define HEADER_LEAST 6 /* two bytes and the mask */

/* Header fields and Host compare without regard to letter case; browsers send origins in lower
 * case. */
static bool origin_is_host(struct slice origin, struct slice host)
{
	static const char scheme[] = "https://";
	size_t scheme_len = sizeof scheme - 1;
	return host.at && origin.len == scheme_len + host.len &&
	       strncasecmp(origin.at, scheme, scheme_len) == 0 &&
	       strncasecmp(origin.at + scheme_len, host.at, host.len) == 0;
}

bool websocket_origin(const struct http_request *request, const char *origin)
{
	struct slice sent = request->known[HTTP_ORIGIN];
	if (!sent.at)
		return false;
	return (origin[0] && slice_is_word(sent, origin)) ||
	       origin_is_host(sent, request->known[HTTP_HOST]);
}

static bool key_valid(struct slice key)
{
	uint8_t bytes[KEY_LEN + 2];
	return key.len == KEY_TEXT_LEN &&
	       base64_decode(bytes, sizeof bytes, key.at, key.len) == KEY_LEN;
}

static void accept_value(struct slice key, char ret_accept[WEBSOCKET_ACCEPT_SIZE])
{
	static const char constant[] =
		"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3 */
	unsigned char text[KEY_TEXT_LEN + sizeof constant - 1], digest[SHA_DIGEST_LENGTH];
	memcpy(text, key.at, KEY_TEXT_LEN);
	memcpy(text + KEY_TEXT_LEN, constant, sizeof constant - 1);
	SHA1(text, sizeof text, digest);
	base64_encode(ret_accept, digest, sizeof digest);
}

int websocket_handshake(const struct http_request *request, const char *origin,
	char ret_accept[WEBSOCKET_ACCEPT_SIZE])
{
	const struct slice *known = request->known;
	if (!slice_is(request->method, "GET") || request->minor != 1 || request->chunked ||
		request->content_length > 0)
		return 400;
	if (!http_has_token(request, HTTP_UPGRADE, "websocket") ||
		!http_has_token(request, HTTP_CONNECTION, "upgrade"))
		return 400;
	if (!slice_is(known[HTTP_WEBSOCKET_VERSION], "13"))
		return known[HTTP_WEBSOCKET_VERSION].at ? 426 : 400;
	if (!known[HTTP_WEBSOCKET_KEY].at || !key_valid(known[HTTP_WEBSOCKET_KEY]))
		return 400;
	if (!websocket_origin(request, origin))
		return 403;
	if (known[HTTP_SEC_FETCH_SITE].at && !slice_is(known[HTTP_SEC_FETCH_SITE], "same-origin"))
		return 403;
	if (!http_has_token(request, HTTP_WEBSOCKET_PROTOCOL, WEBSOCKET_PROTOCOL))
		return 400;
	accept_value(known[HTTP_WEBSOCKET_KEY], ret_accept);
	return 0;
}

static bool is_control(uint8_t opcode)
{
	return opcode >= WEBSOCKET_CLOSE;
}

/* How long the header is, told by its second byte. */
static uint8_t header_length(uint8_t second)
{
	uint8_t length = second & 0x7f;
	return (uint8_t)(HEADER_LEAST + (length == 126 ? 2 : length == 127 ? 8 : 0));
}

/* What the first two bytes alone forbid. */
static int check_start(const struct websocket *websocket)
{
	uint8_t first = websocket->header[0], second = websocket->header[1], opcode = first & 0x0f;
	if ((first & 0x70) || !(second & 0x80))
		return -WEBSOCKET_FAULT; /* no extension is negotiated; clients must mask */
	if ((opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE) || opcode > WEBSOCKET_PONG)
		return -WEBSOCKET_FAULT;
	if (is_control(opcode))
		return (first & 0x80) && (second & 0x7f) <= WEBSOCKET_CONTROL_MAX
			       ? 0
			       : -WEBSOCKET_FAULT;
	if ((opcode == WEBSOCKET_CONTINUATION) != websocket->in_message)
		return -WEBSOCKET_FAULT;
	return opcode == WEBSOCKET_TEXT ? -WEBSOCKET_UNSUPPORTED : 0;
}

static int read_length(const uint8_t *header, uint64_t *ret_length)
{
	uint8_t length = header[1] & 0x7f;
	uint64_t value = 0;
	unsigned bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | header[2 + i];
	if (bytes == 0)
		value = length;
	if ((bytes == 2 && value < 126) || (bytes == 8 && (value < 65536 || value >> 63)))
		return -WEBSOCKET_FAULT; /* the shortest form is the only one */
	*ret_length = value;
	return 0;
}

/* The header is there: begins the frame. */
static int begin_frame(struct websocket *websocket)
{
	uint64_t length = 0;
	int r = read_length(websocket->header, &length);
	if (r < 0)
		return r;
	websocket->opcode = websocket->header[0] & 0x0f;
	websocket->mask_at = 0;
	websocket->control_len = 0;
	if (!is_control(websocket->opcode)) {
		if (websocket->opcode != WEBSOCKET_CONTINUATION)
			websocket->message = 0;
		if (length > WEBSOCKET_MESSAGE_MAX - websocket->message)
			return -WEBSOCKET_TOO_BIG;
		websocket->message += (uint32_t)length;
		websocket->in_message = !(websocket->header[0] & 0x80);
	}
	websocket->left = (uint32_t)length;
	return 0;
}

static void unmask(struct websocket *websocket, uint8_t *bytes, size_t len)
{
	const uint8_t *mask = websocket->header + header_length(websocket->header[1]) - 4;
	uint8_t turned[8];
	for (unsigned i = 0; i < 8; i++)
		turned[i] = mask[(websocket->mask_at + i) & 3];
	uint64_t wide, word;
	memcpy(&wide, turned, 8);
	size_t i = 0;
	for (; i + 8 <= len; i += 8) {
		memcpy(&word, bytes + i, 8);
		word ^= wide;
		memcpy(bytes + i, &word, 8);
	}
	for (; i < len; i++)
		bytes[i] ^= turned[i & 7];
	websocket->mask_at = (uint32_t)(websocket->mask_at + len) & 3;
}

static bool code_valid(uint16_t code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
	       (code >= 3000 && code <= 4999);
}

static int finish_close(struct websocket *websocket, struct websocket_piece *ret_piece)
{
	const uint8_t *payload = websocket->control;
	websocket->closed = true;
	ret_piece->code = WEBSOCKET_NO_CODE;
	if (websocket->control_len == 0)
		return 1;
	if (websocket->control_len == 1)
		return -WEBSOCKET_FAULT;
	ret_piece->code = (uint16_t)(payload[0] << 8 | payload[1]);
	if (!code_valid(ret_piece->code))
		return -WEBSOCKET_FAULT;
	return utf8_valid(payload + 2, websocket->control_len - 2u) ? 1 : -WEBSOCKET_NOT_UTF8;
}

/* A control frame is collected, since it may arrive in pieces. */
static int take_control(struct websocket *websocket, const uint8_t *bytes, size_t len,
	struct websocket_piece *ret_piece)
{
	memcpy(websocket->control + websocket->control_len, bytes, len);
	websocket->control_len = (uint8_t)(websocket->control_len + len);
	if (websocket->left > 0)
		return 0;
	websocket->header_len = 0;
	*ret_piece = (struct websocket_piece){ .opcode = (enum websocket_opcode)websocket->opcode,
		.bytes = websocket->control,
		.len = websocket->control_len };
	return websocket->opcode == WEBSOCKET_CLOSE ? finish_close(websocket, ret_piece) : 1;
}

/* Takes header bytes until it is complete. 1 complete, 0 more, negative refused. */
static int take_header(struct websocket *websocket, const uint8_t *bytes, size_t len, size_t *used)
{
	while (*used < len) {
		websocket->header[websocket->header_len++] = bytes[(*used)++];
		if (websocket->header_len < 2)
			continue;
		int r = websocket->header_len == 2 ? check_start(websocket) : 0;
		if (r < 0)
			return r;
		if (websocket->header_len < header_length(websocket->header[1]))
			continue;
		r = begin_frame(websocket);
		return r < 0 ? r : 1;
	}
	return 0;
}

static bool header_complete(const struct websocket *websocket)
{
	return websocket->header_len >= HEADER_LEAST &&
	       websocket->header_len == header_length(websocket->header[1]);
}

int websocket_next(struct websocket *websocket, uint8_t *bytes, size_t len, size_t *used,
	struct websocket_piece *ret_piece)
{
	while (!websocket->closed) {
		if (!header_complete(websocket)) {
			int r = take_header(websocket, bytes, len, used);
			if (r <= 0)
				return r;
		}
		size_t take = MIN((size_t)websocket->left, len - *used);
		uint8_t *payload = bytes + *used;
		if (take == 0 && websocket->left > 0)
			return 0;
		unmask(websocket, payload, take);
		*used += take;
		websocket->left -= (uint32_t)take;
		if (is_control(websocket->opcode)) {
			int r = take_control(websocket, payload, take, ret_piece);
			if (r != 0)
				return r;
			continue;
		}
		if (websocket->left == 0)
			websocket->header_len = 0;
		if (take == 0)
			continue; /* an empty frame says nothing */
		*ret_piece = (struct websocket_piece){
			.opcode = WEBSOCKET_BINARY, .bytes = payload, .len = take
		};
		return 1;
	}
	*used = len;
	return 0;
}

size_t websocket_header(uint8_t out[WEBSOCKET_HEADER_MAX], enum websocket_opcode opcode, size_t len)
{
	out[0] = (uint8_t)(0x80 | opcode);
	if (len < 126) {
		out[1] = (uint8_t)len;
		return 2;
	}
	unsigned bytes = len < 65536 ? 2 : 8;
	out[1] = bytes == 2 ? 126 : 127;
	for (unsigned i = 0; i < bytes; i++)
		out[2 + i] = (uint8_t)(len >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}
