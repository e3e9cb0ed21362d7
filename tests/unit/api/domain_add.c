/* SPDX-License-Identifier: Apache-2.0 */
#include "api/domain_add.c"

#include "fake.h"

static void a_domain_is_there_once(void **state)
{
	struct broker broker = fake_broker(state);
	struct domain_row domain;
	assert_int_equal(fake_call(&broker, &control_domain_add, "name", "Corp.example", NULL), 0);
	assert_string_equal(fake_at("name"), "Corp.example");
	assert_string_equal(fake_object(), "domain:Corp.example");
	assert_int_equal(fake_call(&broker, &control_domain_add, "name", "CORP.example", NULL),
		-ERR_NAME_TAKEN);
	assert_int_equal(store_domain_find(broker.fixture->store, "corp.EXAMPLE", &domain), 0);
	assert_string_equal(domain.name, "Corp.example");
	assert_int_equal(fake_call(&broker, &control_domain_add, "name", "a b", NULL),
		-ERR_PARAMETER_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = { API_CASE(a_domain_is_there_once) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
