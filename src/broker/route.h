/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "broker/call_inside.h"

/*
 * Which endpoint a path means. The table is compiled once from endpoints[]: there is no other way
 * in. Every documented spelling of the prefix means the same routes; the path arrives decoded,
 * lower case, without a trailing slash.
 */
struct routes;
int routes_create(const struct endpoint *const *list, struct routes **ret_routes);
void routes_destroy(struct routes *routes);
/*
 * Sets endpoint and segments of the call. -ERR_ROUTE_UNKNOWN; -ERR_METHOD_NOT_ALLOWED with
 * call->allow set ("DELETE, GET").
 */
int route_find(
	const struct routes *routes, struct call *call, const char *method, const char *path);
