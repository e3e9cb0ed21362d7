/* SPDX-License-Identifier: Apache-2.0 */
#include "front/call.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/mem.h"
#include "front/answers.h"
#include "front/forwarded.h"
#include "front/front.h"
#include "front/path.h"
#include "front/question.h"
#include "front/tls.h"
#include "wire/wire.h"

#define COPY(field, slice)                                                                         \
	text_copy_len(field, sizeof(field), (slice).at ? (slice).at : "", (slice).len)

/* Only OAuth 1.0 asks for them; two hashes a call are not free. */
static bool wants_hashes(struct slice authorization)
{
	return !authorization.at || authorization.len < 6 ||
	       strncasecmp(authorization.at, "Bearer", 6) != 0;
}

static int hash_body(struct msg_api_call *call, const uint8_t *body, size_t len)
{
	unsigned size;
	if (EVP_Digest(body, len, call->body_hash_sha1, &size, EVP_sha1(), NULL) != 1 ||
		EVP_Digest(body, len, call->body_hash_sha256, &size, EVP_sha256(), NULL) != 1)
		return -ERR_CRYPTO;
	return 0;
}

/* For people who read the audit: as much of it as fits, and nothing that is not UTF-8. */
static void copy_user_agent(struct msg_api_call *call, struct slice agent)
{
	size_t len = MIN((size_t)agent.len, sizeof call->user_agent - 1);
	while (len > 0 && len < agent.len && (agent.at[len] & 0xc0) == 0x80)
		len--;
	if (!agent.at || !utf8_valid(agent.at, len) ||
		text_copy_len(call->user_agent, sizeof call->user_agent, agent.at, len) < 0)
		call->user_agent[0] = '\0';
}

static bool utf8_slice(struct slice slice)
{
	return !slice.at || utf8_valid(slice.at, slice.len);
}

static int fill_fields(struct msg_api_call *call, const struct http_request *request)
{
	const struct slice *known = request->known;
	if (!utf8_slice(known[HTTP_AUTHORIZATION]) || !utf8_slice(known[HTTP_REFERER]))
		return -ERR_MALFORMED;
	if (COPY(call->authorization, known[HTTP_AUTHORIZATION]) < 0 ||
		COPY(call->referer, known[HTTP_REFERER]) < 0 ||
		COPY(call->host, known[HTTP_HOST]) < 0)
		return -ERR_HEAD_TOO_LARGE;
	for (char *p = call->host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	copy_user_agent(call, known[HTTP_USER_AGENT]);
	return 0;
}

static int fill(struct connection *connection, const struct http_request *request)
{
	struct front *front = connection->front;
	struct msg_api_call *call = &front->call;
	memset(call, 0, sizeof *call);
	int r = fill_fields(call, request);
	if (r < 0)
		return r;
	if (COPY(call->method, request->method) < 0 || COPY(call->raw_path, request->path) < 0 ||
		path_decoded(call->path, sizeof call->path, request->path.at, request->path.len) <
			0)
		return -ERR_ROUTE_UNKNOWN;
	text_copy(call->scheme, sizeof call->scheme, "https");
	call->peer =
		forwarded_client(request, &connection->peer, front->settings->api_trusted_proxies);
	tls_certificate(connection->tls, call->certificate);
	front_trace(front, call->trace);
	return 0;
}

static int read_parameters(
	struct front *front, const struct http_request *request, const uint8_t *body, size_t len)
{
	bool is_signed = false;
	form_begin(&front->form);
	int r = 0;
	if (request->query.at)
		r = form_urlencoded(
			&front->form, PLACE_QUERY, request->query.at, request->query.len);
	if (r == 0)
		r = form_body(&front->form, request->known[HTTP_CONTENT_TYPE], (const char *)body,
			len, &is_signed);
	front->call.body_is_form = is_signed;
	return r;
}

void call_begin(struct connection *connection, const struct http_request *request,
	const uint8_t *body, size_t body_len)
{
	struct front *front = connection->front;
	int r = fill(connection, request);
	if (r == 0)
		r = read_parameters(front, request, body, body_len);
	if (r == 0 && wants_hashes(request->known[HTTP_AUTHORIZATION]))
		r = hash_body(&front->call, body, body_len);
	if (r < 0)
		connection_error(connection, r, NULL);
	else
		connection_ask(connection, MSG_API_CALL, &front->call, front->form.out.data,
			front->form.out.len);
	form_begin(&front->form);
}

static bool reply_valid(const struct msg_api_reply *reply)
{
	if (reply->status < 200 || reply->status > 599 || !TEXT_VALID(reply->content_type) ||
		!TEXT_VALID(reply->header) || !header_lines_valid(reply->header))
		return false;
	for (const char *p = reply->content_type; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return false;
	return true;
}

bool call_reply(struct connection *connection, const struct msg_api_reply *reply,
	const uint8_t *tail, size_t tail_len)
{
	if (reply->more > REPLY_BROKEN || (!connection->streaming && !reply_valid(reply)))
		return false;
	struct head head = { .status = reply->status,
		.type = reply->content_type[0] ? reply->content_type : NULL,
		.extra = reply->header };
	if (reply->more == REPLY_BROKEN) { /* cut off, so that nobody takes it for the whole */
		connection_forget(connection);
		connection_close(connection);
		return true;
	}
	if (!reply->more)
		connection_forget(connection);
	if (!reply->more && !connection->streaming) {
		connection_answer(connection, &head, tail, tail_len);
		return true;
	}
	if (!connection->streaming)
		answer_begin(connection, &head);
	connection->asks = reply->more == REPLY_ASKS;
	if (connection->asks)
		connection->deadline = 0; /* the client's time to take it has one of its own */
	answer_part(connection, tail, tail_len);
	if (!reply->more)
		answer_end(connection);
	else if (connection->asks && connection->serial != 0 && connection->out.len == 0)
		question_more(connection);
	return true;
}
