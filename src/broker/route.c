/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/route.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/mem.h"

#define ROUTES_MAX 128
#define METHODS_MAX 8

/* One path of one door, with what answers under each method. */
struct route {
	const char *path;
	enum door door;
	const struct endpoint *methods[METHODS_MAX];
	unsigned method_count;
	char allow[64];
};
struct routes {
	unsigned count;
	struct route rows[ROUTES_MAX];
};

static struct route *route_for(struct routes *routes, const struct endpoint *endpoint)
{
	for (unsigned i = 0; i < routes->count; i++) {
		struct route *route = &routes->rows[i];
		if (route->door == endpoint->door && strcmp(route->path, endpoint->path) == 0)
			return route;
	}
	assert(routes->count < ROUTES_MAX);
	struct route *route = &routes->rows[routes->count++];
	route->path = endpoint->path;
	route->door = endpoint->door;
	return route;
}

static void route_add(struct route *route, const struct endpoint *endpoint)
{
	size_t used = strlen(route->allow);

	/* An endpoint that does not say what it needs, or says it twice, is a programming error. */
	assert(endpoint->need != 0 && endpoint->answer != NULL && endpoint->fields != NULL);
	/* Who comes from the network needs a right that has a name. */
	assert(endpoint->door == DOOR_CONTROL || endpoint->need == NEED_NOBODY ||
		endpoint->resource != 0);
	assert(route->method_count < METHODS_MAX);
	for (unsigned i = 0; i < route->method_count; i++)
		assert(strcmp(route->methods[i]->method, endpoint->method) != 0);
	route->methods[route->method_count++] = endpoint;
	snprintf(route->allow + used, sizeof route->allow - used, "%s%s", used > 0 ? ", " : "",
		endpoint->method);
}

int routes_create(const struct endpoint *const *list, struct routes **ret_routes)
{
	struct routes *routes = calloc(1, sizeof *routes);

	if (routes == NULL)
		return -ERR_SYSTEM;
	/* Paths without a variable first: a literal segment is never taken for an id. */
	for (unsigned i = 0; list[i] != NULL; i++)
		if (strchr(list[i]->path, '{') == NULL)
			route_add(route_for(routes, list[i]), list[i]);
	for (unsigned i = 0; list[i] != NULL; i++)
		if (strchr(list[i]->path, '{') != NULL)
			route_add(route_for(routes, list[i]), list[i]);
	*ret_routes = routes;
	return 0;
}

void routes_destroy(struct routes *routes)
{
	free(routes);
}

/* Longest first: "/api/pam" is not a resource named "pam" below "/api". */
static const char *path_inside(enum door door, const char *path)
{
	static const char *const prefixes[] = { "/api/pam/", "/iso/pam/", "/api/", "/iso/" };
	static const char control[] = "/control/";

	if (door == DOOR_CONTROL)
		return strncmp(path, control, sizeof control - 1) == 0 ? path + sizeof control - 1
								       : NULL;
	for (unsigned i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		if (strncasecmp(path, prefixes[i], len) == 0)
			return path + len;
	}
	return NULL;
}

/*
 * Matches pattern, which is in lower case, against path, whose letter case does not matter; where
 * "{}" stands, marks start and length of the segment, which stays as it was sent.
 */
static bool path_matches(const char *pattern, const char *path, const char *starts[CALL_SEGMENTS],
	size_t lens[CALL_SEGMENTS], unsigned *ret_count)
{
	unsigned count = 0;

	while (*pattern != 0) {
		if (pattern[0] == '{') {
			size_t len = strcspn(path, "/");
			if (len == 0)
				return false;
			assert(count < CALL_SEGMENTS);
			starts[count] = path;
			lens[count++] = len;
			pattern += 2;
			path += len;
		} else if (*pattern++ != tolower((unsigned char)*path++)) {
			return false;
		}
	}
	*ret_count = count;
	return *path == 0;
}

static void segments_keep(
	struct call *call, const char *const *starts, const size_t *lens, unsigned count)
{
	char *at = call->segment_text;

	for (unsigned i = 0; i < count; i++) {
		memcpy(at, starts[i], lens[i]);
		at[lens[i]] = 0;
		call->segments[i] = at;
		at += lens[i] + 1;
	}
}

int route_find(const struct routes *routes, struct call *call, const char *method, const char *path)
{
	const char *inside = path_inside(call->door, path);
	const char *starts[CALL_SEGMENTS];
	size_t lens[CALL_SEGMENTS];
	unsigned count;

	for (unsigned i = 0; inside != NULL && i < routes->count; i++) {
		const struct route *route = &routes->rows[i];
		if (route->door != call->door ||
			!path_matches(route->path, inside, starts, lens, &count))
			continue;
		for (unsigned m = 0; m < route->method_count; m++) {
			if (strcmp(route->methods[m]->method, method) != 0)
				continue;
			call->endpoint = route->methods[m];
			segments_keep(call, starts, lens, count);
			return 0;
		}
		call->allow = route->allow;
		return -ERR_METHOD_NOT_ALLOWED;
	}
	return -ERR_ROUTE_UNKNOWN;
}
