/* SPDX-License-Identifier: Apache-2.0 */
#include "front/static.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

const struct asset *asset_find(const char *name)
{
	for (unsigned i = 0; i < asset_count; i++)
		if (strcasecmp(assets[i].name, name) == 0)
			return &assets[i];
	return NULL;
}

/* "br", "br;q=0.5", "gzip, br;q=1" do; "br;q=0" does not; "*" is left alone. */
static bool element_is_brotli(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (end - at < 2 || strncasecmp(at, "br", 2) != 0)
		return false;
	at += 2;
	while (at < end && (*at == ' ' || *at == '\t' || *at == ';'))
		at++;
	if (at == end)
		return true;
	if (end - at < 3 || strncasecmp(at, "q=", 2) != 0)
		return false;
	for (at += 2; at < end; at++)
		if (*at >= '1' && *at <= '9')
			return true;
	return false;
}

bool accepts_brotli(const struct http_request *request)
{
	struct slice value;
	for (unsigned i = 0; http_field_next(request, HTTP_ACCEPT_ENCODING, &i, &value);) {
		const char *at = value.at, *end = at + value.len;
		while (at < end) {
			const char *comma = memchr(at, ',', (size_t)(end - at));
			const char *stop = comma ? comma : end;
			if (element_is_brotli(at, stop))
				return true;
			at = stop + 1;
		}
	}
	return false;
}

bool asset_unchanged(const struct http_request *request, const struct asset *asset)
{
	char weak[80] = "W/";
	if (text_copy(weak + 2, sizeof weak - 2, asset->etag) < 0)
		return false;
	return http_has_token(request, HTTP_IF_NONE_MATCH, asset->etag) ||
	       http_has_token(request, HTTP_IF_NONE_MATCH, weak);
}
