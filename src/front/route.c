/* SPDX-License-Identifier: Apache-2.0 */
#include "front/route.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "front/attach.h"
#include "front/call.h"
#include "front/front.h"
#include "front/open.h"
#include "front/path.h"
#include "front/static.h"
#include "front/tls.h"

#define PATH_SIZE sizeof(((struct msg_api_call *)0)->path)

static bool reads_only(const struct http_request *request)
{
	return slice_is(request->method, "GET") || slice_is(request->method, "HEAD");
}

static void refuse_method(struct connection *connection, const char *allow)
{
	connection_error(connection, ERR_METHOD_NOT_ALLOWED, allow);
}

static void answer_text(struct connection *connection, const char *text)
{
	struct head head = { .status = 200, .type = "text/plain; charset=utf-8" };
	connection_answer(connection, &head, text, strlen(text));
}

static void answer_asset(struct connection *connection, const struct http_request *request,
	const struct asset *asset, bool page)
{
	char lines[192];
	bool brotli = asset->brotli && accepts_brotli(request);
	struct head head = {
		.status = 200, .type = asset->type, .cache = asset->cache, .extra = lines
	};
	if (page)
		head.policy = asset_policy;
	snprintf(lines, sizeof lines, "ETag: %s\r\nVary: Accept-Encoding\r\n%s", asset->etag,
		brotli ? "Content-Encoding: br\r\n" : "");
	if (!page && asset_unchanged(request, asset)) {
		head.status = 304;
		head.type = NULL;
		connection_answer(connection, &head, NULL, 0);
		return;
	}
	const uint8_t *bytes = brotli ? asset->brotli : asset->raw;
	const uint8_t *end = brotli ? asset->brotli_end : asset->raw_end;
	connection_answer(connection, &head, bytes, (size_t)(end - bytes));
}

static void answer_page(struct connection *connection, const struct http_request *request)
{
	const struct asset *page = asset_find("index.html");
	tls_offer_ticket(connection->tls);
	if (page)
		answer_asset(connection, request, page, true);
	else
		connection_error(connection, ERR_ROUTE_UNKNOWN, NULL);
}

static void route_file(
	struct connection *connection, const struct http_request *request, const char *path)
{
	const struct asset *asset = asset_find(path + 1);
	if (strcmp(path, "/") != 0 && strcmp(path, "/healthz") != 0 &&
		(!asset || strcmp(asset->name, "index.html") == 0))
		connection_error(connection, ERR_ROUTE_UNKNOWN, NULL);
	else if (!reads_only(request))
		refuse_method(connection, "Allow: GET, HEAD\r\n");
	else if (asset)
		answer_asset(connection, request, asset, false);
	else
		answer_text(connection,
			path[1] ? "ok\n" : "This is Sallyport. Sessions open by their link.\n");
}

static void route_page(struct connection *connection, const struct http_request *request)
{
	if (reads_only(request))
		answer_page(connection, request);
	else
		refuse_method(connection, "Allow: GET, HEAD\r\n");
}

static void route_opening(struct connection *connection, const struct http_request *request,
	const uint8_t *body, size_t body_len)
{
	if (reads_only(request))
		answer_page(connection, request);
	else if (slice_is(request->method, "POST"))
		open_session(connection, request, body, body_len);
	else
		refuse_method(connection, "Allow: GET, HEAD, POST\r\n");
}

void route_request(struct connection *connection, const struct http_request *request,
	const uint8_t *body, size_t body_len)
{
	char path[PATH_SIZE], session[SESSION_ID_SIZE];
	int r = path_canonical(path, sizeof path, request->path.at, request->path.len);
	if (r == -ERR_TOO_LARGE)
		connection_error(
			connection, ERR_ROUTE_UNKNOWN, NULL); /* no path of ours is that long */
	else if (r < 0)
		connection_refuse(connection, r);
	else if (strncmp(path, "/api/", 5) == 0 || strncmp(path, "/iso/", 5) == 0)
		call_begin(connection, request, body, body_len);
	else if (strcmp(path, "/modulos/auth") == 0)
		route_opening(connection, request, body, body_len);
	else if (path_session(path, "", session))
		route_page(connection, request);
	else if (path_session(path, "/attach", session))
		attach_begin(connection, request, session);
	else
		route_file(connection, request, path);
}
