/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/route.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "failing.h"

static int nothing(struct broker *broker, struct call *call)
{
	(void)broker;
	(void)call;
	return 0;
}
static const struct field none[] = { {} };

#define ENDPOINT(symbol, a_door, a_method, a_path)                                                 \
	static const struct endpoint symbol = { .door = a_door,                                    \
		.method = a_method,                                                                \
		.path = a_path,                                                                    \
		.need = NEED_READ,                                                                 \
		.fields = none,                                                                    \
		.answer = nothing }
ENDPOINT(thing_list, DOOR_API, "GET", "thing");
ENDPOINT(thing_any, DOOR_API, "GET", "thing/{}");
ENDPOINT(thing_drop, DOOR_API, "DELETE", "thing/{}");
ENDPOINT(thing_new, DOOR_API, "GET", "thing/new");
ENDPOINT(thing_part, DOOR_API, "GET", "thing/{}/part/{}");
ENDPOINT(inside, DOOR_CONTROL, "POST", "thing");
static const struct endpoint *const list[] = { &thing_any, &thing_drop, &thing_list, &thing_new,
	&thing_part, &inside, NULL };

static const struct endpoint *find(
	enum door door, const char *method, const char *path, int expected)
{
	static struct call call;
	struct routes *routes;

	memset(&call, 0, sizeof call);
	call.door = door;
	assert_int_equal(routes_create(list, &routes), 0);
	assert_int_equal(route_find(routes, &call, method, path), expected);
	if (expected == -ERR_METHOD_NOT_ALLOWED)
		assert_string_equal(call.allow, "GET, DELETE");
	if (call.endpoint == &thing_part) {
		assert_string_equal(call_segment(&call, 0), "7");
		assert_string_equal(call_segment(&call, 1), "Ab"); /* as it was sent */
		assert_string_equal(call_segment(&call, 2), "");
	}
	routes_destroy(routes);
	return call.endpoint;
}

static void test_found(void **state)
{
	(void)state;
	assert_ptr_equal(find(DOOR_API, "GET", "/api/pam/thing", 0), &thing_list);
	assert_ptr_equal(find(DOOR_API, "GET", "/api/thing", 0), &thing_list);
	assert_ptr_equal(find(DOOR_API, "GET", "/iso/thing", 0), &thing_list);
	assert_ptr_equal(find(DOOR_API, "GET", "/iso/pam/thing/5", 0), &thing_any);
	assert_ptr_equal(find(DOOR_API, "DELETE", "/iso/pam/thing/5", 0), &thing_drop);
	assert_ptr_equal(find(DOOR_API, "GET", "/api/thing/new", 0), &thing_new);
	assert_ptr_equal(find(DOOR_API, "GET", "/API/Thing/7/PART/Ab", 0), &thing_part);
	assert_ptr_equal(find(DOOR_CONTROL, "POST", "/control/thing", 0), &inside);
}

static void test_not_found(void **state)
{
	static const char *const paths[] = { "", "/", "/api", "/api/", "/api/pam", "/api/pam/",
		"/thing", "/api/pam/thing/", "/api/pam/thing//part/x", "/api/pam/thing/5/part",
		"/api/pam/thingy", "/api/pam/thin", "/api/pam/pam/thing", "/control/thing",
		"/api/control/thing", "api/thing" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(paths); i++)
		assert_null(find(DOOR_API, "GET", paths[i], -ERR_ROUTE_UNKNOWN));
	assert_null(find(DOOR_CONTROL, "GET", "/api/thing", -ERR_ROUTE_UNKNOWN));
	assert_null(find(DOOR_CONTROL, "POST", "/controlxthing", -ERR_ROUTE_UNKNOWN));
	assert_null(find(DOOR_CONTROL, "POST", "/control/xthing", -ERR_ROUTE_UNKNOWN));
	assert_null(find(DOOR_API, "PUT", "/api/thing/5", -ERR_METHOD_NOT_ALLOWED));
}

static void test_without_memory(void **state)
{
	FAILING(FAILING_MEMORY) {
		struct routes *routes = NULL;
		int r = routes_create(list, &routes);
		assert_int_equal(r, failing_struck() ? -ERR_SYSTEM : 0);
		routes_destroy(routes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
