/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"

/* One call of the API: syntax was checked, its parameters become API_CALL, the reply the answer. */
void call_begin(struct connection *connection, const struct http_request *request,
	const uint8_t *body, size_t body_len);
/* False when the broker's words cannot be passed on. */
bool call_reply(struct connection *connection, const struct msg_api_reply *reply,
	const uint8_t *tail, size_t tail_len);
