/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void from_ipv6(struct address *ret_address, const uint8_t bytes[16])
{
	*ret_address = (struct address){ .family = 6 };
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		ret_address->family = 4;
		memcpy(ret_address->bytes, bytes + 12, 4);
		return;
	}
	memcpy(ret_address->bytes, bytes, 16);
}

int address_parse(struct address *ret_address, const char *text)
{
	uint8_t bytes[16] = { 0 };

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*ret_address = (struct address){ .family = 4 };
		memcpy(ret_address->bytes, bytes, 4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return -ERR_MALFORMED;
	from_ipv6(ret_address, bytes);
	return 0;
}

const char *address_format(const struct address *address, char out[ADDRESS_SIZE])
{
	int family = address->family == 4 ? AF_INET : AF_INET6;

	out[0] = '\0';
	if (address->family == 4 || address->family == 6)
		inet_ntop(family, address->bytes, out, ADDRESS_SIZE);
	return out;
}

static unsigned byte_count(const struct address *address)
{
	return address->family == 4 ? 4 : address->family == 6 ? 16 : 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, byte_count(a)) == 0;
}

int address_from_sockaddr(struct address *ret_address, const struct sockaddr *sockaddr)
{
	if (sockaddr->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sockaddr, sizeof(in));
		*ret_address = (struct address){ .family = 4 };
		memcpy(ret_address->bytes, &in.sin_addr, 4);
		return 0;
	}
	if (sockaddr->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sockaddr, sizeof(in6));
		from_ipv6(ret_address, in6.sin6_addr.s6_addr);
		return 0;
	}
	return -ERR_MALFORMED;
}

socklen_t address_to_sockaddr(
	const struct address *address, uint16_t port, struct sockaddr_storage *ret_sockaddr)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memset(ret_sockaddr, 0, sizeof(*ret_sockaddr));
	if (address->family == 4) {
		memcpy(&in.sin_addr, address->bytes, 4);
		memcpy(ret_sockaddr, &in, sizeof(in));
		return sizeof(in);
	}
	if (address->family == 6) {
		memcpy(&in6.sin6_addr, address->bytes, 16);
		memcpy(ret_sockaddr, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

static bool within(const struct address *address, const struct address *network, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (address->family != network->family)
		return false;
	assert(bits <= 8 * byte_count(address)); /* parse_item() saw to it */
	if (memcmp(address->bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 || ((address->bytes[whole] ^ network->bytes[whole]) & mask) == 0;
}

/*
 * The last rows are ranges that carry an IPv4 address inside an IPv6 one: a router or the kernel
 * could turn them into one of the rows above, so they are no targets either.
 */
static const char forbidden[] = "0.0.0.0/8 169.254.0.0/16 224.0.0.0/4 255.255.255.255 "
				":: fe80::/10 ff00::/8 "
				"::/96 64:ff9b::/96 64:ff9b:1::/48 2002::/16";

bool address_forbidden(const struct address *address)
{
	static const struct address loopback = { .bytes = { [15] = 1 }, .family = 6 };

	if (address->family == 0)
		return true;
	return !address_equal(address, &loopback) && address_listed(address, forbidden);
}

/* 0 to 128, without a leading zero; -1 when it is no such number. */
static int parse_bits(const char *text)
{
	int bits = 0;
	size_t len = strlen(text);

	if (len < 1 || len > 3 || (len > 1 && text[0] == '0'))
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		bits = bits * 10 + (*text - '0');
	}
	return bits;
}

/* One item of a list: an address, or a network. IPv4-mapped networks count in IPv4 bits. */
static int parse_item(char *item, struct address *ret_network, unsigned *ret_bits)
{
	char *slash = strchr(item, '/');
	unsigned most, written;
	int bits;

	if (slash != NULL)
		*slash++ = '\0';
	if (address_parse(ret_network, item) < 0)
		return -ERR_MALFORMED;
	most = 8 * byte_count(ret_network);
	*ret_bits = most;
	if (slash == NULL)
		return 0;
	written = strchr(item, ':') != NULL ? 128 : 32;
	bits = parse_bits(slash);
	if (bits < 0 || (unsigned)bits > written || (unsigned)bits < written - most)
		return -ERR_MALFORMED;
	*ret_bits = (unsigned)bits - (written - most);
	return 0;
}

struct list_item {
	bool everything;
	struct address network;
	unsigned bits;
};

/* 1 and an item, 0 at the end, -ERR_MALFORMED. Moves *list on. */
static int next_item(const char **list, struct list_item *ret_item)
{
	static const char separators[] = " \t,";
	char text[ADDRESS_SIZE + 4];
	size_t len;

	*list += strspn(*list, separators);
	len = strcspn(*list, separators);
	if (len == 0)
		return 0;
	if (text_copy_len(text, sizeof(text), *list, len) < 0)
		return -ERR_MALFORMED;
	*list += len;
	ret_item->everything = strcmp(text, "*") == 0;
	if (!ret_item->everything && parse_item(text, &ret_item->network, &ret_item->bits) < 0)
		return -ERR_MALFORMED;
	return 1;
}

bool address_listed(const struct address *address, const char *list)
{
	struct list_item item;

	/* A list with a mistake in it lists nothing past the mistake: never more than was meant. */
	while (next_item(&list, &item) > 0) {
		if (item.everything || within(address, &item.network, item.bits))
			return true;
	}
	return false;
}

bool address_list_valid(const char *list)
{
	struct list_item item;
	int r;

	while ((r = next_item(&list, &item)) > 0)
		continue;
	return r == 0;
}
