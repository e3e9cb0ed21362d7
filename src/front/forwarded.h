/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/address.h"
#include "front/http.h"

/*
 * Who sent the request: the other end of the socket; or, when that is one of the `trusted` proxies
 * (setting api.trusted_proxies), the right-most hop of X-Forwarded-For that is none of them. A hop
 * that cannot be read ends the search: what stands left of it was written by nobody we trust.
 */
struct address forwarded_client(
	const struct http_request *request, const struct address *socket, const char *trusted);
