/* SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_list.c"

#include "fake.h"

static void domains_are_listed_in_their_order(void **state)
{
	struct broker broker = fake_broker(state);
	int64_t id;
	assert_int_equal(fake_call(&broker, &control_domain_list, NULL), 0);
	assert_int_equal(fake_count(), 0);
	assert_int_equal(store_domain_add(broker.fixture->store, "b", NOW, &id), 0);
	assert_int_equal(store_domain_add(broker.fixture->store, "a", NOW, &id), 0);
	assert_int_equal(fake_call(&broker, &control_domain_list, NULL), 0);
	assert_string_equal(fake_at("0.name"), "b");
	assert_string_equal(fake_at("1.name"), "a");
	assert_int_equal(fake_call(&broker, &control_domain_list, "offset", "1", NULL), 0);
	assert_int_equal(fake_count(), 1);
	assert_string_equal(fake_at("0.id"), "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = { API_CASE(domains_are_listed_in_their_order) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
