/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/limits.h"

/* An IPv4 or IPv6 address. IPv4-mapped IPv6 is stored as IPv4, so one host has one form. */
struct address {
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
	uint8_t family;    /* 4, 6, or 0 for none */
};

int address_parse(struct address *ret_address, const char *text); /* -ERR_MALFORMED; no names */
const char *address_format(const struct address *address, char out[ADDRESS_SIZE]); /* "" for none */
bool address_equal(const struct address *a, const struct address *b);
int address_from_sockaddr(struct address *ret_address, const struct sockaddr *sockaddr);
socklen_t address_to_sockaddr(
	const struct address *address, uint16_t port, struct sockaddr_storage *ret_sockaddr);
/*
 * Never a target: unspecified, multicast, broadcast, link-local (metadata services live there).
 * Loopback and private ranges are targets if the administrator registered them.
 */
bool address_forbidden(const struct address *address);
/* list: addresses and networks (a.b.c.d/n) separated by blanks or commas; "*" is everything. */
bool address_listed(const struct address *address, const char *list);
bool address_list_valid(const char *list);
