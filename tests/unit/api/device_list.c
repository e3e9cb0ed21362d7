/* SPDX-License-Identifier: Apache-2.0 */
#include "api/device_list.c"

#include "fake.h"

static void devices_show_what_they_speak_and_their_key(void **state)
{
	struct broker broker = fake_broker(state);
	struct store *store = broker.fixture->store;
	struct pin_row pin = { .device_id = broker.fixture->device,
		.protocol = "ssh",
		.algorithm = "ssh-ed25519",
		.pinned_at = NOW };
	assert_int_equal(fake_call(&broker, &control_device_list, NULL), 0);
	assert_string_equal(fake_at("0.host_key"), "null");
	assert_int_equal(store_connectivity_add(store, broker.fixture->device, "rdp", 3389), 0);
	assert_int_equal(store_pin_replace(store, &pin), 0);
	assert_int_equal(fake_call(&broker, &control_device_list, NULL), 0);
	assert_string_equal(fake_at("0.hostname"), "DB1");
	assert_string_equal(fake_at("0.connectivity"), "SSH:22,RDP:3389");
	assert_string_equal(fake_at("0.host_key"),
		"ssh-ed25519 SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		API_CASE(devices_show_what_they_speak_and_their_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
