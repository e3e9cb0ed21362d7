/* SPDX-License-Identifier: Apache-2.0 */
#include "front/forwarded.h"

#include <string.h>

#include "base/mem.h"

#define HOP_MAX (ADDRESS_SIZE + 8) /* with brackets and a port */

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static int read_hop(const char *at, size_t len, struct address *ret_address)
{
	char text[ADDRESS_SIZE];
	if (len == 0 || len > HOP_MAX)
		return -1;
	const char *colon = memchr(at, ':', len);
	if (*at == '[') {
		const char *bracket = memchr(at, ']', len);
		if (!bracket)
			return -1;
		len = (size_t)(bracket - at - 1);
		at++;
	} else if (colon && !memchr(colon + 1, ':', (size_t)(at + len - colon - 1))) {
		len = (size_t)(colon - at);
	}
	if (text_copy_len(text, sizeof text, at, len) < 0)
		return -1;
	return address_parse(ret_address, text);
}

/* Walks one field from right to left. True when the search is over. */
static bool walk_field(struct slice value, const char *trusted, struct address *client)
{
	const char *end = value.at + value.len;
	while (end > value.at) {
		const char *comma = memrchr(value.at, ',', (size_t)(end - value.at));
		const char *at = comma ? comma + 1 : value.at, *stop = end;
		struct address hop;
		while (at < stop && (*at == ' ' || *at == '\t'))
			at++;
		while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		if (read_hop(at, (size_t)(stop - at), &hop) < 0)
			return true;
		*client = hop;
		if (!address_listed(&hop, trusted))
			return true;
		end = comma ? comma : value.at;
	}
	return false;
}

struct address forwarded_client(
	const struct http_request *request, const struct address *socket, const char *trusted)
{
	struct address client = *socket;
	if (!address_listed(socket, trusted))
		return client;
	for (unsigned i = request->field_count; i-- > 0;)
		if (request->fields[i].name == HTTP_X_FORWARDED_FOR &&
			walk_field(request->fields[i].value, trusted, &client))
			break;
	return client;
}
