/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"

/*
 * POST /modulos/auth: the page spends its URL. Same origin only; the body is JSON:
 *   {"sr":"..","key":"base64 of the 65 bytes of a P-256
 * point","columns":80,"rows":24,"width":..,"height":..} The answer is 200 with what the person is
 * about to see and the session's cookie, or a refusal.
 */
void open_session(struct connection *connection, const struct http_request *request,
	const uint8_t *body, size_t body_len);
void open_reply(struct connection *connection, const struct msg_redeemed *redeemed);
