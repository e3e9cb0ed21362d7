/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The page's side of a WebSocket. */
#include "front/relay.h"
#include "gateway.h"

#define PAGE_NUMBER 0x1122334455667788 /* the page's own, in its proof */

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COOKIE                                                                                     \
	"__Host-sallyport-aaaaaaaaaaaaaaaa="                                                       \
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define UPGRADE(cookie)                                                                            \
	"GET /session/" ID "/attach HTTP/1.1\r\nHost: gateway\r\nOrigin: https://gateway\r\n"      \
	"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"               \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                                          \
	"Sec-WebSocket-Protocol: sallyport.1\r\n" cookie "\r\n"
#define OURS "Cookie: a=b; " COOKIE "\r\n"
#define CHALLENGE "\x82\x28\x80" /* a frame of 40 bytes; its payload begins with type CHALLENGE */

/* One masked frame. */
void page_send(struct gateway *gateway, struct client *client, uint8_t opcode, const void *payload,
	size_t len);
/* Asks for the WebSocket and reads until `until`. */
void page_upgrade(
	struct gateway *gateway, struct client *client, char *text, size_t size, const char *until);
void page_prove(struct gateway *gateway, struct client *client);
void page_attach(struct gateway *gateway, struct client *client); /* all of it: a relay stands */
/* The recorder's stream ends with this word. */
void recorder_hears_farewell(struct gateway *gateway, int recorder, uint8_t why);
/* What the recorder got; 0 at the end, -1 when nothing comes. */
ssize_t recorder_read(struct gateway *gateway, int recorder, void *bytes, size_t size);
