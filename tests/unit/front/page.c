/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include <sys/socket.h>

void page_send(struct gateway *gateway, struct client *client, uint8_t opcode, const void *payload,
	size_t len)
{
	static uint8_t frame[70000];
	size_t at = websocket_header(frame, (enum websocket_opcode)opcode, len);
	frame[1] |= 0x80;
	memcpy(frame + at, "\x01\x02\x03\x04", 4);
	at += 4;
	for (size_t i = 0; i < len; i++)
		frame[at + i] = (uint8_t)(((const uint8_t *)payload)[i] ^ (i % 4 + 1));
	client_send(gateway, client, frame, at + len);
}

ssize_t recorder_read(struct gateway *gateway, int recorder, void *bytes, size_t size)
{
	for (int quiet = 0; quiet < 60; quiet++) {
		ssize_t n = recv(recorder, bytes, size, MSG_DONTWAIT);
		if (n >= 0)
			return n;
		gateway_turn(gateway);
	}
	return -1;
}

void recorder_hears_farewell(struct gateway *gateway, int recorder, uint8_t why)
{
	uint8_t got[16], frame[9] = { VIEW_FAREWELL, 0, 0, 0, 1, 0, 0, 0, why };
	assert_int_equal(recorder_read(gateway, recorder, got, sizeof got), sizeof frame);
	assert_memory_equal(got, frame, sizeof frame);
	assert_int_equal(recorder_read(gateway, recorder, got, sizeof got), 0);
}

void page_upgrade(
	struct gateway *gateway, struct client *client, char *text, size_t size, const char *until)
{
	assert_true(client_open(gateway, client));
	client_send(gateway, client, UPGRADE(OURS), sizeof UPGRADE(OURS) - 1);
	client_read(gateway, client, text, size, until);
}

void page_prove(struct gateway *gateway, struct client *client)
{
	uint8_t proof[PROOF_LEN] = { VIEW_PROOF, 0, 0, 0, 84 };
	put64(proof + 8, 4711);
	put16(proof + 16, 120);
	put16(proof + 18, 40);
	memset(proof + 20, 's', 64);
	put64(proof + 84, PAGE_NUMBER);
	unsigned calls = gateway->calls;
	page_send(gateway, client, WEBSOCKET_BINARY, proof, sizeof proof);
	for (int quiet = 0; quiet < 60 && gateway->calls == calls; quiet++)
		gateway_turn(gateway);
	gateway_turn(gateway);
}

void page_attach(struct gateway *gateway, struct client *client)
{
	char text[4096];
	page_upgrade(gateway, client, text, sizeof text, CHALLENGE);
	page_prove(gateway, client);
	for (int quiet = 0; quiet < 60 && gateway_newest(gateway)->state != CONNECTION_RELAY;
		quiet++)
		gateway_turn(gateway);
	assert_true(gateway->recorder >= 0);
	assert_int_equal(gateway_newest(gateway)->state, CONNECTION_RELAY);
}
