/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "front/connection.h"

/*
 * Where a request goes. What the API's paths mean is the broker's to say: here only who handles
 * them is decided.
 *   /api/...  /iso/...        call.h
 *   /modulos/auth             GET, HEAD the page, whatever the query says; POST open.h
 *   /session/<id>             the page
 *   /session/<id>/attach      attach.h
 *   /healthz                  200
 *   /, files of the page
 */
void route_request(struct connection *connection, const struct http_request *request,
	const uint8_t *body, size_t body_len);
