/* SPDX-License-Identifier: Apache-2.0 */
#include "api/device_disable.c"

#include "fake.h"

static void credentials_are_suspended_and_stay_so(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct device_row device;
	struct credential_row credential;
	assert_int_equal(fake_call(&broker, &control_device_disable, "hostname", "db1", NULL), 0);
	assert_string_equal(broker.ended_because, "The device was deactivated");
	assert_int_equal(store_device_get(store, broker.fixture->device, &device), 0);
	assert_int_not_equal(device.disabled_at, 0);
	assert_int_equal(fake_call(&broker, &control_device_enable, "hostname", "db1", NULL), 0);
	assert_int_equal(store_device_get(store, broker.fixture->device, &device), 0);
	assert_int_equal(device.disabled_at, 0);
	assert_int_equal(store_credential_get(store, broker.fixture->credential, &credential), 0);
	assert_int_not_equal(credential.disabled_at, 0);
	store_credential_finish(&credential);
	assert_int_equal(fake_call(&broker, &control_device_disable, "hostname", "db9", NULL),
		-ERR_DEVICE_NOT_FOUND);
	assert_int_equal(fake_call(&broker, &control_device_enable, "hostname", "db9", NULL),
		-ERR_DEVICE_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = { API_CASE(credentials_are_suspended_and_stay_so) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
