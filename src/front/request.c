/* SPDX-License-Identifier: Apache-2.0 */
#include "front/request.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "front/front.h"
#include "front/relay.h"
#include "front/route.h"

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

void request_done(struct connection *connection)
{
	if (connection->state == CONNECTION_CLOSED)
		return;
	connection->streaming = connection->asks = false;
	relay_destroy(STEAL(connection->relay)); /* an upgrade that was not to be */
	if (connection->close_after) {
		connection->swallow |= connection->in.len > 0;
		connection_last(connection);
		return;
	}
	connection->state = CONNECTION_REQUEST;
	connection->deadline = clock_monotonic_ms() + (connection->front->stopping ? 0 : IDLE_MS);
}

/* The head, once: what the connection must remember of it until the body is there. */
static int begin(struct connection *connection, const struct http_request *request)
{
	bool has_body = request->chunked || request->content_length > 0;
	if (has_body && connection->front->held > HELD_MAX)
		return -ERR_FULL;
	connection->head_len = request->head_len;
	connection->body_len = request->content_length;
	connection->is_chunked = request->chunked;
	connection->chunked = (struct http_chunked){};
	connection->continued = !request->expects_continue;
	connection->deadline = clock_monotonic_ms() + BODY_MS;
	return 1;
}

/* Without a new line end, and below the ceilings, reading the head once more would find the same.
 */
static bool nothing_new(const uint8_t *bytes, size_t scanned, size_t len)
{
	if (scanned == 0 || len >= HTTP_HEAD_MAX || memchr(bytes + scanned, '\n', len - scanned))
		return false;
	return len <= HTTP_LINE_MAX || memchr(bytes, '\n', scanned);
}

/* 1 read, 0 more bytes are needed, negative refused. *fresh: front->request holds it already. */
static int read_head(struct connection *connection, const uint8_t *bytes, size_t len, bool *fresh)
{
	struct http_request *request = &connection->front->request;
	if (connection->head_len > 0)
		return 1;
	if (nothing_new(bytes, connection->scanned, len)) {
		connection->scanned = (uint32_t)len;
		return 0;
	}
	int r = http_parse(bytes, len, request);
	if (r < 0)
		return r;
	if (r == 0) {
		if (connection->scanned == 0)
			connection->deadline = clock_monotonic_ms() + HEAD_MS;
		connection->scanned = (uint32_t)len;
		return 0;
	}
	*fresh = true;
	return begin(connection, request);
}

/* The whole body behind the head? Chunks are decoded in place and *len shrinks. */
static int read_body(struct connection *connection, uint8_t *bytes, size_t *len)
{
	size_t head_len = connection->head_len;
	if (!connection->is_chunked)
		return *len >= head_len + connection->body_len;
	size_t rest = *len - head_len;
	int r = http_dechunk(&connection->chunked, bytes + head_len, &rest);
	if (r < 0)
		return r;
	*len = head_len + rest;
	connection->body_len = connection->chunked.body_len;
	return r;
}

static void handle(struct connection *connection, const struct http_request *request, uint8_t *body)
{
	connection->close_after |= request->close || connection->front->stopping;
	connection->head_only = slice_is(request->method, "HEAD");
	connection->old = request->minor == 0;
	route_request(connection, request, body, connection->body_len);
}

/*
 * One request at the beginning of bytes[*len]. Its length when it was handled, 0 when more bytes
 * are needed or the connection reads no more.
 */
static size_t take_one(struct connection *connection, uint8_t *bytes, size_t *len)
{
	struct http_request *request = &connection->front->request;
	bool fresh = false;
	int r = read_head(connection, bytes, *len, &fresh);
	if (r > 0)
		r = read_body(connection, bytes, len);
	if (r < 0) {
		connection_refuse(connection, r);
		return 0;
	}
	if (r == 0) {
		if (connection->head_len > 0 && !connection->continued) {
			connection->continued = true;
			connection_send(connection, continue_line, sizeof continue_line - 1);
		}
		return 0;
	}
	size_t used = connection->head_len + connection->body_len;
	if (!fresh)
		http_parse(bytes, *len, request);
	uint8_t *body = bytes + connection->head_len;
	connection->head_len = 0;
	connection->scanned = 0;
	handle(connection, request, body);
	return used;
}

/* As many as there are. Bytes used; *len shrinks when chunks were decoded. */
static size_t take_all(struct connection *connection, uint8_t *bytes, size_t *len)
{
	size_t used = 0;
	while (connection->state == CONNECTION_REQUEST && connection->out.len == 0 && used < *len) {
		size_t rest = *len - used;
		size_t one = take_one(connection, bytes + used, &rest);
		*len = used + rest;
		if (one == 0)
			break;
		used += one;
	}
	return used;
}

static void keep(struct connection *connection, const uint8_t *bytes, size_t len)
{
	bool reads =
		connection->state == CONNECTION_REQUEST || connection->state == CONNECTION_WAITING;
	if (reads && buf_append(&connection->in, bytes, len) < 0)
		connection_close(connection);
	if (connection->state == CONNECTION_LAST || connection->state == CONNECTION_LINGER)
		connection->swallow |= len > 0;
}

void request_take(struct connection *connection, uint8_t *bytes, size_t len)
{
	if (connection->in.len == 0 && connection->state == CONNECTION_REQUEST) {
		size_t used = take_all(connection, bytes, &len);
		keep(connection, bytes + used, len - used);
		return;
	}
	keep(connection, bytes, len);
	if (connection->state == CONNECTION_REQUEST)
		request_pump(connection);
}

void request_pump(struct connection *connection)
{
	struct buf *in = &connection->in;
	size_t len = in->len;
	/* The handler must not see `in` change under the request: it is taken out meanwhile. */
	struct buf held = *in;
	*in = BUF(CONNECTION_IN_MAX);
	size_t used = take_all(connection, held.data, &len);
	held.len = len;
	if (used > 0 || len == 0)
		buf_consume(&held, used);
	if (connection->state == CONNECTION_CLOSED || connection->state == CONNECTION_LAST ||
		connection->state == CONNECTION_LINGER)
		buf_finish(&held);
	else
		*in = held;
}
