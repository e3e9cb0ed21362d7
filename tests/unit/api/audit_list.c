/* SPDX-License-Identifier: Apache-2.0 */
#include "api/audit_list.c"

#include "fake.h"

static void add(struct store *store, int64_t sequence)
{
	struct audit_row row = { .sequence = sequence,
		.at = NOW,
		.event = "call.refused",
		.actor = "administrator:0",
		.object = "user:ana",
		.result = sequence % 2 ? 0 : -ERR_NAME_TAKEN,
		.detail = "{\"why\":\"x\"}" };
	assert_int_equal(store_audit_add(store, &row), 0);
}

static int64_t first(void)
{
	return fake_number("0.sequence");
}

static void pages(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(fake_call(&broker, &control_audit_list, NULL), 0);
	assert_int_equal(fake_count(), 0);
	for (int64_t i = 1; i <= LIMIT_MOST + 5; i++)
		add(broker.fixture->store, i);
	assert_int_equal(fake_call(&broker, &control_audit_list, NULL), 0);
	assert_int_equal(fake_count(), LIMIT_MOST);
	assert_int_equal(first(), 6); /* the newest page */
	assert_int_equal(
		fake_call(&broker, &control_audit_list, "after", "0", "limit", "2", NULL), 0);
	assert_int_equal(fake_count(), 2);
	assert_int_equal(first(), 1);
	assert_string_equal(fake_at("1.result"), "NAME_TAKEN");
	assert_string_equal(fake_at("1.detail.why"), "x");
	assert_string_equal(fake_at("0.result"), "ok");
	assert_int_equal(strlen(fake_at("1.hash")), 64);
	assert_int_equal(fake_call(&broker, &control_audit_list, "limit", "3", NULL), 0);
	assert_int_equal(first(), LIMIT_MOST + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
