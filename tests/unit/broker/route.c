/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/route.c"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

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
		.resource = RESOURCE_PAM_CORE,                                                     \
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

/* How a broker with this endpoint comes up: 0, or the signal it died of. */
static int start_with(const struct endpoint *endpoint)
{
	const struct endpoint *const rows[] = { endpoint, NULL };
	int status;
	pid_t child = fork();

	assert_int_not_equal(child, -1);
	if (child == 0) {
		struct routes *routes;
		close(STDERR_FILENO); /* what assert() says of it */
		signal(SIGABRT, SIG_DFL);
		_exit(routes_create(rows, &routes));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_no_start_without_a_need(void **state)
{
	struct endpoint whole = thing_list, none_needed = thing_list, no_resource = thing_list,
			open = thing_list, control = inside;

	(void)state;
	none_needed.need = 0;
	no_resource.resource = 0;
	open.need = NEED_NOBODY;
	open.resource = control.resource = 0;
	assert_int_equal(start_with(&whole), 0);
	assert_int_equal(start_with(&open), 0);
	assert_int_equal(start_with(&control), 0);
	assert_int_equal(start_with(&none_needed), SIGABRT);
	assert_int_equal(start_with(&no_resource), SIGABRT);
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
		cmocka_unit_test(test_no_start_without_a_need),
		cmocka_unit_test(test_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
