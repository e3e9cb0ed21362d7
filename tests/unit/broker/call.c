/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <unistd.h>

static const struct field none[] = { {} };
static const struct endpoint thing = { .fields = none };

static void test_pool(void **state)
{
	struct house *house = *state;
	struct broker *broker = house->broker;
	static struct call *calls[CALLS_MAX];

	for (unsigned i = 0; i < CALLS_MAX; i++)
		assert_non_null(calls[i] = call_create(broker));
	assert_null(call_create(broker));
	for (unsigned i = 0; i < CALLS_MAX; i++)
		call_destroy(calls[i]);
	assert_int_equal(broker->calls.used, 0);
	assert_int_equal(broker->calls.free_count, CALLS_KEPT);
}

/* A used object carries nothing into its next call. */
static void test_clean(void **state)
{
	struct house *house = *state;
	struct call *call = call_create(house->broker);
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	call->endpoint = &thing;
	call->fds[0] = ends[0];
	call->principal.authorization_id = 5;
	call_header(call, "X", "y");
	call_object(call, "device:%s", "db1");
	call_detail(call, "words");
	json_text(call_json(call), "a", "b");
	json_text(call_audit(call), "a", "b");
	call_status(call, 418);
	call->tail = malloc(10);
	call_destroy(call);
	assert_int_equal(close(ends[0]), -1); /* was the call's */
	close(ends[1]);

	call = call_create(house->broker);
	assert_null(call->endpoint);
	assert_int_equal(call->principal.authorization_id, 0);
	assert_string_equal(call->header, "");
	assert_string_equal(call->object, "");
	assert_string_equal(call->detail, "");
	assert_int_equal(call->entity.len, 0);
	assert_int_equal(call->http, 0);
	assert_int_equal(call_fd_in(call), -1);
	assert_int_equal(call_fd_out(call), -1);
	assert_string_equal(call_segment(call, 0), "");
	assert_string_equal(call_segment(call, 99), "");
	call_destroy(call);
}

static void test_descriptors(void **state)
{
	struct house *house = *state;
	struct call *call = call_create(house->broker);

	call->fds[0] = dup(0);
	assert_int_equal(call_fd_in(call), call->fds[0]);
	assert_int_equal(call_fd_out(call), call->fds[0]);
	call->fds[1] = dup(0);
	assert_int_equal(call_fd_out(call), call->fds[1]);
	call_destroy(call);
}

/* Lines and sentences that do not fit are left out, not cut into something else. */
static void test_bounds(void **state)
{
	struct house *house = *state;
	struct call *call = call_create(house->broker);
	char text[600];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	call_header(call, "A", "b");
	call_header(call, "Long", text);
	call_header(call, "C", "d");
	assert_string_equal(call->header, "A: b\r\nC: d\r\n");
	call_detail(call, "%s", text);
	call_detail(call, "%s", text);
	assert_true(strlen(call->detail) < sizeof call->detail);
	call_object(call, "%s", text);
	assert_true(strlen(call->object) < sizeof call->object);
	call_destroy(call);
}

static void test_audit_also(void **state)
{
	struct house *house = *state;
	struct call *call = call_create(house->broker);

	text_copy(call->actor, sizeof call->actor, "administrator:0");
	assert_int_equal(turn_open(house->broker), 0);
	assert_int_equal(call_audit_also(call, "thing.moved", "thing:1", "because"), 0);
	turn_close(house->broker);
	struct audit_row row = house_audit(house, "thing.moved");
	assert_string_equal(row.actor, "administrator:0");
	assert_string_equal(row.detail, "{\"detail\":\"because\"}");
	call_destroy(call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_open, house_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pool),
		TEST(test_clean),
		TEST(test_descriptors),
		TEST(test_bounds),
		TEST(test_audit_also),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
