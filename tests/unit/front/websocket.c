/* SPDX-License-Identifier: Apache-2.0 */
#include "front/websocket.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"

/* The handshake. */
#define LINE "GET /session/x/attach HTTP/1.1\r\n"
#define HOST "Host: gateway:8443\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define THIRTEEN "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define ORIGIN "Origin: https://gateway:8443\r\n"
#define PROTOCOL "Sec-WebSocket-Protocol: sallyport.1\r\n"
#define OURS "https://public.example"

static int shake(const char *text, char accept[WEBSOCKET_ACCEPT_SIZE])
{
	struct http_request request;
	assert_true(http_parse(text, strlen(text), &request) > 0);
	return websocket_handshake(&request, OURS, accept);
}

static const struct {
	const char *name, *text;
	int status;
} handshakes[] = {
	{ "good", LINE HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "\r\n", 0 },
	{ "public origin",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: https://public.example\r\n" PROTOCOL "\r\n",
		0 },
	{ "tokens among others",
		LINE HOST
		"Upgrade: h2c, WebSocket\r\nConnection: keep-alive, upgrade\r\n" THIRTEEN KEY ORIGIN
		"Sec-WebSocket-Protocol: other, sallyport.1\r\n\r\n",
		0 },
	{ "extensions are not taken",
		LINE HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL
		"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		0 },
	{ "same origin by fetch metadata",
		LINE HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL
		"Sec-Fetch-Site: same-origin\r\n\r\n",
		0 },
	{ "POST", "POST /a HTTP/1.1\r\n" HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "\r\n", 400 },
	{ "HEAD", "HEAD /a HTTP/1.1\r\n" HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "\r\n", 400 },
	{ "HTTP/1.0", "GET /a HTTP/1.0\r\n" HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "\r\n", 400 },
	{ "body", LINE HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "Content-Length: 1\r\n\r\nx",
		400 },
	{ "chunked body",
		LINE HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "Transfer-Encoding: chunked\r\n\r\n",
		400 },
	{ "no Upgrade", LINE HOST "Connection: Upgrade\r\n" THIRTEEN KEY ORIGIN PROTOCOL "\r\n",
		400 },
	{ "other Upgrade",
		LINE HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" THIRTEEN KEY ORIGIN PROTOCOL
			  "\r\n",
		400 },
	{ "longer Upgrade",
		LINE HOST
		"Upgrade: websockets\r\nConnection: Upgrade\r\n" THIRTEEN KEY ORIGIN PROTOCOL
		"\r\n",
		400 },
	{ "no Connection", LINE HOST "Upgrade: websocket\r\n" THIRTEEN KEY ORIGIN PROTOCOL "\r\n",
		400 },
	{ "Connection: close",
		LINE HOST "Upgrade: websocket\r\nConnection: close\r\n" THIRTEEN KEY ORIGIN PROTOCOL
			  "\r\n",
		400 },
	{ "no version", LINE HOST UPGRADE KEY ORIGIN PROTOCOL "\r\n", 400 },
	{ "version 8", LINE HOST UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY ORIGIN PROTOCOL "\r\n",
		426 },
	{ "version 014",
		LINE HOST UPGRADE "Sec-WebSocket-Version: 013\r\n" KEY ORIGIN PROTOCOL "\r\n",
		426 },
	{ "versions",
		LINE HOST UPGRADE "Sec-WebSocket-Version: 13, 8\r\n" KEY ORIGIN PROTOCOL "\r\n",
		426 },
	{ "no key", LINE HOST UPGRADE THIRTEEN ORIGIN PROTOCOL "\r\n", 400 },
	{ "empty key", LINE HOST UPGRADE THIRTEEN "Sec-WebSocket-Key:\r\n" ORIGIN PROTOCOL "\r\n",
		400 },
	{ "short key",
		LINE HOST UPGRADE THIRTEEN
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" ORIGIN PROTOCOL "\r\n",
		400 },
	{ "key of 15 bytes",
		LINE HOST UPGRADE THIRTEEN
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j====\r\n" ORIGIN PROTOCOL "\r\n",
		400 },
	{ "long key",
		LINE HOST UPGRADE THIRTEEN
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==AAAA\r\n" ORIGIN PROTOCOL "\r\n",
		400 },
	{ "key with other letters",
		LINE HOST UPGRADE THIRTEEN
		"Sec-WebSocket-Key: dGhlIHNhbXBs!SBub25jZQ==\r\n" ORIGIN PROTOCOL "\r\n",
		400 },
	{ "key without padding",
		LINE HOST UPGRADE THIRTEEN
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n" ORIGIN PROTOCOL "\r\n",
		400 },
	{ "key not in its canonical form",
		LINE HOST UPGRADE THIRTEEN
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n" ORIGIN PROTOCOL "\r\n",
		400 },
	{ "no origin", LINE HOST UPGRADE THIRTEEN KEY PROTOCOL "\r\n", 403 },
	{ "null origin", LINE HOST UPGRADE THIRTEEN KEY "Origin: null\r\n" PROTOCOL "\r\n", 403 },
	{ "empty origin", LINE HOST UPGRADE THIRTEEN KEY "Origin:\r\n" PROTOCOL "\r\n", 403 },
	{ "other origin",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: https://evil.example\r\n" PROTOCOL "\r\n",
		403 },
	{ "origin by http",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: http://gateway:8443\r\n" PROTOCOL "\r\n",
		403 },
	{ "origin with other port",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: https://gateway:443\r\n" PROTOCOL "\r\n",
		403 },
	{ "origin without port",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: https://gateway\r\n" PROTOCOL "\r\n", 403 },
	{ "origin with suffix",
		LINE HOST UPGRADE THIRTEEN KEY
		"Origin: https://gateway:8443.evil.example\r\n" PROTOCOL "\r\n",
		403 },
	{ "origin with prefix",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: https://evil-gateway:8443\r\n" PROTOCOL
					       "\r\n",
		403 },
	{ "origin with user",
		LINE HOST UPGRADE THIRTEEN KEY
		"Origin: https://gateway:8443@evil.example\r\n" PROTOCOL "\r\n",
		403 },
	{ "origin with slash",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: https://gateway:8443/\r\n" PROTOCOL "\r\n",
		403 },
	{ "public origin with suffix",
		LINE HOST UPGRADE THIRTEEN KEY "Origin: https://public.example.evil\r\n" PROTOCOL
					       "\r\n",
		403 },
	{ "two origins in one",
		LINE HOST UPGRADE THIRTEEN KEY
		"Origin: https://gateway:8443 https://evil.example\r\n" PROTOCOL "\r\n",
		403 },
	{ "cross-site",
		LINE HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "Sec-Fetch-Site: cross-site\r\n\r\n",
		403 },
	{ "same-site",
		LINE HOST UPGRADE THIRTEEN KEY ORIGIN PROTOCOL "Sec-Fetch-Site: same-site\r\n\r\n",
		403 },
	{ "no protocol", LINE HOST UPGRADE THIRTEEN KEY ORIGIN "\r\n", 400 },
	{ "other protocol",
		LINE HOST UPGRADE THIRTEEN KEY ORIGIN "Sec-WebSocket-Protocol: sallyport.2\r\n\r\n",
		400 },
};

static void test_handshake(void **state)
{
	char accept[WEBSOCKET_ACCEPT_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(handshakes); i++) {
		int status = shake(handshakes[i].text, accept);
		if (status != handshakes[i].status)
			fail_msg(
				"%s: %d, not %d", handshakes[i].name, status, handshakes[i].status);
	}
}

/* The example of RFC 6455 section 1.3. */
static void test_accept(void **state)
{
	char accept[WEBSOCKET_ACCEPT_SIZE];
	assert_int_equal(shake(handshakes[0].text, accept), 0);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* Frames. The mask is 01 02 03 04 unless a row says otherwise. */
#define M "\x01\x02\x03\x04"

struct result {
	int fault;        /* the code the connection must be closed with; 0: none */
	char events[512]; /* "binary(..)ping(..)close:1000(..)" */
	uint16_t code;
};

static void note(struct result *result, const struct websocket_piece *piece)
{
	size_t at = strlen(result->events);
	const char *name = piece->opcode == WEBSOCKET_PING   ? "ping"
			   : piece->opcode == WEBSOCKET_PONG ? "pong"
							     : "close";
	if (piece->opcode == WEBSOCKET_BINARY)
		snprintf(result->events + at, sizeof result->events - at, "%.*s", (int)piece->len,
			(char *)piece->bytes);
	else
		snprintf(result->events + at, sizeof result->events - at, "[%s %zu]", name,
			piece->len);
	if (piece->opcode == WEBSOCKET_CLOSE)
		result->code = piece->code;
}

/* Feeds the bytes in pieces of `step`. */
static struct result feed(const char *bytes, size_t len, size_t step)
{
	struct websocket websocket = { 0 };
	struct result result = { 0 };
	for (size_t at = 0; at < len && result.fault == 0; at += step) {
		size_t take = MIN(step, len - at), used = 0;
		uint8_t *piece_bytes = malloc(take);
		struct websocket_piece piece;
		memcpy(piece_bytes, bytes + at, take);
		int r;
		while ((r = websocket_next(&websocket, piece_bytes, take, &used, &piece)) > 0)
			note(&result, &piece);
		if (r < 0)
			result.fault = -r;
		else
			assert_int_equal(used, take);
		free(piece_bytes);
	}
	return result;
}

#define ROW(name, bytes, fault, events)                                                            \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, fault, events                                      \
	}

/* "hello" under the mask: 68^01 65^02 6c^03 6c^04 6f^01 */
#define HELLO "\x69\x67\x6f\x68\x6e"

static const struct {
	const char *name, *bytes;
	size_t len;
	int fault;
	const char *events;
} frames[] = {
	/* what is right */
	ROW("binary", "\x82\x85" M HELLO, 0, "hello"),
	ROW("empty binary", "\x82\x80" M, 0, ""),
	ROW("mask of zeros", "\x82\x82\0\0\0\0hi", 0, "hi"),
	ROW("two messages", "\x82\x85" M HELLO "\x82\x85" M HELLO, 0, "hellohello"),
	ROW("two fragments", "\x02\x82" M "\x69\x67\x80\x83" M "\x6d\x6e\x6c", 0, "hello"),
	ROW("three fragments, one empty",
		"\x02\x82" M "\x69\x67\x00\x80" M "\x80\x83" M "\x6d\x6e\x6c", 0, "hello"),
	ROW("ping", "\x89\x85" M HELLO, 0, "[ping 5]"),
	ROW("empty ping", "\x89\x80" M, 0, "[ping 0]"),
	ROW("pong nobody asked for", "\x8a\x85" M HELLO, 0, "[pong 5]"),
	ROW("ping between fragments", "\x02\x82" M "\x69\x67\x89\x80" M "\x80\x83" M "\x6d\x6e\x6c",
		0, "he[ping 0]llo"),
	ROW("close without code", "\x88\x80" M, 0, "[close 0]"),
	ROW("close 1000", "\x88\x82" M "\x02\xea", 0, "[close 2]"),
	ROW("close 1000 with reason", "\x88\x84" M "\x02\xea\x6c\x6f", 0, "[close 4]"),
	ROW("close 3000", "\x88\x82" M "\x0a\xba", 0, "[close 2]"),
	ROW("close 4999", "\x88\x82" M "\x12\x85", 0, "[close 2]"),
	ROW("bytes after close are nothing", "\x88\x80" M "\xff\xff\xff", 0, "[close 0]"),
	ROW("close between fragments", "\x02\x82" M "\x69\x67\x88\x80" M, 0, "he[close 0]"),
	/* masking: section 5.1 */
	ROW("unmasked binary", "\x82\x05hello", 1002, ""),
	ROW("unmasked empty binary", "\x82\x00", 1002, ""),
	ROW("unmasked ping", "\x89\x00", 1002, ""),
	ROW("unmasked close", "\x88\x02\x03\xe8", 1002, ""),
	ROW("unmasked long", "\x82\x7e\x00\x80", 1002, ""),
	/* reserved bits: section 5.2 */
	ROW("rsv1", "\xc2\x85" M HELLO, 1002, ""),
	ROW("rsv2", "\xa2\x85" M HELLO, 1002, ""),
	ROW("rsv3", "\x92\x85" M HELLO, 1002, ""),
	ROW("all reserved bits", "\xf2\x85" M HELLO, 1002, ""),
	ROW("rsv1 in ping", "\xc9\x80" M, 1002, ""),
	ROW("rsv1 in continuation", "\x02\x80" M "\xc0\x80" M, 1002, ""),
	/* opcodes */
	ROW("opcode 3", "\x83\x80" M, 1002, ""),
	ROW("opcode 4", "\x84\x80" M, 1002, ""),
	ROW("opcode 5", "\x85\x80" M, 1002, ""),
	ROW("opcode 6", "\x86\x80" M, 1002, ""),
	ROW("opcode 7", "\x87\x80" M, 1002, ""),
	ROW("opcode 11", "\x8b\x80" M, 1002, ""),
	ROW("opcode 12", "\x8c\x80" M, 1002, ""),
	ROW("opcode 13", "\x8d\x80" M, 1002, ""),
	ROW("opcode 14", "\x8e\x80" M, 1002, ""),
	ROW("opcode 15", "\x8f\x80" M, 1002, ""),
	ROW("text", "\x81\x85" M HELLO, 1003, ""),
	ROW("fragment of text", "\x01\x85" M HELLO, 1003, ""),
	/* lengths */
	ROW("16 bits for 125", "\x82\xfe\x00\x7d" M, 1002, ""),
	ROW("16 bits for 0", "\x82\xfe\x00\x00" M, 1002, ""),
	ROW("64 bits for 65535", "\x82\xff\0\0\0\0\0\0\xff\xff" M, 1002, ""),
	ROW("64 bits for 5", "\x82\xff\0\0\0\0\0\0\0\x05" M HELLO, 1002, ""),
	ROW("highest bit of 64", "\x82\xff\x80\0\0\0\0\0\0\0" M, 1002, ""),
	ROW("past the ceiling", "\x82\xff\0\0\0\0\0\x02\0\x01" M, 1009, ""),
	ROW("far past the ceiling", "\x82\xff\0\0\0\x01\0\0\0\0" M, 1009, ""),
	/* fragments: section 5.4 */
	ROW("continuation of nothing", "\x80\x85" M HELLO, 1002, ""),
	ROW("continuation of nothing, not final", "\x00\x85" M HELLO, 1002, ""),
	ROW("message inside a message", "\x02\x82" M "\x69\x67\x82\x80" M, 1002, "he"),
	ROW("text inside a message", "\x02\x82" M "\x69\x67\x81\x80" M, 1002, "he"),
	ROW("continuation after the end", "\x82\x80" M "\x80\x80" M, 1002, ""),
	ROW("continuation after the last", "\x02\x80" M "\x80\x80" M "\x80\x80" M, 1002, ""),
	/* control frames: section 5.5 */
	ROW("fragmented ping", "\x09\x80" M, 1002, ""),
	ROW("fragmented pong", "\x0a\x80" M, 1002, ""),
	ROW("fragmented close", "\x08\x80" M, 1002, ""),
	ROW("ping of 126", "\x89\xfe\x00\x7e" M, 1002, ""),
	ROW("pong of 126", "\x8a\xfe\x00\x7e" M, 1002, ""),
	ROW("close of 126", "\x88\xfe\x00\x7e" M, 1002, ""),
	ROW("ping with 64 bits", "\x89\xff\0\0\0\0\0\x01\0\0" M, 1002, ""),
	/* close: sections 5.5.1 and 7.4 */
	ROW("close of one byte", "\x88\x81" M "\x02", 1002, ""),
	ROW("close 0", "\x88\x82" M "\x01\x02", 1002, ""),
	ROW("close 999", "\x88\x82" M "\x02\xe5", 1002, ""),
	ROW("close 1004", "\x88\x82" M "\x02\xee", 1002, ""),
	ROW("close 1005", "\x88\x82" M "\x02\xef", 1002, ""),
	ROW("close 1006", "\x88\x82" M "\x02\xec", 1002, ""),
	ROW("close 1015", "\x88\x82" M "\x02\xf5", 1002, ""),
	ROW("close 1016", "\x88\x82" M "\x02\xfa", 1002, ""),
	ROW("close 2999", "\x88\x82" M "\x0a\xb5", 1002, ""),
	ROW("close 5000", "\x88\x82" M "\x12\x8a", 1002, ""),
	ROW("close 65535", "\x88\x82" M "\xfe\xfd", 1002, ""),
	ROW("close with reason not UTF-8", "\x88\x83" M "\x02\xea\xfc", 1007, ""),
	ROW("close with reason cut in a character", "\x88\x83" M "\x02\xea\xc0", 1007, ""),
};

static void test_frames(void **state)
{
	assert_true(ARRAY_LEN(frames) >= 57);
	for (size_t i = 0; i < ARRAY_LEN(frames); i++)
		for (size_t step = 1; step <= frames[i].len; step++) {
			struct result result = feed(frames[i].bytes, frames[i].len, step);
			if (result.fault != frames[i].fault ||
				strcmp(result.events, frames[i].events) != 0)
				fail_msg("%s, in steps of %zu: fault %d, events %s", frames[i].name,
					step, result.fault, result.events);
		}
}

static void test_close_code(void **state)
{
	assert_int_equal(feed("\x88\x82" M "\x02\xea", 8, 8).code, 1000);
	assert_int_equal(feed("\x88\x80" M, 6, 6).code, WEBSOCKET_NO_CODE);
	for (unsigned code = 0; code < 65536; code++) {
		char frame[] = "\x88\x82" M "..";
		frame[6] = (char)((code >> 8) ^ 1);
		frame[7] = (char)((code & 0xff) ^ 2);
		bool good = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
			    (code >= 3000 && code <= 4999);
		assert_int_equal(feed(frame, 8, 8).fault, good ? 0 : 1002);
	}
}

/* Any length survives masking, in any pieces, from any place. */
static void test_unmask(void **state)
{
	static const char mask[4] = { 0x11, 0x22, 0x44, (char)0x88 };
	for (size_t len = 1; len < 100; len++) {
		char frame[128] = { (char)0x82, (char)(0x80 | len) };
		memcpy(frame + 2, mask, 4);
		for (size_t i = 0; i < len; i++)
			frame[6 + i] = (char)(('a' + i % 26) ^ mask[i % 4]);
		for (size_t step = 1; step < len + 6; step += 3) {
			struct result result = feed(frame, len + 6, step);
			assert_int_equal(result.fault, 0);
			assert_int_equal(strlen(result.events), len);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(result.events[i], 'a' + i % 26);
		}
	}
}

/* A message may be as long as the ceiling in any number of fragments, and no longer. */
static void test_message_ceiling(void **state)
{
	struct websocket websocket = { 0 };
	static uint8_t bytes[8 + 65535];
	struct websocket_piece piece;
	size_t total = 0;
	int r = 0;
	for (int i = 0; i < 3; i++) {
		uint8_t header[8] = { i == 0 ? 0x02 : 0x00, 0xfe, 0xff, 0xff, 1, 2, 3, 4 };
		size_t used = 0;
		memcpy(bytes, header, 8);
		while ((r = websocket_next(&websocket, bytes, sizeof bytes, &used, &piece)) > 0)
			total += piece.len;
		if (r < 0)
			break;
	}
	assert_int_equal(total, 2 * 65535);
	assert_int_equal(r, -WEBSOCKET_TOO_BIG);
}

static void test_header(void **state)
{
	uint8_t out[WEBSOCKET_HEADER_MAX];
	assert_int_equal(websocket_header(out, WEBSOCKET_BINARY, 125), 2);
	assert_memory_equal(out, "\x82\x7d", 2);
	assert_int_equal(websocket_header(out, WEBSOCKET_PONG, 0), 2);
	assert_memory_equal(out, "\x8a\x00", 2);
	assert_int_equal(websocket_header(out, WEBSOCKET_BINARY, 126), 4);
	assert_memory_equal(out, "\x82\x7e\x00\x7e", 4);
	assert_int_equal(websocket_header(out, WEBSOCKET_BINARY, 65535), 4);
	assert_memory_equal(out, "\x82\x7e\xff\xff", 4);
	assert_int_equal(websocket_header(out, WEBSOCKET_BINARY, 65536), 10);
	assert_memory_equal(out, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_close_code),
		cmocka_unit_test(test_unmask),
		cmocka_unit_test(test_message_ceiling),
		cmocka_unit_test(test_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
