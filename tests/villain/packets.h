/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire/wire.h"

/*
 * What no process should be told: packets of every row of messages.def and of none, of wrong sizes,
 * directions and descriptors, and right ones with rubbish inside. The same seed says the same.
 */
#define PACKET_MOST (MESSAGE_MAX + 4096)

struct packets {
	uint64_t random;
	uint8_t bytes[PACKET_MOST];
	size_t len;
	int fds[8];
	unsigned fd_count;
};

void packets_seed(struct packets *packets, uint64_t seed);
uint64_t packets_draw(struct packets *packets, uint64_t below);
/* The next packet that `peer` says to `self`. True when wire_permit() lets it pass. */
bool packets_make(struct packets *packets, enum party peer, enum party self);
/* Sends it with its descriptors, which are gone then. False when the channel is closed. */
bool packets_say(struct packets *packets, int fd);
/* A message as it should be, with a descriptor or -1; waits for room. False when closed. */
bool packets_tell(int socket, enum msg_type type, const void *payload, int fd);
/* Takes one message off: 1, 0 when there is none, -1 when closed. Its descriptors are closed. */
int packets_hear(int socket, enum msg_type *ret_type);
