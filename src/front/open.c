/* SPDX-License-Identifier: Apache-2.0 */
#include "front/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "front/answers.h"
#include "front/forwarded.h"
#include "front/front.h"
#include "front/websocket.h"
#include "wire/wire.h"

#define BODY_MAX 4096
#define SIDE_MAX 32767 /* columns, rows, pixels of a window */

static bool same_origin(const struct front *front, const struct http_request *request)
{
	struct slice site = request->known[HTTP_SEC_FETCH_SITE];
	return websocket_origin(request, front->origin) &&
	       (!site.at || slice_is(site, "same-origin"));
}

static bool name_is(const struct param *param, const char *name)
{
	return param->name_len == strlen(name) && memcmp(param->name, name, param->name_len) == 0;
}

static int read_key(struct msg_redeem *redeem, const struct param *param)
{
	uint8_t point[sizeof redeem->public_key + 2];
	int len = base64_decode(point, sizeof point, param->value, param->value_len);
	if (param->type != PARAM_TEXT || len != (int)sizeof redeem->public_key || point[0] != 0x04)
		return -ERR_PARAMETER_INVALID;
	memcpy(redeem->public_key, point, sizeof redeem->public_key);
	return 0;
}

static int read_side(uint16_t *ret_side, const struct param *param)
{
	char digits[8];
	if (param->type != PARAM_NUMBER ||
		text_copy_len(digits, sizeof digits, param->value, param->value_len) < 0)
		return -ERR_PARAMETER_INVALID;
	long value = strtol(digits, NULL, 10);
	if (value < 0 || value > SIDE_MAX)
		return -ERR_PARAMETER_INVALID;
	*ret_side = (uint16_t)value;
	return 0;
}

static int read_member(struct msg_redeem *redeem, const struct param *param)
{
	if (name_is(param, "sr"))
		return param->type == PARAM_TEXT &&
				       text_copy_len(redeem->value, sizeof redeem->value,
					       param->value, param->value_len) == 0
			       ? 0
			       : -ERR_TICKET_REFUSED;
	if (name_is(param, "key"))
		return read_key(redeem, param);
	if (name_is(param, "columns"))
		return read_side(&redeem->columns, param);
	if (name_is(param, "rows"))
		return read_side(&redeem->rows, param);
	if (name_is(param, "width"))
		return read_side(&redeem->width, param);
	if (name_is(param, "height"))
		return read_side(&redeem->height, param);
	return 0;
}

static int read_body(
	struct front *front, struct msg_redeem *redeem, const uint8_t *body, size_t len)
{
	struct param param;
	form_begin(&front->form);
	int r = form_json(&front->form, (const char *)body, len);
	const uint8_t *at = front->form.out.data, *end = at + front->form.out.len;
	while (r == 0 && (r = params_next(&at, end, &param)) == 1)
		r = read_member(redeem, &param);
	form_begin(&front->form);
	if (r == 0 && (!redeem->value[0] || redeem->public_key[0] != 0x04))
		r = -ERR_PARAMETER_MISSING;
	return r;
}

void open_session(struct connection *connection, const struct http_request *request,
	const uint8_t *body, size_t body_len)
{
	struct front *front = connection->front;
	struct slice agent = request->known[HTTP_USER_AGENT];
	struct msg_redeem redeem;
	memset(&redeem, 0, sizeof redeem);
	int r = 0;
	if (!same_origin(front, request))
		r = -ERR_ATTACH_REFUSED;
	else if (!slice_is_word(
			 media_type(request->known[HTTP_CONTENT_TYPE]), "application/json") ||
		 body_len == 0 || body_len > BODY_MAX || request->query.at)
		r = -ERR_MALFORMED;
	if (r == 0)
		r = read_body(front, &redeem, body, body_len);
	if (r < 0) {
		mem_wipe(&redeem, sizeof redeem);
		answer_refusal(connection, r, NULL);
		return;
	}
	redeem.peer =
		forwarded_client(request, &connection->peer, front->settings->api_trusted_proxies);
	front_trace(front, redeem.trace);
	if (agent.at && utf8_valid(agent.at, agent.len) &&
		text_copy_len(redeem.user_agent, sizeof redeem.user_agent, agent.at, agent.len) < 0)
		redeem.user_agent[0] = '\0';
	connection_ask(connection, MSG_TICKET_REDEEM, &redeem, NULL, 0);
	mem_wipe(&redeem, sizeof redeem);
}

static bool redeemed_valid(const struct msg_redeemed *redeemed)
{
	return TEXT_VALID(redeemed->session) && TEXT_VALID(redeemed->cookie) &&
	       strspn(redeemed->session, "0123456789abcdef") == SESSION_ID_SIZE - 1 &&
	       strspn(redeemed->cookie, "0123456789abcdef") == TOKEN_SIZE - 1 &&
	       TEXT_VALID(redeemed->user) && TEXT_VALID(redeemed->application) &&
	       TEXT_VALID(redeemed->target) && TEXT_VALID(redeemed->username) &&
	       TEXT_VALID(redeemed->protocol);
}

static int write_body(struct buf *out, const struct msg_redeemed *redeemed)
{
	struct json json = json_begin(out);
	json_open_object(&json, NULL);
	json_text(&json, "session", redeemed->session);
	json_text(&json, "user", redeemed->user);
	json_text(&json, "application", redeemed->application);
	json_text(&json, "device", redeemed->target);
	json_text(&json, "username", redeemed->username);
	json_text(&json, "protocol", redeemed->protocol);
	json_bool(&json, "click", redeemed->click);
	json_bool(&json, "recorded", redeemed->recorded);
	json_close_object(&json);
	return json_finish(&json);
}

void open_reply(struct connection *connection, const struct msg_redeemed *redeemed)
{
	CLEANUP(buf_finish) struct buf body = BUF(BODY_MAX);
	char cookie[192];
	struct head head = { .status = 200, .type = "application/json", .extra = cookie };
	if (redeemed->result < 0) {
		answer_refusal(connection, redeemed->result, NULL);
		return;
	}
	if (!redeemed_valid(redeemed) || write_body(&body, redeemed) < 0) {
		answer_refusal(connection, ERR_SYSTEM, NULL);
		return;
	}
	snprintf(cookie, sizeof cookie,
		"Set-Cookie: __Host-sallyport-%.16s=%s; Secure; HttpOnly; SameSite=Strict; "
		"Path=/\r\n",
		redeemed->session, redeemed->cookie);
	connection_answer(connection, &head, body.data, body.len);
	mem_wipe(cookie, sizeof cookie);
}
