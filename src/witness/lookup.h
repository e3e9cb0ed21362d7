/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Names are looked up once, before the walls, in a child that has given root away: what a resolver
 * does with an answer from the network is no business of a process that may still be root. The
 * child's answer is a fixed table.
 */
#define LOOKUP_ADDRESSES 4
#define LOOKUP_MS 10000

struct lookup {
	char host[256]; /* a name, or an address */
	uint16_t port;
	bool literal; /* it was an address: never looked up again */
	unsigned count;
	struct sockaddr_storage addresses[LOOKUP_ADDRESSES];
};

/*
 * where: SCHEME, then "host", "host:port", "[::1]:port"; what follows a slash is not looked at.
 * -ERR_MALFORMED when it does not begin with the scheme or names no host.
 */
int lookup_parse(const char *where, const char *scheme, uint16_t port, struct lookup *ret_lookup);
/* Fills the addresses; none when nothing was found in time. uid 0: nothing is given away. */
void lookup_resolve(struct lookup *lookup, unsigned uid);
