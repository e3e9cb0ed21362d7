/* SPDX-License-Identifier: Apache-2.0 */
#include "api/authorization_list.c"

#include "fake.h"

static void rights_are_listed_without_secrets(void **state)
{
	struct broker broker = fake_broker(state);
	assert_int_equal(store_authorization_cover(broker.fixture->store,
				 broker.fixture->authorization, broker.fixture->credential),
		0);
	assert_int_equal(fake_call(&broker, &control_authorization_list, NULL), 0);
	assert_string_equal(fake_at("0.application"), "portal");
	assert_string_equal(fake_at("0.client_id"), "c0ffee");
	assert_string_equal(fake_at("0.resources"), "web-proxy-session:rw");
	assert_string_equal(fake_at("0.ips"), "*");
	assert_string_equal(fake_at("0.expires_at"), "null");
	assert_string_equal(fake_at("0.credentials.0"), "root@DB1");
	assert_null(fake_at("0.client_secret"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(rights_are_listed_without_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
