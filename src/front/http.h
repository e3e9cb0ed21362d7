/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/*
 * HTTP/1.1 requests (RFC 9112), read strictly: what is not exactly right is refused and never
 * repaired, because every repair is a chance for two readers to see two different requests.
 * Nothing is copied: slices point into the bytes that were given.
 */
struct slice {
	const char *at; /* not NUL-terminated; NULL when absent */
	uint32_t len;
};

/* Fields that mean something to us. HTTP_OTHER are read for their syntax alone. */
enum http_name {
	HTTP_OTHER,
	HTTP_ACCEPT_ENCODING,
	HTTP_AUTHORIZATION,
	HTTP_CONNECTION,
	HTTP_CONTENT_ENCODING,
	HTTP_CONTENT_LENGTH,
	HTTP_CONTENT_TYPE,
	HTTP_COOKIE,
	HTTP_EXPECT,
	HTTP_HOST,
	HTTP_IF_NONE_MATCH,
	HTTP_ORIGIN,
	HTTP_REFERER,
	HTTP_SEC_FETCH_SITE,
	HTTP_TRANSFER_ENCODING,
	HTTP_UPGRADE,
	HTTP_USER_AGENT,
	HTTP_WEBSOCKET_EXTENSIONS,
	HTTP_WEBSOCKET_KEY,
	HTTP_WEBSOCKET_PROTOCOL,
	HTTP_WEBSOCKET_VERSION,
	HTTP_X_FORWARDED_FOR,
	HTTP_NAME_COUNT
};

struct http_field {
	enum http_name name;
	struct slice value; /* without white space around it */
};

struct http_request {
	struct slice method;                 /* upper case letters, at most 7 */
	struct slice path;                   /* as sent, always starting with '/' */
	struct slice query;                  /* as sent, without '?'; at == NULL without one */
	struct slice known[HTTP_NAME_COUNT]; /* the first field of each name; at == NULL: absent */
	struct http_field fields[HTTP_FIELDS_MAX]; /* in order: for names that may come twice */
	unsigned field_count;
	uint32_t head_len;       /* bytes up to and with the empty line */
	uint32_t content_length; /* 0 without a body, or when it is chunked */
	uint8_t minor;           /* HTTP/1.minor */
	bool chunked;
	bool close; /* the client wants, or its version means, that we close afterwards */
	bool expects_continue;
};

/*
 * Reads one head at the beginning of bytes[len]. Returns its length, 0 when more bytes are needed,
 * -ERR_MALFORMED, -ERR_HEAD_TOO_LARGE, or -ERR_TOO_LARGE for a body we will not take.
 */
int http_parse(const void *bytes, size_t len, struct http_request *ret_request);

/* Decodes a chunked body (RFC 9112 section 7.1) in place. */
struct http_chunked {
	uint8_t phase;
	uint32_t left;     /* bytes of this chunk still to come */
	uint32_t body_len; /* decoded so far */
	uint16_t spent;    /* bytes of extensions and trailers: they have a ceiling as well */
};
/*
 * bytes[*len]: body_len decoded bytes, then bytes as received. Afterwards more are decoded and what
 * follows moved up behind them; *len shrinks. Returns 1 at the end of the body (anything behind
 * body_len belongs to the next request), 0 for more, -ERR_MALFORMED, -ERR_TOO_LARGE.
 */
int http_dechunk(struct http_chunked *chunked, uint8_t *bytes, size_t *len);

static inline bool slice_present(struct slice slice)
{
	return slice.at != NULL;
}
bool slice_is(struct slice slice, const char *text);         /* byte for byte */
bool slice_is_word(struct slice slice, const char *text);    /* without regard to letter case */
bool slice_has_token(struct slice slice, const char *token); /* in a comma-separated list */
/* Every field of that name: *index starts at 0. False at the end. */
bool http_field_next(const struct http_request *request, enum http_name name, unsigned *index,
	struct slice *ret_value);
/* Any field of that name holds that token. */
bool http_has_token(const struct http_request *request, enum http_name name, const char *token);
/* The value of one cookie; false when absent or there twice. */
bool http_cookie(const struct http_request *request, const char *name, struct slice *ret_value);
